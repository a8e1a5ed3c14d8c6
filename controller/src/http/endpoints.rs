//! Which request is answered by what: compat §6.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::http::header::{CONTENT_TYPE, LOCATION, X_CONTENT_TYPE_OPTIONS};
use ::http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Body, Bytes, Incoming};
use jiff::Timestamp;
use sealed_api::names::http as wire;
use sealed_crypto::Keyring;
use tokio::sync::watch;

use super::budget::Budget;
use super::certificate;
use super::health::Health;
use super::rate_limit::RateLimiter;
use super::server::Handler;
use crate::config::{HttpConfig, ObjectConfig};
use crate::fair_pool::FairPool;
use crate::metrics::Metrics;

/// What all request bodies together may hold, from their first byte until the answer is made, and what all answers may
/// that no client has taken yet. The certificate, probes and errors are too small to count.
const BUDGET: usize = 32 * 1024 * 1024;

/// What those of one peer may hold of it.
const PEER_BUDGET: usize = 8 * 1024 * 1024;

/// A response of this API: its bodies are small and complete.
pub(super) type Answer = Response<Full<Bytes>>;

/// What the endpoints look at. The shells own it; the endpoints only read.
#[derive(Clone)]
pub struct Sources {
    /// The sealing keys at this moment.
    pub keyring: watch::Receiver<Keyring>,
    /// Where private keys are used.
    pub pool: Arc<FairPool>,
    /// Where requests are counted.
    pub metrics: Arc<Metrics>,
    /// What the probes ask for.
    pub health: Health,
    /// The time of day.
    pub clock: fn() -> Timestamp,
}

/// The HTTP API.
pub struct Endpoints {
    pub(super) sources: Sources,
    pub(super) accept_v1_data: bool,
    pub(super) bodies: Budget,
    pub(super) answers: Budget,
    pub(super) limiter: RateLimiter,
    pub(super) read_timeout: Option<Duration>,
    pub(super) started: Instant,
}

impl Endpoints {
    /// The API over `sources`.
    pub fn new(sources: Sources, http: &HttpConfig, objects: &ObjectConfig) -> Self {
        Self {
            sources,
            accept_v1_data: objects.accept_v1_data,
            bodies: Budget::of(BUDGET, PEER_BUDGET),
            answers: Budget::of(BUDGET, PEER_BUDGET),
            limiter: RateLimiter::new(http.quota),
            read_timeout: http.timeouts.read,
            started: Instant::now(),
        }
    }

    /// Answers one request; generic over the body so that tests need no connection.
    pub async fn respond<B>(&self, request: Request<B>, peer: IpAddr) -> Answer
    where
        B: Body<Data = Bytes> + Send + Unpin,
    {
        let path = request.uri().path();
        match path {
            wire::HEALTHZ | wire::LIVEZ => self.livez(),
            wire::READYZ => self.readyz(),
            wire::CERTIFICATE => {
                let (method, began) = (request.method().clone(), Instant::now());
                let answer = certificate::answer(&self.sources);
                self.counted(wire::CERTIFICATE, &method, began, answer)
            }
            wire::VERIFY => self.decrypting(wire::VERIFY, request, peer).await,
            wire::ROTATE => self.decrypting(wire::ROTATE, request, peer).await,
            other => misdirected(other, request.uri().query()),
        }
    }

    fn livez(&self) -> Answer {
        match self.sources.health.stopped_task() {
            None => text(StatusCode::OK, "ok\n"),
            Some(task) => text(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("stopped: {task}\n"),
            ),
        }
    }

    fn readyz(&self) -> Answer {
        if self.sources.health.is_ready() {
            text(StatusCode::OK, "ok\n")
        } else {
            text(StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
        }
    }

    pub(super) fn counted(
        &self,
        path: &str,
        method: &Method,
        began: Instant,
        answer: Answer,
    ) -> Answer {
        let seconds = began.elapsed().as_secs_f64();
        self.sources
            .metrics
            .http_answered(path, method, answer.status(), seconds);
        answer
    }
}

impl Handler for Endpoints {
    fn answer(
        &self,
        request: Request<Incoming>,
        peer: IpAddr,
    ) -> impl Future<Output = Answer> + Send {
        self.respond(request, peer)
    }
}

/// A path with doubled slashes or dots is sent to its clean form, as Go's router does; any other is unknown.
pub(super) fn misdirected(path: &str, query: Option<&str>) -> Answer {
    let clean = clean_path(path);
    if clean == path {
        return error(StatusCode::NOT_FOUND, "404 page not found\n");
    }
    let location = match query {
        Some(query) => format!("{clean}?{query}"),
        None => clean,
    };
    match HeaderValue::from_str(&location) {
        Ok(location) => {
            let mut answer = status(StatusCode::TEMPORARY_REDIRECT);
            answer.headers_mut().insert(LOCATION, location);
            answer
        }
        Err(_) => error(StatusCode::NOT_FOUND, "404 page not found\n"),
    }
}

fn clean_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let slash = if path.ends_with('/') && !parts.is_empty() {
        "/"
    } else {
        ""
    };
    format!("/{}{slash}", parts.join("/"))
}

/// An empty answer.
pub(super) fn status(code: StatusCode) -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = code;
    answer
}

pub(super) fn with_type(
    code: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = code;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

fn text(code: StatusCode, body: impl Into<Bytes>) -> Answer {
    with_type(code, wire::TEXT, body)
}

/// A text that tells a person what went wrong.
pub(super) fn error(code: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = text(code, body);
    answer
        .headers_mut()
        .insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}
