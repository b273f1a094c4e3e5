//! A client that asks for much and takes nothing does not hold its connection.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::Response;
use http_body::Frame;
use http_body_util::StreamBody;
use longhaul_serve::{Limits, serve};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

const DEADLINE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn an_answer_that_nobody_takes_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let limits = Limits {
        write_wait: Duration::from_millis(200),
        ..Limits::default()
    };
    // Cancelled when the endless answer is dropped.
    let given_up = CancellationToken::new();
    let told = given_up.clone();
    let answer = move |_, _| {
        let guard = told.clone().drop_guard();
        let endless = stream::repeat(Bytes::from(vec![0; 1 << 16])).map(move |bytes| {
            let _held = &guard;
            Ok::<_, Infallible>(Frame::data(bytes))
        });
        async move { Ok::<_, Infallible>(Response::new(StreamBody::new(endless))) }
    };
    let stop = CancellationToken::new();
    let mut serving = JoinSet::new();
    serving.spawn(serve(listener, limits, answer, stop.clone()));
    let mut client = TcpStream::connect(address).await.expect("connected");
    let ask = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    client.write_all(ask).await.expect("sent");
    tokio::time::timeout(DEADLINE, given_up.cancelled())
        .await
        .expect("the connection is given up");
    stop.cancel();
    let ended = serving.join_next().await.expect("it ran");
    ended.expect("joined").expect("served");
}
