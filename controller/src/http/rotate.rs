//! `/v1/rotate`: a SealedSecret re-encrypted to the newest key.

use std::net::IpAddr;

use ::http::StatusCode;
use sealed_api::names::{audit, http as wire};
use sealed_api::{ReencryptError, SealedItems, SealedSecret, UnsealFailure, reencrypt_opened};
use sealed_crypto::{Certificate, Fingerprint, Scope};

use super::body::HeldBody;
use super::decrypting::{busy, too_costly};
use super::endpoints::{Answer, Endpoints, error, status, with_type};
use super::opening::{self, NotAnObject, NotOpened, Stream, read_object};
use crate::fair_pool::NoResult;
use crate::message::bounded;

/// Why nothing is returned.
#[derive(Debug, thiserror::Error)]
enum NotRotated {
    #[error("error getting latest private key. no certificate can be offered at the moment")]
    NoCertificate,
    #[error(transparent)]
    NoResult(#[from] NoResult),
    #[error(transparent)]
    NotAnObject(#[from] NotAnObject),
    #[error("error decrypting secret. {0}")]
    Open(#[from] NotOpened),
    #[error("error creating new sealed secret. {0}")]
    Reencrypt(#[from] ReencryptError),
    #[error("error decrypting secret. {0}")]
    Unseal(#[from] UnsealFailure),
}

impl NotRotated {
    /// For the audit trail.
    fn outcome(&self) -> &'static str {
        match self {
            Self::NoCertificate => "no-certificate",
            Self::NoResult(_) | Self::Open(NotOpened::NoResult(_)) => "busy",
            Self::NotAnObject(_) => "not-an-object",
            Self::Open(NotOpened::TooCostly) => "too-costly",
            Self::Open(NotOpened::Value(..)) | Self::Unseal(_) => "not-opened",
            Self::Reencrypt(_) => "not-re-encrypted",
        }
    }
}

/// Answers with the object, `apiVersion` and `kind` included, in which nothing but the sealed values differs. Every failure of
/// the object is the same empty 500.
pub(super) async fn answer(endpoints: &Endpoints, body: HeldBody, peer: IpAddr) -> Answer {
    let mut subject = None;
    let rotated = rotate(endpoints, body, &mut subject).await;
    tell(&rotated, subject.as_ref(), peer);
    match rotated {
        Ok((object, _)) => match serde_json::to_vec(&object) {
            Ok(json) => with_type(StatusCode::OK, wire::JSON, json),
            Err(_) => status(StatusCode::INTERNAL_SERVER_ERROR),
        },
        Err(NotRotated::NoResult(_) | NotRotated::Open(NotOpened::NoResult(_))) => busy(),
        Err(NotRotated::Open(NotOpened::TooCostly)) => too_costly(),
        Err(NotRotated::NoCertificate) => error(
            StatusCode::SERVICE_UNAVAILABLE,
            "no certificate can be offered at the moment\n",
        ),
        Err(_) => status(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// What a call is about, as the caller says: the API server does not vouch for any of it.
struct Subject {
    key: String,
    scope: Scope,
}

/// One line for each call that had something decrypted or wanted it: who, what and what came of it, since the answer
/// itself is ciphertext and no policy of the API server sees which objects pass through here. No values.
fn tell(
    rotated: &Result<(SealedSecret, Fingerprint), NotRotated>,
    subject: Option<&Subject>,
    peer: IpAddr,
) {
    let key = subject.map(|subject| subject.key.as_str());
    let key = key.unwrap_or_default();
    let scope = subject.map_or_else(String::new, |subject| subject.scope.to_string());
    match rotated {
        Ok((_, fingerprint)) => tracing::info!(
            key,
            scope,
            peer = %peer,
            outcome = "re-encrypted",
            %fingerprint,
            audit = audit::ROTATE,
            "Re-encrypted SealedSecret"
        ),
        Err(fault) => tracing::error!(
            error = bounded(&fault.to_string()),
            key,
            scope,
            peer = %peer,
            outcome = fault.outcome(),
            audit = audit::ROTATE,
            "Error rotating secret"
        ),
    }
}

async fn rotate(
    endpoints: &Endpoints,
    body: HeldBody,
    subject: &mut Option<Subject>,
) -> Result<(SealedSecret, Fingerprint), NotRotated> {
    let sources = &endpoints.sources;
    let certificate = current_certificate(endpoints).ok_or(NotRotated::NoCertificate)?;
    let accept_v1_data = endpoints.accept_v1_data;
    let read = move || -> Result<_, NotRotated> {
        let object = read_object(&body, Stream::First)?;
        let items = SealedItems::of(&object, accept_v1_data);
        Ok((object, items))
    };
    let (object, items) = sources.pool.http(read).await??;
    *subject = Some(Subject {
        key: bounded(&format!("{}/{}", object.namespace(), object.name())),
        scope: object.scope(),
    });
    let opened = opening::open(sources, items?).await?;
    let key = certificate.fingerprint();
    let sealed = move || reencrypt_opened(&object, opened, &certificate);
    Ok((sources.pool.http(sealed).await??, key))
}

fn current_certificate(endpoints: &Endpoints) -> Option<Certificate> {
    let now = (endpoints.sources.clock)();
    let keyring = endpoints.sources.keyring.borrow();
    keyring.current(now)?.certificate().cloned()
}
