//! `/v1/cert.pem`: the certificate to seal with.

use ::http::StatusCode;
use sealed_api::names::http as wire;

use super::endpoints::{Answer, Sources, error, with_type};

/// The certificate of the newest key that may be offered now. With none (no key yet, or all expired while renewal is
/// off) the answer is 503: a value sealed with an expired certificate would be lost trust, not a service.
pub(super) fn answer(sources: &Sources) -> Answer {
    let now = (sources.clock)();
    let keyring = sources.keyring.borrow();
    match keyring.current(now).and_then(|key| key.certificate()) {
        Some(certificate) => with_type(StatusCode::OK, wire::PEM, certificate.to_pem()),
        None => error(
            StatusCode::SERVICE_UNAVAILABLE,
            "no certificate can be offered at the moment\n",
        ),
    }
}
