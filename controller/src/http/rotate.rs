//! `/v1/rotate`: a SealedSecret re-encrypted to the newest key.

use std::net::IpAddr;

use ::http::StatusCode;
use hyper::body::Bytes;
use sealed_api::names::{audit, http as wire};
use sealed_api::{ReencryptError, SealedItems, UnsealFailure, reencrypt_opened};
use sealed_crypto::{Certificate, Fingerprint, Scope};

use super::budget::{Exhausted, Held};
use super::decrypting::{busy, too_costly};
use super::endpoints::{Answer, Endpoints, error, status, with_type};
use super::opening::{self, NotAnObject, NotOpened, Stream, read_object};
use crate::fair_pool::NoResult;
use crate::message::bounded;

/// Why nothing is returned.
#[derive(Debug, thiserror::Error)]
enum NotRotated {
    /// There is no memory for the answer.
    #[error(transparent)]
    Busy(#[from] Exhausted),
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
    #[error("error creating new sealed secret. {0}")]
    Json(#[from] serde_json::Error),
    #[error("error decrypting secret. {0}")]
    Unseal(#[from] UnsealFailure),
}

impl NotRotated {
    /// For the audit trail.
    fn outcome(&self) -> &'static str {
        match self {
            Self::NoCertificate => "no-certificate",
            Self::Busy(_) | Self::NoResult(_) | Self::Open(NotOpened::NoResult(_)) => "busy",
            Self::NotAnObject(NotAnObject::TooCostly(_)) | Self::Open(NotOpened::TooCostly) => {
                "too-costly"
            }
            Self::NotAnObject(_) => "not-an-object",
            Self::Open(NotOpened::Value(..)) | Self::Unseal(_) => "not-opened",
            Self::Json(_) | Self::Reencrypt(_) => "not-re-encrypted",
        }
    }
}

/// Answers with the object, `apiVersion` and `kind` included, in which nothing but the sealed values differs. Every failure of
/// the object is the same empty 500.
pub(super) async fn answer(endpoints: &Endpoints, body: Held, peer: IpAddr) -> Answer {
    let mut subject = None;
    let rotated = rotate(endpoints, body, peer, &mut subject).await;
    tell(&rotated, subject.as_ref(), peer);
    match rotated {
        // Its share of the budget is held until the client has taken the last byte.
        Ok((json, _)) => with_type(StatusCode::OK, wire::JSON, Bytes::from_owner(json)),
        Err(
            NotRotated::Busy(_)
            | NotRotated::NoResult(_)
            | NotRotated::Open(NotOpened::NoResult(_)),
        ) => busy(),
        Err(
            NotRotated::NotAnObject(NotAnObject::TooCostly(_))
            | NotRotated::Open(NotOpened::TooCostly),
        ) => too_costly(),
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
    rotated: &Result<(Held, Fingerprint), NotRotated>,
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
    body: Held,
    peer: IpAddr,
    subject: &mut Option<Subject>,
) -> Result<(Held, Fingerprint), NotRotated> {
    let sources = &endpoints.sources;
    let certificate = current_certificate(endpoints).ok_or(NotRotated::NoCertificate)?;
    let accept_v1_data = endpoints.accept_v1_data;
    // The share is held until there is an answer, for what the body becomes.
    let (body, _share) = body.into_parts();
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
    let sealed = move || -> Result<_, NotRotated> {
        let object = reencrypt_opened(&object, opened, &certificate)?;
        Ok(serde_json::to_vec(&object)?)
    };
    let json = sources.pool.http(sealed).await??;
    let held = Held::of(json, endpoints.answers.share(peer))?;
    Ok((held, key))
}

fn current_certificate(endpoints: &Endpoints) -> Option<Certificate> {
    let now = (endpoints.sources.clock)();
    let keyring = endpoints.sources.keyring.borrow();
    keyring.current(now)?.certificate().cloned()
}
