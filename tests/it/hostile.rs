//! Clients that hold connections and send nothing, slowly, or too much; and honest ones beside them.
//!
//! LONGHAUL_HOSTILE says how many; `make test-hostile` says 2,000.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use longhaul_tests::{
    content::incompressible,
    server::{Place, Server},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
};

const CONNECTIONS: usize = 400;
const POLLS: usize = 200;
/// The bar for the median poll while the others hold their connections.
const BAR: Duration = Duration::from_millis(50);
/// Heads are waited for for 10 s.
const HEAD_WAIT: Duration = Duration::from_secs(10);

fn hostile() -> usize {
    let text = std::env::var("LONGHAUL_HOSTILE").ok();
    text.map_or(CONNECTIONS, |text| text.parse().expect("a number"))
}

fn address(server: &Server) -> SocketAddr {
    let port = server.url.port().expect("a port");
    (Ipv4Addr::LOCALHOST, port).into()
}

/// A connection from another address of the loopback network.
async fn connect_from(server: &Server, last: u8) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::new(127, 0, 0, last), 0).into())?;
    socket.connect(address(server)).await
}

/// The times of polls that are made one after the other, in order.
async fn polls(server: &Server, check: &str) -> Vec<Duration> {
    let mut times = Vec::new();
    for _ in 0..POLLS {
        let begun = Instant::now();
        server.job(check).await;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_heads_are_cut_and_polls_stay_quick_meanwhile() {
    let count = hostile();
    rlimit::increase_nofile_limit(8192).expect("descriptors");
    let place = Place::new();
    incompressible(&place.library().join("a.bin"), 10, 1);
    let server = place.serve(&[]);
    let job = server.initiate(server.file_id("a.bin").await).await;
    server.completed(&job.check_url).await;
    let mut slow = JoinSet::new();
    let mut open = Vec::new();
    for n in 0..count {
        // Many addresses: no limit for each of them helps here.
        let last = u8::try_from(2 + n % 250).expect("an address");
        let mut stream = connect_from(&server, last).await.expect("connected");
        stream
            .write_all(b"GET /v1/jobs HTTP/1.1\r\nHost: a\r\n")
            .await
            .expect("sent");
        open.push(stream);
    }
    let opened = Instant::now();
    for stream in open {
        slow.spawn(async move {
            let (mut read, mut write) = stream.into_split();
            let mut answer = Vec::new();
            let dripping = async {
                // A line each second: never a whole head.
                while write.write_all(b"X-A: b\r\n").await.is_ok() {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            };
            tokio::select! {
                _ = read.read_to_end(&mut answer) => {}
                () = dripping => {}
            }
        });
    }
    let times = polls(&server, &job.check_url).await;
    let during = opened.elapsed();
    let (median, p99) = (times[POLLS / 2], times[POLLS * 99 / 100]);
    eprintln!("{count} slow heads: poll median {median:.1?}, p99 {p99:.1?}");
    assert!(during < HEAD_WAIT, "the polls were made meanwhile");
    assert!(median < BAR, "median {median:?}, p99 {p99:?}");
    while slow.join_next().await.is_some() {}
    let held = opened.elapsed();
    assert!(held < HEAD_WAIT * 3, "all were cut: {held:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_from_one_address_leaves_room_for_the_others() {
    let place = Place::new();
    let limits = [
        "--max-connections",
        "200",
        "--max-connections-per-address",
        "20",
    ];
    let server = place.serve(&limits);
    let mut flood = Vec::new();
    for _ in 0..300 {
        flood.push(connect_from(&server, 9).await.expect("connected"));
    }
    let begun = Instant::now();
    let healthy = server.http().get(server.at("/healthz")).send().await;
    assert_eq!(healthy.expect("an answer").status(), 200);
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    let mut cut = 0;
    for mut stream in flood {
        let mut byte = [0];
        let read = tokio::time::timeout(Duration::from_millis(50), stream.read(&mut byte));
        // Closed, or reset.
        if matches!(read.await, Ok(Ok(0) | Err(_))) {
            cut += 1;
        }
        if cut >= 250 {
            break;
        }
    }
    assert!(cut >= 250, "only {cut} were closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_may_have_all_connections() {
    let place = Place::new();
    let server = place.serve(&[
        "--max-connections-per-address",
        "2",
        "--trusted-proxy",
        "127.0.0.9/32",
    ]);
    let mut open = Vec::new();
    for _ in 0..20 {
        open.push(connect_from(&server, 9).await.expect("connected"));
    }
    let host = format!("Host: {}\r\n", address(&server));
    for stream in &mut open {
        let ask = format!("GET /healthz HTTP/1.1\r\n{host}\r\n");
        stream.write_all(ask.as_bytes()).await.expect("sent");
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 200");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_body_is_cut() {
    let place = Place::new();
    let server = place.serve(&[]);
    let mut stream = TcpStream::connect(address(&server))
        .await
        .expect("connected");
    let head = format!(
        "POST /v1/jobs/download HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Content-Length: 1000\r\n\r\n{{",
        address(&server)
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    let begun = Instant::now();
    let (mut read, mut write) = stream.into_split();
    let mut answer = Vec::new();
    let dripping = async {
        while write.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        end = read.read_to_end(&mut answer) => drop(end),
        () = dripping => {}
    }
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(40), "cut after {took:?}");
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_large_is_refused() {
    let place = Place::new();
    let server = place.serve(&[]);
    let large = "x".repeat(200 << 10);
    let ask = server
        .http()
        .get(server.at("/healthz"))
        .header("x-large", large);
    let answer = ask.send().await.expect("an answer");
    assert_eq!(answer.status(), 431);
    let healthy = server.http().get(server.at("/healthz")).send().await;
    assert_eq!(healthy.expect("an answer").status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_connection_that_says_nothing_is_closed() {
    let place = Place::new();
    let server = place.serve(&[]);
    let mut stream = TcpStream::connect(address(&server))
        .await
        .expect("connected");
    let ask = format!(
        "GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n",
        address(&server)
    );
    stream.write_all(ask.as_bytes()).await.expect("sent");
    let begun = Instant::now();
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(HEAD_WAIT * 3, stream.read_to_end(&mut answer)).await;
    ended.expect("closed").expect("read");
    assert!(answer.starts_with(b"HTTP/1.1 200"));
    assert!(begun.elapsed() > HEAD_WAIT / 2, "not at once");
}
