//! The ConfigMap in which a controller offers its certificate to whoever may read it.

use http::StatusCode;
use sealed_api::{Code, names};

use super::ApiServer;
use crate::failure::Failure;

/// The certificate in the ConfigMap `name`, which a controller with `--publish-certificates` keeps.
pub(crate) fn published(
    server: &ApiServer,
    namespace: &str,
    name: &str,
) -> Result<Vec<u8>, Failure> {
    let path = format!("/api/v1/namespaces/{namespace}/configmaps/{name}");
    let map = server.get(&path, &format!("configmaps {name}"));
    let map = map.map_err(|cause| {
        let what = format!("cannot read the ConfigMap `{name}` in namespace `{namespace}`");
        let failure = Failure::new(cause.code, cause.told(what));
        match cause.status {
            Some(StatusCode::NOT_FOUND) => failure.hint(
                "the controller keeps it when it runs with --publish-certificates=NAME, in its own namespace",
            ),
            Some(StatusCode::FORBIDDEN) => failure.hint("this takes the right to get that ConfigMap"),
            _ => failure,
        }
    })?;
    let key = names::published::CERTIFICATE;
    match map["data"][key].as_str() {
        Some(pem) => Ok(pem.as_bytes().to_vec()),
        None => Err(Failure::new(
            Code::NoCertificate,
            format!("the ConfigMap `{name}` in namespace `{namespace}` has no `{key}`"),
        )
        .hint(
            "the controller has no certificate to offer at the moment, or it is another ConfigMap",
        )),
    }
}
