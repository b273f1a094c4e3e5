//! Serves a store in the folder named first and prints its address; the crash tests kill it.
use std::path::PathBuf;

use longhaul_store::{Credentials, Options, Store};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let root = PathBuf::from(
        arguments
            .next()
            .ok_or("usage: serve FOLDER ACCESS_KEY SECRET_KEY")?,
    );
    let mut word = || {
        arguments
            .next()
            .and_then(|word| word.into_string().ok())
            .ok_or("usage: serve FOLDER ACCESS_KEY SECRET_KEY")
    };
    let credentials = Credentials {
        access_key: word()?,
        secret_key: word()?,
    };
    let store = Store::open(
        &root,
        Options {
            credentials,
            region: "us-east-1".into(),
        },
    )
    .await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    use std::io::Write;
    writeln!(std::io::stdout(), "http://{}", listener.local_addr()?)?;
    store
        .serve(listener, tokio_util::sync::CancellationToken::new())
        .await?;
    Ok(())
}
