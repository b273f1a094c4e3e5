//! `longhaul-server`: the job server by itself.

use std::{io::Write, process::ExitCode};

use clap::Parser;
use longhaul_server::{Options, StartError, start};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// s3s logs whole requests, signed queries included: it stays silent whatever RUST_LOG says.
const SILENT: [&str; 2] = ["s3s=off", "hyper=off"];

fn main() -> ExitCode {
    let options = Options::parse();
    log_to_stderr();
    let print_ready = options.print_ready;
    let config = match options.resolve() {
        Ok(config) => config,
        Err(error) => return bad_configuration(&error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the runtime could not start");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(async {
        let running = match start(config).await {
            Ok(running) => running,
            Err(StartError::Config(error)) => return bad_configuration(&error),
            Err(error) => {
                tracing::error!("{error}");
                return ExitCode::FAILURE;
            }
        };
        if print_ready {
            let line = serde_json::json!({ "listen": running.listen, "s3": running.s3 });
            let mut out = std::io::stdout().lock();
            // A reader that went away does not stop the server.
            let _ = writeln!(out, "{line}").and_then(|()| out.flush());
        }
        asked_to_stop().await;
        running.shutdown().await;
        ExitCode::SUCCESS
    })
}

fn bad_configuration(error: &dyn std::error::Error) -> ExitCode {
    tracing::error!("the configuration cannot be used: {error}");
    ExitCode::from(2)
}

fn log_to_stderr() {
    let mut filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    for directive in SILENT {
        if let Ok(directive) = directive.parse() {
            filter = filter.add_directive(directive);
        }
    }
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}

async fn asked_to_stop() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        tracing::error!("signals cannot be received");
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
