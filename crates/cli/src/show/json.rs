//! One event a line, for programs. The shapes are promised in `longhaul get --help`.

use longhaul_client::{DownloadState, DownloadView, Notice, ServerLink};
use longhaul_protocol::{Crc64Nvme, DownloadId, Sha256};
use serde::Serialize;

/// A line.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "camelCase")]
pub(crate) enum Line<'a> {
    Added {
        download: &'a DownloadView,
    },
    Changed {
        download: &'a DownloadView,
    },
    Completed {
        id: DownloadId,
        name: &'a str,
        path: &'a str,
        size: u64,
        sha256: Option<Sha256>,
        crc64nvme: Option<Crc64Nvme>,
        fetched: u64,
        verified: bool,
    },
    Failed {
        id: DownloadId,
        name: &'a str,
        state: DownloadState,
        code: &'a str,
        message: &'a str,
        kept: u64,
    },
    Server {
        server: &'a ServerLink,
    },
    Notice {
        code: &'a str,
        message: &'a str,
    },
    Summary {
        completed: usize,
        failed: usize,
        bytes: u64,
        fetched: u64,
        seconds: f64,
    },
    Error {
        message: &'a str,
    },
}

impl<'a> Line<'a> {
    /// The line for a row that has ended.
    pub(crate) fn ended(row: &'a DownloadView) -> Self {
        match (&row.path, &row.fault) {
            (Some(path), _) if row.state == DownloadState::Completed => Self::Completed {
                id: row.id,
                name: &row.name,
                path,
                size: row.size.unwrap_or(0),
                sha256: row.sha256,
                crc64nvme: row.crc64nvme,
                fetched: row.pulled.as_ref().map_or(0, |pulled| pulled.fetched),
                verified: true,
            },
            (_, Some(fault)) => Self::Failed {
                id: row.id,
                name: &row.name,
                state: row.state,
                code: &fault.code,
                message: &fault.message,
                kept: fault.kept,
            },
            _ => Self::Failed {
                id: row.id,
                name: &row.name,
                state: row.state,
                code: "cancelled",
                message: "It was cancelled.",
                kept: 0,
            },
        }
    }

    pub(crate) fn notice(notice: &'a Notice) -> Self {
        Self::Notice {
            code: &notice.code,
            message: &notice.message,
        }
    }
}
