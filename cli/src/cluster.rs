//! The controller, reached through the API server.
//!
//! kubectl's right to talk to a Service through the API server (`services/proxy`) is all that is needed: no port forward and
//! no address of the controller.

mod api_server;
mod discovery;
mod error;
mod key_store;
mod kubeconfig;
mod proxy;
mod published;
mod timeout;

use http::{Method, StatusCode};
use sealed_api::{SealedSecret, names};
use sealed_pflag::Matches;
use serde_json::Value;

pub(crate) use self::api_server::ApiServer;
use self::api_server::JSON;
use self::discovery::Discovery;
use crate::args::Connection;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::Talk;
use crate::name::Name;
pub(crate) use error::{Cause, network as network_cause};
pub(crate) use key_store::{KeyStore, SealedPages, Seen};
pub(crate) use kubeconfig::Kubeconfig;
pub(crate) use proxy::{for_url as proxy_for_url, is_loopback};
pub(crate) use published::published;

/// Which controller is meant.
#[derive(Clone, Debug)]
pub struct Controller {
    /// Name of its Service.
    pub name: String,
    /// Whether somebody chose that name. If not, a Service of another name may be meant.
    pub is_named: bool,
    /// Namespace of its Service.
    pub namespace: String,
    /// How to get to the API server.
    pub connection: Connection,
}

/// The variables of [`controller_flags`](crate::args::controller_flags).
pub(crate) const CONTROLLER_VARIABLES: &[&str] = &[
    "SEALED_SECRETS_AS",
    "SEALED_SECRETS_AS_GROUP",
    "SEALED_SECRETS_AS_UID",
    "SEALED_SECRETS_CERTIFICATE_AUTHORITY",
    "SEALED_SECRETS_CLIENT_CERTIFICATE",
    "SEALED_SECRETS_CLIENT_KEY",
    "SEALED_SECRETS_CLUSTER",
    "SEALED_SECRETS_CONTEXT",
    "SEALED_SECRETS_CONTROLLER_NAME",
    "SEALED_SECRETS_CONTROLLER_NAMESPACE",
    "SEALED_SECRETS_DISABLE_COMPRESSION",
    "SEALED_SECRETS_INSECURE_SKIP_TLS_VERIFY",
    "SEALED_SECRETS_KUBECONFIG",
    "SEALED_SECRETS_NAMESPACE",
    "SEALED_SECRETS_PASSWORD",
    "SEALED_SECRETS_PROXY_URL",
    "SEALED_SECRETS_REQUEST_TIMEOUT",
    "SEALED_SECRETS_SERVER",
    "SEALED_SECRETS_TLS_SERVER_NAME",
    "SEALED_SECRETS_TOKEN",
    "SEALED_SECRETS_USER",
    "SEALED_SECRETS_USERNAME",
];

impl Controller {
    /// Takes the values of its flags out of what was matched.
    pub(crate) fn of(matches: &Matches) -> Self {
        Self {
            name: matches.text("controller-name").to_owned(),
            is_named: matches.is_set("controller-name"),
            namespace: matches.text("controller-namespace").to_owned(),
            connection: Connection::of(matches),
        }
    }
}

/// A connection to a controller.
pub(crate) struct Cluster {
    server: ApiServer,
    service: Service,
}

/// The controller's Service, as it was found.
pub(crate) struct Service {
    /// Its namespace.
    pub(crate) namespace: String,
    /// `scheme:name:port`, as the API server's proxy calls it.
    pub(crate) port: String,
}

/// What the controller said about a SealedSecret.
pub(crate) enum Verdict<T> {
    /// Yes.
    Accepted(T),
    /// It cannot open it.
    Refused,
}

impl Cluster {
    /// Finds the controller. As `seal`, what that depends on besides the command line is told.
    pub(crate) fn connect(
        controller: &Controller,
        environment: &Environment,
        talk: &mut Talk<'_>,
    ) -> Result<Self, Failure> {
        let server = ApiServer::connect(&controller.connection, environment)?;
        if environment.name == Name::Seal {
            tell_context(&server, talk);
        }
        let service = Service::find(&server, controller, environment.name, talk)?;
        Ok(Self::new(server, service))
    }

    /// The controller behind a Service.
    pub(crate) fn new(server: ApiServer, service: Service) -> Self {
        Self { server, service }
    }

    /// The API server on the way.
    pub(crate) fn server(&self) -> &ApiServer {
        &self.server
    }

    /// Its Service.
    pub(crate) fn service(&self) -> &Service {
        &self.service
    }

    /// The certificate to seal with, as the controller serves it.
    pub(crate) fn certificate(&self) -> Result<Vec<u8>, Failure> {
        let path = self.service.proxied(names::http::CERTIFICATE);
        self.server
            .send(
                &Method::GET,
                &path,
                "application/x-pem-file, */*",
                Vec::new(),
            )
            .and_then(|answer| answer.expect_ok("get", &self.service.port))
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
        let failed = |cause: Cause| {
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
    fn with_next_step(&self, failure: Failure, verb: &str, cause: &Cause) -> Failure {
        let namespace = &self.service.namespace;
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

    fn post(&self, path: &str, sealed: &SealedSecret) -> Result<Verdict<Vec<u8>>, Cause> {
        let body = serde_json::to_vec(sealed).map_err(|error| Cause::api(error.to_string()))?;
        let path = self.service.proxied(path);
        let answer = self.server.send(&Method::POST, &path, JSON, body)?;
        if answer.status == StatusCode::CONFLICT {
            return Ok(Verdict::Refused);
        }
        answer
            .expect_ok("post", &self.service.port)
            .map(Verdict::Accepted)
    }
}

impl Service {
    /// Finds the Service and the scheme and name of its first port.
    pub(crate) fn find(
        server: &ApiServer,
        controller: &Controller,
        voice: Name,
        talk: &mut Talk<'_>,
    ) -> Result<Self, Failure> {
        let (name, namespace) = (&controller.name, &controller.namespace);
        let failed = |cause: &Cause| not_found(controller, cause);
        let path = format!("/api/v1/namespaces/{namespace}/services/{name}");
        let may_be_another = !controller.is_named && voice == Name::Seal;
        let found = match server.get(&path, name) {
            Ok(found) => found,
            Err(cause) if cause.status == Some(StatusCode::NOT_FOUND) && may_be_another => {
                match discovery::search(server, namespace) {
                    Discovery::One(found) => {
                        talk.say(&format!(
                            "note: the controller is the Service `{}` in namespace `{namespace}`, found by its labels",
                            found["metadata"]["name"].as_str().unwrap_or_default()
                        ));
                        found
                    }
                    other => return Err(other.refuse(failed(&cause), namespace)),
                }
            }
            Err(cause) => return Err(failed(&cause)),
        };
        let (scheme, port) = first_port(&found)
            .ok_or_else(|| failed(&Cause::api("the Service has no ports".to_owned())))?;
        let name = found["metadata"]["name"].as_str().unwrap_or(name);
        Ok(Self {
            namespace: namespace.clone(),
            port: format!("{scheme}:{name}:{port}"),
        })
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        self.port.split(':').nth(1).unwrap_or_default()
    }

    /// The path of a page of the controller, through the API server.
    fn proxied(&self, path: &str) -> String {
        format!(
            "/api/v1/namespaces/{}/services/{}/proxy{path}",
            self.namespace, self.port
        )
    }
}

/// Which cluster is asked, where the command line does not say it.
pub(crate) fn tell_context(server: &ApiServer, talk: &mut Talk<'_>) {
    if let Some(context) = server.context().filter(|context| !context.is_typed) {
        talk.say(&format!(
            "note: asking the cluster of context `{}` ({})",
            context.name,
            server.base()
        ));
    }
}

/// Scheme and name of the first port.
fn first_port(service: &Value) -> Option<(&'static str, &str)> {
    let port = service["spec"]["ports"].as_array()?.first()?;
    let text = |field: &str| port[field].as_str().unwrap_or_default();
    // How a Service says that its port speaks TLS. The API server asks for no certificate it knows.
    let scheme = match text("appProtocol") {
        "https" => "https",
        _ => "http",
    };
    Some((scheme, text("name")))
}

fn not_found(controller: &Controller, cause: &Cause) -> Failure {
    let message = cause.unreached.clone().unwrap_or_else(|| {
        format!(
            "cannot find the controller's Service `{}` in namespace `{}`: {}",
            controller.name, controller.namespace, cause.text
        )
    });
    Failure::new(cause.code, message)
        .kubeseal(format!("cannot get sealed secret service: {}.\nPlease, use the flag --controller-name and --controller-namespace to set up the name and namespace of the sealed secrets controller", cause.text))
        .hint(match cause.status {
            _ if cause.unreached.is_some() => "check the kubeconfig's context",
            Some(StatusCode::FORBIDDEN) => "whoever seals with --cert needs no rights in the cluster",
            _ => "--controller-name and --controller-namespace say where it is",
        })
}
