//! Requests to the API server of the chosen cluster.

use std::time::Duration;

use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use kube::client::{AuthError, Body, ClientBuilder};
use sealed_api::Code;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::error::{self, Cause};
use super::kubeconfig::Kubeconfig;
use super::remembered::ClusterId;
use super::timeout;
use crate::args::Connection;
use crate::environment::Environment;
use crate::failure::{Failure, without_userinfo};

/// No answer is larger: the API server takes objects of up to 3 MiB, and of a list a page is asked for.
const MAX_BODY: usize = 160 << 20;
/// How often a busy server is asked again.
const RETRIES: u32 = 10;
/// How long it may ask to wait. It says what it likes, and somebody sits there.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// The kind of patch that is sent.
const MERGE_PATCH: &str = "application/merge-patch+json";

/// What is wanted of objects of the API.
pub(super) const JSON: &str = "application/json, */*";

/// The API server, with who asks.
pub(crate) struct ApiServer {
    runtime: tokio::runtime::Runtime,
    /// Or why there are no credentials to ask with.
    client: Result<kube::Client, String>,
    id: ClusterId,
    timeout: Option<Duration>,
    context: Option<Context>,
}

/// The context of the kubeconfig that leads to the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Context {
    /// Its name.
    pub(crate) name: String,
    /// Whether the command line names it. Otherwise it depends on which cluster somebody looked at last.
    pub(crate) is_typed: bool,
}

/// A complete answer.
pub(crate) struct Answer {
    /// Of HTTP.
    pub(crate) status: StatusCode,
    /// The header `Date`: what time it is there.
    pub(crate) date: Option<String>,
    /// All of it.
    pub(crate) body: Vec<u8>,
}

impl ApiServer {
    /// Makes ready to ask the cluster that is meant. Nothing is sent yet.
    pub(crate) fn connect(
        connection: &Connection,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let kubeconfig = Kubeconfig::load(connection, environment)?;
        let config = kubeconfig.client_config()?;
        let timeout = timeout::parse(connection.request_timeout.as_deref())?;
        // It is shown and remembered, so it holds no credentials.
        let base = config.cluster_url.to_string();
        let base = without_userinfo(base.trim_end_matches('/')).into_owned();
        // What came from a server that anybody may pose as is no memory of the real one.
        let authority = if config.accept_invalid_certs {
            "unchecked".to_owned()
        } else {
            digest(
                config.root_cert.iter().flatten(),
                config.tls_server_name.as_deref(),
            )
        };
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
        let client = match runtime
            .block_on(async { ClientBuilder::try_from(config).map(ClientBuilder::build) })
        {
            Ok(client) => Ok(client),
            // Of a login that has ended, say: the first request tells it.
            Err(kube::Error::Auth(error)) => Err(no_credentials(&error)),
            Err(error) => {
                return Err(Failure::new(
                    Code::BadConfiguration,
                    format!("cannot use the kubeconfig: {}", error::chain(&error)),
                ));
            }
        };
        Ok(Self {
            runtime,
            client,
            id: ClusterId {
                server: base,
                authority,
            },
            timeout,
            context: kubeconfig.used_context(),
        })
    }

    /// Its address.
    pub(crate) fn base(&self) -> &str {
        &self.id.server
    }

    /// Which cluster it is of.
    pub(crate) fn id(&self) -> &ClusterId {
        &self.id
    }

    /// The context that led here, if one did.
    pub(crate) fn context(&self) -> Option<&Context> {
        self.context.as_ref()
    }

    /// Gets an object or a list; `subject` is what errors call it, as in `secrets NAME`.
    pub(crate) fn get(&self, path: &str, subject: &str) -> Result<serde_json::Value, Cause> {
        let answer = self.send(&Method::GET, path, JSON, Vec::new())?;
        decoded(&answer.expect_ok("get", subject)?)
    }

    /// Creates an object; `subject` is what errors call it, as in `secrets NAME`.
    pub(crate) fn create(
        &self,
        path: &str,
        object: &serde_json::Value,
        subject: &str,
    ) -> Result<serde_json::Value, Cause> {
        let body = object.to_string().into_bytes();
        let answer = self.send(&Method::POST, path, JSON, body)?;
        decoded(&answer.expect_ok("post", subject)?)
    }

    /// Changes what `changes` names of an object (RFC 7396); `subject` is what errors call it, as in `secrets NAME`.
    pub(crate) fn merge_patch(
        &self,
        path: &str,
        changes: &serde_json::Value,
        subject: &str,
    ) -> Result<(), Cause> {
        let body = changes.to_string().into_bytes();
        let answer = self.send(&Method::PATCH, path, JSON, body)?;
        answer.expect_ok("patch", subject).map(drop)
    }

    /// Sends a request, as often as a busy server asks for it.
    pub(crate) fn send(
        &self,
        method: &Method,
        path: &str,
        accept: &str,
        body: Vec<u8>,
    ) -> Result<Answer, Cause> {
        self.runtime.block_on(async {
            let deadline = self.timeout.map(|limit| Instant::now() + limit);
            for _ in 0..RETRIES {
                let (answer, retry_after) =
                    self.send_once(method, path, accept, body.clone()).await?;
                let busy = answer.status == StatusCode::TOO_MANY_REQUESTS
                    || answer.status.is_server_error();
                let fits = |pause: &Duration| {
                    deadline.is_none_or(|deadline| Instant::now() + *pause < deadline)
                };
                match retry_after.map(|pause| pause.min(MAX_PAUSE)) {
                    Some(pause) if busy && fits(&pause) => tokio::time::sleep(pause).await,
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
    ) -> Result<(Answer, Option<Duration>), Cause> {
        let mark = if path.contains('?') { '&' } else { '?' };
        let query = self
            .timeout
            .map(|t| format!("{mark}timeout={}", timeout::format(t)))
            .unwrap_or_default();
        let url = format!("{}{path}{query}", self.id.server);
        let failed = |text: String| Cause::unreachable(method, &url, &text);
        let client = self
            .client
            .as_ref()
            .map_err(|cause| Cause::no_credentials(method, &url, cause))?;
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{path}{query}"))
            .header(header::ACCEPT, accept);
        if *method == Method::PATCH {
            request = request.header(header::CONTENT_TYPE, MERGE_PATCH);
        }
        let request = request
            .body(Body::from(body))
            .map_err(|error| failed(error.to_string()))?;
        let exchange = async {
            let response = client
                .send(request)
                .await
                .map_err(|error| failed(error::network(&error, &url)))?;
            let text = |name| {
                let value = response.headers().get(name);
                value.and_then(|value| value.to_str().ok())
            };
            let retry_after = text(header::RETRY_AFTER).and_then(|value| value.parse().ok());
            let date = text(header::DATE).map(str::to_owned);
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
            let body = body
                .map_err(|error| failed(error.to_string()))?
                .to_bytes()
                .to_vec();
            let answer = Answer { status, date, body };
            Ok((answer, retry_after.map(Duration::from_secs)))
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
    /// The body, unless the server refused.
    pub(crate) fn expect_ok(self, verb: &str, subject: &str) -> Result<Vec<u8>, Cause> {
        if self.status.is_success() {
            return Ok(self.body);
        }
        Err(Cause::from_status(self.status, &self.body, verb, subject))
    }
}

/// Why there are no credentials. What a command printed on its standard output may be one, so only its complaint is told.
fn no_credentials(error: &AuthError) -> String {
    let AuthError::AuthExecRun { out, .. } = error else {
        return error::chain(error);
    };
    let complaint = String::from_utf8_lossy(&out.stderr);
    let complaint = complaint.lines().rfind(|line| !line.trim().is_empty());
    let complaint = complaint.map_or_else(String::new, |line| format!(": {}", line.trim()));
    format!("the command for them ended with {}{complaint}", out.status)
}

fn digest<'c>(certificates: impl Iterator<Item = &'c Vec<u8>>, name: Option<&str>) -> String {
    let mut hash = Sha256::new();
    for certificate in certificates {
        hash.update(certificate.len().to_be_bytes());
        hash.update(certificate);
    }
    // Behind one address and one authority, a name of its own is another server.
    hash.update(name.unwrap_or_default());
    sealed_crypto::base64::encode(&hash.finalize())
}

fn decoded(body: &[u8]) -> Result<serde_json::Value, Cause> {
    // A list may hold an object that nests deeper than the usual reader goes, and others are beside it.
    sealed_api::shallow_from_slice(body)
        .map_err(|error| Cause::api(format!("the answer is not JSON: {error}")))
}
