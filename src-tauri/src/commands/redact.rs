//! Takes out of a log whose it is: names, addresses, paths. What may be one goes too: better a report
//! with a word less than a name in public.

use std::{
    net::{IpAddr, SocketAddr},
    sync::LazyLock,
};

use aho_corasick::{AhoCorasick, MatchKind};
use regex::{Captures, Regex};

/// In the place of what is gone.
const GONE: &str = "…";
/// In the place of a folder that is known: how far it goes on nobody knows, and `PATH` cuts here.
const FOLDER: &str = "…/~";
/// Fields whose text names nothing of the user's.
const KEPT: [&str; 3] = ["version", "duty", "reason"];

/// `key="…"` as tracing writes it, and quotes in a sentence; also those that the log's end cuts.
static QUOTED: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"(?:\b(\w+)=)?"((?:[^"\\]|\\.)*)(?:"|\\?$)|“[^”]*(?:”|$)"#));
static URL: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"(?i)\b(?:[a-z][a-z0-9+.-]*://|(?:data|file|magnet|mailto|urn):[^\s:])\S*")
});
/// A path has no end that could be told: names have spaces, colons and brackets in them.
static PATH: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(^|[\s=(\[{<>:,;|'`…])(?:~?/[^\s/]|//\S|[A-Za-z]:[\\/]|\\\\\S).*$"));
/// Which fault of the system's it was, whatever else is gone.
static FAULT: LazyLock<Regex> = LazyLock::new(|| regex(r"\(os error \d+\)"));
static NUMERIC: LazyLock<Regex> = LazyLock::new(|| regex(r"[\w.:-]*[.:][\w.:-]*"));
/// `example.org`, `a.bin`, `jo@example.org`: what has a letter after its last point.
static DOTTED: LazyLock<Regex> =
    LazyLock::new(|| regex(r"[\w@%+~-]+(?:\.[\w@%+~-]+)*\.\p{Alphabetic}[\w@%+~-]*"));

#[expect(
    clippy::expect_used,
    reason = "a pattern of this file, which its tests use"
)]
fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern")
}

/// What is known to be the user's: names of their files, hosts, folders.
#[derive(Debug)]
pub(super) struct Known(Option<AhoCorasick>);

impl Known {
    /// One letter alone is no name that could be told from a word.
    pub(super) fn of(words: impl IntoIterator<Item = String>) -> Self {
        let words = words.into_iter().filter(|word| word.chars().count() > 1);
        let mut builder = AhoCorasick::builder();
        let builder = builder.match_kind(MatchKind::LeftmostLongest);
        // Too many for it: what the rest of the rules leave is told.
        Self(builder.build(words).ok())
    }

    /// The log without names, addresses and paths.
    pub(super) fn taken_out_of(&self, log: &str) -> String {
        let lines = log.lines().map(|line| self.out_of_line(line));
        lines.collect::<Vec<_>>().join("\n")
    }

    fn out_of_line(&self, line: &str) -> String {
        let line = QUOTED.replace_all(line, unquoted);
        let line = URL.replace_all(&line, |found: &Captures<'_>| {
            match found[0]
                .get(..5)
                .is_some_and(|it| it.eq_ignore_ascii_case("file:"))
            {
                true => FOLDER,
                false => GONE,
            }
        });
        let line = self.out_of_words(&line);
        let line = PATH.replace_all(&line, |found: &Captures<'_>| {
            let before = found[1].trim_end_matches(GONE);
            let mut told = format!("{before}{GONE}");
            for fault in FAULT.find_iter(&found[0]) {
                told = told + " " + fault.as_str();
            }
            told
        });
        let line = NUMERIC.replace_all(&line, |found: &Captures<'_>| {
            if is_elsewhere(&found[0]) {
                GONE
            } else {
                &found[0]
            }
            .to_owned()
        });
        DOTTED.replace_all(&line, GONE).into_owned()
    }

    fn out_of_words(&self, line: &str) -> String {
        let Some(words) = &self.0 else {
            return line.to_owned();
        };
        let is_letter = |one: Option<char>| one.is_some_and(char::is_alphanumeric);
        let mut told = String::with_capacity(line.len());
        words.replace_all_with(line, &mut told, |found, word, told| {
            let before = line[..found.start()].chars().next_back();
            let after = line[found.end()..].chars().next();
            let is_part = (is_letter(before) && is_letter(word.chars().next()))
                || (is_letter(word.chars().next_back()) && is_letter(after));
            told.push_str(match is_part {
                true => word,
                false if word.contains(['/', '\\']) => FOLDER,
                false => GONE,
            });
            true
        });
        told
    }
}

fn unquoted(found: &Captures<'_>) -> String {
    let text = found.get(2).map_or("", |text| text.as_str());
    match found.get(1).map(|key| key.as_str()) {
        // What it quotes in turn is not its own.
        Some(key) if KEPT.contains(&key) => {
            format!(
                "{key}={}",
                text.split(['\\', '“']).next().unwrap_or_default()
            )
        }
        Some(key) => format!("{key}={GONE}"),
        None => GONE.to_owned(),
    }
}

/// Whether it is an address, and not this computer's of itself.
fn is_elsewhere(text: &str) -> bool {
    let text = text.trim_end_matches(['.', ':', '-']);
    if !text.contains(|one: char| one.is_ascii_digit()) {
        // A module: `b::add` would be one.
        return false;
    }
    let address = text.parse::<SocketAddr>().map(|it| it.ip());
    let address = address.or_else(|_| text.parse::<IpAddr>());
    address.is_ok_and(|it| !it.is_loopback() && !it.is_unspecified())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(log: &str) -> String {
        Known::of([
            "nas".to_owned(),
            "My list".to_owned(),
            "/home/jo".to_owned(),
        ])
        .taken_out_of(log)
    }

    #[test]
    fn a_log_is_told_without_names() {
        let log = "accepted job=1 file=\"a \\\"b\\\" c.bin\" size=2\nfile=\"cut\nmore";
        assert_eq!(told(log), "accepted job=1 file=… size=2\nfile=…\nmore");
        assert_eq!(told("nothing"), "nothing");
    }

    #[test]
    fn whatever_names_something_goes_and_the_story_stays() {
        for (line, left) in [
            // As they are written.
            (
                "2026-12-01T10:32:39.123456Z  INFO longhaul_desktop::app: Longhaul starts version=\"0.1.0\" data=/home/jo/My data",
                "2026-12-01T10:32:39.123456Z  INFO longhaul_desktop::app: Longhaul starts version=0.1.0 data=…",
            ),
            (
                "INFO ready server=http://files.example.org:3000/x?sig=1 embedded=false",
                "INFO ready server=… embedded=false",
            ),
            (
                "WARN request{id=8b1f-77 method=POST path=\"/v1/jobs/My%20tax\" peer=Some(10.1.2.3:4711)}: accepted size=2",
                "WARN request{id=8b1f-77 method=POST path=… peer=Some(…)}: accepted size=2",
            ),
            (
                "serving address=127.0.0.1:3000 s3=\"http://127.0.0.1:1\"",
                "serving address=127.0.0.1:3000 s3=…",
            ),
            (
                "WARN no token server=7 reason=\"it is locked\"",
                "WARN no token server=7 reason=it is locked",
            ),
            (
                "not connected to host=\"a.example\" address=[fe80::1]:443",
                "not connected to host=… address=[…]:443",
            ),
            (
                "the record could not be written error=disk full name=\"My tax.pdf\"",
                "the record could not be written error=disk full name=…",
            ),
            // In sentences.
            (
                "error=“My tax” is no longer in /home/jo: moved (os error 2) x",
                "error=… is no longer in … (os error 2)",
            ),
            (
                "error=\"tax (1)\" and its numbered neighbours are taken",
                "error=… and its numbered neighbours are taken",
            ),
            (
                "error=cannot write in the folder: denied (/mnt/My disk (old)/a: b)",
                "error=cannot write in the folder: denied (…",
            ),
            (
                "error=C:\\Users\\jo\\a b (os error 5)",
                "error=… (os error 5)",
            ),
            ("error=\\\\nas\\share\\a b", "error=…"),
            ("error=~/a b", "error=…"),
            ("error=x/home/jo/a b", "error=x…"),
            ("error=file:///home/jo/a b", "error=…"),
            (
                "s3://bucket/key, S3://b/c longhaul://add?url=x data:text/plain,x",
                "… … … …",
            ),
            (
                "files.example.org refuses; jo@example.org; отчёт.pdf; archive.tar.gz",
                "… refuses; …; …; …",
            ),
            (
                "2001:db8::7 and 10.0.0.1: refused; ::1 and 127.0.0.1 are here",
                "… and … refused; ::1 and 127.0.0.1 are here",
            ),
            ("nas is away; nasal My list (nas)", "… is away; nasal … (…)"),
            (
                "12 MB/s, 1/2, text/html, 0.1.0, 1.5s, at 10:32:39",
                "12 MB/s, 1/2, text/html, 0.1.0, 1.5s, at 10:32:39",
            ),
        ] {
            assert_eq!(told(line), left);
        }
    }

    /// A name as people give it, with a mark to look for.
    const NAME: &str =
        r#"[ a-z0-9"\\'“”():;,={}%.…é界-]{0,12}SECRET[ a-z0-9"\\'():;,={}%.-]{0,12}"#;

    proptest! {
        #[test]
        fn no_name_in_a_field_in_a_path_or_in_a_url_is_left(
            name in NAME, key in "file|name|host|why|x", at in 0..4_usize,
        ) {
            let escaped = name.replace(['/', ' ', '"', '\\'], "%");
            let line = match at {
                0 => format!("INFO a::b: begins size=1 {key}={name:?} job=2"),
                1 => format!("WARN a::b: gone error=/data/{name} (os error 2) job=2"),
                2 => format!("INFO a::b: asks for https://h.example/{escaped} again"),
                _ => format!("WARN a::b: gone error=D:\\{name} is away"),
            };
            let left = told(&line);
            prop_assert!(!left.contains("SECRET"), "{line}\n{left}");
            prop_assert!(left.contains("a::b: "), "{left}");
        }

        #[test]
        fn a_name_that_is_known_goes_wherever_it_stands(name in "[a-zé界][ a-z().,é界-]{0,20}SECRET") {
            let line = format!("WARN a::b: {name} cannot be read ({name})");
            let left = Known::of([name]).taken_out_of(&line);
            prop_assert!(!left.contains("SECRET"), "{left}");
        }

        #[test]
        fn nothing_breaks_it(line in "\\PC*", names in proptest::collection::vec("\\PC*", 0..4)) {
            Known::of(names).taken_out_of(&line);
        }
    }
}
