//! A catalogue's file for a server under test, and looks at processes that its commands start.

use std::{fs, path::Path, time::Instant};

use crate::server::{DEADLINE, LOOK, Place};

impl Place {
    /// Writes entries, each the lines below its name; their ids count from 1. Answers the options
    /// that offer them.
    ///
    /// # Panics
    /// Where the disk refuses.
    pub fn catalogue(&self, entries: &[&str]) -> [String; 2] {
        let text: String = (1..)
            .zip(entries)
            .map(|(id, lines)| format!("[[file]]\nid = {id}\nname = \"{id}.bin\"\n{lines}\n"))
            .collect();
        let file = self.path("catalog.toml");
        fs::write(&file, text).expect("written");
        let file = file.to_str().expect("unicode").to_owned();
        ["--catalog".into(), file]
    }
}

/// Looks until there is an answer, or fails after a deadline.
///
/// # Panics
/// Where it never comes.
pub fn observe<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(begun.elapsed() < DEADLINE, "never seen: {what}");
        std::thread::sleep(LOOK);
    }
}

/// The process id that a command wrote into a file.
pub fn pid_in(file: &Path) -> u32 {
    observe("a process id", || {
        fs::read_to_string(file).ok()?.trim().parse().ok()
    })
}

/// Whether a process runs; one that has ended and that nobody has asked for its end does not.
#[must_use]
pub fn runs(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}
