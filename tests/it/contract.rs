//! The API as the contract has it, held against the real server: fields, headers, limits, ends.

use std::{
    collections::BTreeSet,
    fs::File,
    process::{Command, Stdio},
    time::Instant,
};

use longhaul_protocol::{Crc64Nvme, JobStatus, Manifest};
use longhaul_tests::{
    bins::binary,
    content::{incompressible, sha256},
    server::{Place, Server},
};
use reqwest::{Client, Response, redirect::Policy};
use serde_json::{Value, json};

const JOB: &str = "attempt bytesDone bytesTotal cancelsAt createdAt error fileName jobId maxAttempts \
    progress queuePosition result stage status updatedAt";
const RESULT: &str =
    "artifactExpiresAt crc64nvme downloadUrl etag expiresAt manifestUrl sha256 size";
const NOBODY: &str = "6f1f8d0e-5a8b-4a5e-9a57-0d6d0f6f3b11";
/// Takes seconds to produce, so that what happens meanwhile can be looked at.
const BIG: u64 = 700 << 20;

fn assert_keys(value: &Value, keys: &str) {
    let found: BTreeSet<_> = value.as_object().expect("an object").keys().collect();
    let found: Vec<_> = found.into_iter().map(String::as_str).collect();
    assert_eq!(
        found,
        keys.split_whitespace().collect::<Vec<_>>(),
        "{value}"
    );
}

/// What every answer carries; then its body.
async fn body(reply: Response, status: u16) -> Value {
    let headers = reply.headers();
    assert_eq!(
        headers["cache-control"],
        "no-cache, no-store, must-revalidate"
    );
    assert!(!headers["x-request-id"].is_empty());
    let got = reply.status();
    let text = reply.text().await.expect("a body");
    assert_eq!(got, status, "{text}");
    serde_json::from_str(&text).expect("JSON")
}

async fn get(server: &Server, path: &str) -> Value {
    let reply = server.http().get(server.at(path)).send().await;
    body(reply.expect("an answer"), 200).await
}

async fn start(server: &Server, asked: &Value, key: Option<&str>) -> Response {
    let mut request = server
        .http()
        .post(server.at("/v1/jobs/download"))
        .json(asked);
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    request.send().await.expect("an answer")
}

fn write(place: &Place, name: &str, size: u64) {
    incompressible(&place.library().join(name), size, size);
}

/// Zeros that take no room in the library, but as long as any bytes to produce.
fn write_big(place: &Place, name: &str) {
    let file = File::create(place.library().join(name)).expect("a file");
    file.set_len(BIG).expect("sized");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_goes_from_202_to_a_signed_result_with_exactly_the_contracts_fields() {
    let place = Place::new();
    write(&place, "a.bin", 3 << 20);
    let server = place.serve(&[]);
    let id = server.file_id("a.bin").await;
    let reply = start(&server, &json!({ "file_id": id }), None).await;
    let headers = reply.headers().clone();
    let job = body(reply, 202).await;
    assert_keys(&job, "checkUrl durability jobId status");
    assert_eq!(job["status"], "pending");
    assert_eq!(job["durability"], "fsync");
    let check = job["checkUrl"].as_str().expect("a path");
    assert_eq!(
        check,
        format!("/v1/jobs/{}", job["jobId"].as_str().expect("an id"))
    );
    assert_eq!(headers["location"], check);
    assert_eq!(headers["retry-after"], "2");

    server.poll_until(check, |job| job.status.is_final()).await;
    let done = get(&server, check).await;
    assert_keys(&done, JOB);
    assert_eq!(done["status"], "completed");
    assert_eq!(
        (&done["progress"], &done["stage"]),
        (&json!(100), &json!("done"))
    );
    let result = &done["result"];
    assert_keys(result, RESULT);
    assert_eq!(result["size"], 3 << 20);
    assert_eq!(result["sha256"], sha256(&place.library().join("a.bin")));
    let url = result["downloadUrl"].as_str().expect("a URL");
    assert!(url.contains("X-Amz-Expires=900&") || url.ends_with("X-Amz-Expires=900"));
    assert!(url.contains("X-Amz-Signature="));
    let again = get(&server, check).await;
    let [first, second] = [&done, &again].map(|job| {
        let expires = job["result"]["expiresAt"].as_str().expect("a time");
        expires.parse::<jiff::Timestamp>().expect("RFC 3339")
    });
    assert!(second > first, "signed afresh: {first}, {second}");
    assert_eq!(again["result"]["etag"], result["etag"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manifest_and_the_download_url_are_the_files_own_bytes() {
    let place = Place::new();
    let name = "Ünï \"quoted\" 'a;b' 100% 文件.bin";
    write(&place, "a.bin", (5 << 20) + 17);
    let bytes = std::fs::read(place.library().join("a.bin")).expect("read");
    let server = place.serve(&[]);
    let id = server.file_id("a.bin").await;
    let asked = json!({ "file_id": id, "fileName": name });
    let job = body(start(&server, &asked, None).await, 202).await;
    let check = job["checkUrl"].as_str().expect("a path");
    let done = server.completed(check).await;
    assert_eq!(done.file_name, name);
    let result = done.result.expect("a result");
    assert_eq!(result.crc64nvme, Crc64Nvme(crc_fast::crc64_nvme(&bytes)));

    let manifest = get(&server, &result.manifest_url).await;
    assert_keys(&manifest, "blockSize crc64nvme etag sha256 size");
    let manifest: Manifest = serde_json::from_value(manifest).expect("a manifest");
    assert_eq!(
        (manifest.size, manifest.block_size),
        (bytes.len() as u64, 1 << 20)
    );
    assert_eq!(
        (&manifest.etag, manifest.sha256),
        (&result.etag, result.sha256)
    );
    let crcs: Vec<_> = bytes
        .chunks(1 << 20)
        .map(|block| Crc64Nvme(crc_fast::crc64_nvme(block)))
        .collect();
    assert_eq!(manifest.crc64nvme, crcs);

    let url = result.download_url.expose();
    let part = server
        .http()
        .get(url.clone())
        .header("range", "bytes=1000-2999");
    let part = part.send().await.expect("an answer");
    assert_eq!(part.status(), 206);
    let range = format!("bytes 1000-2999/{}", bytes.len());
    assert_eq!(part.headers()["content-range"], range.as_str());
    let disposition = part.headers()["content-disposition"]
        .to_str()
        .expect("ASCII");
    assert!(
        disposition.starts_with("attachment; filename=\""),
        "{disposition}"
    );
    let full = "filename*=UTF-8''%C3%9Cn%C3%AF%20%22quoted%22%20%27a%3Bb%27%20100%25%20\
        %E6%96%87%E4%BB%B6.bin";
    assert!(disposition.ends_with(full), "{disposition}");
    assert!(part.bytes().await.expect("bytes") == bytes[1000..3000]);

    let client = Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .build();
    let signed = server.at(&check.replace("/jobs/", "/downloads/signed/"));
    let signed = client
        .expect("a client")
        .get(signed)
        .send()
        .await
        .expect("an answer");
    assert_eq!(signed.status(), 307);
    let location = signed.headers()["location"].to_str().expect("ASCII");
    let fetched = server.http().get(location).send().await.expect("an answer");
    assert!(fetched.bytes().await.expect("bytes") == bytes);
    for secret in ["X-Amz-", &location[location.len() - 32..]] {
        assert!(
            !server.log().contains(secret),
            "a signed query is in the log"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_and_a_running_job_are_cancelled_and_run_again_on_request() {
    let place = Place::new();
    write_big(&place, "big.bin");
    write(&place, "small.bin", 1000);
    let server = place.serve(&["--workers", "1"]);
    let big = server.initiate(server.file_id("big.bin").await).await;
    let small = server.initiate(server.file_id("small.bin").await).await;
    server
        .poll_until(&big.check_url, |job| job.status == JobStatus::Processing)
        .await;
    let waiting = get(&server, &small.check_url).await;
    assert_keys(&waiting, JOB);
    assert_eq!(
        (&waiting["status"], &waiting["stage"]),
        (&json!("pending"), &json!("queued"))
    );
    let running = get(&server, &big.check_url).await;
    assert_keys(&running, JOB);
    assert_eq!(
        (&running["status"], &running["result"]),
        (&json!("processing"), &Value::Null)
    );

    for (job, at_once) in [(&small, true), (&big, false)] {
        let url = server.at(&job.check_url);
        let early = server.http().post(format!("{url}/retry")).send().await;
        assert_eq!(
            body(early.expect("an answer"), 409).await["code"],
            "conflict"
        );
        let gone = server.http().delete(url).send().await.expect("an answer");
        let gone = body(gone, 200).await;
        assert!(!at_once || gone["status"] == "failed", "{gone}");
        server
            .poll_until(&job.check_url, |job| job.status.is_final())
            .await;
        let failed = get(&server, &job.check_url).await;
        assert_keys(&failed, JOB);
        assert_eq!(failed["status"], "failed");
        assert_keys(&failed["error"], "code message retryable");
        assert_eq!(failed["error"]["code"], "cancelled");
    }
    let again = server.at(&format!("{}/retry", small.check_url));
    let again = body(
        server.http().post(again).send().await.expect("an answer"),
        202,
    )
    .await;
    assert_eq!(
        (&again["status"], &again["error"]),
        (&json!("pending"), &Value::Null)
    );
    assert_eq!(server.completed(&small.check_url).await.attempt, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_poll_answers_at_the_change_or_after_its_time() {
    let place = Place::new();
    write_big(&place, "big.bin");
    write(&place, "small.bin", 1000);
    let server = place.serve(&["--workers", "1"]);
    let big = server.initiate(server.file_id("big.bin").await).await;
    let small = server.initiate(server.file_id("small.bin").await).await;
    let begun = Instant::now();
    let still = get(&server, &format!("{}?wait=1", small.check_url)).await;
    let took = begun.elapsed().as_millis();
    assert_eq!(
        still["status"], "pending",
        "the big file must take longer than this"
    );
    assert!((1000..5000).contains(&took), "{took} ms");

    let begun = Instant::now();
    let path = format!("{}?wait=25", small.check_url);
    let (news, cancelled) = tokio::join!(get(&server, &path), async {
        server
            .http()
            .delete(server.at(&small.check_url))
            .send()
            .await
    });
    assert_eq!(cancelled.expect("an answer").status(), 200);
    assert_eq!(news["status"], "failed");
    assert!(begun.elapsed().as_secs() < 15, "{:?}", begun.elapsed());
    server
        .http()
        .delete(server.at(&big.check_url))
        .send()
        .await
        .expect("an answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_jobs_are_polled_listed_and_paged() {
    let place = Place::new();
    for n in 1..=5 {
        write(&place, &format!("part-{n}.bin"), n * 1000);
    }
    let server = place.serve(&[]);
    let mut ids = Vec::new();
    for n in 1..=5 {
        let job = server
            .initiate(server.file_id(&format!("part-{n}.bin")).await)
            .await;
        server.completed(&job.check_url).await;
        ids.push(job.job_id.to_string());
    }
    let reply = get(
        &server,
        &format!("/v1/jobs?ids={},{NOBODY},{}", ids[3], ids[0]),
    )
    .await;
    assert_keys(&reply, "jobs missing");
    assert_eq!(reply["missing"], json!([NOBODY]));
    let jobs = reply["jobs"].as_array().expect("jobs");
    assert_eq!([&jobs[0]["jobId"], &jobs[1]["jobId"]], [&ids[3], &ids[0]]);
    assert_keys(&jobs[0], JOB);
    let path = |n: usize| format!("/v1/jobs?ids={}", vec![NOBODY; n].join(","));
    assert_eq!(get(&server, &path(200)).await["jobs"], json!([]));
    let many = server.http().get(server.at(&path(201))).send().await;
    assert_eq!(
        body(many.expect("an answer"), 422).await["code"],
        "invalid_request"
    );

    let newest: Vec<_> = ids.iter().rev().cloned().collect();
    let list = "/v1/jobs?status=completed";
    assert_eq!(paged(&server, list, "jobs", "jobId").await, newest);
    assert_eq!(
        get(&server, "/v1/jobs?status=failed").await["jobs"],
        json!([])
    );

    let names: Vec<_> = (1..=5).map(|n| format!("part-{n}.bin")).collect();
    let mut found = paged(&server, "/v1/files?query=PART", "files", "name").await;
    found.sort();
    assert_eq!(found, names);
    let one = get(&server, "/v1/files?query=part-3").await;
    assert_keys(&one, "files nextCursor");
    assert_keys(&one["files"][0], "fileId kind modifiedAt name size");
    assert_eq!(
        (&one["files"][0]["size"], &one["nextCursor"]),
        (&json!(3000), &Value::Null)
    );
    for path in ["/healthz", "/readyz"] {
        assert_keys(&get(&server, path).await, "status");
    }
}

/// Follows the cursors, two at a time.
async fn paged(server: &Server, path: &str, items: &str, field: &str) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), None::<String>);
    for _ in 0..10 {
        let mut url = server.at(path);
        url.query_pairs_mut().append_pair("limit", "2");
        if let Some(cursor) = &cursor {
            url.query_pairs_mut().append_pair("cursor", cursor);
        }
        let page = body(server.http().get(url).send().await.expect("an answer"), 200).await;
        assert_keys(
            &page,
            if items == "jobs" {
                "jobs nextCursor"
            } else {
                "files nextCursor"
            },
        );
        let on_page = page[items].as_array().expect("items");
        assert!(on_page.len() <= 2, "{page}");
        let texts = on_page
            .iter()
            .map(|item| item[field].as_str().expect("text").to_owned());
        found.extend(texts);
        cursor = page["nextCursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return found;
        }
    }
    panic!("{path}: the pages do not end: {found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_is_the_same_job_even_after_a_restart() {
    let place = Place::new();
    write(&place, "a.bin", 1000);
    let server = place.serve(&[]);
    let id = server.file_id("a.bin").await;
    let asked = json!({ "file_id": id, "fileName": "b" });
    let first = body(start(&server, &asked, Some(NOBODY)).await, 202).await;
    let second = body(start(&server, &asked, Some(NOBODY)).await, 202).await;
    assert_eq!(first["jobId"], second["jobId"]);
    server.kill();
    let server = place.serve(&[]);
    let third = body(start(&server, &asked, Some(NOBODY)).await, 202).await;
    assert_eq!(first["jobId"], third["jobId"]);
    let other = start(&server, &json!({ "file_id": id }), Some(NOBODY)).await;
    assert_eq!(body(other, 422).await["code"], "idempotency_key_reused");
    let fresh = body(start(&server, &asked, None).await, 202).await;
    assert_ne!(first["jobId"], fresh["jobId"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_its_owners_jobs_alone_and_is_never_logged() {
    let place = Place::new();
    write(&place, "a.bin", 1000);
    let tokens = place.path("tokens");
    std::fs::write(
        &tokens,
        "ada canary-token-of-ada\nbob canary-token-of-bob\n",
    )
    .expect("written");
    let server = place.serve(&["--tokens", tokens.to_str().expect("unicode")]);
    let ask =
        |path: &str, token: &str| server.http().get(server.at(path)).bearer_auth(token).send();
    let bare = server
        .http()
        .get(server.at("/v1/files"))
        .send()
        .await
        .expect("an answer");
    let wrong = ask("/v1/files", "canary-token-of-eve")
        .await
        .expect("an answer");
    for reply in [bare, wrong] {
        assert_eq!(reply.headers()["www-authenticate"], "Bearer");
        assert_eq!(body(reply, 401).await["code"], "unauthorized");
    }
    let files = ask("/v1/files", "canary-token-of-ada")
        .await
        .expect("an answer");
    let id = body(files, 200).await["files"][0]["fileId"].clone();
    let job = server
        .http()
        .post(server.at("/v1/jobs/download"))
        .bearer_auth("canary-token-of-ada")
        .json(&json!({ "file_id": id }))
        .send()
        .await;
    let job = body(job.expect("an answer"), 202).await;
    let check = job["checkUrl"].as_str().expect("a path");
    let own = ask(check, "canary-token-of-ada").await.expect("an answer");
    assert_eq!(body(own, 200).await["jobId"], job["jobId"]);
    let nobody = format!("/v1/jobs/{NOBODY}");
    for end in ["", "/manifest"] {
        let foreign = ask(&format!("{check}{end}"), "canary-token-of-bob").await;
        let foreign = body(foreign.expect("an answer"), 404).await;
        let nothing = ask(&format!("{nobody}{end}"), "canary-token-of-bob").await;
        assert_eq!(foreign, body(nothing.expect("an answer"), 404).await);
        assert_eq!(foreign["code"], "unknown_job");
    }
    let log = server.log();
    assert!(log.contains("accepted") && !log.contains("canary"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn initiations_beyond_the_rate_are_refused_and_polls_are_not_counted() {
    let place = Place::new();
    write(&place, "a.bin", 1000);
    let server = place.serve(&["--initiate-rate", "3"]);
    let asked = json!({ "file_id": server.file_id("a.bin").await });
    for left in (0..3).rev() {
        let reply = start(&server, &asked, None).await;
        let limit = format!("\"initiate\";r={left}");
        assert_eq!(reply.headers()["ratelimit"], limit.as_str());
        let job = body(reply, 202).await;
        for _ in 0..10 {
            get(&server, job["checkUrl"].as_str().expect("a path")).await;
        }
    }
    let reply = start(&server, &asked, None).await;
    let headers = reply.headers().clone();
    assert_eq!(body(reply, 429).await["code"], "rate_limited");
    let wait: u64 = headers["retry-after"]
        .to_str()
        .expect("text")
        .parse()
        .expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(headers["ratelimit-policy"], "\"initiate\";q=3;w=60");
    assert!(
        headers["ratelimit"]
            .to_str()
            .expect("text")
            .starts_with("\"initiate\";r=0;t=")
    );
}

#[test]
fn a_configuration_that_cannot_be_used_ends_with_2_and_names_its_key() {
    let place = Place::new();
    for (options, key) in [
        (["--listen", "0.0.0.0:0"], "listen"),
        (["--listen", "nowhere"], "listen"),
        (["--queue", "carrier-pigeon"], "queue"),
        (["--workers", "many"], "workers"),
        (["--presign-ttl", "soon"], "presign-ttl"),
        (["--no-such-option", "1"], "no-such-option"),
    ] {
        let ended = Command::new(binary("longhaul-server"))
            .args(options)
            .arg("--data-dir")
            .arg(place.path("data"))
            .current_dir(place.path(""))
            .stdin(Stdio::null())
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(2), "{options:?}: {said}");
        assert!(said.contains(key), "{options:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_in_progress_at_sigterm_is_taken_up_after_the_restart() {
    let place = Place::new();
    write_big(&place, "big.bin");
    let server = place.serve(&["--drain", "1s"]);
    let job = server.initiate(server.file_id("big.bin").await).await;
    server
        .poll_until(&job.check_url, |job| {
            job.bytes_done > 0 || job.status.is_final()
        })
        .await;
    assert_eq!(server.terminate(), Some(0));
    let server = place.serve(&[]);
    let taken_up = server.job(&job.check_url).await;
    assert!(
        !taken_up.status.is_final(),
        "it must not have ended before: {taken_up:?}"
    );
    let done = server.completed(&job.check_url).await;
    let result = done.result.expect("a result");
    assert_eq!(result.size, BIG);
    assert_eq!(
        result.sha256.to_string(),
        sha256(&place.library().join("big.bin"))
    );
}
