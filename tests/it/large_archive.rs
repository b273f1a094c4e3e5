//! An archive past the numbers of the old zip format: members and offsets beyond 4 GiB, read by a
//! program that is not ours. `make test-archive` takes it there; the default run stays small.

use std::{fs::File, process::Command};

use longhaul_tests::{
    content::incompressible,
    server::{Place, Server},
};
use tokio::io::AsyncWriteExt;

const LAST: &str = "The last member lies behind all the others.\n";

/// Bytes of each of the two large members.
fn large() -> u64 {
    std::env::var("LONGHAUL_ARCHIVE_BYTES").map_or(32 << 20, |bytes| {
        bytes.parse().expect("LONGHAUL_ARCHIVE_BYTES is a number")
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_of_large_files_is_whole_to_a_reader_that_is_not_ours() {
    let (place, size) = (Place::new(), large());
    let folder = place.path("folder");
    std::fs::create_dir(&folder).expect("made");
    // One that shrinks to nothing, so that only its own size is large; one that does not shrink, so
    // that what follows it lies far behind.
    let zeros = File::create(folder.join("a-zeros.bin")).expect("made");
    zeros.set_len(size).expect("sparse");
    incompressible(&folder.join("b-noise.bin"), size, 9);
    std::fs::write(folder.join("c-last.txt"), LAST).expect("written");
    let [option, file] = place.catalogue(&["archive = { folder = \"folder\" }"]);
    let server = place.serve(&[&option, &file]);
    let job = server.initiate(1).await;
    let archive = place.path("large.zip");
    fetch(&server, &job.check_url, &archive).await;

    let unzip = |how: &[&str]| {
        let mut unzip = Command::new("unzip");
        let outcome = unzip.arg(how[0]).arg(&archive).args(&how[1..]).output();
        let outcome = outcome.expect("unzip is installed: make setup");
        let said = String::from_utf8_lossy(&outcome.stdout).into_owned();
        assert!(outcome.status.success(), "{said}");
        said
    };
    // Reads each member to its end, and holds it against its CRC.
    unzip(&["-tq"]);
    assert_eq!(unzip(&["-p", "c-last.txt"]), LAST);
    let listing = unzip(&["-l"]);
    for name in ["a-zeros.bin", "b-noise.bin"] {
        let line = listing.lines().find(|line| line.ends_with(name));
        let told = line.and_then(|line| line.split_whitespace().next());
        assert_eq!(told, Some(&*size.to_string()), "{listing}");
    }
    assert_eq!(server.terminate(), Some(0));
}

async fn fetch(server: &Server, check_url: &str, path: &std::path::Path) {
    // However long it takes, as long as it gets on.
    let mut job = server.job(check_url).await;
    while !job.status.is_final() {
        let seen = job.updated_at;
        job = server
            .poll_until(check_url, |job| job.updated_at != seen)
            .await;
    }
    assert_eq!(job.error, None);
    let result = job.result.expect("it is made");
    let reply = server.http().get(result.download_url.expose().clone());
    let mut reply = reply.send().await.expect("an answer");
    let mut file = tokio::fs::File::create(path).await.expect("made");
    while let Some(chunk) = reply.chunk().await.expect("whole") {
        file.write_all(&chunk).await.expect("written");
    }
    file.flush().await.expect("written");
    let stored = tokio::fs::metadata(path).await.expect("there").len();
    assert_eq!(stored, result.size);
}
