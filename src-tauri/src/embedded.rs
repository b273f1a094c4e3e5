//! The job server inside the app: a task in this process, on loopback, with a token of its own
//! that is new at each start.

use std::{sync::Mutex, sync::PoisonError, time::Duration};

use anyhow::Context;
use longhaul_client::{Notice, Server};
use longhaul_protocol::Token;
use longhaul_server::{Config, Running};
use url::Url;
use uuid::Uuid;

use crate::options::Places;

/// Who closes a window waits for no job: what runs is given back, and goes on at the next start.
const DRAIN: Duration = Duration::from_millis(300);

/// The server, until it is stopped.
#[derive(Debug)]
pub(crate) struct Embedded {
    running: Mutex<Option<Running>>,
    /// What had to be done to open its queue.
    pub(crate) notice: Option<Notice>,
}

impl Embedded {
    /// Starts it; answers also how to reach it.
    ///
    /// # Errors
    /// When its folder is in use or cannot be used, or loopback cannot be listened on.
    pub(crate) async fn start(places: &Places) -> anyhow::Result<(Self, Server)> {
        // 244 random bits from the system's generator.
        let token = Token::new(format!(
            "{}{}",
            Uuid::new_v4().simple(),
            Uuid::new_v4().simple()
        ));
        let mut config = Config::embedded(
            places.data.join("server"),
            Some(places.library.clone()),
            token.clone(),
        );
        config.drain = DRAIN;
        let running = longhaul_server::start(config)
            .await
            .context("the server inside did not start")?;
        let base_url = Url::parse(&format!("http://{}/", running.listen))?;
        let notice = running.recovery.as_ref().map(|recovery| Notice {
            code: "server_recovered".to_owned(),
            message: recovery.message.clone(),
        });
        let server = Server {
            base_url,
            token: Some(token),
        };
        Ok((
            Self {
                running: Mutex::new(Some(running)),
                notice,
            },
            server,
        ))
    }

    /// Stops it; a second call finds it stopped.
    pub(crate) async fn stop(&self) {
        let running = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(running) = running {
            running.shutdown().await;
        }
    }
}
