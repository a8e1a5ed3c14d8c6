//! The endpoints as a client sees them, without sockets: compat §6 and decisions 10, 15 and 22.

mod decrypting;

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{HeaderMap, Method, Request};
use jiff::{Timestamp, ToSpan};
use sealed_crypto::{CertificateRequest, Keyring, PrivateKey, SealingKey};
use tokio::sync::watch;

use super::endpoints::{Endpoints, Sources};
use super::health::Health;
use super::metrics_page::MetricsPage;
use crate::args;
use crate::config::Config;
use crate::fair_pool::FairPool;
use crate::metrics::Metrics;

const TEXT: &str = "text/plain; charset=utf-8";

fn now() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

/// A key of the recorded vectors with a certificate that is valid for the 30 days after `not_before`.
fn sealing_key(file: &str, not_before: Timestamp) -> Arc<SealingKey> {
    let path = format!(
        "{}/../tests/vectors/keys/{file}",
        env!("CARGO_MANIFEST_DIR")
    );
    let key = PrivateKey::from_pem(&std::fs::read(path).unwrap()).unwrap();
    let certificate = key
        .self_signed(&CertificateRequest {
            common_name: String::new(),
            not_before,
            not_after: not_before.checked_add((30 * 24).hours()).unwrap(),
        })
        .unwrap();
    Arc::new(SealingKey::new(key, Some(certificate), not_before))
}

fn one_key(not_before: Timestamp) -> Keyring {
    Keyring::new([sealing_key("rsa2048-a.pkcs1.pem", not_before)])
}

/// The API with these keys and flags.
struct Api {
    endpoints: Endpoints,
    keyring: watch::Sender<Keyring>,
}

/// An answer without its body's type.
#[derive(Debug, PartialEq)]
struct Answer {
    code: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

impl Api {
    fn new(keyring: Keyring, flags: &[&str]) -> Self {
        let flags = flags.iter().map(|flag| (*flag).to_owned());
        let matches = args::table().parse([], flags).unwrap();
        let config = Config::resolve(&matches).unwrap();
        let keyring = watch::Sender::new(keyring);
        let sources = Sources {
            keyring: keyring.subscribe(),
            pool: Arc::new(FairPool::start("rsa", NonZeroUsize::MIN, NonZeroUsize::MIN).unwrap()),
            metrics: Arc::new(Metrics::new("v0", false).unwrap()),
            health: Health::default(),
            clock: now,
        };
        let endpoints = Endpoints::new(sources, &config.http, &config.objects);
        Self { endpoints, keyring }
    }

    async fn ask(&self, request: Request<Full<Bytes>>) -> Answer {
        let peer = IpAddr::from([192, 0, 2, 1]);
        let (head, body) = self.endpoints.respond(request, peer).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            code: head.status.as_u16(),
            headers: head.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    async fn send(&self, method: Method, path: &str, body: impl Into<Bytes>) -> Answer {
        let request = Request::builder().method(method).uri(path);
        self.ask(request.body(Full::new(body.into())).unwrap())
            .await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "").await
    }

    fn metrics(&self) -> String {
        String::from_utf8(self.endpoints.sources.metrics.to_text().unwrap()).unwrap()
    }
}

#[tokio::test]
async fn the_current_certificate_is_offered() {
    let keyring = one_key(now());
    let expected = keyring
        .current(now())
        .unwrap()
        .certificate()
        .unwrap()
        .to_pem();
    let answer = Api::new(keyring, &[]).get("/v1/cert.pem").await;
    assert_eq!(answer.code, 200);
    assert_eq!(answer.header("content-type"), "application/x-pem-file");
    assert_eq!(answer.body, expected);
}

#[tokio::test]
async fn a_new_key_is_offered_at_once() {
    let api = Api::new(one_key(now().checked_sub(1.hours()).unwrap()), &[]);
    let before = api.get("/v1/cert.pem").await.body;
    api.keyring
        .send_replace(Keyring::new([sealing_key("rsa2048-b.pkcs1.pem", now())]));
    assert_ne!(api.get("/v1/cert.pem").await.body, before);
}

#[tokio::test]
async fn no_certificate_is_offered_that_should_not_be_used() {
    let expired = one_key(now().checked_sub((31 * 24).hours()).unwrap());
    let early = one_key(now().checked_add(6.minutes()).unwrap());
    for keyring in [Keyring::default(), expired, early] {
        let answer = Api::new(keyring, &[]).get("/v1/cert.pem").await;
        assert_eq!((answer.code, answer.header("content-type")), (503, TEXT));
        assert!(!answer.body.contains("CERTIFICATE"), "{answer:?}");
    }
}

#[tokio::test]
async fn probes_follow_the_health() {
    let api = Api::new(Keyring::default(), &[]);
    let health = &api.endpoints.sources.health;
    let told = |answer: Answer| {
        assert_eq!(answer.header("content-type"), TEXT);
        (answer.code, answer.body)
    };
    for live in ["/livez", "/healthz"] {
        assert_eq!(told(api.get(live).await), (200, "ok\n".to_owned()));
    }
    let gate = health.gate("keys");
    assert_eq!(
        told(api.get("/readyz").await),
        (503, "not ready\n".to_owned())
    );
    gate.open();
    assert_eq!(told(api.get("/readyz").await), (200, "ok\n".to_owned()));
    drop(health.task("reconcile"));
    for live in ["/livez", "/healthz"] {
        assert_eq!(
            told(api.get(live).await),
            (503, "stopped: reconcile\n".to_owned())
        );
    }
}

#[tokio::test]
async fn paths_are_exact_and_unclean_ones_are_redirected() {
    let api = Api::new(Keyring::default(), &[]);
    for path in ["/", "/v1", "/v1/cert.pem/", "/metrics", "/V1/CERT.PEM"] {
        let answer = api.get(path).await;
        assert_eq!(
            (answer.code, answer.body.as_str()),
            (404, "404 page not found\n"),
            "{path}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    for (path, clean) in [
        ("//v1/cert.pem", "/v1/cert.pem"),
        ("/v1/./x/../cert.pem?a=b", "/v1/cert.pem?a=b"),
        ("/../../healthz", "/healthz"),
        ("/v1//", "/v1/"),
    ] {
        let answer = api.get(path).await;
        assert_eq!(
            (answer.code, answer.header("location")),
            (307, clean),
            "{path}"
        );
    }
}

#[tokio::test]
async fn certificates_are_counted_and_probes_are_not() {
    let api = Api::new(Keyring::default(), &[]);
    api.get("/v1/cert.pem").await;
    api.get("/healthz").await;
    let page = MetricsPage::new(Arc::clone(&api.endpoints.sources.metrics));
    let page = page.respond("/metrics", None).await;
    assert_eq!(
        page.headers()["content-type"],
        "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
    );
    let text = api.metrics();
    assert!(
        text.contains("http_requests_total{code=\"503\",method=\"get\",path=\"/v1/cert.pem\"} 1"),
        "{text}"
    );
    assert!(!text.contains("healthz"), "{text}");
}
