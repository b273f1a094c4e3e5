//! `/openapi.json`, and `/docs`: Swagger UI from inside the binary, which shows it.

use std::{
    borrow::Cow,
    io::{Cursor, Read},
    sync::{Arc, LazyLock},
};

use axum::{
    Router,
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use longhaul_protocol::ProblemCode;
use utoipa::openapi::OpenApi;

use super::problem::Refusal;

/// The viewer runs its own script alone, and asks this server alone. It sets styles inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";
const PAGE: &str = "<!doctype html><html lang=en><meta charset=utf-8>\
    <meta name=viewport content='width=device-width, initial-scale=1'>\
    <title>Longhaul job server</title><link rel=stylesheet href=/docs/swagger-ui.css>\
    <link rel=icon href=/docs/favicon-32x32.png><div id=viewer></div>\
    <script src=/docs/swagger-ui-bundle.js></script><script src=/docs/start.js></script></html>";
const START: &str = "SwaggerUIBundle({ url: '/openapi.json', dom_id: '#viewer', \
    deepLinking: true, validatorUrl: null, presets: [SwaggerUIBundle.presets.apis] });";
/// What the viewer needs of its package.
const PARTS: [&str; 3] = [
    "swagger-ui.css",
    "swagger-ui-bundle.js",
    "favicon-32x32.png",
];

/// Where they are.
pub(crate) const PATHS: [&str; 4] = ["/openapi.json", "/docs", "/docs/", "/docs/{part}"];

/// The document and its viewer; open to all, as what they tell is no secret.
pub(crate) fn docs(document: &OpenApi) -> Router {
    let document = serde_json::to_vec_pretty(document).unwrap_or_default();
    let document = Bytes::from(document);
    let json = move || {
        let document = document.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], document) }
    };
    let [file, viewer, in_folder, parts] = PATHS;
    Router::new()
        .route(file, get(json))
        .route(viewer, get(page))
        .route(in_folder, get(page))
        .route(parts, get(part))
}

async fn page() -> Response {
    answer("text/html; charset=utf-8", PAGE)
}

async fn part(Path(name): Path<String>) -> Response {
    let found = match name.as_str() {
        "start.js" => Some(Bytes::from_static(START.as_bytes())),
        name => match PARTS.iter().position(|part| *part == name) {
            // Unpacked once, and for the first time off the runtime's threads.
            Some(index) => {
                let parts = tokio::task::spawn_blocking(|| Arc::clone(&VIEWER)).await;
                parts.ok().and_then(|parts| parts.get(index).cloned())
            }
            None => None,
        },
    };
    match found {
        Some(bytes) => {
            let kind = mime_guess::from_path(&name).first_or_octet_stream();
            answer(kind.as_ref(), bytes)
        }
        None => Refusal::new(ProblemCode::NotFound, "Nothing is at this path.").into_response(),
    }
}

fn answer(kind: &str, body: impl IntoResponse) -> Response {
    let head = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (StatusCode::OK, head, body).into_response()
}

/// In the order of [`PARTS`]; empty where the package is not what it was.
static VIEWER: LazyLock<Arc<[Bytes]>> = LazyLock::new(|| {
    let unpacked = unpack();
    if unpacked.is_none() {
        tracing::error!("the viewer of /docs cannot be unpacked");
    }
    unpacked.unwrap_or_default().into()
});

fn unpack() -> Option<Vec<Bytes>> {
    let package = Cursor::new(utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED);
    let mut package = zip::ZipArchive::new(package).ok()?;
    let names: Vec<_> = package
        .file_names()
        .flatten()
        .map(Cow::into_owned)
        .collect();
    let unpacked = PARTS.iter().map(|part| {
        let end = format!("/dist/{part}");
        let name = names.iter().find(|name| name.ends_with(&end))?;
        let mut bytes = Vec::new();
        package.by_name(name).ok()?.read_to_end(&mut bytes).ok()?;
        Some(Bytes::from(bytes))
    });
    unpacked.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packaged_viewer_has_all_that_its_page_names() {
        let parts = unpack().expect("the package is there");
        assert_eq!(parts.len(), PARTS.len());
        assert!(parts.iter().all(|part| part.len() > 500));
        for part in PARTS {
            assert!(PAGE.contains(&format!("/docs/{part}")), "{part}");
        }
        assert!(
            !PAGE.contains("://") && !START.contains("://"),
            "nothing is from elsewhere"
        );
    }
}
