//! Private keys: read from PEM as Sprig does, written, signed with.

mod dsa;
mod ec;
mod ed25519;
mod generate;
mod rsa;

use sealed_template::{CallError, Context, Str};
use x509_parser::der_parser::{Oid, oid};
use x509_parser::oid_registry::{
    OID_KEY_TYPE_EC_PUBLIC_KEY, OID_PKCS1_RSAENCRYPTION, OID_SIG_ED25519,
};
use zeroize::Zeroizing;

pub(super) use generate::generate;
pub(super) use rsa::Size;

use super::der::{self, Reader, sequence};
use super::{pem, prefixed};

const X25519: Oid<'static> = oid!(1.3.101.110);

/// A private key that Sprig reads.
pub(super) enum PrivateKey {
    /// Neither signs certificates nor is certified.
    Dsa,
    Ec(ec::Key),
    Ed25519(ed25519::Key),
    Rsa(rsa::Key),
    /// Neither signs certificates nor is certified.
    X25519,
}

/// A public key as a certificate has it.
pub(super) struct PublicKey {
    /// The whole `SubjectPublicKeyInfo`.
    pub(super) info: Zeroizing<Vec<u8>>,
    /// The key alone, without its algorithm.
    pub(super) key: Vec<u8>,
}

impl PublicKey {
    fn new(algorithm: &[u8], key: Vec<u8>) -> Self {
        let info = sequence(&[algorithm, &der::bit_string(&key, 0)]);
        Self { info, key }
    }
}

impl PrivateKey {
    /// Makes an RSA key.
    pub(super) fn generate_rsa(context: &mut Context<'_>, size: Size) -> Result<Self, CallError> {
        rsa::Key::generate(context, size).map(Self::Rsa)
    }

    /// Reads the key of the first block of a text.
    pub(super) fn from_pem(context: &mut Context<'_>, text: &[u8]) -> Result<Self, CallError> {
        let block = pem::decode(text).ok_or_else(|| CallError::new("no PEM data in input"))?;
        let der = block.contents.as_slice();
        let Some(kind) = block.label.strip_suffix(b"PRIVATE KEY") else {
            return Err(unknown_label(
                "no private key data in PEM block of type ",
                block.label,
            ));
        };
        match kind {
            b"" => Self::from_pkcs8(context, der)
                .map_err(|error| prefixed("decoding PEM as PKCS#8: ", error)),
            b"RSA " => rsa::Key::from_pkcs1(context, der)
                .map(Self::Rsa)
                .map_err(|error| prefixed("parsing RSA private key from PEM: ", error)),
            b"EC " => ec::Key::from_sec1(context, None, der)
                .map(Self::Ec)
                .map_err(|error| prefixed("parsing EC private key from PEM: ", error)),
            b"DSA " => dsa::check(der).map(|()| Self::Dsa).map_err(|error| {
                CallError::new(format!("parsing DSA private key from PEM: {error}"))
            }),
            _ => match kind.strip_suffix(b" ") {
                Some(kind) => Err(unknown_label("invalid private key type ", kind)),
                None => Err(unknown_label(
                    "no private key data in PEM block of type ",
                    block.label,
                )),
            },
        }
    }

    fn from_pkcs8(context: &mut Context<'_>, der: &[u8]) -> Result<Self, CallError> {
        let Pkcs8 {
            algorithm,
            parameters,
            key,
        } = pkcs8(der)
            .map_err(|error| misplaced(der, [EC, PKCS1]).unwrap_or_else(|| malformed(&error)))?;
        if algorithm == OID_PKCS1_RSAENCRYPTION {
            rsa::Key::from_pkcs1(context, key)
                .map(Self::Rsa)
                .map_err(|error| {
                    prefixed(
                        "x509: failed to parse RSA private key embedded in PKCS#8: ",
                        error,
                    )
                })
        } else if algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
            let curve = Reader::new(parameters).oid().ok();
            ec::Key::from_sec1(context, curve, key)
                .map(Self::Ec)
                .map_err(|error| {
                    prefixed(
                        "x509: failed to parse EC private key embedded in PKCS#8: ",
                        error,
                    )
                })
        } else if algorithm == OID_SIG_ED25519 {
            let seed = curve_25519("Ed25519", parameters, key)?;
            ed25519::Key::from_seed(seed).map(Self::Ed25519)
        } else if algorithm == X25519 {
            let key = curve_25519("X25519", parameters, key)?;
            if key.len() == ed25519::SEED_LEN {
                Ok(Self::X25519)
            } else {
                Err(CallError::new("crypto/ecdh: invalid private key size"))
            }
        } else {
            Err(CallError::new(format!(
                "x509: PKCS#8 wrapping contained private key with unknown algorithm: {}",
                algorithm.to_id_string()
            )))
        }
    }

    /// Writes the key in the form that goes with its kind.
    pub(super) fn to_pem(&self) -> Result<Str, CallError> {
        match self {
            Self::Dsa | Self::X25519 => Err(CallError::new("a key that cannot be written")),
            Self::Ec(key) => Ok(pem::encode("EC PRIVATE KEY", &key.to_sec1()?)),
            Self::Ed25519(key) => Ok(pem::encode("PRIVATE KEY", &key.to_pkcs8())),
            Self::Rsa(key) => Ok(pem::encode("RSA PRIVATE KEY", key.as_pkcs1())),
        }
    }

    /// The public half.
    pub(super) fn public_key(&self) -> Result<PublicKey, CallError> {
        match self {
            Self::Dsa => Err(CallError::new(
                "x509: unsupported public key type: *dsa.PublicKey",
            )),
            Self::Ec(key) => key.public_key(),
            Self::Ed25519(key) => Ok(key.public_key()),
            Self::Rsa(key) => Ok(key.public_key()),
            Self::X25519 => Err(CallError::new(
                "x509: unsupported public key type: *ecdh.PublicKey",
            )),
        }
    }

    /// The `AlgorithmIdentifier` of the signatures of this key.
    pub(super) fn signature_algorithm(&self) -> Result<Zeroizing<Vec<u8>>, CallError> {
        match self {
            Self::Dsa | Self::X25519 => Err(CallError::new(
                "x509: certificate private key does not implement crypto.Signer",
            )),
            Self::Ec(key) => Ok(key.signature_algorithm()),
            Self::Ed25519(_) => Ok(ed25519::algorithm()),
            Self::Rsa(_) => Ok(rsa::signature_algorithm()),
        }
    }

    /// Signs what goes into a certificate.
    pub(super) fn sign(
        &self,
        context: &mut Context<'_>,
        message: &[u8],
    ) -> Result<Vec<u8>, CallError> {
        match self {
            Self::Dsa | Self::X25519 => Err(CallError::new("a key that cannot sign")),
            Self::Ec(key) => key.sign(context, message),
            Self::Ed25519(key) => key.sign(context, message),
            Self::Rsa(key) => key.sign(context, message),
        }
    }
}

/// What PKCS#8 wraps.
struct Pkcs8<'a> {
    algorithm: Oid<'a>,
    /// A whole element, or nothing.
    parameters: &'a [u8],
    key: &'a [u8],
}

fn pkcs8(der: &[u8]) -> Result<Pkcs8<'_>, der::Error> {
    let mut info = Reader::new(der).sequence("pkcs8")?;
    info.int()?;
    let mut algorithm = info.sequence("AlgorithmIdentifier")?;
    Ok(Pkcs8 {
        algorithm: algorithm.oid()?,
        parameters: algorithm.optional_any()?,
        key: info.octet_string()?,
    })
}

/// The bytes of an Ed25519 or X25519 key.
fn curve_25519<'a>(name: &str, parameters: &[u8], key: &'a [u8]) -> Result<&'a [u8], CallError> {
    if !parameters.is_empty() {
        return Err(CallError::new(format!(
            "x509: invalid {name} private key parameters"
        )));
    }
    Reader::new(key)
        .octet_string()
        .map_err(|error| CallError::new(format!("x509: invalid {name} private key: {error}")))
}

/// A form of keys: how to tell it, and what Go calls it.
type Form = (fn(&[u8]) -> bool, &'static str);

const EC: Form = (|der| ec::fields(der).is_ok(), "EC");
const PKCS1: Form = (|der| rsa::numbers(der).is_ok(), "PKCS1");
const PKCS8: Form = (|der| pkcs8(der).is_ok(), "PKCS8");

/// The hint that a key has another form than its label says, if it has one of `forms`.
fn misplaced(der: &[u8], forms: [Form; 2]) -> Option<CallError> {
    let (_, form) = forms.iter().find(|(is_it, _)| is_it(der))?;
    Some(CallError::new(format!(
        "x509: failed to parse private key (use Parse{form}PrivateKey instead for this key format)"
    )))
}

fn malformed(error: &der::Error) -> CallError {
    CallError::new(error.to_string())
}

fn unknown_label(text: &str, label: &[u8]) -> CallError {
    CallError::new([text.as_bytes(), label].concat())
}
