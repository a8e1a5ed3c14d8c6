//! A controller in another namespace than the expected one: only on a person's word, given once for each cluster.
//!
//! Whoever may create a Service with the right labels would otherwise receive everybody's secrets. So the person compares the
//! fingerprint of its certificate, and from then on the Service is known by its uid.

use serde_json::Value;

use super::pins::Pins;
use super::remembered::{ClusterId, ServiceId};
use super::{ApiServer, Service};
use crate::certificate;
use crate::confirm;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::Talk;

/// The Service that was confirmed for this cluster, or is now. `others` were found by their labels.
pub(super) fn choose(
    server: &ApiServer,
    others: &[(String, String)],
    environment: &Environment,
    talk: &mut Talk<'_>,
) -> Result<Option<Value>, Failure> {
    let Some(pins) = Pins::load(environment)? else {
        return Ok(None);
    };
    if let Some(pin) = pins.of(server.id()) {
        let is_confirmed = |service: &Value| service["metadata"]["uid"] == pin.uid.as_str();
        let service = get(server, &pin.namespace, &pin.name);
        if let Some(service) = service.filter(is_confirmed) {
            talk.say(&format!(
                "note: the controller is the Service `{}` in namespace `{}`, as confirmed on this machine",
                pin.name, pin.namespace
            ));
            return Ok(Some(service));
        }
        talk.say(&format!(
            "note: the Service `{}` in namespace `{}`, which was confirmed, is gone or was made anew",
            pin.name, pin.namespace
        ));
    }
    let ([(namespace, name)], true) = (others, environment.stderr_is_terminal) else {
        return Ok(None);
    };
    let Some(found) = get(server, namespace, name) else {
        return Ok(None);
    };
    let Some(service) = Service::of(&found, namespace, name) else {
        return Ok(None);
    };
    let text = service.certificate(server)?;
    let offered = certificate::read(
        &text,
        &format!("the Service `{name}` in namespace `{namespace}`"),
    )?;
    talk.say(&format!(
        "the Service `{name}` in namespace `{namespace}` may be the controller of {}\nits certificate: {}, {} bits",
        server.base(),
        offered.fingerprint(),
        offered.bits()
    ));
    if !confirm::agrees(
        "Is that the fingerprint of your controller's key? (yes: use it from now on)",
    )? {
        return Ok(None);
    }
    pins.remember(server.id().clone(), service.id())?;
    Ok(Some(found))
}

/// Whether a Service was confirmed for a cluster.
pub(super) fn is_confirmed(
    cluster: &ClusterId,
    service: &ServiceId,
    environment: &Environment,
) -> Result<bool, Failure> {
    let pins = Pins::load(environment)?;
    Ok(pins.is_some_and(|pins| pins.of(cluster) == Some(service)))
}

fn get(server: &ApiServer, namespace: &str, name: &str) -> Option<Value> {
    let path = format!("/api/v1/namespaces/{namespace}/services/{name}");
    server.get(&path, name).ok()
}
