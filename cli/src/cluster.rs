//! The controller, reached through the API server.
//!
//! kubectl's right to talk to a Service through the API server (`services/proxy`) is all that is needed: no port forward and
//! no address of the controller.

mod error;
mod kubeconfig;
mod proxy;
mod timeout;

use std::time::Duration;

use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use kube::client::{Body, ClientBuilder};
use sealed_api::{Code, SealedSecret, names};

use crate::args::Connection;
use crate::environment::Environment;
use crate::failure::Failure;
pub(crate) use error::network as network_cause;
pub(crate) use kubeconfig::Kubeconfig;
pub(crate) use proxy::{for_url as proxy_for_url, is_loopback};

/// No answer of a controller is larger: the API server takes objects of up to 3 MiB.
const MAX_BODY: usize = 4 << 20;
/// How often a busy server is asked again.
const RETRIES: u32 = 10;

/// Which controller is meant.
#[derive(Clone, Debug)]
pub struct Controller {
    /// Name of its Service.
    pub name: String,
    /// Namespace of its Service.
    pub namespace: String,
    /// How to get to the API server.
    pub connection: Connection,
}

/// A connection to a controller.
pub(crate) struct Cluster {
    runtime: tokio::runtime::Runtime,
    client: kube::Client,
    base: String,
    namespace: String,
    service: String,
    proxy_path: String,
    timeout: Option<Duration>,
}

/// What the controller said about a SealedSecret.
pub(crate) enum Verdict<T> {
    /// Yes.
    Accepted(T),
    /// It cannot open it.
    Refused,
}

/// A complete answer.
struct Answer {
    status: StatusCode,
    body: Vec<u8>,
}

impl Cluster {
    /// Finds the controller's Service and the name of its first port.
    pub(crate) fn connect(
        controller: &Controller,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let connection = &controller.connection;
        let config = Kubeconfig::load(connection, environment)?.client_config()?;
        let timeout = timeout::parse(connection.request_timeout.as_deref())?;
        let base = config
            .cluster_url
            .to_string()
            .trim_end_matches('/')
            .to_owned();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| {
                Failure::new(
                    Code::Unreachable,
                    format!("cannot start the network: {error}"),
                )
            })?;
        // kube's client spawns tasks when it is built.
        let client = runtime
            .block_on(async { ClientBuilder::try_from(config).map(ClientBuilder::build) })
            .map_err(|error| {
                Failure::new(
                    Code::BadConfiguration,
                    format!("cannot use the kubeconfig: {}", error::chain(&error)),
                )
            })?;
        let mut cluster = Self {
            runtime,
            client,
            base,
            namespace: controller.namespace.clone(),
            service: controller.name.clone(),
            proxy_path: String::new(),
            timeout,
        };
        cluster.find_service()?;
        Ok(cluster)
    }

    fn find_service(&mut self) -> Result<(), Failure> {
        let (name, namespace) = (self.service.clone(), self.namespace.clone());
        let path = format!("/api/v1/namespaces/{namespace}/services/{name}");
        let failed = |cause: error::Cause| {
            let message = cause.unreached.clone().unwrap_or_else(|| {
                format!(
                    "cannot find the controller's Service `{name}` in namespace `{namespace}`: {}",
                    cause.text
                )
            });
            Failure::new(cause.code, message)
                .kubeseal(format!("cannot get sealed secret service: {}.\nPlease, use the flag --controller-name and --controller-namespace to set up the name and namespace of the sealed secrets controller", cause.text))
                .hint(match cause.status {
                    _ if cause.unreached.is_some() => "check the kubeconfig's context",
                    Some(StatusCode::FORBIDDEN) => "whoever seals with --cert needs no rights in the cluster",
                    _ => "--controller-name and --controller-namespace say where it is",
                })
        };
        let answer = self
            .send(&Method::GET, &path, "application/json, */*", Vec::new())
            .and_then(|answer| answer.expect_ok("get", &name))
            .map_err(failed)?;
        let service: serde_json::Value = serde_json::from_slice(&answer).map_err(|error| {
            failed(error::Cause::api(format!(
                "the answer is not JSON: {error}"
            )))
        })?;
        let (scheme, port) = match &service["spec"]["ports"] {
            serde_json::Value::Array(ports) if !ports.is_empty() => {
                let text = |field: &str| ports[0][field].as_str().unwrap_or_default();
                // How a Service says that its port speaks TLS. The API server asks for no certificate it knows.
                let scheme = match text("appProtocol") {
                    "https" => "https",
                    _ => "http",
                };
                (scheme, text("name"))
            }
            _ => {
                return Err(failed(error::Cause::api(
                    "the Service has no ports".to_owned(),
                )));
            }
        };
        self.service = format!("{scheme}:{name}:{port}");
        self.proxy_path = format!(
            "/api/v1/namespaces/{namespace}/services/{}/proxy",
            self.service
        );
        Ok(())
    }

    /// The certificate to seal with, as the controller serves it.
    pub(crate) fn certificate(&self) -> Result<Vec<u8>, Failure> {
        let path = format!("{}{}", self.proxy_path, names::http::CERTIFICATE);
        self.send(
            &Method::GET,
            &path,
            "application/x-pem-file, */*",
            Vec::new(),
        )
        .and_then(|answer| answer.expect_ok("get", &self.service))
        .map_err(|cause| {
            let failure = Failure::new(
                cause.code,
                format!("cannot fetch the certificate: {}", cause.text),
            )
            .kubeseal(format!("cannot fetch certificate: {}", cause.text));
            self.with_next_step(failure, "get", &cause)
        })
    }

    /// Whether the controller can open a SealedSecret.
    pub(crate) fn verify(&self, sealed: &SealedSecret) -> Result<Verdict<()>, Failure> {
        let failed = |cause: error::Cause| {
            let failure = Failure::new(
                cause.code,
                format!("cannot have the SealedSecret validated: {}", cause.text),
            )
            .kubeseal(format!("cannot validate sealed secret: {}", cause.text));
            self.with_next_step(failure, "create", &cause)
        };
        Ok(
            match self.post(names::http::VERIFY, sealed).map_err(failed)? {
                Verdict::Accepted(_) => Verdict::Accepted(()),
                Verdict::Refused => Verdict::Refused,
            },
        )
    }

    /// The SealedSecret, sealed again for the controller's newest key.
    pub(crate) fn rotate(&self, sealed: &SealedSecret) -> Result<Verdict<Vec<u8>>, Failure> {
        self.post(names::http::ROTATE, sealed).map_err(|cause| {
            let failure = Failure::new(
                cause.code,
                format!("cannot have the SealedSecret re-encrypted: {}", cause.text),
            )
            .kubeseal(format!("cannot re-encrypt secret: {}", cause.text));
            self.with_next_step(failure, "create", &cause)
        })
    }

    /// Adds what to look at when the Service is there and the controller does not answer as it should.
    fn with_next_step(&self, failure: Failure, verb: &str, cause: &error::Cause) -> Failure {
        let namespace = &self.namespace;
        match cause.status.map(|status| status.as_u16()) {
            Some(403) => failure.hint(format!(
                "this takes the right to {verb} services/proxy in namespace {namespace}, which the role sealed-secrets-service-proxier grants"
            )),
            Some(404 | 502..=504) => failure.hint(format!(
                "kubectl -n {namespace} get pods shows whether the controller runs"
            )),
            Some(500) => failure.hint("the log of the controller says why"),
            _ => failure,
        }
    }

    fn post(&self, path: &str, sealed: &SealedSecret) -> Result<Verdict<Vec<u8>>, error::Cause> {
        let body =
            serde_json::to_vec(sealed).map_err(|error| error::Cause::api(error.to_string()))?;
        let path = format!("{}{path}", self.proxy_path);
        let answer = self.send(&Method::POST, &path, "application/json, */*", body)?;
        if answer.status == StatusCode::CONFLICT {
            return Ok(Verdict::Refused);
        }
        answer
            .expect_ok("post", &self.service)
            .map(Verdict::Accepted)
    }

    fn send(
        &self,
        method: &Method,
        path: &str,
        accept: &str,
        body: Vec<u8>,
    ) -> Result<Answer, error::Cause> {
        self.runtime.block_on(async {
            for _ in 0..RETRIES {
                let (answer, retry_after) =
                    self.send_once(method, path, accept, body.clone()).await?;
                let busy = answer.status == StatusCode::TOO_MANY_REQUESTS
                    || answer.status.is_server_error();
                match retry_after {
                    Some(pause) if busy => tokio::time::sleep(pause).await,
                    _ => return Ok(answer),
                }
            }
            self.send_once(method, path, accept, body)
                .await
                .map(|(answer, _)| answer)
        })
    }

    async fn send_once(
        &self,
        method: &Method,
        path: &str,
        accept: &str,
        body: Vec<u8>,
    ) -> Result<(Answer, Option<Duration>), error::Cause> {
        let query = self
            .timeout
            .map(|t| format!("?timeout={}", timeout::format(t)))
            .unwrap_or_default();
        let url = format!("{}{path}{query}", self.base);
        let failed = |text: String| error::Cause::unreachable(method, &url, &text);
        let request = Request::builder()
            .method(method)
            .uri(format!("{path}{query}"))
            .header(header::ACCEPT, accept)
            .body(Body::from(body))
            .map_err(|error| failed(error.to_string()))?;
        let exchange = async {
            let response = self
                .client
                .send(request)
                .await
                .map_err(|error| failed(error::network(&error, &url)))?;
            let retry_after = response.headers().get(header::RETRY_AFTER);
            let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
            let body = body
                .map_err(|error| failed(error.to_string()))?
                .to_bytes()
                .to_vec();
            Ok((
                Answer { status, body },
                retry_after.map(Duration::from_secs),
            ))
        };
        match self.timeout {
            None => exchange.await,
            Some(limit) => match tokio::time::timeout(limit, exchange).await {
                Ok(result) => result,
                Err(_) => Err(failed(
                    "the request took longer than --request-timeout".to_owned(),
                )),
            },
        }
    }
}

impl Answer {
    fn expect_ok(self, verb: &str, resource: &str) -> Result<Vec<u8>, error::Cause> {
        if self.status.is_success() {
            return Ok(self.body);
        }
        Err(error::Cause::from_status(
            self.status,
            &self.body,
            verb,
            resource,
        ))
    }
}
