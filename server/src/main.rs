//! `longhaul-server`: the job server by itself.

use std::{io::Write, process::ExitCode};

use clap::Parser;
use longhaul_server::{Command, Config, LogFormat, Options, StartError, check, start};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// A request makes and frees some dozens of small pieces. glibc's allocator took a quarter of the
/// CPU of a status poll, and this one about a third of that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// s3s logs whole requests, signed queries included: it stays silent whatever RUST_LOG says.
const SILENT: [&str; 2] = ["s3s=off", "hyper=off"];
/// As many descriptors as are asked for at most.
const DESCRIPTORS: u64 = 65_536;

fn main() -> ExitCode {
    let options = Options::parse();
    let print_ready = options.print_ready;
    let command = options.command;
    let config = match options.resolve() {
        Ok(config) => config,
        Err(error) if command == Some(Command::Check) => {
            say(&format_args!("failed  {error}"));
            return ExitCode::from(2);
        }
        Err(error) => {
            log_to_stderr(LogFormat::Text);
            return bad_configuration(&error);
        }
    };
    if command.is_none() {
        log_to_stderr(config.log_format);
        // A connection is a descriptor: the soft limit is often 1,024. What is refused is left as it is.
        let _ = rlimit::increase_nofile_limit(DESCRIPTORS);
    }
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
        if command == Some(Command::Check) {
            return checked(&config).await;
        }
        let running = match start(config).await {
            Ok(running) => running,
            Err(StartError::Config(error)) => return bad_configuration(&error),
            Err(error) => {
                tracing::error!("{error}");
                return ExitCode::FAILURE;
            }
        };
        if print_ready {
            say(&serde_json::json!({ "listen": running.listen, "s3": running.s3 }));
        }
        asked_to_stop().await;
        running.shutdown().await;
        ExitCode::SUCCESS
    })
}

/// A line on standard output. A reader that went away does not stop the server.
fn say(line: &dyn std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

async fn checked(config: &Config) -> ExitCode {
    let findings = check(config).await;
    for finding in &findings {
        say(finding);
    }
    if findings.iter().all(|finding| finding.outcome.is_ok()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn bad_configuration(error: &dyn std::error::Error) -> ExitCode {
    tracing::error!("the configuration cannot be used: {error}");
    ExitCode::from(2)
}

fn log_to_stderr(format: LogFormat) {
    let mut filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    for directive in SILENT {
        if let Ok(directive) = directive.parse() {
            filter = filter.add_directive(directive);
        }
    }
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
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
