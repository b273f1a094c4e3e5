//! What a program prints is the file: run without a shell, in a process group of its own, of which
//! nothing is left when the attempt is over, whatever ended it.

mod group;
mod words;

use std::{fmt, path::PathBuf, process::ExitStatus, process::Stdio, sync::Arc};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, ChildStdout, Command},
    sync::mpsc,
};

use self::{group::Group, words::Words};
use super::{CHUNK, CHUNKS, Production, SourceError, Tether, Work};

/// What a program finds in `PATH` where its entry lets no other through.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// What to run.
#[derive(Clone)]
pub(crate) struct CommandRecipe {
    /// The program and its arguments, as they are: no shell reads them.
    pub argv: Vec<String>,
    /// Where it runs.
    pub cwd: PathBuf,
    /// All of its environment, but for a plain `PATH`.
    pub env: Vec<(String, String)>,
}

/// The values are secrets as often as not.
impl fmt::Debug for CommandRecipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.env.iter().map(|(name, _)| name).collect();
        f.debug_struct("CommandRecipe")
            .field("program", &self.argv.first())
            .field("cwd", &self.cwd)
            .field("env", &names)
            .finish_non_exhaustive()
    }
}

pub(super) fn start(recipe: CommandRecipe, tether: &Tether) -> Result<Production, SourceError> {
    let [program, arguments @ ..] = &recipe.argv[..] else {
        return Err(failed("names no program", false));
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(&recipe.cwd)
        .env_clear()
        .env("PATH", PATH)
        .envs(recipe.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let child = command
        .spawn()
        .map_err(|error| failed(format!("cannot be started: {error}"), false))?;
    let group = Group::led_by(&child);
    let (sender, chunks) = mpsc::channel(CHUNKS);
    tether.spawn(run(child, group, recipe, sender, tether.clone()));
    Ok(Production {
        size: None,
        print: None,
        chunks,
    })
}

/// Sees the program through to its end, or puts an end to it. The channel is closed only after it
/// is known how the program ended: the bytes of one that failed never count as whole.
async fn run(
    mut child: Child,
    group: Group,
    recipe: CommandRecipe,
    chunks: mpsc::Sender<Result<Bytes, SourceError>>,
    tether: Tether,
) {
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return;
    };
    let secrets = recipe.env.into_iter().map(|(_, value)| value).collect();
    let mut words = Words::new(secrets);
    let ended = {
        let end = async {
            let status = child.wait().await;
            // Whoever it left behind would hold its output open for ever.
            group.kill();
            status
        };
        let all = async {
            tokio::join!(
                end,
                print(stdout, &chunks, &tether.work),
                listen(stderr, &mut words, &tether.work)
            )
        };
        tokio::select! {
            (status, printed, ()) = all => Some((status, printed)),
            () = tether.stop.cancelled() => None,
            () = chunks.closed() => None,
        }
    };
    let Some((status, printed)) = ended else {
        group.end(&mut child).await;
        return;
    };
    let error = match (status, printed) {
        (Ok(status), Ok(())) if status.success() => return,
        (Ok(status), Ok(())) => {
            let (what, retryable) = verdict(status);
            SourceError::Command {
                what,
                said: words.last(),
                retryable,
            }
        }
        (Err(error), _) | (_, Err(error)) => failed(format!("was lost: {error}"), true),
    };
    let _ = chunks.send(Err(error)).await;
}

/// Passes on what the program prints, until it prints no more or nobody listens.
async fn print(
    mut stdout: ChildStdout,
    chunks: &mpsc::Sender<Result<Bytes, SourceError>>,
    work: &Arc<Work>,
) -> std::io::Result<()> {
    let mut buffer = BytesMut::with_capacity(CHUNK);
    loop {
        let n = stdout.read_buf(&mut buffer).await?;
        work.advance(n);
        // A pipe gives 64 KiB at most: whole chunks spare the upload small change.
        if n == 0 || buffer.len() >= CHUNK / 2 {
            let chunk = std::mem::replace(&mut buffer, BytesMut::with_capacity(CHUNK));
            if !chunk.is_empty() && chunks.send(Ok(chunk.freeze())).await.is_err() {
                return Ok(());
            }
        }
        if n == 0 {
            return Ok(());
        }
    }
}

async fn listen(mut stderr: impl AsyncRead + Unpin, words: &mut Words, work: &Arc<Work>) {
    let mut buffer = [0; 4096];
    // What it says is not what it makes: a standard error that cannot be read ends nothing.
    while let Ok(n @ 1..) = stderr.read(&mut buffer).await {
        words.hear(&buffer[..n], |percent| work.tell(percent));
    }
    words.hear(b"\n", |percent| work.tell(percent));
}

fn failed(what: impl Into<String>, retryable: bool) -> SourceError {
    SourceError::Command {
        what: what.into(),
        said: String::new(),
        retryable,
    }
}

/// How it ended, and whether running it again can help. What sysexits.h and the shells call a
/// mistake in what was asked stays one: wrong usage, wrong data, no input, no user, no host, no
/// file, no permission, wrong configuration, not a program.
fn verdict(status: ExitStatus) -> (String, bool) {
    if let Some(code) = status.code() {
        let permanent = matches!(code, 64..=68 | 72 | 77 | 78 | 126 | 127);
        return (format!("exited with status {code}"), !permanent);
    }
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return (format!("was ended by signal {signal}"), true);
    }
    ("ended without a status".into(), true)
}

#[cfg(all(test, unix))]
#[path = "tests.rs"]
mod tests;
