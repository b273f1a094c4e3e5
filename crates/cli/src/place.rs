//! Which server, and where on this machine things are kept.

use std::{
    io,
    path::{Path, PathBuf},
};

use longhaul_client::Server;
use longhaul_protocol::Token;

use crate::{args::Common, outcome::Stop};

/// The server and the state folder of a run.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) server: Server,
    pub(crate) state: PathBuf,
    pub(crate) json: bool,
}

impl Place {
    pub(crate) fn of(common: &Common) -> Result<Self, Stop> {
        let url = &common.server;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Stop::usage(
                "the server's address must begin with http:// or https://",
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Stop::usage(
                "the server's address must not hold a user name or password; the token goes into --token-file or LONGHAUL_TOKEN",
            ));
        }
        let state = match &common.state_dir {
            Some(dir) => std::path::absolute(dir)
                .map_err(|error| Stop::usage(format!("--state-dir {}: {error}", dir.display())))?,
            None => dirs::data_dir()
                .ok_or_else(|| {
                    Stop::usage("this user has no data folder; name one with --state-dir")
                })?
                .join("longhaul"),
        };
        Ok(Self {
            server: Server {
                base_url: url.clone(),
                token: token(common.token_file.as_deref())?,
            },
            state,
            json: common.json,
        })
    }

    /// The list that `add`, `list`, `watch` and the others share.
    pub(crate) fn list(&self) -> PathBuf {
        self.state.join("list")
    }
}

/// From the file, else from the environment: never from the command line, where all can read it.
fn token(file: Option<&Path>) -> Result<Option<Token>, Stop> {
    let text = match file {
        Some(file) => std::fs::read_to_string(file)
            .map_err(|error| Stop::usage(format!("--token-file {}: {error}", file.display())))?,
        None => std::env::var("LONGHAUL_TOKEN").unwrap_or_default(),
    };
    let text = text.trim();
    if file.is_some() && text.is_empty() {
        return Err(Stop::usage("the token file is empty"));
    }
    if !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err(Stop::usage(
            "the token holds characters that no token has; is this the right file?",
        ));
    }
    Ok((!text.is_empty()).then(|| Token::new(text)))
}

/// A folder from the root on, made where it is missing.
pub(crate) fn folder(dir: &Path) -> Result<PathBuf, Stop> {
    let told = |error: io::Error| Stop::failed(format!("the folder {}: {error}", dir.display()));
    std::fs::create_dir_all(dir).map_err(told)?;
    // The same folder by another way is the same folder: unfinished downloads are found again.
    dir.canonicalize().map_err(told)
}
