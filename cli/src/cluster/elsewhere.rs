//! A controller in another namespace than the expected one: only on a person's word, given once for each cluster.
//!
//! Whoever may create a Service with the right labels would otherwise receive everybody's secrets. So the person compares the
//! fingerprint of its certificate, and from then on the Service is known by its uid and by that fingerprint: what a Service
//! leads to can be changed behind it. Another certificate is compared again.

use sealed_crypto::Certificate;

use super::pins::Pins;
use super::remembered::{ClusterId, ServiceId};
use super::{ApiServer, Service};
use crate::certificate;
use crate::confirm;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::Talk;

/// The Service that was confirmed for this cluster, or is now, with the certificate that was. `others` were found by their
/// labels.
pub(super) fn choose(
    server: &ApiServer,
    others: &[(String, String)],
    environment: &Environment,
    talk: &mut Talk<'_>,
) -> Result<Option<Service>, Failure> {
    let Some(pins) = Pins::load(environment)? else {
        return Ok(None);
    };
    if let Some(pin) = pins.of(server.id()) {
        let called = called(&pin.service.namespace, &pin.service.name);
        let doubt = match offer(server, &pin.service.namespace, &pin.service.name)? {
            None => "is gone".to_owned(),
            Some(offer) if offer.service.id() != pin.service => "was made anew".to_owned(),
            Some(offer) if offer.certificate.fingerprint() != pin.fingerprint => format!(
                "has another certificate now: {}",
                offer.certificate.fingerprint()
            ),
            Some(offer) => {
                talk.say(&format!(
                    "note: the controller is {called}, as confirmed on this machine"
                ));
                return Ok(Some(offer.service));
            }
        };
        talk.say(&format!("note: {called}, which was confirmed, {doubt}"));
    }
    let ([(namespace, name)], true) = (others, environment.stderr_is_terminal) else {
        return Ok(None);
    };
    let Some(offer) = offer(server, namespace, name)? else {
        return Ok(None);
    };
    talk.say(&format!(
        "{} may be the controller of {}",
        called(namespace, name),
        server.base()
    ));
    talk.say(&format!(
        "its certificate: {}, {} bits",
        offer.certificate.fingerprint(),
        offer.certificate.bits()
    ));
    if !confirm::agrees(
        "Is that the fingerprint of your controller's key? (yes: use it from now on)",
    )? {
        return Ok(None);
    }
    let fingerprint = offer.certificate.fingerprint();
    pins.remember(server.id().clone(), offer.service.id(), fingerprint)?;
    Ok(Some(offer.service))
}

fn called(namespace: &str, name: &str) -> String {
    format!("the Service `{name}` in namespace `{namespace}`")
}

/// What a Service offers to seal with.
struct Offer {
    /// Holds the very text of the certificate: asked once more, it might answer with another.
    service: Service,
    certificate: Certificate,
}

fn offer(server: &ApiServer, namespace: &str, name: &str) -> Result<Option<Offer>, Failure> {
    let path = format!("/api/v1/namespaces/{namespace}/services/{name}");
    let found = server.get(&path, &format!("services {name}")).ok();
    let Some(service) = found.and_then(|found| Service::of(&found, namespace, name)) else {
        return Ok(None);
    };
    let text = service.certificate(server)?;
    Ok(Some(Offer {
        certificate: certificate::read(&text, &called(namespace, name))?,
        service: service.offering(text),
    }))
}

/// Whether a Service was confirmed for a cluster, with the certificate of this fingerprint.
pub(super) fn is_confirmed(
    cluster: &ClusterId,
    service: &ServiceId,
    fingerprint: &str,
    environment: &Environment,
) -> Result<bool, Failure> {
    let pins = Pins::load(environment)?;
    Ok(pins.is_some_and(|pins| {
        let pin = pins.of(cluster);
        pin.is_some_and(|pin| pin.service == *service && pin.fingerprint.to_string() == fingerprint)
    }))
}
