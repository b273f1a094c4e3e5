//! `longhaul-server check`: everything that a start needs is tried, and nothing is left behind.

use std::{fs::File, path::Path};

use crate::{
    app,
    artifact::Artifacts,
    catalogue::Catalogue,
    config::{Config, QueueKind, StoreKind},
    metrics::Metrics,
    readiness::takes_a_file,
};

/// What was tried, by the option that says it.
#[derive(Debug)]
pub struct Finding {
    /// The option's name.
    pub key: &'static str,
    /// What was found, or why it cannot be used.
    pub outcome: Result<String, String>,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.outcome {
            Ok(found) => write!(f, "ok      {}: {found}", self.key),
            Err(why) => write!(f, "failed  {}: {why}", self.key),
        }
    }
}

/// Tries all that a start with this configuration needs.
pub async fn check(config: &Config) -> Vec<Finding> {
    let mut findings = vec![
        Finding {
            key: "listen",
            outcome: free(config.listen).await,
        },
        offered(config),
        who(config),
    ];
    let folder = data_dir(&config.data_dir).await;
    let usable = folder.is_ok();
    findings.push(Finding {
        key: "data-dir",
        outcome: folder,
    });
    if usable {
        findings.push(Finding {
            key: "queue",
            outcome: queue(config).await,
        });
    }
    findings.push(store(config).await);
    findings
}

async fn free(address: std::net::SocketAddr) -> Result<String, String> {
    match tokio::net::TcpListener::bind(address).await {
        Ok(_) => Ok(format!("{address} is free")),
        Err(error) => Err(format!("{address} cannot be listened on: {error}")),
    }
}

fn offered(config: &Config) -> Finding {
    let opened = Catalogue::open(config.library.clone(), config.catalog.clone(), &|name| {
        std::env::var(name).ok()
    });
    let outcome = match (&config.library, &config.catalog) {
        (None, None) => Ok("no library and no catalogue: nothing is offered".to_owned()),
        (library, catalog) => opened.map_err(|error| error.to_string()).map(|_| {
            let paths: Vec<_> = library.iter().chain(catalog).collect();
            let paths: Vec<_> = paths
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            format!("{} can be read", paths.join(" and "))
        }),
    };
    Finding {
        key: if config.catalog.is_some() {
            "catalog"
        } else {
            "library"
        },
        outcome,
    }
}

fn who(config: &Config) -> Finding {
    let outcome = if config.tokens.is_empty() {
        "none: whoever reaches this machine's loopback may ask"
    } else {
        "asked for"
    };
    Finding {
        key: "tokens",
        outcome: Ok(outcome.to_owned()),
    }
}

async fn data_dir(folder: &Path) -> Result<String, String> {
    tokio::fs::create_dir_all(folder)
        .await
        .map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    let tried = folder.to_owned();
    let written = tokio::task::spawn_blocking(move || takes_a_file(&tried)).await;
    match written {
        Ok(Ok(())) => Ok(format!("{} can be written to", folder.display())),
        Ok(Err(error)) => Err(format!("{} takes no file: {error}", folder.display())),
        Err(error) => Err(error.to_string()),
    }
}

async fn queue(config: &Config) -> Result<String, String> {
    if config.queue == QueueKind::Memory {
        return Ok("in memory: lost with the process".to_owned());
    }
    let folder = config.data_dir.join("queue");
    let lock = folder.join("lock");
    if !lock.exists() {
        return Ok(format!("{} will be made", folder.display()));
    }
    // Its lock alone: opening it would already repair what is damaged.
    let tried = tokio::task::spawn_blocking(move || {
        let file = File::open(lock)?;
        file.try_lock().map_err(std::io::Error::from)
    });
    match tried.await.map_err(|error| error.to_string())? {
        Ok(()) => Ok(format!("{} is free", folder.display())),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Err(format!(
            "{} is in use by a server that runs",
            folder.display()
        )),
        Err(error) => Err(format!("{}: {error}", folder.display())),
    }
}

async fn store(config: &Config) -> Finding {
    let StoreKind::External(external) = &config.store else {
        return Finding {
            key: "s3-endpoint",
            outcome: Ok("the embedded store, below the data folder".to_owned()),
        };
    };
    let connection = app::elsewhere(config, external);
    let tried = async {
        let metrics = std::sync::Arc::new(Metrics::default());
        let artifacts = Artifacts::connect(connection, metrics).await?;
        artifacts.probe().await
    };
    Finding {
        key: "s3-bucket",
        outcome: match tried.await {
            Ok(()) => Ok(format!(
                "{} can be reached, written to, read and deleted from",
                external.bucket
            )),
            Err(error) => Err(error.to_string()),
        },
    }
}
