//! Errors of the API, as RFC 9457 problem details with a stable `code`.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::JobId;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $status:literal, $text:literal, $title:literal;)*) => {
        /// What went wrong with a request: stable, for programs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
        #[serde(rename_all = "snake_case")]
        #[ts(export)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum ProblemCode {
            $($(#[$doc])* $name,)*
            /// A code that this build does not know yet.
            #[serde(other)]
            Unknown,
        }

        impl ProblemCode {
            /// The HTTP status that goes with it.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* Self::Unknown => 500 }
            }

            /// The code as it is written.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* Self::Unknown => "unknown" }
            }

            /// A few words that never change with the case at hand (RFC 9457 §3.1.3).
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* Self::Unknown => "Unknown problem" }
            }
        }

        #[cfg(test)]
        const ALL: &[ProblemCode] = &[$(ProblemCode::$name,)*];
    };
}

codes! {
    /// The body is not JSON.
    MalformedJson = 400, "malformed_json", "The body is not valid JSON";
    /// The request line or its query cannot be understood.
    BadRequest = 400, "bad_request", "The request cannot be understood";
    /// No token, or not a known one.
    Unauthorized = 401, "unauthorized", "A valid token is needed";
    /// The token is known, and does not open this.
    Forbidden = 403, "forbidden", "This token does not open this";
    /// A download link ran out, or was not made by this server.
    LinkExpired = 403, "link_expired", "This download link does not work any more";
    /// A browser page of another origin tried to write.
    CrossSite = 403, "cross_site", "Requests from other sites are refused";
    /// The catalogue has no such file.
    UnknownFile = 404, "unknown_file", "No such file";
    /// No such job, or somebody else's.
    UnknownJob = 404, "unknown_job", "No such job";
    /// No such path.
    NotFound = 404, "not_found", "Nothing is here";
    /// The path exists and takes other methods.
    MethodNotAllowed = 405, "method_not_allowed", "This method is not offered here";
    /// The request did not come whole in time.
    RequestTimeout = 408, "request_timeout", "The request took too long to arrive";
    /// What was asked for does not fit the job's state.
    Conflict = 409, "conflict", "The job's state does not allow this";
    /// The artifact is not the one that the request names.
    PreconditionFailed = 412, "precondition_failed", "The artifact is another one";
    /// The body is larger than is taken.
    BodyTooLarge = 413, "body_too_large", "The body is too large";
    /// The path and query are longer than is taken.
    UriTooLong = 414, "uri_too_long", "The path and query are too long";
    /// Writes take application/json.
    UnsupportedMediaType = 415, "unsupported_media_type", "The body must be application/json";
    /// The artifact has no such bytes.
    RangeNotSatisfiable = 416, "range_not_satisfiable", "The artifact has no such bytes";
    /// `Host` names another server (DNS rebinding).
    MisdirectedRequest = 421, "misdirected_request", "This server does not answer for that host";
    /// A field is wrong; `detail` says which and why.
    InvalidRequest = 422, "invalid_request", "A field is not valid";
    /// URL jobs are off, or this URL is not allowed.
    UrlNotAllowed = 422, "url_not_allowed", "This URL is not allowed";
    /// The same idempotency key came with another body.
    IdempotencyKeyReused = 422, "idempotency_key_reused", "The idempotency key was used for another request";
    /// Too many initiations; `Retry-After` says when.
    RateLimited = 429, "rate_limited", "Too many requests";
    /// The headers are longer than is taken.
    HeadersTooLarge = 431, "headers_too_large", "The headers are too large";
    /// A fault of the server.
    Internal = 500, "internal", "Something went wrong here";
    /// A caller waited for the file, and its job failed.
    JobFailed = 502, "job_failed", "The file could not be made";
    /// The queue takes no more for now.
    QueueFull = 503, "queue_full", "The queue is full";
    /// The server is shutting down.
    Draining = 503, "draining", "The server is shutting down";
    /// A part that the server needs does not answer.
    NotReady = 503, "not_ready", "The server is not ready";
    /// A caller waited for the file as long as is allowed; its job goes on.
    TookTooLong = 504, "took_too_long", "The file is still being made";
}

/// An `application/problem+json` body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// A URI that names the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same for each problem of a kind.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time, and what to do.
    pub detail: String,
    /// Stable, for programs.
    pub code: ProblemCode,
    /// The job that it is about, where the caller could not know it otherwise.
    #[serde(default, rename = "jobId", skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub job_id: Option<JobId>,
}

impl Problem {
    /// A problem of a kind, with what happened this time.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:longhaul:problem:{}", code.as_str()),
            title: code.title().to_owned(),
            status: code.status(),
            detail: detail.into(),
            code,
            job_id: None,
        }
    }

    /// The same, about a job.
    #[must_use]
    pub fn about(mut self, job: JobId) -> Self {
        self.job_id = Some(job);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_written_as_serde_writes_it() {
        for code in ALL {
            let written = serde_json::to_value(code).expect("codes serialise");
            assert_eq!(written, code.as_str());
        }
    }

    #[test]
    fn a_code_of_a_newer_server_is_still_a_problem() {
        let problem: Problem = serde_json::from_str(
            r#"{"type":"x","title":"t","status":418,"detail":"d","code":"teapot"}"#,
        )
        .expect("unknown codes are read");
        assert_eq!(problem.code, ProblemCode::Unknown);
    }
}
