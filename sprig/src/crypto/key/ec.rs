//! Keys of the NIST curves.

use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521};
use aws_lc_rs::encoding::AsBigEndian as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm,
};
use sealed_template::{CallError, Context};
use x509_parser::der_parser::{Oid, oid as oid_of};
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_NIST_EC_P521,
    OID_SIG_ECDSA_WITH_SHA256, OID_SIG_ECDSA_WITH_SHA384, OID_SIG_ECDSA_WITH_SHA512,
};
use zeroize::Zeroizing;

use super::{PKCS1, PKCS8, PublicKey, misplaced};
use crate::crypto::cost::{self, costly};
use crate::crypto::der::{
    self, Reader, bit_string, explicit, integer, octet_string, oid, sequence,
};

pub(in super::super) const P224: Oid<'static> = oid_of!(1.3.132.0.33);

pub(in super::super) struct Key {
    curve: Curve,
    /// As long as the order of the curve.
    scalar: Zeroizing<Vec<u8>>,
    /// An uncompressed point; none on P-224.
    public: Option<Vec<u8>>,
}

/// aws-lc-rs does not offer P-224: keys on it are read, and that is all.
#[derive(Clone, Copy)]
enum Curve {
    P224,
    P256,
    P384,
    P521,
}

/// What of an EC key (RFC 5915) is looked at. The public half in it is not.
pub(super) struct Fields<'a> {
    version: i64,
    scalar: &'a [u8],
    curve: Option<Oid<'a>>,
}

pub(super) fn fields(der: &[u8]) -> Result<Fields<'_>, der::Error> {
    let mut key = Reader::new(der).sequence("ecPrivateKey")?;
    let fields = Fields {
        version: key.int()?,
        scalar: key.octet_string()?,
        curve: key.optional_oid(0)?,
    };
    key.optional_bit_string(1)?;
    Ok(fields)
}

impl Curve {
    fn from_oid(oid: &Oid<'_>) -> Option<Self> {
        [Self::P224, Self::P256, Self::P384, Self::P521]
            .into_iter()
            .find(|curve| curve.oid() == *oid)
    }

    fn oid(self) -> Oid<'static> {
        match self {
            Self::P224 => P224,
            Self::P256 => OID_EC_P256,
            Self::P384 => OID_NIST_EC_P384,
            Self::P521 => OID_NIST_EC_P521,
        }
    }

    fn scalar_len(self) -> usize {
        match self {
            Self::P224 => 28,
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    fn signature(self) -> Oid<'static> {
        match self {
            Self::P224 | Self::P256 => OID_SIG_ECDSA_WITH_SHA256,
            Self::P384 => OID_SIG_ECDSA_WITH_SHA384,
            Self::P521 => OID_SIG_ECDSA_WITH_SHA512,
        }
    }

    fn agreement(self) -> Option<&'static agreement::Algorithm> {
        match self {
            Self::P224 => None,
            Self::P256 => Some(&ECDH_P256),
            Self::P384 => Some(&ECDH_P384),
            Self::P521 => Some(&ECDH_P521),
        }
    }

    fn signing(self) -> Option<&'static EcdsaSigningAlgorithm> {
        match self {
            Self::P224 => None,
            Self::P256 => Some(&ECDSA_P256_SHA256_ASN1_SIGNING),
            Self::P384 => Some(&ECDSA_P384_SHA384_ASN1_SIGNING),
            Self::P521 => Some(&ECDSA_P521_SHA512_ASN1_SIGNING),
        }
    }
}

impl Key {
    /// Makes a key on P-256.
    pub(super) fn generate(context: &mut Context<'_>) -> Result<Self, CallError> {
        let curve = Curve::P256;
        context.mark_nondeterministic();
        let scalar = costly(context, cost::ELLIPTIC, || {
            let key = agreement::PrivateKey::generate(&ECDH_P256)?;
            let scalar: aws_lc_rs::encoding::EcPrivateKeyBin<'_> = key.as_be_bytes()?;
            Ok(Zeroizing::new(scalar.as_ref().to_vec()))
        })?;
        let scalar = scalar.map_err(|_: aws_lc_rs::error::Unspecified| failed())?;
        Self::new(curve, scalar)
    }

    /// Reads a key. `curve` is what a structure around it says, which counts more than what it says itself.
    pub(super) fn from_sec1(
        context: &mut Context<'_>,
        curve: Option<Oid<'_>>,
        der: &[u8],
    ) -> Result<Self, CallError> {
        let fields = fields(der).map_err(|error| {
            misplaced(der, [PKCS8, PKCS1]).unwrap_or_else(|| {
                CallError::new(format!("x509: failed to parse EC private key: {error}"))
            })
        })?;
        if fields.version != 1 {
            return Err(CallError::new(format!(
                "x509: unknown EC private key version {}",
                fields.version
            )));
        }
        let curve = curve
            .or(fields.curve)
            .and_then(|oid| Curve::from_oid(&oid))
            .ok_or_else(|| CallError::new("x509: unknown elliptic curve"))?;

        // Writers in use leave out zeros at the front, or add some.
        let len = curve.scalar_len();
        let surplus = fields.scalar.len().saturating_sub(len);
        let missing = len.saturating_sub(fields.scalar.len());
        let (zeros, digits) = fields.scalar.split_at_checked(surplus).unwrap_or_default();
        if zeros.iter().any(|zero| *zero != 0) {
            return Err(CallError::new("x509: invalid private key length"));
        }
        let mut scalar = Zeroizing::new(vec![0; missing]);
        scalar.reserve_exact(digits.len());
        scalar.extend_from_slice(digits);
        costly(context, cost::ELLIPTIC, || Self::new(curve, scalar))?
    }

    fn new(curve: Curve, scalar: Zeroizing<Vec<u8>>) -> Result<Self, CallError> {
        let public = match curve.agreement() {
            Some(algorithm) => {
                let key = agreement::PrivateKey::from_private_key(algorithm, &scalar)
                    .map_err(|_| CallError::new("ecdsa: invalid public key encoding"))?;
                let point = key.compute_public_key().map_err(|_| failed())?;
                Some(point.as_ref().to_vec())
            }
            None => None,
        };
        Ok(Self {
            curve,
            scalar,
            public,
        })
    }

    fn point(&self) -> Result<&[u8], CallError> {
        self.public.as_deref().ok_or_else(unsupported)
    }

    pub(super) fn to_sec1(&self) -> Result<Zeroizing<Vec<u8>>, CallError> {
        Ok(sequence(&[
            &integer(&[1]),
            &octet_string(&self.scalar),
            &explicit(0, &oid(&self.curve.oid())),
            &explicit(1, &bit_string(self.point()?, 0)),
        ]))
    }

    pub(super) fn public_key(&self) -> Result<PublicKey, CallError> {
        let algorithm = sequence(&[&oid(&OID_KEY_TYPE_EC_PUBLIC_KEY), &oid(&self.curve.oid())]);
        Ok(PublicKey::new(&algorithm, self.point()?.to_vec()))
    }

    pub(super) fn signature_algorithm(&self) -> Zeroizing<Vec<u8>> {
        sequence(&[&oid(&self.curve.signature())])
    }

    pub(super) fn sign(
        &self,
        context: &mut Context<'_>,
        message: &[u8],
    ) -> Result<Vec<u8>, CallError> {
        let algorithm = self.curve.signing().ok_or_else(unsupported)?;
        let point = self.point()?;
        context.mark_nondeterministic();
        let signature = costly(context, cost::ELLIPTIC, || {
            EcdsaKeyPair::from_private_key_and_public_key(algorithm, &self.scalar, point)
                .ok()?
                .sign(&SystemRandom::new(), message)
                .ok()
        })?;
        Ok(signature.ok_or_else(failed)?.as_ref().to_vec())
    }
}

fn unsupported() -> CallError {
    CallError::new("x509: unsupported elliptic curve")
}

fn failed() -> CallError {
    CallError::new("crypto/ecdsa: the cryptographic library failed")
}
