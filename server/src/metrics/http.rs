//! How long each answer took, by the template of its route: never by its path, which holds ids.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use axum::{
    extract::Request,
    http::{Method, StatusCode},
    response::Response,
};
use prometheus_client::metrics::histogram::Histogram;

use super::{Answer, Metrics};

/// Whatever no route of the API answers: the page and its parts.
const ELSEWHERE: &str = "elsewhere";

/// The templates whose answers are counted each by itself.
#[derive(Debug)]
pub(crate) struct Routes {
    templates: matchit::Router<Arc<Route>>,
    elsewhere: Arc<Route>,
}

/// One of them.
#[derive(Debug)]
struct Route {
    template: Arc<str>,
    /// Where most answers are noted, so that they need not be looked up: reads that went well.
    usual: OnceLock<Histogram>,
}

impl Route {
    fn new(template: &str) -> Arc<Self> {
        Arc::new(Self {
            template: template.into(),
            usual: OnceLock::new(),
        })
    }
}

impl Routes {
    /// Of these templates, in axum's words; one that is none is counted as no route.
    pub(crate) fn new<'a>(templates: impl IntoIterator<Item = &'a str>) -> Self {
        let mut known = matchit::Router::new();
        for template in templates {
            if let Err(error) = known.insert(template, Route::new(template)) {
                tracing::error!(%error, template, "the answers of a route are not counted by themselves");
            }
        }
        Self {
            templates: known,
            elsewhere: Route::new(ELSEWHERE),
        }
    }

    fn of(&self, path: &str) -> &Arc<Route> {
        let found = self.templates.at(path);
        found.map_or(&self.elsewhere, |found| found.value)
    }

    /// A request comes.
    pub(crate) fn begin(&self, request: &Request) -> Measured {
        Measured {
            method: named(request.method()),
            route: Arc::clone(self.of(request.uri().path())),
            begun: Instant::now(),
        }
    }
}

/// A request whose answer is awaited.
#[derive(Debug)]
pub(crate) struct Measured {
    method: &'static str,
    route: Arc<Route>,
    begun: Instant,
}

impl Measured {
    /// Notes its answer.
    pub(crate) fn end(self, metrics: &Metrics, response: &Response) {
        let (method, route, status) = (self.method, &self.route, response.status());
        let took = self.begun.elapsed().as_secs_f64();
        let label = || Answer {
            method,
            route: Arc::clone(&route.template),
            status: status.as_u16(),
        };
        let answers = &metrics.answers;
        if method == "GET" && status == StatusCode::OK {
            let usual = || answers.get_or_create_owned(&label());
            route.usual.get_or_init(usual).observe(took);
        } else {
            answers.get_or_create(&label()).observe(took);
        }
    }
}

/// A client may send any word as its method: what is not known is one label.
fn named(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_counted_by_its_template_and_never_by_itself() {
        let routes = Routes::new(["/v1/jobs/{id}", "/v1/jobs/{id}/retry", "/v1/jobs", "/docs/"]);
        for (path, route) in [
            ("/v1/jobs", "/v1/jobs"),
            ("/v1/jobs/download", "/v1/jobs/{id}"),
            ("/v1/jobs/7/retry", "/v1/jobs/{id}/retry"),
            ("/v1/jobs/", ELSEWHERE),
            ("/docs/", "/docs/"),
            ("/docs", ELSEWHERE),
            ("/", ELSEWHERE),
            ("", ELSEWHERE),
        ] {
            assert_eq!(&*routes.of(path).template, route, "{path}");
        }
    }
}
