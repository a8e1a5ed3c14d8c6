//! Certificates: what the functions return and take, and those that make them.

mod names;
mod parse;
mod request;
mod validity;

use std::collections::BTreeMap;

use sealed_template::{
    CallError, Context, Kind, Members, Named, NamedType, Object, Slice, Str, Type, Value,
};

use super::key::{PrivateKey, Size};
use super::{cost, pem};
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

    fn footprint(&self) -> usize {
        size_of::<Self>()
            .saturating_add(self.cert.len())
            .saturating_add(self.key.len())
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
        context.spend(cost::reading(&authority.cert))?;
        let block = pem::decode(&authority.cert)
            .ok_or_else(|| CallError::new("unable to decode certificate"))?;
        let certificate = parse::parse(&block.contents).map_err(|error| {
            error.prefixed("error parsing certificate: decodedSignerCert.Bytes: ")
        })?;
        let key = PrivateKey::from_pem(context, &authority.key)
            .map_err(|error| error.prefixed("error parsing private key: "))?;
        Ok(Self { certificate, key })
    }
}

fn given_key(context: &mut Context<'_>, text: &[u8]) -> Result<PrivateKey, CallError> {
    PrivateKey::from_pem(context, text).map_err(|error| error.prefixed("parsing private key: "))
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
    context.spend(cost::reading(&cert).saturating_add(cost::reading(&key)))?;
    let cert =
        base64::decode(&cert).map_err(|_| CallError::new("unable to decode base64 certificate"))?;
    let key =
        base64::decode(&key).map_err(|_| CallError::new("unable to decode base64 private key"))?;
    let block = pem::decode(&cert).ok_or_else(|| CallError::new("unable to decode certificate"))?;
    parse::parse(&block.contents)
        .map_err(|error| error.prefixed("error parsing certificate: decodedCert.Bytes: "))?;
    PrivateKey::from_pem(context, &key)
        .map_err(|error| error.prefixed("error parsing private key: "))?;
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

#[cfg(test)]
mod tests {
    use sealed_template::Limit;
    use x509_parser::prelude::{FromDer as _, X509Certificate};

    use super::*;
    use crate::testing::{with_context, with_steps};

    fn vector(name: &str) -> Str {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/");
        std::fs::read(format!("{folder}{name}")).unwrap().into()
    }

    fn nothing() -> Slice<Value> {
        Slice::nil()
    }

    #[test]
    fn an_authority_vouches_for_what_it_signs() {
        let signed = with_context(|context| {
            let authority = authority(context, "ca".into(), 10)?;
            let signed = signed(
                context,
                "x".into(),
                nothing(),
                nothing(),
                5,
                authority.clone(),
            )?;
            Ok::<_, CallError>((authority, signed))
        });
        let (authority, signed) = signed.unwrap();
        let der = |text: &Str| pem::decode(text).unwrap().contents.to_vec();
        let (authority, signed) = (der(&authority.cert), der(&signed.cert));
        let (_, authority) = X509Certificate::from_der(&authority).unwrap();
        let (_, signed) = X509Certificate::from_der(&signed).unwrap();
        assert_eq!(signed.issuer(), authority.subject());
        aws_lc_rs::signature::UnparsedPublicKey::new(
            &aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256,
            &authority.public_key().subject_public_key.data,
        )
        .verify(
            signed.tbs_certificate.as_ref(),
            &signed.signature_value.data,
        )
        .unwrap();
    }

    /// The texts are Sprig's.
    #[test]
    fn a_certificate_and_a_key_are_checked_before_they_are_taken() {
        let cert = vector("certificates/authority-ec.crt.pem");
        let key = vector("keys/key-ed25519.pem");
        let build = |cert: &[u8], key: &[u8]| {
            with_context(|context| {
                let [cert, key] = [cert, key].map(|text| base64::encode(text).into());
                build_custom(context, cert, key)
            })
            .map_err(|error| error.to_text().into_owned())
        };
        let taken = build(&cert, &key).unwrap();
        assert!(taken.cert == cert && taken.key == key);
        for (cert, key, text) in [
            (&b"hi"[..], &key[..], "unable to decode certificate"),
            (
                b"-----BEGIN X-----\n-----END X-----\n",
                &key,
                "error parsing certificate: decodedCert.Bytes: x509: malformed certificate",
            ),
            (
                &cert,
                b"hi",
                "error parsing private key: no PEM data in input",
            ),
        ] {
            assert_eq!(build(cert, key).err().as_deref(), Some(text));
        }
    }

    #[test]
    fn certificates_are_equal_if_both_texts_are() {
        let one = Certificate {
            cert: "a".into(),
            key: "b".into(),
        };
        let other = Certificate {
            key: "c".into(),
            ..one.clone()
        };
        assert!(one.equals(&one.clone()) && !one.equals(&other));
    }

    #[test]
    fn a_realistic_template_fits_the_default_budget_and_a_hostile_one_does_not() {
        let steps = |bits_2048, bits_4096, hashes, derived| {
            let signatures = 2 * bits_2048 * cost::rsa_use(2048);
            bits_2048 * cost::RSA_2048
                + bits_4096 * cost::RSA_4096
                + hashes * cost::BCRYPT
                + derived * cost::SCRYPT
                + signatures
        };
        let budget = sealed_template::Limits::default().steps;
        assert!(steps(3, 1, 3, 1) < budget / 4);
        assert!(steps(0, 9, 0, 0) > budget);
        let error = with_steps(cost::RSA_2048 - 1, |context| {
            authority(context, "ca".into(), 1)
        });
        assert_eq!(error.err().unwrap().passed_limit(), Some(Limit::Steps));
    }
}
