//! Each operation of the served document has its cases here: a bad token, bad input, the rate.

use std::collections::BTreeSet;

use longhaul_tests::server::{Place, Server};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;

const NOBODY: &str = "6f1f8d0e-5a8b-4a5e-9a57-0d6d0f6f3b11";
const ADA: &str = "canary-token-of-ada";
const ADMIN: &str = "canary-token-of-the-operator";

/// What a call is opened by, what it refuses, and whether it is counted.
struct Case {
    name: &'static str,
    call: (Method, &'static str),
    opened_by: Option<&'static str>,
    /// Path or body that is refused, with status and code; none where nothing can be wrong.
    bad: Option<(&'static str, &'static str, u16, &'static str)>,
    counted: bool,
}

const fn case(
    name: &'static str,
    call: (Method, &'static str),
    opened_by: Option<&'static str>,
    bad: Option<(&'static str, &'static str, u16, &'static str)>,
    counted: bool,
) -> Case {
    Case {
        name,
        call,
        opened_by,
        bad,
        counted,
    }
}

const NO_BODY: &str = "";
static CASES: [Case; 15] = [
    case(
        "initiate",
        (Method::POST, "/v1/jobs/download"),
        Some(ADA),
        Some(("/v1/jobs/download", "{}", 422, "invalid_request")),
        true,
    ),
    case(
        "oldInitiate",
        (Method::POST, "/v1/download/initiate"),
        Some(ADA),
        Some(("/v1/download/initiate", "{", 400, "malformed_json")),
        true,
    ),
    case(
        "oldStart",
        (Method::POST, "/v1/download/start"),
        Some(ADA),
        Some(("/v1/download/start", "[]", 422, "invalid_request")),
        true,
    ),
    case(
        "jobs",
        (Method::GET, "/v1/jobs"),
        Some(ADA),
        Some(("/v1/jobs?ids=7", NO_BODY, 422, "invalid_request")),
        false,
    ),
    case(
        "job",
        (Method::GET, "/v1/jobs/{id}"),
        Some(ADA),
        Some(("/v1/jobs/{id}?wait=26", NO_BODY, 422, "invalid_request")),
        false,
    ),
    case(
        "oldStatus",
        (Method::GET, "/v1/download/status/{id}"),
        Some(ADA),
        Some(("/v1/download/status/7", NO_BODY, 404, "unknown_job")),
        false,
    ),
    case(
        "cancel",
        (Method::DELETE, "/v1/jobs/{id}"),
        Some(ADA),
        Some(("/v1/jobs/7", NO_BODY, 404, "unknown_job")),
        false,
    ),
    case(
        "retry",
        (Method::POST, "/v1/jobs/{id}/retry"),
        Some(ADA),
        Some(("/v1/jobs/7/retry", NO_BODY, 404, "unknown_job")),
        false,
    ),
    case(
        "manifest",
        (Method::GET, "/v1/jobs/{id}/manifest"),
        Some(ADA),
        Some(("/v1/jobs/7/manifest", NO_BODY, 404, "unknown_job")),
        false,
    ),
    case(
        "download",
        (Method::GET, "/v1/downloads/signed/{id}"),
        Some(ADA),
        Some((
            "/v1/downloads/signed/{id}?expires=9&signature=00",
            NO_BODY,
            403,
            "link_expired",
        )),
        false,
    ),
    case(
        "files",
        (Method::GET, "/v1/files"),
        Some(ADA),
        Some(("/v1/files?limit=0", NO_BODY, 422, "invalid_request")),
        false,
    ),
    case(
        "queue",
        (Method::GET, "/v1/queue"),
        Some(ADMIN),
        None,
        false,
    ),
    case(
        "pause",
        (Method::POST, "/v1/queue/pause"),
        Some(ADMIN),
        None,
        false,
    ),
    case(
        "resume",
        (Method::POST, "/v1/queue/resume"),
        Some(ADMIN),
        None,
        false,
    ),
    case("healthz", (Method::GET, "/healthz"), None, None, false),
];
/// Open to all, without input and uncounted: nothing of theirs can be bad.
const OPEN: [&str; 2] = ["readyz", "metrics"];

fn serve(rate: &str) -> (Place, Server) {
    let place = Place::new();
    std::fs::write(place.library().join("a.bin"), b"content").expect("written");
    std::fs::write(place.path("tokens"), format!("ada {ADA}\n")).expect("written");
    std::fs::write(place.path("admin"), ADMIN).expect("written");
    let server = place.serve(&[
        "--tokens",
        "tokens",
        "--admin-token-file",
        "admin",
        "--blocking-start",
        "--initiate-rate",
        rate,
    ]);
    (place, server)
}

fn ask(server: &Server, method: &Method, path: &str, body: &str) -> RequestBuilder {
    let url = server.at(&path.replace("{id}", NOBODY));
    let request = server.http().request(method.clone(), url);
    if body.is_empty() {
        return request;
    }
    let request = request.header("content-type", "application/json");
    request.body(body.to_owned())
}

async fn code(request: RequestBuilder) -> (u16, String) {
    let reply: Response = request.send().await.expect("an answer");
    let status = reply.status().as_u16();
    let problem: Value = reply.json().await.unwrap_or_default();
    (
        status,
        problem["code"].as_str().unwrap_or_default().to_owned(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_of_the_document_has_its_cases() {
    let (_place, server) = serve("off");
    let document: Value = server
        .http()
        .get(server.at("/openapi.json"))
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert!(
        document["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3.1"))
    );
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let name = operation["operationId"].as_str().expect("a name");
            described.insert(name.to_owned());
            let known = CASES.iter().find(|case| case.name == name);
            let Some(known) = known else {
                assert!(OPEN.contains(&name), "{name} has no cases here");
                continue;
            };
            assert_eq!(
                (known.call.0.as_str(), known.call.1),
                (method.to_uppercase().as_str(), path.as_str())
            );
        }
    }
    let named: BTreeSet<_> = CASES.iter().map(|case| case.name.to_owned()).collect();
    assert!(
        named.is_subset(&described),
        "{:?}",
        named.difference(&described)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_is_opened_by_its_own_token_and_by_no_other() {
    let (_place, server) = serve("off");
    for Case {
        name,
        call: (method, path),
        opened_by,
        ..
    } in &CASES
    {
        let Some(token) = *opened_by else { continue };
        let bare = code(ask(&server, method, path, NO_BODY)).await;
        assert_eq!(bare, (401, "unauthorized".into()), "{name} without a token");
        for wrong in [
            "",
            "canary-token-of-eve",
            "canary-token-of-ad",
            "Basic YTpi",
        ] {
            let request = ask(&server, method, path, NO_BODY).bearer_auth(wrong);
            assert_eq!(
                code(request).await,
                (401, "unauthorized".into()),
                "{name} with {wrong:?}"
            );
        }
        let (other, refused) = if token == ADMIN {
            (ADA, (403, "forbidden"))
        } else {
            (ADMIN, (401, "unauthorized"))
        };
        let request = ask(&server, method, path, NO_BODY).bearer_auth(other);
        assert_eq!(
            code(request).await,
            (refused.0, refused.1.into()),
            "{name} with the other token"
        );
        let (status, code) = code(ask(&server, method, path, NO_BODY).bearer_auth(token)).await;
        assert!(
            !matches!(status, 401 | 403 | 405),
            "{name}: {status} {code}"
        );
    }
    assert!(!server.log().contains("canary"), "a token is in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_refuses_what_is_wrong_in_words_of_its_own() {
    let (_place, server) = serve("off");
    for Case {
        name,
        call: (method, _),
        opened_by,
        bad,
        ..
    } in &CASES
    {
        let Some((path, body, status, expected)) = *bad else {
            continue;
        };
        let request = ask(&server, method, path, body).bearer_auth(opened_by.unwrap_or_default());
        assert_eq!(code(request).await, (status, expected.into()), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_calls_that_begin_a_download_are_counted() {
    for Case {
        name,
        call: (method, path),
        opened_by,
        counted,
        ..
    } in &CASES
    {
        if *opened_by == Some(ADMIN) {
            continue;
        }
        let (_place, server) = serve("1");
        let ask = || ask(&server, method, path, "{}").bearer_auth(ADA);
        assert_ne!(code(ask()).await.0, 429, "{name}");
        let again = code(ask()).await;
        assert_eq!(again.0 == 429, *counted, "{name}: {again:?}");
    }
}
