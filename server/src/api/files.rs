//! `GET /v1/files`: the catalogue, to browse and search.

use axum::{Json, extract::State};
use longhaul_protocol::FilesPage;
use serde::Deserialize;

use super::{Api, extract::Fields, jobs::limit, problem::Refusal};

const DEFAULT_PAGE: usize = 100;
const MAX_PAGE: usize = 1000;

/// Query of the catalogue.
#[derive(Debug, Deserialize)]
pub(crate) struct Search {
    query: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

/// One page of the files whose name holds the query.
pub(crate) async fn files(
    State(api): State<Api>,
    Fields(search): Fields<Search>,
) -> Result<Json<FilesPage>, Refusal> {
    let limit = limit(search.limit.as_deref(), DEFAULT_PAGE, MAX_PAGE)?;
    let query = search.query.unwrap_or_default();
    let cursor = search.cursor.filter(|cursor| !cursor.is_empty());
    Ok(Json(
        api.catalogue
            .list(query.trim(), cursor.as_deref(), limit)
            .await,
    ))
}
