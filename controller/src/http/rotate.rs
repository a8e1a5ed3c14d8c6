//! `/v1/rotate`: a SealedSecret re-encrypted to the newest key.

use std::net::IpAddr;

use ::http::StatusCode;
use sealed_api::names::http as wire;
use sealed_api::{ReencryptError, SealedItems, SealedSecret, UnsealFailure, reencrypt_opened};
use sealed_crypto::{Certificate, Fingerprint};

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

/// Answers with the object, `apiVersion` and `kind` included, in which nothing but the sealed values differs. Every failure of
/// the object is the same empty 500.
pub(super) async fn answer(endpoints: &Endpoints, body: HeldBody, peer: IpAddr) -> Answer {
    match rotate(endpoints, body).await {
        Ok((object, key)) => {
            // Who had something decrypted, and what: the answer itself is ciphertext.
            tracing::info!(
                key = bounded(&format!("{}/{}", object.namespace(), object.name())),
                peer = %peer,
                fingerprint = %key,
                "Re-encrypted SealedSecret"
            );
            match serde_json::to_vec(&object) {
                Ok(json) => with_type(StatusCode::OK, wire::JSON, json),
                Err(_) => status(StatusCode::INTERNAL_SERVER_ERROR),
            }
        }
        Err(NotRotated::NoResult(_) | NotRotated::Open(NotOpened::NoResult(_))) => busy(),
        Err(NotRotated::Open(NotOpened::TooCostly)) => too_costly(),
        Err(fault) => {
            tracing::error!(error = bounded(&fault.to_string()), "Error rotating secret");
            match fault {
                NotRotated::NoCertificate => error(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "no certificate can be offered at the moment\n",
                ),
                _ => status(StatusCode::INTERNAL_SERVER_ERROR),
            }
        }
    }
}

async fn rotate(
    endpoints: &Endpoints,
    body: HeldBody,
) -> Result<(SealedSecret, Fingerprint), NotRotated> {
    let sources = &endpoints.sources;
    let certificate = current_certificate(endpoints).ok_or(NotRotated::NoCertificate)?;
    let accept_v1_data = endpoints.accept_v1_data;
    let read = move || -> Result<_, NotRotated> {
        let object = read_object(&body, Stream::First)?;
        let items = SealedItems::of(&object, accept_v1_data)?;
        Ok((object, items))
    };
    let (object, items) = sources.pool.http(read).await??;
    let opened = opening::open(sources, items).await?;
    let key = certificate.fingerprint();
    let sealed = move || reencrypt_opened(&object, opened, &certificate);
    Ok((sources.pool.http(sealed).await??, key))
}

fn current_certificate(endpoints: &Endpoints) -> Option<Certificate> {
    let now = (endpoints.sources.clock)();
    let keyring = endpoints.sources.keyring.borrow();
    keyring.current(now)?.certificate().cloned()
}
