//! The job server as this client sees it: each call once, with typed refusals and no URL in any error.

use std::time::Duration;

use longhaul_protocol::{
    DownloadId, FilesPage, IDEMPOTENCY_KEY, InitiateReply, InitiateRequest, JobId, JobView,
    JobsPage, JobsReply, Manifest, Problem, Token,
};
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use serde::de::DeserializeOwned;
use url::{Host, Url};

/// No call but a waiting one may take longer (contract: the server answers within milliseconds).
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Far above the largest answer there is: 200 jobs, or a manifest of 8,192 blocks.
const MAX_ANSWER: usize = 8 << 20;
/// No `Retry-After` is believed beyond this: a wrong header must not stop a list for a day.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);
/// The most ids that one poll may name (contract).
pub(crate) const MAX_IDS: usize = 200;

/// Where the job server is, and how to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// http or https; a path is a prefix of all calls.
    pub base_url: Url,
    /// Sent as `Authorization: Bearer`; none for a server on loopback without tokens.
    pub token: Option<Token>,
}

/// A call was not answered as hoped.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ApiError {
    /// No answer: refused, timed out, name unknown. Asking again later can help.
    #[error("the server cannot be reached: {reason}")]
    Unreachable {
        /// What happened, without the URL.
        reason: String,
    },
    /// 429 or 503: the server asks to come back later.
    #[error("the server asks to wait: {}", .problem.detail)]
    Busy {
        /// What it said.
        problem: Box<Problem>,
        /// When to come back, where it said so.
        retry_after: Option<Duration>,
    },
    /// Another 4xx: asking again the same way will not help.
    #[error("{}", .0.detail)]
    Refused(Box<Problem>),
    /// A 5xx, or an answer that is not the job API's.
    #[error("the server answered wrongly: {reason}")]
    Faulty {
        /// What came instead.
        reason: String,
    },
}

impl ApiError {
    /// The problem that the server named, where it did.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Busy { problem, .. } | Self::Refused(problem) => Some(problem),
            Self::Unreachable { .. } | Self::Faulty { .. } => None,
        }
    }

    /// A stable word for what happened: `unreachable`, `faulty_server`, or the code of the problem
    /// that the server named (contract section 1.1).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Faulty { .. } => "faulty_server",
            Self::Busy { problem, .. } | Self::Refused(problem) => problem.code.as_str(),
        }
    }

    /// Whether the server does not let us in with this token: no fault of what was asked for.
    #[must_use]
    pub fn is_locked_out(&self) -> bool {
        matches!(self, Self::Refused(problem) if locks_out(problem))
    }

    fn from_reqwest(error: reqwest::Error) -> Self {
        let reason = if error.is_timeout() {
            "it did not answer in time".to_owned()
        } else {
            // The outer message names the kind only; what helps a person is the innermost cause.
            let error = error.without_url();
            let mut cause: &dyn std::error::Error = &error;
            while let Some(inner) = cause.source() {
                cause = inner;
            }
            cause.to_string()
        };
        Self::Unreachable { reason }
    }
}

/// Whether the server does not know who asks.
pub(crate) fn locks_out(problem: &Problem) -> bool {
    problem.status == 401
}

/// An answer, and when the server would like to be asked again.
#[derive(Debug, Clone)]
pub(crate) struct Answer<T> {
    pub(crate) body: T,
    pub(crate) retry_after: Option<Duration>,
}

/// The calls of contract section 1 that a client makes. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    http: reqwest::Client,
    server: Server,
}

impl Api {
    /// # Errors
    /// When the base URL is neither http nor https, or TLS cannot be set up.
    pub(crate) fn new(mut server: Server) -> Result<Self, ApiError> {
        let base = &mut server.base_url;
        as_base(base).map_err(|reason| ApiError::Faulty {
            reason: format!("its address {reason}"),
        })?;
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // A token must not follow a redirect, and the API has none on these calls.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("longhaul/", env!("CARGO_PKG_VERSION")));
        if is_loopback(base) {
            // A proxy from the environment cannot reach this machine's own loopback.
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(ApiError::from_reqwest)?;
        Ok(Self { http, server })
    }

    /// Where it is, and how it lets us in.
    pub(crate) const fn server(&self) -> &Server {
        &self.server
    }

    /// `POST /v1/jobs/download`. The same key and body give the same job within 24 hours.
    pub(crate) async fn initiate(
        &self,
        request: &InitiateRequest,
        key: DownloadId,
    ) -> Result<InitiateReply, ApiError> {
        let call = self
            .call(Method::POST, "v1/jobs/download", &[])?
            .header(IDEMPOTENCY_KEY, key.to_string())
            .json(request);
        Ok(answer(call).await?.body)
    }

    /// `GET /v1/jobs/{id}`; with `wait`, answered when something changes or after so many seconds.
    pub(crate) async fn job(
        &self,
        id: JobId,
        wait: Option<u8>,
    ) -> Result<Answer<JobView>, ApiError> {
        let path = format!("v1/jobs/{id}");
        let Some(seconds) = wait else {
            return answer(self.call(Method::GET, &path, &[])?).await;
        };
        let call = self
            .call(Method::GET, &path, &[("wait", &seconds.to_string())])?
            .timeout(CALL_TIMEOUT + Duration::from_secs(seconds.into()));
        answer(call).await
    }

    /// `GET /v1/jobs?ids=`: at most [`MAX_IDS`] of them.
    pub(crate) async fn jobs(&self, ids: &[JobId]) -> Result<Answer<JobsReply>, ApiError> {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let call = self.call(Method::GET, "v1/jobs", &[("ids", &ids.join(","))])?;
        answer(call).await
    }

    /// One page of the caller's own jobs, newest first.
    pub(crate) async fn own_jobs(&self, limit: u32) -> Result<JobsPage, ApiError> {
        let limit = limit.to_string();
        let call = self.call(Method::GET, "v1/jobs", &[("limit", &limit)])?;
        Ok(answer(call).await?.body)
    }

    /// `DELETE /v1/jobs/{id}`. A job that is not there is as good as cancelled.
    pub(crate) async fn cancel(&self, id: JobId) -> Result<(), ApiError> {
        let call = self.call(Method::DELETE, &format!("v1/jobs/{id}"), &[])?;
        match checked(call).await {
            Ok(_) => Ok(()),
            Err(ApiError::Refused(problem)) if matches!(problem.status, 404 | 409) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// `POST /v1/jobs/{id}/retry`.
    pub(crate) async fn retry(&self, id: JobId) -> Result<(), ApiError> {
        let call = self
            .call(Method::POST, &format!("v1/jobs/{id}/retry"), &[])?
            .header(header::CONTENT_TYPE, "application/json")
            .body("{}");
        checked(call).await.map(drop)
    }

    /// `GET /v1/jobs/{id}/manifest`.
    pub(crate) async fn manifest(&self, id: JobId) -> Result<Manifest, ApiError> {
        let call = self.call(Method::GET, &format!("v1/jobs/{id}/manifest"), &[])?;
        Ok(answer(call).await?.body)
    }

    /// `GET /v1/files`.
    pub(crate) async fn files(
        &self,
        query: &str,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<FilesPage, ApiError> {
        let limit = limit.to_string();
        let mut pairs = vec![("query", query), ("limit", &limit)];
        pairs.extend(cursor.map(|cursor| ("cursor", cursor)));
        let call = self.call(Method::GET, "v1/files", &pairs)?;
        Ok(answer(call).await?.body)
    }

    fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<RequestBuilder, ApiError> {
        let mut url = self
            .server
            .base_url
            .join(path)
            .map_err(|error| ApiError::Faulty {
                reason: format!("its address cannot be used ({error})"),
            })?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut call = self
            .http
            .request(method, url)
            .timeout(CALL_TIMEOUT)
            .header(header::ACCEPT, "application/json");
        if let Some(token) = &self.server.token {
            call = call.bearer_auth(token.expose());
        }
        Ok(call)
    }
}

/// Makes a base of an address, so that paths can be joined to it.
///
/// # Errors
/// What is wrong with it, to be said after what it is the address of.
pub(crate) fn as_base(address: &mut Url) -> Result<(), &'static str> {
    if !matches!(address.scheme(), "http" | "https") || address.cannot_be_a_base() {
        return Err("must begin with http:// or https://");
    }
    address.set_query(None);
    address.set_fragment(None);
    if !address.path().ends_with('/') {
        let path = format!("{}/", address.path());
        address.set_path(&path);
    }
    Ok(())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

async fn answer<T: DeserializeOwned>(call: RequestBuilder) -> Result<Answer<T>, ApiError> {
    let response = checked(call).await?;
    let retry_after = retry_after(&response);
    let status = response.status();
    let bytes = bounded(response).await?;
    let body = serde_json::from_slice(&bytes).map_err(|error| ApiError::Faulty {
        reason: format!(
            "its {} reply cannot be read (line {}, column {}); is this a Longhaul server?",
            status.as_u16(),
            error.line(),
            error.column()
        ),
    })?;
    Ok(Answer { body, retry_after })
}

/// The response when it is a success, and what was refused otherwise.
async fn checked(call: RequestBuilder) -> Result<Response, ApiError> {
    let response = call.send().await.map_err(ApiError::from_reqwest)?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after = retry_after(&response);
    let problem = serde_json::from_slice::<Problem>(&bounded(response).await?).ok();
    let busy = matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    );
    match problem {
        Some(problem) if busy => Err(ApiError::Busy {
            problem: Box::new(problem),
            retry_after,
        }),
        Some(problem) if status.is_client_error() => Err(ApiError::Refused(Box::new(problem))),
        Some(problem) => Err(ApiError::Faulty {
            reason: format!("{} ({})", problem.detail, status.as_u16()),
        }),
        // A gateway's own words between us and the server.
        None if busy => Err(ApiError::Busy {
            problem: Box::new(Problem::new(
                longhaul_protocol::ProblemCode::NotReady,
                format!("status {}", status.as_u16()),
            )),
            retry_after,
        }),
        // A gateway speaks for a server that is away.
        None if matches!(status.as_u16(), 502 | 504) => Err(ApiError::Unreachable {
            reason: format!("a gateway answers for it with status {}", status.as_u16()),
        }),
        None => Err(ApiError::Faulty {
            reason: format!(
                "status {} without a reason; is this a Longhaul server?",
                status.as_u16()
            ),
        }),
    }
}

async fn bounded(mut response: Response) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(ApiError::from_reqwest)? {
        if bytes.len() + chunk.len() > MAX_ANSWER {
            return Err(ApiError::Faulty {
                reason: "its reply is far too long".to_owned(),
            });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// `Retry-After` in seconds or as a date (RFC 9110 §10.2.3).
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response
        .headers()
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
            let wait = at.duration_since(jiff::Timestamp::now());
            Duration::try_from(wait).unwrap_or(Duration::ZERO)
        }
    };
    Some(wait.min(MAX_RETRY_AFTER))
}
