//! Doors for the fuzz targets (`make fuzz`) to what outsiders can send, and nobody else calls.

use url::Url;

use crate::{
    file::{control, name},
    reply,
};

/// Whatever a server calls a file, it is one harmless path component.
///
/// # Panics
/// Where it is not.
pub fn content_disposition(bytes: &[u8]) {
    let Ok(url) = Url::parse("https://host/path/file.bin?query") else {
        return;
    };
    let name = name::choose(None, Some(bytes), &url, None);
    assert!(!name.is_empty() && name.len() <= 255);
    assert!(!name.contains(['/', '\\', '\0', ':']));
    assert!(!matches!(name.as_str(), "." | ".."));
    assert!(!name.ends_with(['.', ' ']));
    assert!(!name.chars().any(char::is_control));
    // What is harmless stays as it is.
    assert_eq!(name::sanitise(&name), name);
}

/// A range that is read is what it says.
///
/// # Panics
/// Where it is not.
pub fn content_range(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Some((from, to, total)) = reply::content_range(text) {
        let shown = total.map_or_else(|| "*".to_owned(), |total| total.to_string());
        let again = reply::content_range(&format!("bytes {from}-{to}/{shown}"));
        assert_eq!(again, Some((from, to, total)));
    }
    let _ = reply::retry_after(text);
}

/// A record that is trusted is whole, whatever lies on the disk.
///
/// # Panics
/// Where it is not.
pub fn control_record(bytes: &[u8]) {
    if let control::Found::Sound(record) = control::judge(bytes) {
        let _ = record.granule_crcs();
    }
    // As one that somebody sealed, whose numbers may still be anything.
    if let Ok(record) = serde_json::from_slice::<control::Record>(bytes) {
        let _ = (record.granule_crcs(), crate::file::whole_of(&record));
        let _ = crate::download::claimed(&record);
    }
}
