//! `/v1/verify`: whether a SealedSecret opens here.

use ::http::StatusCode;
use sealed_api::SealedItems;

use super::budget::Held;
use super::decrypting::{busy, too_costly};
use super::endpoints::{Answer, Endpoints, status};
use super::opening::{self, NotAnObject, NotOpened, Stream, read_object};
use crate::message::bounded;

/// 200 if every value opens, 409 if not: the same empty answer whatever the reason, since a difference would tell a
/// stranger which part of a forged value was right. Templates are neither parsed nor run.
pub(super) async fn answer(endpoints: &Endpoints, body: Held) -> Answer {
    let accept_v1_data = endpoints.accept_v1_data;
    // The share is held until the answer, for what the body becomes.
    let (body, _share) = body.into_parts();
    let read = move || {
        read_object(&body, Stream::One).map(|object| SealedItems::of(&object, accept_v1_data))
    };
    let items = match endpoints.sources.pool.http(read).await {
        Ok(Ok(Ok(items))) => items,
        Ok(Ok(Err(_))) => return status(StatusCode::CONFLICT),
        Ok(Err(NotAnObject::TooCostly(_))) => return too_costly(),
        Ok(Err(fault)) => {
            tracing::error!(
                error = bounded(&format!("{:#}", anyhow::Error::new(fault))),
                "Error validating secret"
            );
            return status(StatusCode::INTERNAL_SERVER_ERROR);
        }
        Err(_) => return busy(),
    };
    match opening::open(&endpoints.sources, items).await {
        Ok(_) => status(StatusCode::OK),
        Err(NotOpened::Value(..)) => status(StatusCode::CONFLICT),
        Err(NotOpened::TooCostly) => too_costly(),
        Err(NotOpened::NoResult(_)) => busy(),
    }
}
