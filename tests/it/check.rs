//! `longhaul-server check` tries what a start needs, says so by key, and leaves nothing.

use std::process::{Command, Output};

use longhaul_tests::{
    bins::binary,
    s3::{KEYS, OwnS3},
    server::Place,
};

fn check(place: &Place, options: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, .. } = Command::new(binary("longhaul-server"))
        .args(["check", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(place.path("data"))
        .args(options)
        .current_dir(place.path(""))
        .env("AWS_ACCESS_KEY_ID", KEYS.0)
        .env("AWS_SECRET_ACCESS_KEY", KEYS.1)
        .output()
        .expect("it runs");
    (status.code(), String::from_utf8(stdout).expect("unicode"))
}

#[test]
fn a_good_configuration_is_told_line_by_line() {
    let place = Place::new();
    let library = place.library();
    let (code, said) = check(&place, &["--library", library.to_str().expect("unicode")]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.lines().all(|line| line.starts_with("ok ")), "{said}");
    for key in [
        "listen",
        "library",
        "tokens",
        "data-dir",
        "queue",
        "s3-endpoint",
    ] {
        assert!(said.contains(&format!(" {key}: ")), "{key}\n{said}");
    }
}

#[test]
fn a_bad_value_ends_with_2_and_names_its_key() {
    let place = Place::new();
    let (code, said) = check(&place, &["--presign-ttl", "8d"]);
    assert_eq!(code, Some(2));
    assert!(said.starts_with("failed  presign-ttl: "), "{said}");
}

#[test]
fn a_queue_in_use_and_an_s3_that_is_away_end_with_1() {
    let place = Place::new();
    let server = place.serve(&[]);
    let (code, said) = check(&place, &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("failed  queue: "), "{said}");
    drop(server);
    let away = [
        "--s3-endpoint",
        "http://127.0.0.1:9",
        "--s3-bucket",
        "files",
    ];
    let (code, said) = check(&place, &away);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("failed  s3-bucket: "), "{said}");
    assert!(said.contains("ok      queue: "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_s3_of_ones_own_is_written_to_read_and_left_as_it_was() {
    let place = Place::new();
    let mut s3 = OwnS3::start(place.path("s3")).await;
    let options = ["--s3-endpoint", &s3.endpoint, "--s3-bucket", "files"];
    let (code, said) = check(&place, &options);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("ok      s3-bucket: files can be"), "{said}");
    s3.stop().await;
    let objects = place.path("s3/buckets/files/objects");
    let left: Vec<_> = std::fs::read_dir(objects).expect("there").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_role_that_this_queue_cannot_be_shared_by_is_refused() {
    let place = Place::new();
    let (code, said) = check(&place, &["--role", "api"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("role: api needs a queue"), "{said}");
}
