//! What a call reads from its request line; what cannot be read is a problem like any other.

use axum::{
    extract::{FromRequestParts, Path, Query},
    http::request::Parts,
};
use longhaul_protocol::{JobId, ProblemCode};
use serde::de::DeserializeOwned;

use super::problem::Refusal;

/// The query, as fields.
#[derive(Debug)]
pub(crate) struct Fields<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Fields<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        Query::from_request_parts(parts, state)
            .await
            .map(|Query(fields)| Self(fields))
            .map_err(|error| Refusal::new(ProblemCode::InvalidRequest, error.body_text()))
    }
}

/// The job that the path names. What is not even an id is a job that does not exist.
#[derive(Debug)]
pub(crate) struct Named(pub JobId);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.ok()
            .and_then(|Path(text)| text.parse().ok())
            .map(Self)
            .ok_or_else(Refusal::unknown_job)
    }
}
