//! The Secret that a port serves with, in a file of its own.

use std::ffi::{OsStr, OsString};
use std::io;

use k8s_openapi::api::core::v1::Secret;
use sealed_api::{Origin, Wiping, decode_secret};
use sealed_manifest::Documents;
use zeroize::Zeroizing;

use super::TLS;
use super::directory::Directory;
use crate::http::{ServerCertificate, TlsFault};

/// Replaces the certificate by what `DIR/tls/NAME.yaml` holds now.
pub(super) fn load(root: &Directory, certificate: &ServerCertificate) {
    match read(root, certificate.secret()) {
        Ok(secret) => certificate.replace(&Wiping::from(secret)),
        Err(fault) => certificate.refuse(fault),
    }
}

fn read(root: &Directory, name: &str) -> Result<Secret, TlsFault> {
    let bytes = file(root, name)
        .map_err(|_| TlsFault::Unreadable)?
        .ok_or(TlsFault::Absent)?;
    let document = Documents::new(bytes.as_slice(), name)
        .next()
        .and_then(Result::ok)
        .ok_or(TlsFault::Unreadable)?;
    decode_secret(document.into_value(), Origin::Yaml).map_err(|_| TlsFault::Unreadable)
}

fn file(root: &Directory, name: &str) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let Some(directory) = root.subdirectory(OsStr::new(TLS))? else {
        return Ok(None);
    };
    let file = directory.read(&OsString::from(format!("{name}.yaml")))?;
    Ok(file.map(|(bytes, _)| Zeroizing::new(bytes)))
}
