//! `longhaul`: the whole job from a terminal.

mod args;
mod files;
mod get;
mod outcome;
mod place;
mod pull;
mod rows;
mod show;
mod slot;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use args::{Cli, Command};
use outcome::{Outcome, Stop};
use place::Place;

/// The system's allocator gives large buffers back at once, and pays for each with page faults.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let json = cli.common.json;
    log_to_stderr(cli.common.verbose);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            show::complain(json, &format!("the program could not start: {error}"));
            return Outcome::Failed.into();
        }
    };
    match runtime.block_on(run(cli)) {
        Ok(outcome) => outcome.into(),
        Err(Stop { outcome, message }) => {
            show::complain(json, &message);
            outcome.into()
        }
    }
}

async fn run(cli: Cli) -> Result<Outcome, Stop> {
    let common = cli.common;
    let place = || Place::of(&common);
    match cli.command {
        Command::Files(files) => files::show(&place()?, &files).await,
        Command::Get(get) => Box::pin(get::get(&place()?, get)).await,
        // The one command that needs neither server nor list.
        // A task like its pulls: the main thread would have to be woken for every file.
        Command::Pull(pull) => match tokio::spawn(pull::pull(*pull, common.json)).await {
            Ok(outcome) => outcome,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        },
        Command::Add(add) => rows::add(&place()?, add).await,
        Command::List => rows::list(&place()?).await,
        Command::Watch(pulls) => Box::pin(get::watch(&place()?, &pulls)).await,
        Command::Pause(which) => rows::act(&place()?, longhaul_client::Action::Pause, &which).await,
        Command::Resume(which) => {
            rows::act(&place()?, longhaul_client::Action::Resume, &which).await
        }
        Command::Cancel(which) => {
            rows::act(&place()?, longhaul_client::Action::Cancel, &which).await
        }
        Command::Retry(which) => rows::act(&place()?, longhaul_client::Action::Retry, &which).await,
        Command::Remove(remove) => rows::remove(&place()?, &remove).await,
    }
}

/// Nothing unless asked for: bars and sentences are for people, RUST_LOG and -v for the curious.
fn log_to_stderr(verbose: u8) {
    let filter = match verbose {
        0 => EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("off")),
        1 => EnvFilter::new("warn,longhaul=info,longhaul_client=info,longhaul_transfer=info"),
        _ => EnvFilter::new("info,longhaul=debug,longhaul_client=debug,longhaul_transfer=debug"),
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}
