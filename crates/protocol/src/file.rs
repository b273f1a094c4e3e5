//! What the catalogue offers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::FileId;

/// How a file comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
#[ts(export)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SourceKind {
    /// A file on the server.
    Path,
    /// Fetched from an origin.
    Url,
    /// An archive made on the way.
    Archive,
    /// What a program writes.
    Command,
}

/// One file that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileEntry {
    /// What to pass as `file_id`; stable over restarts.
    pub file_id: FileId,
    /// The name it is offered under.
    pub name: String,
    /// Bytes; null while unknown.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub size: Option<u64>,
    /// How it comes about.
    pub kind: SourceKind,
    /// When the source last changed, where that is known.
    #[ts(type = "string | null")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub modified_at: Option<Timestamp>,
}

/// The answer of `GET /v1/files`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FilesPage {
    /// One page of files, by name.
    pub files: Vec<FileEntry>,
    /// What to pass as `cursor` for the next page; null on the last.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub next_cursor: Option<String>,
}
