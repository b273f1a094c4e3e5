//! Numbers and names as people read them.

use std::fmt::Write;

/// `1.5 GiB`.
pub(crate) fn bytes(count: u64) -> String {
    indicatif::BinaryBytes(count).to_string()
}

/// `1h 02m`, `3m 20s`, `12s`.
pub(crate) fn duration(seconds: u64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, _) => format!("{minutes}m {rest:02}s"),
        (24.., _) => format!("{}d {:02}h", hours / 24, hours % 24),
        _ => format!("{hours}h {minutes:02}m"),
    }
}

/// A name with nothing in it that a terminal would obey: names come from servers.
pub(crate) fn printable(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        // Controls, and the marks that turn the direction of writing.
        let obeyed = c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if obeyed {
            let _ = write!(text, "\u{fffd}");
        } else {
            text.push(c);
        }
    }
    text
}

/// At most `width` characters, cut in the middle so that the ending stays.
pub(crate) fn short(name: &str, width: usize) -> String {
    let name = printable(name);
    let count = name.chars().count();
    if count <= width {
        return name;
    }
    let tail = width / 2;
    let head = width - tail - 1;
    let begin: String = name.chars().take(head).collect();
    let end: String = name.chars().skip(count - tail).collect();
    format!("{begin}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_speak_to_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\u{202e}c"), "a\u{fffd}[2Jb\u{fffd}c");
        assert_eq!(printable("größe 名前.zip"), "größe 名前.zip");
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let cut = short("a-very-long-name-that-goes-on.tar.gz", 15);
        assert_eq!(cut.chars().count(), 15);
        assert!(cut.ends_with(".tar.gz"), "{cut}");
        assert_eq!(short("short.zip", 15), "short.zip");
    }

    #[test]
    fn times_are_as_coarse_as_they_are_long() {
        assert_eq!(duration(12), "12s");
        assert_eq!(duration(200), "3m 20s");
        assert_eq!(duration(3720), "1h 02m");
        assert_eq!(duration(90_000), "1d 01h");
    }
}
