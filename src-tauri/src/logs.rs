//! Where the story of a run is told: a file in the data folder, and standard error.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Mutex,
};

use anyhow::Context;
use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::options::Places;

const NAME: &str = "longhaul.log";
/// A log that would grow beyond this is put aside, over the one put aside before.
const MAX_LOG: u64 = 8 << 20;
/// More than a hundred lines take.
const END: u64 = 128 << 10;
/// Unless `LONGHAUL_LOG` says otherwise.
const USUAL: &str = "info,zbus=warn,tracing=warn";

/// Begins the log. Call once.
///
/// # Errors
/// When the file cannot be opened.
pub(crate) fn begin(places: &Places) -> anyhow::Result<()> {
    let file = Bounded::open(places.data.join(NAME), MAX_LOG)
        .with_context(|| format!("the log in {}", places.data.display()))?;
    let filter =
        || EnvFilter::try_from_env("LONGHAUL_LOG").unwrap_or_else(|_| EnvFilter::new(USUAL));
    tracing_subscriber::registry()
        .with(
            fmt::layer()
                .with_ansi(false)
                .with_writer(Mutex::new(file))
                .with_filter(filter()),
        )
        .with(
            fmt::layer()
                .with_writer(std::io::stderr)
                .with_filter(filter()),
        )
        .try_init()
        .context("the log is already there")
}

/// A sentence for whoever started the program, also where there is no log yet.
pub(crate) fn say(sentence: &str) {
    let _ = writeln!(std::io::stderr(), "{sentence}");
}

/// The last lines of the log; nothing where there is none.
pub(crate) async fn end(places: &Places) -> String {
    let path = places.data.join(NAME);
    let read = tokio::task::spawn_blocking(move || last_of(&path));
    read.await.unwrap_or_default()
}

fn last_of(path: &Path) -> String {
    const LINES: usize = 100;
    // The last line may have been the one that the log was put aside for.
    let both = [older(path), path.to_owned()].map(|path| tail(&path).unwrap_or_default());
    let lines: Vec<_> = both.iter().flat_map(|text| text.lines()).collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

/// Whole lines at the end of a file.
fn tail(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let from = file.metadata()?.len().saturating_sub(END);
    file.seek(SeekFrom::Start(from))?;
    let mut text = Vec::new();
    file.take(END).read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    let whole = match from {
        0 => Some(&*text),
        _ => text.split_once('\n').map(|(_cut, whole)| whole),
    };
    Ok(whole.unwrap_or_default().to_owned())
}

fn older(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    name.into()
}

/// A file that is put aside before it grows too long.
#[derive(Debug)]
struct Bounded {
    path: PathBuf,
    file: File,
    length: u64,
    most: u64,
}

impl Bounded {
    fn open(path: PathBuf, most: u64) -> io::Result<Self> {
        let file = appended(&path)?;
        let length = file.metadata()?.len();
        Ok(Self {
            path,
            file,
            length,
            most,
        })
    }

    fn put_aside(&mut self) -> io::Result<()> {
        match fs::rename(&self.path, older(&self.path)) {
            Ok(()) => self.file = appended(&self.path)?,
            // Rather no old lines than a disk full of them.
            Err(_) => self.file.set_len(0)?,
        }
        self.length = 0;
        Ok(())
    }
}

impl Write for Bounded {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let more = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if self.length > 0 && self.length.saturating_add(more) > self.most {
            self.put_aside()?;
        }
        let written = self.file.write(line)?;
        self.length += u64::try_from(written).unwrap_or(u64::MAX);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn appended(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(from: u32, to: u32) -> String {
        (from..to)
            .map(|number| format!("line {number:03}\n"))
            .collect()
    }

    #[test]
    fn a_log_that_grows_too_long_is_put_aside_and_one_older_one_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(NAME);
        // Ten lines of nine bytes, and not eleven.
        let mut log = Bounded::open(path.clone(), 95).expect("opens");
        for number in 0..25 {
            log.write_all(lines(number, number + 1).as_bytes())
                .expect("written");
        }
        let text = |path: &Path| fs::read_to_string(path).expect("reads");
        assert_eq!(text(&older(&path)), lines(10, 20));
        assert_eq!(text(&path), lines(20, 25));
        assert_eq!(last_of(&path).lines().count(), 15);
        drop(log);
        // A later run goes on where this one stopped.
        let mut log = Bounded::open(path.clone(), 95).expect("opens");
        log.write_all(lines(25, 31).as_bytes()).expect("written");
        assert_eq!(text(&older(&path)), lines(20, 25));
        assert_eq!(text(&path), lines(25, 31));
        assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 2);
    }

    #[test]
    fn a_log_that_cannot_be_put_aside_begins_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(NAME);
        fs::create_dir(older(&path)).expect("made");
        let mut log = Bounded::open(path.clone(), 95).expect("opens");
        for number in 0..12 {
            log.write_all(lines(number, number + 1).as_bytes())
                .expect("written");
        }
        assert_eq!(fs::read_to_string(&path).expect("reads"), lines(10, 12));
    }

    #[test]
    fn the_end_is_a_hundred_whole_lines() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(NAME);
        assert_eq!(last_of(&path), "");
        fs::write(&path, "é".repeat(200_000) + "\n" + &lines(0, 99)).expect("written");
        assert_eq!(last_of(&path), lines(0, 99).trim_end());
        fs::write(&path, lines(0, 300)).expect("written");
        assert_eq!(last_of(&path), lines(200, 300).trim_end());
    }
}
