//! The controller, reached through the API server.
//!
//! kubectl's right to talk to a Service through the API server (`services/proxy`) is all that is needed: no port forward and
//! no address of the controller.

mod api_server;
mod cached;
mod discovery;
mod elsewhere;
mod error;
mod key_store;
mod kubeconfig;
mod pins;
mod proxy;
mod published;
mod remembered;
mod service;
mod timeout;

use http::{Method, StatusCode};
use sealed_api::{SealedSecret, names};
use sealed_pflag::Matches;

pub(crate) use self::api_server::ApiServer;
use self::api_server::JSON;
pub(crate) use self::cached::Cached;
pub(crate) use crate::args::CONTROLLER_VARIABLES;
use crate::args::Connection;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::Talk;
use crate::name::Name;
pub(crate) use error::{Cause, network as network_cause};
pub(crate) use key_store::{KeyStore, ObjectId, SealedPages};
pub(crate) use kubeconfig::Kubeconfig;
pub(crate) use proxy::{for_url as proxy_for_url, is_loopback};
pub(crate) use published::published;
pub(crate) use service::Service;

/// Which controller is meant.
#[derive(Clone, Debug)]
pub(crate) struct Controller {
    /// Name of its Service.
    pub(crate) name: String,
    /// Whether somebody chose that name. If not, a Service of another name may be meant.
    pub(crate) is_named: bool,
    /// Namespace of its Service.
    pub(crate) namespace: String,
    /// How to get to the API server.
    pub(crate) connection: Connection,
}

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
        let server = connect(controller, environment, talk)?;
        let service = Service::find(&server, controller, environment, talk)?;
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
        self.service.certificate(&self.server)
    }

    /// Whether the controller can open a SealedSecret.
    pub(crate) fn verify(&self, sealed: &SealedSecret) -> Result<Verdict<()>, Failure> {
        let failed = |cause: Cause| {
            let told = cause.told("cannot have the SealedSecret validated");
            let failure = Failure::new(cause.code, told)
                .kubeseal(format!("cannot validate sealed secret: {}", cause.text));
            self.service.with_next_step(failure, "create", &cause)
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
            let told = cause.told("cannot have the SealedSecret re-encrypted");
            let failure = Failure::new(cause.code, told)
                .kubeseal(format!("cannot re-encrypt secret: {}", cause.text));
            self.service.with_next_step(failure, "create", &cause)
        })
    }

    fn post(&self, path: &str, sealed: &SealedSecret) -> Result<Verdict<Vec<u8>>, Cause> {
        let body = serde_json::to_vec(sealed).map_err(|error| Cause::api(error.to_string()))?;
        let path = self.service.proxied(path);
        let answer = self.server.send(&Method::POST, &path, JSON, body)?;
        if answer.status == StatusCode::CONFLICT {
            return Ok(Verdict::Refused);
        }
        answer
            .expect_ok("post", &self.service.subject())
            .map(Verdict::Accepted)
    }
}

/// Makes ready to ask the cluster of a controller. As `seal`, which one it is is told where the command line does not say it.
pub(crate) fn connect(
    controller: &Controller,
    environment: &Environment,
    talk: &mut Talk<'_>,
) -> Result<ApiServer, Failure> {
    let server = ApiServer::connect(&controller.connection, environment)?;
    if environment.name == Name::Seal
        && let Some(context) = server.context().filter(|context| !context.is_typed)
    {
        talk.say(&format!(
            "note: asking the cluster of context `{}` ({})",
            context.name,
            server.base()
        ));
    }
    Ok(server)
}
