//! Which request is answered by what: compat §6.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use ::http::header::{CONTENT_TYPE, LOCATION, X_CONTENT_TYPE_OPTIONS};
use ::http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use jiff::Timestamp;
use sealed_api::names::http as wire;
use sealed_crypto::Keyring;
use tokio::sync::watch;

use super::certificate;
use super::health::Health;
use super::server::Handler;
use crate::metrics::Metrics;
use crate::rsa_pool::RsaPool;

/// A response of this API: its bodies are small and complete.
pub(super) type Answer = Response<Full<Bytes>>;

/// What the endpoints look at. The shells own it; the endpoints only read.
#[derive(Clone)]
pub struct Sources {
    /// The sealing keys at this moment.
    pub keyring: watch::Receiver<Keyring>,
    /// Where private keys are used.
    pub pool: Arc<RsaPool>,
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
}

impl Endpoints {
    /// The API over `sources`.
    pub fn new(sources: Sources) -> Self {
        Self { sources }
    }

    /// Answers one request; generic over the body so that tests need no connection.
    pub fn respond<B>(&self, request: &Request<B>) -> Answer {
        let path = request.uri().path();
        match path {
            wire::HEALTHZ => self.healthz(),
            wire::READYZ => self.readyz(),
            wire::CERTIFICATE => {
                let (method, began) = (request.method().clone(), Instant::now());
                let answer = certificate::answer(&self.sources);
                self.counted(wire::CERTIFICATE, &method, began, answer)
            }
            other => misdirected(other, request.uri().query()),
        }
    }

    fn healthz(&self) -> Answer {
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

    fn counted(&self, path: &str, method: &Method, began: Instant, answer: Answer) -> Answer {
        let seconds = began.elapsed().as_secs_f64();
        self.sources
            .metrics
            .http_answered(path, method, answer.status(), seconds);
        answer
    }
}

impl Handler for Endpoints {
    fn answer(&self, request: Request<Incoming>, _: IpAddr) -> impl Future<Output = Answer> + Send {
        std::future::ready(self.respond(&request))
    }
}

/// The metrics page, on its own port.
pub struct MetricsPage(pub Arc<Metrics>);

impl MetricsPage {
    fn respond(&self, path: &str, query: Option<&str>) -> Answer {
        if path != wire::METRICS {
            return misdirected(path, query);
        }
        match self.0.to_text() {
            Ok(page) => with_type(StatusCode::OK, wire::PROMETHEUS, page),
            Err(fault) => {
                tracing::error!(error = %fault, "cannot write the metrics");
                error(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "cannot write the metrics\n",
                )
            }
        }
    }
}

impl Handler for MetricsPage {
    fn answer(&self, request: Request<Incoming>, _: IpAddr) -> impl Future<Output = Answer> + Send {
        std::future::ready(self.respond(request.uri().path(), request.uri().query()))
    }
}

/// A path with doubled slashes or dots is sent to its clean form, as Go's router does; any other is unknown.
fn misdirected(path: &str, query: Option<&str>) -> Answer {
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

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use http_body_util::BodyExt;
    use jiff::ToSpan;
    use sealed_crypto::{CertificateRequest, PrivateKey, SealingKey};

    use super::*;

    fn now() -> Timestamp {
        "2026-06-01T00:00:00Z".parse().unwrap()
    }

    /// A key whose certificate is valid for the 30 days after `not_before`.
    fn keyring(not_before: Timestamp) -> Keyring {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../tests/vectors/keys/rsa2048-a.pkcs1.pem"
        );
        let key = PrivateKey::from_pem(&std::fs::read(path).unwrap()).unwrap();
        let certificate = key
            .self_signed(&CertificateRequest {
                common_name: String::new(),
                not_before,
                not_after: not_before.checked_add((30 * 24).hours()).unwrap(),
            })
            .unwrap();
        Keyring::new([Arc::new(SealingKey::new(
            key,
            Some(certificate),
            not_before,
        ))])
    }

    fn endpoints(keyring: Keyring) -> Endpoints {
        Endpoints::new(Sources {
            keyring: watch::Sender::new(keyring).subscribe(),
            pool: Arc::new(RsaPool::start(NonZeroUsize::MIN).unwrap()),
            metrics: Arc::new(Metrics::new("v0", false).unwrap()),
            health: Health::default(),
            clock: now,
        })
    }

    async fn get(endpoints: &Endpoints, path: &str) -> (u16, String, String) {
        let request = Request::get(path).body(Full::new(Bytes::new())).unwrap();
        let answer = endpoints.respond(&request);
        let header = |name| {
            let value = answer.headers().get(name);
            value.map_or("", |v| v.to_str().unwrap()).to_owned()
        };
        let code = answer.status().as_u16();
        let told = if code == 307 {
            header(LOCATION)
        } else {
            header(CONTENT_TYPE)
        };
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (code, told, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_current_certificate_is_offered() {
        let keyring = keyring(now());
        let expected = keyring
            .current(now())
            .unwrap()
            .certificate()
            .unwrap()
            .to_pem();
        let answer = get(&endpoints(keyring), "/v1/cert.pem").await;
        assert_eq!(answer, (200, "application/x-pem-file".to_owned(), expected));
    }

    #[tokio::test]
    async fn no_certificate_is_offered_that_should_not_be_used() {
        let expired = keyring(now().checked_sub((31 * 24).hours()).unwrap());
        let early = keyring(now().checked_add(6.minutes()).unwrap());
        for keyring in [Keyring::default(), expired, early] {
            let (code, _, body) = get(&endpoints(keyring), "/v1/cert.pem").await;
            assert_eq!(code, 503);
            assert!(!body.contains("CERTIFICATE"), "{body}");
        }
    }

    #[tokio::test]
    async fn probes_follow_the_health() {
        let endpoints = endpoints(Keyring::default());
        let text = "text/plain; charset=utf-8".to_owned();
        let ok = (200, text.clone(), "ok\n".to_owned());
        assert_eq!(get(&endpoints, "/healthz").await, ok);
        let gate = endpoints.sources.health.gate("keys");
        assert_eq!(
            get(&endpoints, "/readyz").await,
            (503, text.clone(), "not ready\n".to_owned())
        );
        gate.open();
        assert_eq!(get(&endpoints, "/readyz").await, ok);
        drop(endpoints.sources.health.task("reconcile"));
        assert_eq!(
            get(&endpoints, "/healthz").await,
            (503, text, "stopped: reconcile\n".to_owned())
        );
    }

    #[tokio::test]
    async fn paths_are_exact_and_unclean_ones_are_redirected() {
        let endpoints = endpoints(Keyring::default());
        for path in ["/", "/v1", "/v1/cert.pem/", "/metrics", "/V1/CERT.PEM"] {
            let (code, _, body) = get(&endpoints, path).await;
            assert_eq!(
                (code, body.as_str()),
                (404, "404 page not found\n"),
                "{path}"
            );
        }
        for (path, clean) in [
            ("//v1/cert.pem", "/v1/cert.pem"),
            ("/v1/./x/../cert.pem?a=b", "/v1/cert.pem?a=b"),
            ("/../../healthz", "/healthz"),
            ("/v1//", "/v1/"),
        ] {
            let (code, location, _) = get(&endpoints, path).await;
            assert_eq!((code, location.as_str()), (307, clean), "{path}");
        }
    }

    #[tokio::test]
    async fn certificates_are_counted_and_probes_are_not() {
        let endpoints = endpoints(Keyring::default());
        get(&endpoints, "/v1/cert.pem").await;
        get(&endpoints, "/healthz").await;
        let page = MetricsPage(Arc::clone(&endpoints.sources.metrics));
        let body = page
            .respond("/metrics", None)
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(
            text.contains(
                "http_requests_total{code=\"503\",method=\"get\",path=\"/v1/cert.pem\"} 1"
            ),
            "{text}"
        );
        assert!(!text.contains("healthz"), "{text}");
    }
}
