//! What can be said on the command line or in the environment, and the folders that follow.

use std::{
    ffi::OsStr,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{self, Path, PathBuf},
};

use anyhow::Context;
use clap::Parser;
use url::Url;

use crate::background;

/// As in tauri.conf.json: the folder's name, and the app's name on the session bus.
pub(crate) const IDENTIFIER: &str = "org.longhaul.desktop";

/// Longhaul in a window, with its job server inside.
#[derive(Debug, Parser)]
#[command(name = "longhaul-desktop", version)]
pub(crate) struct Options {
    /// Where the list, the server's records and the log live
    #[arg(long, env = "LONGHAUL_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The folder whose files the server inside offers
    #[arg(long, env = "LONGHAUL_LIBRARY", value_name = "DIR")]
    pub(crate) library: Option<PathBuf>,
    /// Where downloads go unless the settings say otherwise
    #[arg(long, env = "LONGHAUL_DOWNLOADS", value_name = "DIR")]
    pub(crate) downloads: Option<PathBuf>,
    /// A server elsewhere, instead of the one inside
    #[arg(long, env = "LONGHAUL_SERVER", value_name = "URL")]
    pub(crate) server: Option<Url>,
    /// Where new versions of the app come from, instead of what the administrator says
    #[arg(long, env = "LONGHAUL_UPDATES", value_name = "FILE")]
    pub(crate) updates: Option<PathBuf>,
    /// Start in the tray, or minimised where there is none, as with the system
    #[arg(long)]
    pub(crate) in_background: bool,
    /// A link (`longhaul://add?url=…`) whose downloads are to be asked for
    #[arg(value_name = "LINK")]
    pub(crate) link: Option<String>,
    /// A file with that server's token
    #[arg(
        long,
        env = "LONGHAUL_TOKEN_FILE",
        value_name = "FILE",
        requires = "server"
    )]
    pub(crate) token_file: Option<PathBuf>,
}

impl Options {
    /// Whether it holds for this start alone: a start anew has a window, and no link a second time.
    pub(crate) fn is_of_this_start(&self, argument: &OsStr) -> bool {
        argument == background::FLAG || self.link.as_deref().is_some_and(|link| argument == link)
    }
}

/// The folders of this run, all absolute, all there.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// Everything that Longhaul keeps.
    pub(crate) data: PathBuf,
    /// What the server inside offers.
    pub(crate) library: PathBuf,
    /// Where files go unless the settings say otherwise.
    pub(crate) downloads: PathBuf,
    /// Its name on the session bus: two runs with two data folders are two apps.
    pub(crate) bus_name: String,
}

impl Places {
    /// Makes the folders that are missing.
    ///
    /// # Errors
    /// When one cannot be made, or this user has no home.
    pub(crate) fn of(options: &Options) -> anyhow::Result<Self> {
        let data = match &options.data_dir {
            Some(dir) => made(dir)?,
            None => made(
                &dirs::data_dir()
                    .context("this user has no data folder; name one with --data-dir")?
                    .join(IDENTIFIER),
            )?,
        };
        let library = match &options.library {
            Some(dir) => made(dir)?,
            None => made(&data.join("library"))?,
        };
        let downloads = match &options.downloads {
            Some(dir) => made(dir)?,
            None => made(
                &dirs::download_dir()
                    .or_else(|| Some(dirs::home_dir()?.join("Downloads")))
                    .context("this user has no download folder; name one with --downloads")?,
            )?,
        };
        let bus_name = match &options.data_dir {
            Some(_) => {
                let mut hasher = DefaultHasher::new();
                data.hash(&mut hasher);
                format!("{IDENTIFIER}.d{:016x}", hasher.finish())
            }
            None => IDENTIFIER.to_owned(),
        };
        Ok(Self {
            data,
            library,
            downloads,
            bus_name,
        })
    }
}

fn made(dir: &Path) -> anyhow::Result<PathBuf> {
    let dir = path::absolute(dir).with_context(|| format!("the folder {}", dir.display()))?;
    fs::create_dir_all(&dir)
        .with_context(|| format!("the folder {} cannot be made", dir.display()))?;
    Ok(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_anew_repeats_neither_the_link_nor_that_nobody_waits() {
        let given = [
            "longhaul-desktop",
            "--updates",
            "a",
            background::FLAG,
            "longhaul://add?id=7",
        ];
        let options = Options::parse_from(given);
        assert!(options.in_background);
        let left = given
            .iter()
            .filter(|it| !options.is_of_this_start(OsStr::new(it)));
        assert_eq!(left.copied().collect::<Vec<_>>(), given[..3]);
    }

    #[test]
    fn two_data_folders_are_two_apps_and_one_is_one() {
        let root = tempfile::tempdir().expect("a folder");
        let at = |name: &str| {
            let dir = |part: &str| root.path().join(name).join(part).display().to_string();
            let (data, downloads) = (dir("data"), dir("downloads"));
            let args = [
                "longhaul-desktop",
                "--data-dir",
                &data,
                "--downloads",
                &downloads,
            ];
            Places::of(&Options::parse_from(args)).expect("places")
        };
        assert_eq!(at("a").bus_name, at("a").bus_name);
        assert_ne!(at("a").bus_name, at("b").bus_name);
        assert!(at("a").library.is_dir() && at("a").downloads.is_dir());
    }
}
