//! Errors of the API, as RFC 9457 problem details with a stable `code`.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $status:literal, $text:literal, $title:literal;)*) => {
        /// What went wrong with a request: stable, for programs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
        #[serde(rename_all = "snake_case")]
        #[ts(export)]
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
    /// What was asked for does not fit the job's state.
    Conflict = 409, "conflict", "The job's state does not allow this";
    /// The body is larger than is taken.
    BodyTooLarge = 413, "body_too_large", "The body is too large";
    /// Writes take application/json.
    UnsupportedMediaType = 415, "unsupported_media_type", "The body must be application/json";
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
    /// A fault of the server.
    Internal = 500, "internal", "Something went wrong here";
    /// The queue takes no more for now.
    QueueFull = 503, "queue_full", "The queue is full";
    /// The server is shutting down.
    Draining = 503, "draining", "The server is shutting down";
    /// A part that the server needs does not answer.
    NotReady = 503, "not_ready", "The server is not ready";
}

/// An `application/problem+json` body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
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
        }
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
