//! What a program says on its standard error: how far it is, and why it failed.

use std::collections::VecDeque;

/// Lines that are kept for the error.
const LINES: usize = 10;
/// Bytes of a line that are looked at; the rest of it is dropped.
const LINE: usize = 512;
/// Shorter values are no secrets, and would be found in every other word.
const SECRET: usize = 6;

/// The last lines.
#[derive(Debug)]
pub(super) struct Words {
    lines: VecDeque<String>,
    line: Vec<u8>,
    secrets: Vec<String>,
}

impl Words {
    /// `secrets` are never repeated.
    pub(super) fn new(secrets: Vec<String>) -> Self {
        Self {
            lines: VecDeque::new(),
            line: Vec::new(),
            secrets,
        }
    }

    /// Takes what was said, and tells each `progress N` to `tell`.
    pub(super) fn hear(&mut self, said: &[u8], mut tell: impl FnMut(u8)) {
        for byte in said {
            if *byte != b'\n' && *byte != b'\r' {
                if self.line.len() < LINE {
                    self.line.push(*byte);
                }
                continue;
            }
            let line = String::from_utf8_lossy(&self.line).into_owned();
            self.line.clear();
            match percent(&line) {
                Some(percent) => tell(percent),
                None => self.keep(&line),
            }
        }
    }

    /// The last lines as one, with what a terminal or a log would take for an order left out.
    pub(super) fn last(&self) -> String {
        let lines: Vec<_> = self.lines.iter().map(String::as_str).collect();
        lines.join(" / ")
    }

    fn keep(&mut self, line: &str) {
        let mut line: String = line.chars().filter(|c| !c.is_control()).collect();
        for secret in self.secrets.iter().filter(|secret| secret.len() >= SECRET) {
            line = line.replace(secret, "***");
        }
        let line = line.trim();
        if line.is_empty() {
            return;
        }
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line.to_owned());
    }
}

/// `progress 45`, `progress 45.5`, `progress 45%`.
fn percent(line: &str) -> Option<u8> {
    let number = line.trim().strip_prefix("progress ")?.trim();
    let number: f64 = number.strip_suffix('%').unwrap_or(number).parse().ok()?;
    (0.0..=100.0).contains(&number).then_some(number as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(said: &[&[u8]], secrets: &[&str]) -> (String, Vec<u8>) {
        let mut words = Words::new(secrets.iter().map(ToString::to_string).collect());
        let mut told = Vec::new();
        for said in said {
            words.hear(said, |percent| told.push(percent));
        }
        (words.last(), told)
    }

    #[test]
    fn progress_is_told_and_not_kept() {
        let said: &[&[u8]] = &[
            b"progr",
            b"ess 45\nreading\nprogress 60.9%\r",
            b"progress 101\n",
        ];
        let (last, told) = hear(said, &[]);
        assert_eq!(told, [45, 60]);
        assert_eq!(last, "reading / progress 101");
    }

    #[test]
    fn only_the_last_lines_are_kept_and_none_is_long() {
        let long = "x".repeat(100_000) + "\n";
        let many: String = (0..1000).map(|n| format!("line {n}\n")).collect();
        let (last, _) = hear(&[many.as_bytes(), long.as_bytes()], &[]);
        assert!(last.starts_with("line 991 / "), "{last}");
        assert!(last.len() <= LINES * (LINE + 3), "{}", last.len());
    }

    #[test]
    fn control_characters_and_secrets_are_left_out() {
        let (last, _) = hear(
            &[b"\x1b[31mtoken hunter2-hunter2\x07 refused\xff\n"],
            &["hunter2-hunter2"],
        );
        assert_eq!(last, "[31mtoken *** refused\u{fffd}");
    }
}
