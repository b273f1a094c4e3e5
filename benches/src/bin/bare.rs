//! The ceiling: a bare axum handler that answers a constant of as many bytes as it is told.
//!
//! Usage: `bench-bare BYTES`; prints `{"listen": PORT}`.

use std::io::Write;

use anyhow::Context;
use axum::{
    Router,
    extract::Path,
    http::header::CONTENT_TYPE,
    routing::{get, post},
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let bytes: usize = std::env::args()
        .nth(1)
        .context("usage: bench-bare BYTES")?
        .parse()?;
    let body: &'static str =
        format!("{{\"is\":\"{}\"}}", "a".repeat(bytes.saturating_sub(9))).leak();
    let json = move || async move { ([(CONTENT_TYPE, "application/json")], body) };
    let app = Router::new()
        .route("/v1/jobs/{id}", get(move |_: Path<String>| json()))
        .route("/v1/jobs/download", post(move |_: String| json()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let line = serde_json::json!({ "listen": listener.local_addr()?.port() });
    writeln!(std::io::stdout(), "{line}")?;
    axum::serve(listener, app).await?;
    Ok(())
}
