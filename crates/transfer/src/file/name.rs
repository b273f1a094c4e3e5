//! The name of a file: from what was asked, the reply or the URL, made harmless on Windows, macOS and Linux.

use percent_encoding::percent_decode_str;
use url::Url;

/// No file system of the three takes more than 255 bytes (or UTF-16 units, which are fewer);
/// `.part.json` (10) and ` (999)` (6) must fit as well.
const MAX_BYTES: usize = 255 - 10 - 6;

/// An extension longer than this is no extension.
const MAX_EXTENSION: usize = 32;

const UNNAMED: &str = "download";

/// The name for a file: what was asked for, else Content-Disposition's, else the URL path's; that
/// one, without an extension (`/export?id=3`), gets the Content-Type's.
pub(crate) fn choose(
    asked: Option<&str>,
    disposition: Option<&[u8]>,
    url: &Url,
    kind: Option<&str>,
) -> String {
    if let Some(name) = asked.filter(|name| !name.trim().is_empty()) {
        return sanitise(name);
    }
    if let Some(name) = disposition.and_then(from_disposition) {
        return sanitise(&unhidden(&name));
    }
    let name = from_path(url).map(|name| unhidden(&name));
    let name = name.unwrap_or_else(|| UNNAMED.to_owned());
    let (stem, extension) = split(&name);
    match kind.and_then(extension_of).filter(|_| extension.is_empty()) {
        Some(extension) if stem.is_empty() => sanitise(&format!("{UNNAMED}.{extension}")),
        Some(extension) => sanitise(&format!("{stem}.{extension}")),
        None => sanitise(&name),
    }
}

/// The usual extension of a media type; none of the one that says nothing.
fn extension_of(kind: &str) -> Option<&'static str> {
    let kind = kind.split(';').next()?.trim().to_ascii_lowercase();
    mime2ext::mime2ext(kind).filter(|extension| *extension != "bin")
}

/// `name`, or its neighbour: `name (1).ext`.
pub(crate) fn numbered(name: &str, neighbour: u32) -> String {
    if neighbour == 0 {
        return name.to_owned();
    }
    let (stem, extension) = split(name);
    format!("{stem} ({neighbour}){extension}")
}

/// Makes a name one path component that all three systems take, and that shows what it is.
pub(crate) fn sanitise(name: &str) -> String {
    let shown: String = name
        .chars()
        .filter(|char| !is_invisible(*char))
        .map(|char| if is_forbidden(char) { '_' } else { char })
        .collect();
    let mut name = shorten(trim(&shown), MAX_BYTES);
    if name.is_empty() || name.bytes().all(|byte| byte == b'.') {
        return UNNAMED.to_owned();
    }
    if is_device(&name) {
        name = shorten(&format!("_{name}"), MAX_BYTES);
    }
    // These endings are our own: a file under one could be taken for a part file or a record.
    let lower = name.to_ascii_lowercase();
    if [".part", ".part.json", ".part.new"]
        .iter()
        .any(|ending| lower.ends_with(ending))
    {
        name = format!("{}_", shorten(&name, MAX_BYTES - 1));
    }
    name
}

/// RFC 6266: `filename*` (RFC 8187) before `filename`; only the last path segment counts.
fn from_disposition(value: &[u8]) -> Option<String> {
    let text = text_of(value);
    let mut plain = None;
    let mut extended = None;
    for (key, value) in parameters(&text) {
        match key.as_str() {
            "filename*" => extended = extended.or_else(|| extended_value(&value)),
            "filename" => plain = plain.or(Some(value)),
            _ => {}
        }
    }
    // Many servers percent-encode what they should not; no one names a file `a%20b` on purpose.
    let name = extended.or_else(|| plain.map(|name| decoded(&name).unwrap_or(name)))?;
    last_segment(&name)
}

/// Header values are bytes: UTF-8 where they can be, else ISO 8859-1.
fn text_of(value: &[u8]) -> String {
    std::str::from_utf8(value).map_or_else(
        |_| value.iter().map(|byte| char::from(*byte)).collect(),
        str::to_owned,
    )
}

/// The parameters of a header value, keys in lower case; quoted strings unquoted.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut key = String::new();
    let mut value = String::new();
    let mut in_value = false;
    let mut quoted = false;
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' if quoted => value.extend(chars.next()),
            '"' if in_value => quoted = !quoted,
            ';' if !quoted => {
                found.push((std::mem::take(&mut key), std::mem::take(&mut value)));
                in_value = false;
            }
            '=' if !in_value => in_value = true,
            _ if in_value => value.push(char),
            _ => key.push(char),
        }
    }
    found.push((key, value));
    found
        .into_iter()
        .map(|(key, value)| (key.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// `charset'language'percent-encoded`.
fn extended_value(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_, encoded) = rest.split_once('\'')?;
    let bytes: Vec<u8> = percent_decode_str(encoded).collect();
    match charset.to_ascii_lowercase().as_str() {
        "utf-8" => String::from_utf8(bytes).ok(),
        "iso-8859-1" => Some(bytes.into_iter().map(char::from).collect()),
        _ => None,
    }
}

fn from_path(url: &Url) -> Option<String> {
    let last = url.path_segments()?.rfind(|segment| !segment.is_empty())?;
    let name = percent_decode_str(last).decode_utf8_lossy();
    last_segment(&name)
}

fn decoded(name: &str) -> Option<String> {
    name.contains('%')
        .then(|| percent_decode_str(name).decode_utf8().ok())
        .flatten()
        .map(std::borrow::Cow::into_owned)
}

fn last_segment(name: &str) -> Option<String> {
    name.rsplit(['/', '\\'])
        .find(|segment| !trim(segment).is_empty())
        .map(str::to_owned)
}

/// A server must not hide a file, nor name one that shells read by themselves.
fn unhidden(name: &str) -> String {
    name.trim_start_matches(|char: char| char == '.' || char.is_whitespace())
        .to_owned()
}

fn is_forbidden(char: char) -> bool {
    char.is_control() || matches!(char, '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*')
}

/// Characters that change how others are shown, so that `gpj.exe` looks like `exe.jpg`. The
/// joiners U+200C and U+200D stay: Persian and emoji need them.
fn is_invisible(char: char) -> bool {
    matches!(
        u32::from(char),
        0x00AD | 0x061C | 0x180E | 0x200B | 0x200E..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F
            | 0xFEFF | 0xFFF9..=0xFFFB | 0xE0000..=0xE007F
    )
}

/// Windows drops dots and spaces at the end, so that two names would be one.
fn trim(name: &str) -> &str {
    name.trim_start()
        .trim_end_matches(|char: char| char == '.' || char.is_whitespace())
}

/// Names that are devices on Windows, whatever their extension.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let stem = stem.to_uppercase();
    if matches!(
        stem.as_str(),
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$"
    ) {
        return true;
    }
    stem.strip_prefix("COM")
        .or_else(|| stem.strip_prefix("LPT"))
        .is_some_and(|digit| {
            let mut chars = digit.chars();
            matches!(chars.next(), Some('0'..='9' | '¹' | '²' | '³')) && chars.next().is_none()
        })
}

/// Cuts the stem, at a character's boundary; the extension stays.
fn shorten(name: &str, max: usize) -> String {
    if name.len() <= max {
        return name.to_owned();
    }
    let (stem, extension) = split(name);
    let room = max - extension.len();
    let cut = trim(&stem[..stem.floor_char_boundary(room)]).to_owned();
    trim(&format!("{cut}{extension}")).to_owned()
}

/// Stem and extension, with its dot; `.tar.gz` is one extension.
fn split(name: &str) -> (&str, &str) {
    let Some(mut at) = name.rfind('.').filter(|at| *at > 0) else {
        return (name, "");
    };
    if let Some(tar) = name[..at].rfind('.').filter(|tar| *tar > 0)
        && name[tar..at].eq_ignore_ascii_case(".tar")
    {
        at = tar;
    }
    match name.len() - at <= MAX_EXTENSION {
        true => name.split_at(at),
        false => (name, ""),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chosen(disposition: &str, url: &str) -> String {
        let url = Url::parse(url).expect("a URL");
        choose(None, Some(disposition.as_bytes()), &url, None)
    }

    #[test]
    fn a_disposition_is_read_as_servers_write_it() {
        for (disposition, name) in [
            ("attachment; filename=\"a b.zip\"", "a b.zip"),
            ("attachment; filename=a.zip;", "a.zip"),
            ("attachment;filename=\"a;b=c.zip\" ; x=y", "a;b=c.zip"),
            (
                "attachment; filename=\"e.txt\"; filename*=UTF-8''%e2%82%ac%20rates.txt",
                "€ rates.txt",
            ),
            (
                "attachment; FileName*=utf-8'en'%C3%A9.txt; filename=x",
                "é.txt",
            ),
            ("attachment; filename*=iso-8859-1''%E9.txt", "é.txt"),
            (
                "attachment; filename*=klingon''x.txt; filename=y.txt",
                "y.txt",
            ),
            ("attachment; filename=\"na%C3%AFve.txt\"", "naïve.txt"),
            ("attachment; filename=\"100%.txt\"", "100%.txt"),
            (
                "attachment; filename=\"he said \\\"hi\\\".txt\"",
                "he said _hi_.txt",
            ),
            ("attachment; filename=\"../../etc/passwd\"", "passwd"),
            (
                "attachment; filename=\"C:\\\\Windows\\\\evil.exe\"",
                "evil.exe",
            ),
            ("attachment; filename*=UTF-8''..%2F..%2Fx", "x"),
            ("attachment; filename=\".bashrc\"", "bashrc"),
            ("attachment; filename=\"..\"", "u.bin"),
            ("attachment; filename=\"\"", "u.bin"),
            ("attachment", "u.bin"),
            ("inline; filename", "u.bin"),
        ] {
            assert_eq!(
                chosen(disposition, "http://h/p/u.bin?q=1"),
                name,
                "{disposition}"
            );
        }
    }

    #[test]
    fn a_disposition_in_latin_1_is_read() {
        let url = Url::parse("http://h/").expect("a URL");
        assert_eq!(
            choose(
                None,
                Some(b"attachment; filename=\"caf\xe9.txt\""),
                &url,
                None
            ),
            "café.txt"
        );
    }

    #[test]
    fn without_a_disposition_the_path_names_the_file() {
        for (url, name) in [
            ("http://h/a/b.iso?x=/etc/passwd", "b.iso"),
            ("http://h/a%20b/", "a b"),
            ("http://h/%2e%2e%2fx", "x"),
            ("http://h/..%5c..%5cx", "x"),
            ("http://h/", UNNAMED),
            ("http://h", UNNAMED),
            ("http://h/%00", "_"),
            ("http://h/%FF%FE.bin", "\u{fffd}\u{fffd}.bin"),
        ] {
            let url = Url::parse(url).expect("a URL");
            assert_eq!(choose(None, None, &url, None), name, "{url}");
        }
    }

    #[test]
    fn a_path_without_an_extension_gets_the_one_of_its_type() {
        for (url, kind, name) in [
            ("http://h/export?id=3", "application/zip", "export.zip"),
            ("http://h/export", "Application/ZIP; x=y", "export.zip"),
            ("http://h/", "image/jpeg", "download.jpg"),
            ("http://h/a.iso", "application/zip", "a.iso"),
            ("http://h/export", "application/octet-stream", "export"),
            ("http://h/export", "nonsense", "export"),
            ("http://h/v1.2", "application/gzip", "v1.2"),
        ] {
            let url = Url::parse(url).expect("a URL");
            assert_eq!(choose(None, None, &url, Some(kind)), name, "{url} {kind}");
        }
        // What somebody chose stays as it is.
        let url = Url::parse("http://h/x").expect("a URL");
        let kind = Some("application/zip");
        assert_eq!(choose(Some("mine"), None, &url, kind), "mine");
        let given = Some(&b"attachment; filename=theirs"[..]);
        assert_eq!(choose(None, given, &url, kind), "theirs");
    }

    #[test]
    fn hostile_names_become_harmless() {
        for (hostile, name) in [
            ("a/b\\c", "a_b_c"),
            ("..", UNNAMED),
            ("...", UNNAMED),
            ("  ", UNNAMED),
            ("", UNNAMED),
            ("../x", ".._x"),
            ("a\0b\nc", "a_b_c"),
            ("CON", "_CON"),
            ("con.txt", "_con.txt"),
            ("nul .txt", "_nul .txt"),
            ("COM1.tar.gz", "_COM1.tar.gz"),
            ("LPT¹", "_LPT¹"),
            ("COM10", "COM10"),
            ("CONSOLE", "CONSOLE"),
            ("trail. . ", "trail"),
            ("a<b>:\"|?*", "a_b______"),
            ("photo\u{202e}gpj.exe", "photogpj.exe"),
            ("\u{feff}a\u{200b}b", "ab"),
            ("x.part", "x.part_"),
            ("x.PART.JSON", "x.PART.JSON_"),
            ("naïve €.txt", "naïve €.txt"),
        ] {
            assert_eq!(sanitise(hostile), name, "{hostile:?}");
        }
    }

    #[test]
    fn a_neighbour_keeps_its_extension() {
        assert_eq!(numbered("a.zip", 0), "a.zip");
        assert_eq!(numbered("a.zip", 2), "a (2).zip");
        assert_eq!(numbered("a.tar.gz", 1), "a (1).tar.gz");
        assert_eq!(numbered("Makefile", 1), "Makefile (1)");
        assert_eq!(numbered(".env", 1), ".env (1)");
    }

    #[test]
    fn a_long_name_is_cut_between_characters_and_keeps_its_extension() {
        let name = sanitise(&format!("{}.tar.gz", "é".repeat(300)));
        assert!(
            name.len() <= MAX_BYTES && name.ends_with("é.tar.gz"),
            "{name}"
        );
    }

    fn is_harmless(name: &str) -> bool {
        let path = std::path::Path::new(name);
        !name.is_empty()
            && format!("{}.part.json", numbered(name, 999)).len() <= 255
            && path.components().count() == 1
            && path.file_name().is_some_and(|file| file == name)
            && !name.ends_with(['.', ' '])
            && !name
                .chars()
                .any(|char| is_forbidden(char) || is_invisible(char))
            && !is_device(name)
    }

    proptest! {
        #[test]
        fn any_name_becomes_harmless_and_stays_so(name in "\\PC{0,300}|[./\\\\ :a-z\u{202e}\u{7}]{0,40}|(?i:con|aux|lpt9)[. ]{0,3}[a-z]{0,4}") {
            let once = sanitise(&name);
            prop_assert!(is_harmless(&once), "{once:?}");
            prop_assert_eq!(sanitise(&once), once);
        }

        #[test]
        fn any_disposition_gives_a_harmless_name(value in proptest::collection::vec(any::<u8>(), 0..200)) {
            let url = Url::parse("http://h/x").expect("a URL");
            let mut header = b"attachment; filename=".to_vec();
            header.extend(&value);
            prop_assert!(is_harmless(&choose(None, Some(&header), &url, None)));
            prop_assert!(is_harmless(&choose(None, Some(&value), &url, None)));
            let kind = String::from_utf8_lossy(&value);
            prop_assert!(is_harmless(&choose(None, None, &url, Some(&kind))));
        }
    }
}
