//! The store is killed in the middle of things; what was acknowledged is there, and nothing is half there.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::large_futures,
    missing_docs,
    dead_code,
    unreachable_pub
)]
#[path = "conformance/support.rs"]
mod support;

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_sdk_s3::{Client, primitives::ByteStream};
use longhaul_store::Store;
use support::{BUCKET, MIB, bytes, client, completed, keys, options};

const ROUNDS: u64 = 20;

/// A store in a process of its own; killed, not asked.
struct Served {
    child: Child,
    client: Client,
}

impl Served {
    fn start(root: &Path) -> Self {
        let mut child = Command::new(example())
            .arg(root)
            .arg(keys().access_key)
            .arg(keys().secret_key)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            client: client(line.trim(), &keys().secret_key, false),
            child,
        }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Cargo builds the examples of a package with its tests: `target/debug/deps/crash-…` has `../examples/serve`.
fn example() -> PathBuf {
    let mut folder = std::env::current_exe().unwrap();
    folder.pop();
    folder.pop();
    folder
        .join("examples")
        .join(format!("serve{}", std::env::consts::EXE_SUFFIX))
}

fn seed() -> u64 {
    let given = std::env::var("SEED")
        .ok()
        .and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(|| {
        u64::from(
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap()
                .subsec_nanos(),
        )
    });
    println!("SEED={seed}");
    seed
}

fn random(seed: u64, round: u64, below: u64) -> u64 {
    u64::from_le_bytes(bytes(8, seed ^ (round << 32)).try_into().unwrap()) % below
}

/// After an open nothing may lie about that no record names.
async fn opened_clean(
    root: &Path,
    objects_and_parts: impl Fn(usize) -> bool,
) -> longhaul_store::Recovery {
    let store = Store::open(root, options()).await.unwrap();
    assert_eq!(store.recovery().quarantined, 0);
    assert_eq!(std::fs::read_dir(root.join("tmp")).unwrap().count(), 0);
    let files = std::fs::read_dir(root.join("data")).unwrap().count();
    assert!(objects_and_parts(files), "{files} data files");
    *store.recovery()
}

async fn get(client: &Client, key: &str) -> Option<Vec<u8>> {
    match client.get_object().bucket(BUCKET).key(key).send().await {
        Ok(answer) => Some(answer.body.collect().await.unwrap().to_vec()),
        Err(error) => {
            assert!(error.into_service_error().is_no_such_key());
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_during_a_put_leaves_the_old_or_the_new_object_whole() {
    let seed = seed();
    let folder = tempfile::tempdir().unwrap();
    let mut server = Served::start(folder.path());
    server
        .client
        .create_bucket()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    let mut present: Option<Vec<u8>> = None;
    for round in 0..ROUNDS {
        let size = MIB + usize::try_from(random(seed, round, 3 * MIB as u64)).unwrap();
        let new = bytes(size, seed + round);
        let put = tokio::spawn(
            server
                .client
                .put_object()
                .bucket(BUCKET)
                .key("a")
                .body(ByteStream::from(new.clone()))
                .send(),
        );
        // Not a wait for something: the random moment is the test.
        tokio::time::sleep(Duration::from_micros(random(seed, round + 1000, 60_000))).await;
        server.kill();
        let acknowledged = put.await.unwrap().is_ok();
        let found = opened_clean(folder.path(), |files| files <= 1).await;
        println!("round {round}: acknowledged {acknowledged}, {found:?}");
        server = Served::start(folder.path());
        let found = get(&server.client, "a").await;
        if acknowledged {
            assert!(
                found.as_ref() == Some(&new),
                "round {round}: an acknowledged object is lost"
            );
        } else {
            assert!(
                found == present || found.as_ref() == Some(&new),
                "round {round}: neither the old nor the new object"
            );
        }
        present = found;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_during_complete_leaves_an_upload_that_can_be_completed() {
    let seed = seed();
    let folder = tempfile::tempdir().unwrap();
    let mut server = Served::start(folder.path());
    server
        .client
        .create_bucket()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    let (first, last) = (bytes(5 * MIB, seed), bytes(777, seed + 1));
    let whole = [first.clone(), last.clone()].concat();
    for round in 0..ROUNDS {
        let key = format!("k{round}");
        let begun = server
            .client
            .create_multipart_upload()
            .bucket(BUCKET)
            .key(&key)
            .send()
            .await
            .unwrap();
        let upload = begun.upload_id().unwrap().to_owned();
        let mut etags = Vec::new();
        for (number, part) in [(1, &first), (2, &last)] {
            let part = server
                .client
                .upload_part()
                .bucket(BUCKET)
                .key(&key)
                .upload_id(&upload)
                .part_number(number)
                .body(ByteStream::from(part.clone()));
            etags.push(part.send().await.unwrap().e_tag().unwrap().to_owned());
        }
        let complete = |client: &Client| {
            let parts = completed(&[(1, &etags[0]), (2, &etags[1])]);
            client
                .complete_multipart_upload()
                .bucket(BUCKET)
                .key(&key)
                .upload_id(&upload)
                .multipart_upload(parts)
                .send()
        };
        let completing = tokio::spawn(complete(&server.client));
        tokio::time::sleep(Duration::from_micros(random(seed, round + 2000, 4_000))).await;
        server.kill();
        let acknowledged = completing.await.unwrap().is_ok();
        // Every round's two files belong to its object or its upload.
        opened_clean(folder.path(), |files| {
            files == 2 * (usize::try_from(round).unwrap() + 1)
        })
        .await;
        server = Served::start(folder.path());
        match get(&server.client, &key).await {
            Some(found) => assert!(found == whole, "round {round}: a mixed object"),
            None => assert!(
                !acknowledged,
                "round {round}: an acknowledged object is lost"
            ),
        }
        complete(&server.client).await.unwrap();
        assert!(get(&server.client, &key).await == Some(whole.clone()));
        let left = server
            .client
            .list_multipart_uploads()
            .bucket(BUCKET)
            .send()
            .await
            .unwrap();
        assert!(
            left.uploads().is_empty(),
            "round {round}: the upload is still listed"
        );
    }
}
