//! What is shipped to be deployed is what these versions of things accept.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use longhaul_tests::{bins::binary, server::Place};

fn shipped(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy")).join(name)
}

#[test]
fn the_example_configuration_is_one_that_a_server_starts_with() {
    let place = Place::new();
    let checked = Command::new(binary("longhaul-server"))
        .args(["check", "--listen", "127.0.0.1:0", "--config"])
        .arg(shipped("longhaul.toml"))
        .arg("--data-dir")
        .arg(place.path("data"))
        .arg("--library")
        .arg(place.library())
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&checked.stdout);
    assert_eq!(checked.status.code(), Some(0), "{said}");
}

#[test]
fn systemd_accepts_the_unit() {
    let text = std::fs::read_to_string(shipped("longhaul-server.service")).expect("the unit");
    let installed = binary("longhaul-server");
    let text = text.replace("/usr/bin/longhaul-server", &installed.display().to_string());
    let place = Place::new();
    let unit = place.path("longhaul-server.service");
    std::fs::write(&unit, text).expect("written");
    let verified = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(&unit)
        .output()
        .expect("systemd-analyze is installed");
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(
        verified.status.success() && said.trim().is_empty(),
        "{said}"
    );
}
