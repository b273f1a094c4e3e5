//! What can be typed, and what it means.

use std::{path::PathBuf, str::FromStr};

use clap::{Args, Parser, Subcommand};
use longhaul_client::DownloadSource;
use longhaul_protocol::{FileId, Sha256};
use url::Url;

/// Large files, made by a job server and fetched to the last verified byte.
#[derive(Debug, Parser)]
#[command(name = "longhaul", version, about, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// The job server.
    #[arg(
        long,
        global = true,
        env = "LONGHAUL_SERVER",
        default_value = "http://127.0.0.1:3000",
        value_name = "URL"
    )]
    pub(crate) server: Url,
    /// A file that holds the server's token; without it, LONGHAUL_TOKEN is used where it is set.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Where lists and the state of unfinished downloads are kept [default: the user's data folder].
    #[arg(long, global = true, env = "LONGHAUL_STATE_DIR", value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// One JSON object a line on stdout, and nothing else there.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say on stderr what happens inside; twice for more.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what the server offers.
    Files(Files),
    /// Fetch files now, and wait until they are here, whole and verified.
    #[command(after_help = GET_HELP, after_long_help = GET_LONG_HELP)]
    Get(Get),
    /// Fetch URLs straight from where they are, without a server.
    #[command(after_help = PULL_HELP)]
    Pull(Box<Pull>),
    /// Put files on the list and have the server begin with them.
    Add(Add),
    /// Show the list.
    List,
    /// Carry out the list until nothing on it is left to do.
    Watch(Pulls),
    /// Stop downloads of the list for now.
    Pause(Rows),
    /// Let paused downloads of the list go on, at the next `watch`.
    Resume(Rows),
    /// Give downloads of the list up: their jobs and part files go.
    Cancel(Rows),
    /// Try failed or cancelled downloads of the list again, at the next `watch`.
    Retry(Rows),
    /// Take downloads off the list.
    Remove(Remove),
}

const GET_HELP: &str = "Run again after an interruption, it goes on with what is there. Exit code: \
0 when every file is complete and verified, 1 when one is not, 2 for wrong usage, 130 when \
interrupted. `--help` describes the lines of --json.";

const GET_LONG_HELP: &str = r#"Run again after an interruption (the same server, file and folder), it goes on with what is there.
A file that was completed before is fetched again, beside the first, as "name (1)".

Exit code: 0 when every file is complete and verified, 1 when one is not, 2 for wrong usage,
130 when interrupted.

With --json each line on stdout is one of these ("download" is a whole row: id, name, state, size,
made, pulled, speed, etaSeconds, fault, path, ...):
  {"event":"added","download":{...}}      a row is new, or taken up again
  {"event":"changed","download":{...}}    at most four times a second
  {"event":"completed","id","name","path","size","sha256","crc64nvme","fetched","verified":true}
  {"event":"failed","id","name","state","code","message","kept"}
  {"event":"server","server":{"state":"online"|"offline"|"connecting",...}}
  {"event":"notice","code","message"}
  {"event":"summary","completed","failed","bytes","fetched","seconds"}   the last line
  {"event":"error","message"}             instead of a summary, when nothing could be begun
sha256 is null unless it was computed (--sha256); the CRC-64 has always been proven."#;

#[derive(Debug, Args)]
pub(crate) struct Files {
    /// Show only files whose name contains this.
    #[arg(default_value = "")]
    pub(crate) query: String,
    /// Show at most so many.
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub(crate) limit: usize,
}

/// How pulls are made.
#[derive(Debug, Args)]
pub(crate) struct Pulls {
    #[command(flatten)]
    pub(crate) pace: Pace,
    /// Files pulled at a time, 1 to 32.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=32))]
    pub(crate) concurrent: Option<u32>,
}

/// How fast pulls are.
#[derive(Debug, Args)]
pub(crate) struct Pace {
    /// Connections for each file at most, 1 to 64.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) connections: Option<u8>,
    /// Bytes per second over all files at most: a number with K, M or G (powers of 1024).
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub(crate) limit_rate: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Get {
    /// Ids of the server's catalogue (see `longhaul files`), or URLs that the server shall fetch.
    #[arg(required = true, value_name = "ID|URL")]
    pub(crate) items: Vec<Item>,
    /// The folder to put the files into.
    #[arg(short, long, default_value = ".", value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// What the file's sha256 must be; for a single file.
    #[arg(long, value_name = "HEX")]
    pub(crate) sha256: Option<Sha256>,
    #[command(flatten)]
    pub(crate) pulls: Pulls,
}

const PULL_HELP: &str = r#"Run again after an interruption, it goes on with what is there. The finished paths go to stdout.
Exit code: 0 when every file is complete and verified as far as anything is known of it, 1 when one
is not, 2 for wrong usage, 130 when interrupted.

An input file has one file a line: its URL, and after tabs the URLs of its mirrors; `-` is stdin.

With --json each line on stdout is one of these:
  {"event":"completed","url","path","size","verified":"blocks"|"digest"|"length","sha256","crc64nvme",
   "fetched","sources":[{"fetched","dropped"}]}
  {"event":"failed","url","code","message","kept","retryable"}
  {"event":"summary","completed","failed","bytes","fetched","seconds"}"#;

/// Files that are fetched without a server.
#[derive(Debug, Args)]
pub(crate) struct Pull {
    /// A file's URL, each.
    #[arg(value_name = "URL", required_unless_present_any = ["input_file", "metalink"])]
    pub(crate) urls: Vec<Url>,
    /// Another place of the same file; for a single URL.
    #[arg(long, value_name = "URL")]
    pub(crate) mirror: Vec<Url>,
    /// Fetch what is listed in this file as well.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) input_file: Option<PathBuf>,
    /// Fetch what this Metalink file (RFC 5854) describes as well.
    #[arg(long, value_name = "FILE")]
    pub(crate) metalink: Vec<PathBuf>,
    /// The folder to put the files into.
    #[arg(short, long, default_value = ".", value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// What the file's sha256 must be; for a single URL.
    #[arg(long, value_name = "HEX")]
    pub(crate) sha256: Option<Sha256>,
    /// The file's manifest (JSON, as a job server gives it), which proves each block; for a single URL.
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
    /// Sent along to the URLs, not to mirrors nor to where they redirect.
    #[arg(long, value_name = "NAME: VALUE")]
    pub(crate) header: Vec<String>,
    #[command(flatten)]
    pub(crate) access: Access,
    #[command(flatten)]
    pub(crate) pace: Pace,
    /// Files pulled at a time, 1 to 64.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) concurrent: Option<u32>,
}

/// How sources are reached.
#[derive(Debug, Args)]
pub(crate) struct Access {
    /// http, https, socks4, socks5 or socks5h, with user name and password where it wants them;
    /// `none` for no proxy [default: the system's].
    #[arg(
        long,
        env = "LONGHAUL_PROXY",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) proxy: Option<String>,
    /// Trust the certificate authorities in this PEM file as well.
    #[arg(long, value_name = "FILE")]
    pub(crate) cacert: Option<PathBuf>,
    /// Send the cookies in this file where they belong (the format of browsers' exports and of curl).
    #[arg(long, value_name = "FILE")]
    pub(crate) cookies: Option<PathBuf>,
    /// The user name for the URLs; the password comes from LONGHAUL_PASSWORD, where no one can read it.
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Ids of the server's catalogue, or URLs that the server shall fetch.
    #[arg(required = true, value_name = "ID|URL")]
    pub(crate) items: Vec<Item>,
    /// The folder to put the files into.
    #[arg(short, long, default_value = ".", value_name = "DIR")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Rows {
    /// Rows of `longhaul list`: the first characters of an id are enough, `all` is every row that
    /// this can be done with.
    #[arg(required = true, value_name = "ROW")]
    pub(crate) rows: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    #[command(flatten)]
    pub(crate) rows: Rows,
    /// Delete the finished file as well.
    #[arg(long)]
    pub(crate) with_file: bool,
}

/// One thing to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item(pub(crate) DownloadSource);

impl FromStr for Item {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with(|first: char| first.is_ascii_digit()) {
            let file_id: FileId = text.parse()?;
            return Ok(Self(DownloadSource::File { file_id }));
        }
        let url = Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"));
        match url {
            Some(url) => Ok(Self(DownloadSource::Url { url: url.into() })),
            None => Err(
                "neither an id of the catalogue (a number; see `longhaul files`) nor an http(s) URL"
                    .to_owned(),
            ),
        }
    }
}

/// `5M`, `512k`, `1.5G`, `1000`: bytes per second, powers of 1024 as curl and wget have them.
fn rate(text: &str) -> Result<u64, String> {
    let trimmed = text.trim();
    let end = trimmed
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(end);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err("a rate is a number with K, M or G, such as 5M".to_owned()),
    };
    let number: f64 = number
        .parse()
        .map_err(|_| "a rate is a number with K, M or G, such as 5M".to_owned())?;
    let bytes = number * factor as f64;
    if !(1024.0..1e15).contains(&bytes) {
        return Err("a rate is at least 1K".to_owned());
    }
    Ok(bytes as u64)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_rate_is_read_as_curl_reads_it() {
        assert_eq!(rate("5M"), Ok(5 << 20));
        assert_eq!(rate("1.5k"), Ok(1536));
        assert_eq!(rate("2GiB"), Ok(2 << 30));
        assert_eq!(rate("4096"), Ok(4096));
        for wrong in ["", "M", "5X", "-5M", "0", "1", "1e400", "5 M B", "NaN"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_item_is_a_number_or_a_url() {
        let file = |id| {
            Item(DownloadSource::File {
                file_id: FileId::new(id).expect("small"),
            })
        };
        assert_eq!("70000".parse(), Ok(file(70_000)));
        assert!(matches!(
            "https://host/a".parse(),
            Ok(Item(DownloadSource::Url { .. }))
        ));
        for wrong in [
            "",
            "abc",
            "7x",
            "-1",
            "ftp://host/a",
            "99999999999999999999",
        ] {
            assert!(wrong.parse::<Item>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn options_may_stand_before_and_after_the_command() {
        for line in [
            ["longhaul", "--server", "http://h:1", "get", "7"],
            ["longhaul", "get", "7", "--server", "http://h:1"],
        ] {
            let cli = Cli::try_parse_from(line).expect("understood");
            assert_eq!(cli.common.server.as_str(), "http://h:1/");
        }
    }

    #[test]
    fn numbers_out_of_bounds_are_refused_before_anything_happens() {
        for wrong in [
            ["longhaul", "get", "7", "--connections", "0"],
            ["longhaul", "get", "7", "--connections", "65"],
            ["longhaul", "get", "7", "--concurrent", "33"],
            ["longhaul", "get", "7", "--sha256", "abc"],
        ] {
            assert!(Cli::try_parse_from(wrong).is_err(), "{wrong:?}");
        }
    }
}
