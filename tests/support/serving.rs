//! Servers of the tests' own.

use axum::Router;
use tokio::{net::TcpListener, task::JoinSet};

/// Serves at a free port of that host for as long as the task is held; the address as
/// `http://HOST:PORT`.
pub(crate) async fn serve(host: &str, router: Router) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind((host, 0)).await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let mut task = JoinSet::new();
    task.spawn(async move { axum::serve(listener, router).await.expect("serves") });
    (url, task)
}
