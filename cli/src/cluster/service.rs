//! The controller's Service: found, and called through the API server's proxy.

use http::{Method, StatusCode};
use sealed_api::names::{self, install};
use serde_json::Value;

use super::discovery::{self, Discovery};
use super::error::Cause;
use super::remembered::ServiceId;
use super::{ApiServer, Controller, elsewhere};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::Talk;
use crate::name::Name;

/// The controller's Service, as it was found.
pub(crate) struct Service {
    /// Its namespace.
    pub(crate) namespace: String,
    /// `scheme:name:port`, as the API server's proxy calls it.
    pub(crate) port: String,
    uid: String,
    /// Its certificate, where somebody has compared that.
    offered: Option<Vec<u8>>,
}

impl Service {
    /// Finds the Service by its name or, as `seal` and where nobody gave a name, by its labels.
    pub(crate) fn find(
        server: &ApiServer,
        controller: &Controller,
        environment: &Environment,
        talk: &mut Talk<'_>,
    ) -> Result<Self, Failure> {
        let (name, namespace) = (&controller.name, &controller.namespace);
        let path = format!("/api/v1/namespaces/{namespace}/services/{name}");
        let may_be_another = !controller.is_named && environment.name == Name::Seal;
        let found = match server.get(&path, &format!("services {name}")) {
            Ok(found) => found,
            // Rights are often for one Service by its name, so that all others are forbidden, there or not.
            Err(cause)
                if matches!(
                    cause.status,
                    Some(StatusCode::NOT_FOUND | StatusCode::FORBIDDEN)
                ) && may_be_another =>
            {
                let failure = not_found(controller, &cause);
                return by_labels(server, namespace, failure, environment, talk);
            }
            Err(cause) => return Err(not_found(controller, &cause)),
        };
        Self::of(&found, namespace, name).ok_or_else(|| {
            not_found(
                controller,
                &Cause::api("the Service has no ports".to_owned()),
            )
        })
    }

    /// Takes what counts out of a Service; `namespace` and `name` are where it was asked for, should it not say it.
    pub(super) fn of(service: &Value, namespace: &str, name: &str) -> Option<Self> {
        let (scheme, port) = first_port(service)?;
        let metadata = &service["metadata"];
        let name = metadata["name"].as_str().unwrap_or(name);
        Some(Self {
            namespace: metadata["namespace"]
                .as_str()
                .unwrap_or(namespace)
                .to_owned(),
            port: format!("{scheme}:{name}:{port}"),
            uid: metadata["uid"].as_str().unwrap_or_default().to_owned(),
            offered: None,
        })
    }

    /// The same with its certificate, which is not asked for again.
    pub(super) fn offering(self, certificate: Vec<u8>) -> Self {
        Self {
            offered: Some(certificate),
            ..self
        }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        self.port.split(':').nth(1).unwrap_or_default()
    }

    /// Which Service it is.
    pub(super) fn id(&self) -> ServiceId {
        ServiceId {
            namespace: self.namespace.clone(),
            name: self.name().to_owned(),
            uid: self.uid.clone(),
        }
    }

    /// The path of a page of the controller, through the API server.
    pub(super) fn proxied(&self, path: &str) -> String {
        format!(
            "/api/v1/namespaces/{}/services/{}/proxy{path}",
            self.namespace, self.port
        )
    }

    /// What errors call it.
    pub(super) fn subject(&self) -> String {
        format!("services {}", self.port)
    }

    /// The certificate that the controller offers.
    pub(super) fn certificate(&self, server: &ApiServer) -> Result<Vec<u8>, Failure> {
        if let Some(certificate) = &self.offered {
            return Ok(certificate.clone());
        }
        let path = self.proxied(names::http::CERTIFICATE);
        let accept = "application/x-pem-file, */*";
        server
            .send(&Method::GET, &path, accept, Vec::new())
            .and_then(|answer| answer.expect_ok("get", &self.subject()))
            .map_err(|cause| {
                let told = cause.told("cannot fetch the certificate");
                let failure = Failure::new(cause.code, told)
                    .kubeseal(format!("cannot fetch certificate: {}", cause.text));
                self.with_next_step(failure, "get", &cause)
            })
    }

    /// Adds what to look at when the Service is there and the controller does not answer as it should.
    pub(super) fn with_next_step(&self, failure: Failure, verb: &str, cause: &Cause) -> Failure {
        let namespace = &self.namespace;
        match cause.status.map(|status| status.as_u16()) {
            Some(401) => failure.hint(UNAUTHORIZED),
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
}

/// The Service with the right labels; `failure` is what to say where none may be used.
fn by_labels(
    server: &ApiServer,
    namespace: &str,
    failure: Failure,
    environment: &Environment,
    talk: &mut Talk<'_>,
) -> Result<Service, Failure> {
    match discovery::search(server, namespace) {
        Discovery::One(found) => {
            talk.say(&format!(
                "note: the controller is the Service `{}` in namespace `{namespace}`, found by its labels",
                found["metadata"]["name"].as_str().unwrap_or_default()
            ));
            let name = found["metadata"]["name"].as_str().unwrap_or_default();
            Service::of(&found, namespace, name).ok_or(failure)
        }
        // Whoever names a namespace means no other.
        Discovery::Elsewhere(others) if namespace == install::NAMESPACE => {
            match elsewhere::choose(server, &others, environment, talk)? {
                Some(found) => Ok(found),
                None => Err(Discovery::Elsewhere(others).refuse(failure, namespace)),
            }
        }
        other => Err(other.refuse(failure, namespace)),
    }
}

/// What to look at where the API server does not know who asks.
const UNAUTHORIZED: &str =
    "the credentials of the kubeconfig's user are not accepted; they may have expired";

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
    let what = format!(
        "cannot find the controller's Service `{}` in namespace `{}`",
        controller.name, controller.namespace
    );
    Failure::new(cause.code, cause.told(what))
        .kubeseal(format!("cannot get sealed secret service: {}.\nPlease, use the flag --controller-name and --controller-namespace to set up the name and namespace of the sealed secrets controller", cause.text))
        .hint(match cause.status {
            _ if cause.unreached.is_some() => "check the kubeconfig's context",
            Some(StatusCode::UNAUTHORIZED) => UNAUTHORIZED,
            Some(StatusCode::FORBIDDEN) => {
                "the role sealed-secrets-service-proxier grants it; with --cert, or --recovery-private-key, no rights are needed"
            }
            _ => "--controller-name and --controller-namespace say where it is",
        })
}
