//! The web page in headless Chromium, by Playwright, against the real server.

use std::{path::Path, process::Command};

use longhaul_tests::{
    content::{incompressible, sha256},
    server::Place,
};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_picks_a_file_sees_it_made_and_receives_its_bytes() {
    let place = Place::new();
    let source = place.path("source.bin");
    incompressible(&source, 50 << 20, 3);
    // Made slowly enough to be seen, however fast the machine is.
    let catalogue = place.path("catalog.toml");
    let script = "for at in 10 30 50 70 90; do echo progress $at >&2; sleep 1; done; cat $0";
    let entry = format!(
        "[[file]]\nid = 7\nname = \"from the web ü.bin\"\n\
         command = {{ argv = [\"sh\", \"-c\", \"{script}\", \"{}\"] }}\n",
        source.display()
    );
    std::fs::write(&catalogue, entry).expect("written");
    let server = place.serve(&["--catalog", &catalogue.display().to_string()]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/e2e/web.mjs");
    let mut command = Command::new("node");
    command
        .arg(script)
        .env("LONGHAUL_URL", server.url.as_str())
        .env("LONGHAUL_FILE", "from the web ü.bin")
        .env("LONGHAUL_SHA256", sha256(&source));
    let out = tokio::task::spawn_blocking(move || command.output())
        .await
        .expect("joined")
        .expect("node runs");
    let complaint = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{complaint}\n{}", server.log());
    let report: Value = serde_json::from_slice(&out.stdout).expect("one line of JSON");
    assert!(
        report["steps"].as_u64() > Some(1),
        "the bar moved: {report}"
    );
}
