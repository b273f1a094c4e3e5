//! Random scripts of faults: each pull ends in the right bytes or in a typed error, never in wrong
//! content under the final name, and an honest origin then gives the file.
//!
//! LONGHAUL_SCRIPTS says how many, LONGHAUL_SEED repeats a run.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use futures::StreamExt as _;
use longhaul_transfer::{Engine, EngineConfig, Error, Expected, Finished};
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng, seq::IndexedRandom as _};

use crate::{
    MIB, number,
    support::{
        origin::{content, manifest, sha256},
        pulls::{Links, Pull, names, patience},
        scripted::{Act, Scripted, Version},
    },
};

const SCRIPTS: u64 = 100;
const SIZES: [usize; 7] = [0, 1, 70_001, MIB, MIB + 1, 3 * MIB + 17, 6 * MIB];
const AT_ONCE: usize = 8;
/// However a script goes, no more is asked than this.
const MOST_REQUESTS: usize = 400;

/// What the pull knows of the file beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Nothing,
    Size,
    Sha256,
    Manifest,
}

#[derive(Debug)]
struct Script {
    seed: u64,
    acts: Vec<Act>,
    size: usize,
    connections: u8,
    known: Known,
}

impl Script {
    fn of(seed: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let size = *SIZES.choose(&mut random).expect("some");
        let count = random.random_range(1..9);
        let acts: Vec<_> = (0..count)
            .map(|_| Act::any(&mut random, size as u64))
            .collect();
        // Flipped bits, or another version under the old head, are not to be known by anyone who
        // knows nothing of the content.
        let unseen = |act: &Act| matches!(act, Act::Corrupt(_) | Act::ChangeMidway);
        let known = match acts.iter().any(unseen) {
            true => [Known::Sha256, Known::Manifest].choose(&mut random),
            false => {
                [Known::Nothing, Known::Size, Known::Sha256, Known::Manifest].choose(&mut random)
            }
        };
        Self {
            seed,
            acts,
            size,
            connections: random.random_range(1..=4),
            known: *known.expect("some"),
        }
    }

    fn versions(&self) -> Vec<Version> {
        (0..3)
            .map(|number| Version {
                // A new version may have another length.
                bytes: Arc::new(content(self.size + number * 13, self.seed + number as u64)),
                etag: ["\"one\"", "\"two\"", "\"three\""][number],
            })
            .collect()
    }

    fn expected(&self, bytes: &[u8]) -> Expected {
        let mut expected = Expected::default();
        match self.known {
            Known::Nothing => {}
            Known::Size => expected.size = Some(bytes.len() as u64),
            Known::Sha256 => expected.sha256 = Some(sha256(bytes)),
            Known::Manifest => {
                let mut manifest = manifest(bytes, MIB as u64);
                manifest.etag = "\"one\"".to_owned();
                expected.manifest = Some(Arc::new(manifest));
            }
        }
        expected
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_origin_does_the_file_is_right_or_there_is_none() {
    let (count, seed) = (
        number("LONGHAUL_SCRIPTS").unwrap_or(SCRIPTS),
        number("LONGHAUL_SEED").unwrap_or(2026),
    );
    eprintln!("{count} scripts from LONGHAUL_SEED={seed} on");
    let ends: Vec<_> = futures::stream::iter(seed..seed + count)
        .map(|seed| tokio::spawn(carried_out(Script::of(seed))))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let mut codes = std::collections::BTreeMap::<String, u32>::new();
    for end in ends {
        match end {
            Ok(code) => *codes.entry(code).or_default() += 1,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    eprintln!("{codes:?}");
    // A run in which all ended alike would have tried nothing.
    assert!(
        codes.len() > 3 && codes.contains_key("finished"),
        "{codes:?}"
    );
}

/// Carries a script out; answers how its first pull ended.
async fn carried_out(script: Script) -> String {
    let versions = script.versions();
    let first = Arc::clone(&versions[0].bytes);
    let origin = Scripted::start(script.acts.clone(), versions.clone()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = Pull::of(Links::to(origin.url()), folder.path());
    pull.engine = Engine::new(EngineConfig {
        stall_timeout: Duration::from_millis(150),
        connect_timeout: Duration::from_millis(500),
        attempts: 5,
        retry_after_cap: Duration::from_millis(20),
        ..patience()
    })
    .expect("an engine");
    pull.request.connections = script.connections;
    pull.request.expected = script.expected(&first);
    let pulled = pull.run().await;
    let code = match &pulled {
        Ok(finished) => {
            is_right(&script, finished, &versions, folder.path());
            "finished".to_owned()
        }
        Err(error) => {
            is_no_file(&script, error, folder.path());
            error.code().to_owned()
        }
    };
    assert!(
        origin.seen() <= MOST_REQUESTS,
        "{} requests: {script:?}",
        origin.seen()
    );
    if pulled.is_err() {
        origin.heal();
        let healed = pull.run().await;
        let now = origin.version();
        let fits = script.known == Known::Nothing
            || now.bytes == first
            || (script.known == Known::Size && now.bytes.len() == first.len());
        match healed {
            Ok(finished) => is_right(&script, &finished, &versions, folder.path()),
            // Whoever wants the first version cannot have it any more.
            Err(error) => assert!(!fits, "{error:?} from an honest origin: {script:?}"),
        }
    }
    code
}

fn is_right(script: &Script, finished: &Finished, versions: &[Version], folder: &std::path::Path) {
    let bytes = std::fs::read(&finished.path).expect("reads");
    let allowed = match script.known {
        Known::Nothing | Known::Size => versions,
        Known::Sha256 | Known::Manifest => &versions[..1],
    };
    assert!(
        allowed.iter().any(|version| *version.bytes == bytes),
        "wrong content: {script:?}"
    );
    assert_eq!(names(folder), ["thing.bin"], "{script:?}");
}

fn is_no_file(script: &Script, error: &Error, folder: &std::path::Path) {
    let left = names(folder);
    let ours = ["thing.bin.part", "thing.bin.part.json"];
    assert!(
        left.iter().all(|name| ours.contains(&name.as_str())),
        "{left:?} after {error:?}: {script:?}"
    );
    let mut words = String::new();
    write!(words, "{error} {error:?}").expect("writes");
    assert!(!words.contains("127.0.0.1"), "{words}: {script:?}");
}

#[test]
fn a_seed_gives_the_same_script_again() {
    let shown = |seed| format!("{:?}", Script::of(seed));
    assert_eq!(shown(7), shown(7));
    assert_ne!(shown(7), shown(8));
}
