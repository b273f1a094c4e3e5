//! `longhaul files`: what the server offers.

use std::io::Write;

use longhaul_client::Catalogue;
use longhaul_protocol::FileEntry;

use crate::{
    args::Files,
    outcome::{Outcome, Stop},
    place::Place,
    show::{self, words},
};

/// The most that is asked for at once.
const PAGE: u32 = 200;

pub(crate) async fn show(place: &Place, wanted: &Files) -> Result<Outcome, Stop> {
    let catalogue = Catalogue::new(place.server.clone())?;
    let mut out = show::Out::new();
    let mut cursor: Option<String> = None;
    let mut shown = 0;
    loop {
        let left = u32::try_from(wanted.limit - shown)
            .unwrap_or(PAGE)
            .min(PAGE);
        let page = catalogue
            .files(&wanted.query, cursor.as_deref(), left)
            .await?;
        for file in page.files.iter().take(wanted.limit - shown) {
            if place.json {
                out.json(file);
            } else {
                out.line(&line_of(file));
            }
            shown += 1;
        }
        cursor = page.next_cursor;
        if cursor.is_none() || shown >= wanted.limit {
            break;
        }
    }
    let _ = out.flush();
    if !place.json {
        if shown == 0 {
            eprintln!("No file's name contains {:?}.", wanted.query);
        } else if cursor.is_some() {
            eprintln!("There are more; narrow the search, or raise --limit.");
        }
    }
    Ok(Outcome::Done)
}

fn line_of(file: &FileEntry) -> String {
    let size = file.size.map_or_else(|| "?".to_owned(), words::bytes);
    format!(
        "{:>12}  {size:>10}  {}",
        file.file_id,
        words::printable(&file.name)
    )
}
