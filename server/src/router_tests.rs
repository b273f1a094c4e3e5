//! The document and the routes are one thing, and the committed copy is fresh.

use std::{collections::BTreeSet, path::Path};

use longhaul_protocol::Token;

use super::*;

fn config() -> Config {
    let mut config = Config::embedded("data".into(), None, Token::new("0123456789abcdef"));
    config.blocking_start = true;
    config.allow_urls = true;
    config
}

#[test]
fn every_route_is_described_and_the_committed_document_is_fresh() {
    let (_, document) = described(&config());
    let fresh = serde_json::to_string_pretty(&document).expect("serialises") + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    // Only on request: a test that is tried again must not find what it has written itself.
    if std::env::var_os("LONGHAUL_WRITE_OPENAPI").is_some() {
        std::fs::write(&path, &fresh).expect("written");
    }
    // As values: whether a map keeps its order is a feature that another crate may turn on.
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    assert!(
        value(&committed) == value(&fresh),
        "docs/openapi.json is not fresh: run `make openapi`, and commit it"
    );
    // `routes!` describes what it routes; nothing else may put a call in.
    let source = include_str!("router.rs");
    assert!(
        !source.contains(&[".route", "("].concat()),
        "a call without a description"
    );
}

#[test]
fn each_operation_has_a_name_of_its_own_a_summary_and_its_refusals() {
    let (_, mut document) = described(&config());
    assert_eq!(
        serde_json::to_value(&document).expect("serialises")["openapi"],
        "3.1.0"
    );
    let mut names = BTreeSet::new();
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in openapi::operations(item) {
            let name = operation.operation_id.clone().expect("a name");
            assert!(names.insert(name.clone()), "{name} twice");
            assert!(operation.summary.is_some(), "{name}");
            let statuses: BTreeSet<_> = operation.responses.responses.keys().cloned().collect();
            let has = |status: &str| statuses.contains(status);
            assert!(
                has("421") && has("500") && has("503"),
                "{path}: {statuses:?}"
            );
            assert_eq!(has("401"), operation.security.is_some(), "{path}");
            assert_eq!(
                has("403"),
                method != utoipa::openapi::HttpMethod::Get
                    || path.contains("queue")
                    || path.contains("signed"),
                "{path}"
            );
            assert_eq!(
                has("429"),
                ["initiate", "oldInitiate", "oldStart"].contains(&name.as_str()),
                "{path}"
            );
            assert_eq!(
                operation.deprecated.is_some(),
                path.starts_with("/v1/download/"),
                "{path}"
            );
        }
    }
}

#[test]
fn a_server_without_the_blocking_call_does_not_describe_it() {
    let mut config = config();
    config.blocking_start = false;
    let (_, document) = described(&config);
    let paths = document.paths.paths;
    assert!(
        !paths.contains_key("/v1/download/start") && paths.contains_key("/v1/download/initiate")
    );
}

#[test]
fn a_body_names_a_file_or_where_the_server_fetches_them_a_url() {
    let body = |urls| {
        let mut config = config();
        config.allow_urls = urls;
        let document = serde_json::to_value(described(&config).1).expect("serialises");
        document["components"]["schemas"]["InitiateRequest"].clone()
    };
    let either = body(true);
    assert_eq!(
        either["oneOf"].as_array().map(Vec::len),
        Some(2),
        "{either}"
    );
    let files = body(false);
    assert_eq!(files["required"], serde_json::json!(["file_id"]));
    assert!(files["properties"].get("url").is_none(), "{files}");
}
