//! `GET /v1/files`: the catalogue, to browse and search.

use axum::{Json, extract::State};
use longhaul_protocol::FilesPage;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Api, extract::Fields, jobs::limit, problem::Refusal};

const DEFAULT_PAGE: usize = 100;
const MAX_PAGE: usize = 1000;

/// Query of the catalogue.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Search {
    /// What the names hold, whatever their case
    #[param(nullable = false)]
    query: Option<String>,
    /// So many files at most; 100 where absent
    #[param(value_type = Option<u16>, minimum = 1, maximum = 1000, nullable = false)]
    limit: Option<String>,
    /// `nextCursor` of the page before
    #[param(nullable = false)]
    cursor: Option<String>,
}

/// One page of the files whose name holds the query.
#[utoipa::path(
    get,
    path = "/v1/files",
    operation_id = "files",
    tag = "files",
    params(Search),
    security(("token" = [])),
    responses((status = 200, body = FilesPage, description = "Files whose name holds the query, by name")),
)]
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
