//! What a report of a fault needs.

use super::{Call, CommandError};
use crate::logs;

/// What a report of a fault needs: versions, settings, sums and the end of the log. No token, no
/// link and no file's name is in it.
pub(crate) async fn diagnostics(call: &Call<'_>, (): ()) -> Result<String, CommandError> {
    let host = call.host;
    let settings = host.manager.settings().await?;
    let snapshot = host.manager.snapshot().await?;
    let log = without_names(&logs::end(&host.places).await);
    Ok(format!(
        "Longhaul {} on {} {}\nserver: {}\nway to it: {:?}\nadded servers: {:?}\ntotals: {:?}\n\
         settings: concurrent {}, connections {}, limit {:?}, notify {}, urls {:?}\n\n{log}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        if host.is_embedded() {
            "inside"
        } else {
            "elsewhere"
        },
        snapshot.server,
        snapshot
            .servers
            .iter()
            .map(|server| &server.link)
            .collect::<Vec<_>>(),
        snapshot.totals,
        settings.concurrent,
        settings.connections,
        settings.limit,
        settings.notify,
        settings.urls,
    ))
}

/// A log without the files' names that the server inside writes into it (`file="…"`).
fn without_names(log: &str) -> String {
    const FIELD: &str = "file=\"";
    let mut told = String::with_capacity(log.len());
    let mut rest = log;
    while let Some((before, after)) = rest.split_once(FIELD) {
        told.push_str(before);
        told.push_str("file=…");
        let mut is_escaped = false;
        let end = after.find(|one| {
            let is_end = one == '\n' || (one == '"' && !is_escaped);
            is_escaped = one == '\\' && !is_escaped;
            is_end
        });
        rest = end.map_or("", |end| after[end..].trim_start_matches('"'));
    }
    told.push_str(rest);
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_told_without_names() {
        let log = "accepted job=1 file=\"a \\\"b\\\" c.bin\" size=2\nfile=\"cut\nmore";
        assert_eq!(
            without_names(log),
            "accepted job=1 file=… size=2\nfile=…\nmore"
        );
        assert_eq!(without_names("nothing"), "nothing");
    }
}
