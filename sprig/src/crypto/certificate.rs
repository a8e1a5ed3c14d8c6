//! Certificates: what the functions return and take, and those that make them.

mod parse;
mod request;

use std::collections::BTreeMap;

use sealed_template::{
    CallError, Context, Kind, Members, Named, NamedType, Object, Slice, Str, Type, Value,
};

use super::key::{PrivateKey, Size};
use super::{pem, prefixed};
use crate::base64;
use parse::Parsed;
use request::Request;

/// A certificate and its private key, both as PEM.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Certificate {
    cert: Str,
    key: Str,
}

static METHODS: Members = BTreeMap::new();

impl Named for Certificate {
    const NAMED: &'static NamedType = &NamedType {
        name: "sprig.certificate",
        kind: Kind::Struct,
    };
}

impl Object for Certificate {
    fn type_of(&self) -> Type {
        Type::Named(Self::NAMED)
    }

    fn methods(&self) -> &'static Members {
        &METHODS
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Cert", self.cert.clone().into()),
            ("Key", self.key.clone().into()),
        ]
    }

    fn equals(&self, other: &dyn Object) -> bool {
        let other: &dyn std::any::Any = other;
        other.downcast_ref() == Some(self)
    }
}

/// Who signs.
struct Issuer {
    certificate: Parsed,
    key: PrivateKey,
}

impl Issuer {
    fn new(context: &mut Context<'_>, authority: &Certificate) -> Result<Self, CallError> {
        let block = pem::decode(&authority.cert)
            .ok_or_else(|| CallError::new("unable to decode certificate"))?;
        let certificate = parse::parse(&block.contents).map_err(|error| {
            prefixed(
                "error parsing certificate: decodedSignerCert.Bytes: ",
                error,
            )
        })?;
        let key = PrivateKey::from_pem(context, &authority.key)
            .map_err(|error| prefixed("error parsing private key: ", error))?;
        Ok(Self { certificate, key })
    }
}

fn given_key(context: &mut Context<'_>, text: &[u8]) -> Result<PrivateKey, CallError> {
    PrivateKey::from_pem(context, text).map_err(|error| prefixed("parsing private key: ", error))
}

fn new_key(context: &mut Context<'_>) -> Result<PrivateKey, CallError> {
    PrivateKey::generate_rsa(context, Size::Bits2048)
}

/// `buildCustomCert`: a certificate and a key from their base64, checked each for itself.
pub(super) fn build_custom(
    context: &mut Context<'_>,
    cert: Str,
    key: Str,
) -> Result<Certificate, CallError> {
    let cert =
        base64::decode(&cert).map_err(|_| CallError::new("unable to decode base64 certificate"))?;
    let key =
        base64::decode(&key).map_err(|_| CallError::new("unable to decode base64 private key"))?;
    let block = pem::decode(&cert).ok_or_else(|| CallError::new("unable to decode certificate"))?;
    parse::parse(&block.contents)
        .map_err(|error| prefixed("error parsing certificate: decodedCert.Bytes: ", error))?;
    PrivateKey::from_pem(context, &key)
        .map_err(|error| prefixed("error parsing private key: ", error))?;
    Ok(Certificate {
        cert: cert.as_slice().into(),
        key: key.as_slice().into(),
    })
}

/// `genCA`: an authority with a key of its own.
pub(super) fn authority(
    context: &mut Context<'_>,
    name: Str,
    days: isize,
) -> Result<Certificate, CallError> {
    let request = Request::authority(context, name, days);
    let key = new_key(context)?;
    request.issue(context, &key, None)
}

/// `genCAWithKey`
pub(super) fn authority_with_key(
    context: &mut Context<'_>,
    name: Str,
    days: isize,
    key: Str,
) -> Result<Certificate, CallError> {
    let key = given_key(context, &key)?;
    Request::authority(context, name, days).issue(context, &key, None)
}

/// `genSelfSignedCert`: a certificate that vouches for itself.
pub(super) fn self_signed(
    context: &mut Context<'_>,
    name: Str,
    addresses: Slice<Value>,
    hosts: Slice<Value>,
    days: isize,
) -> Result<Certificate, CallError> {
    let request = Request::new(context, name, &addresses, &hosts, days)?;
    let key = new_key(context)?;
    request.issue(context, &key, None)
}

/// `genSelfSignedCertWithKey`
pub(super) fn self_signed_with_key(
    context: &mut Context<'_>,
    name: Str,
    addresses: Slice<Value>,
    hosts: Slice<Value>,
    days: isize,
    key: Str,
) -> Result<Certificate, CallError> {
    let key = given_key(context, &key)?;
    let request = Request::new(context, name, &addresses, &hosts, days)?;
    request.issue(context, &key, None)
}

/// `genSignedCert`: a certificate that an authority vouches for.
pub(super) fn signed(
    context: &mut Context<'_>,
    name: Str,
    addresses: Slice<Value>,
    hosts: Slice<Value>,
    days: isize,
    authority: Certificate,
) -> Result<Certificate, CallError> {
    let issuer = Issuer::new(context, &authority)?;
    let request = Request::new(context, name, &addresses, &hosts, days)?;
    let key = new_key(context)?;
    request.issue(context, &key, Some(&issuer))
}

/// `genSignedCertWithKey`
pub(super) fn signed_with_key(
    context: &mut Context<'_>,
    name: Str,
    addresses: Slice<Value>,
    hosts: Slice<Value>,
    days: isize,
    authority: Certificate,
    key: Str,
) -> Result<Certificate, CallError> {
    let key = given_key(context, &key)?;
    let issuer = Issuer::new(context, &authority)?;
    let request = Request::new(context, name, &addresses, &hosts, days)?;
    request.issue(context, &key, Some(&issuer))
}
