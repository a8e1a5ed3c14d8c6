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

pub(super) use ec::P224;
pub(super) use generate::generate;
pub(super) use rsa::Size;

use super::der::{self, Reader, sequence};
use super::{cost, pem};

pub(super) const X25519: Oid<'static> = oid!(1.3.101.110);

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
        context.spend(cost::reading(text))?;
        let block = pem::decode(text).ok_or_else(|| CallError::new("no PEM data in input"))?;
        let der = block.contents.as_slice();
        let Some(kind) = block.label.strip_suffix(b"PRIVATE KEY") else {
            return Err(not_private(block.label));
        };
        match kind {
            b"" => Self::from_pkcs8(context, der)
                .map_err(|error| error.prefixed("decoding PEM as PKCS#8: ")),
            b"RSA " => rsa::Key::from_pkcs1(context, der)
                .map(Self::Rsa)
                .map_err(|error| error.prefixed("parsing RSA private key from PEM: ")),
            b"EC " => ec::Key::from_sec1(context, None, der)
                .map(Self::Ec)
                .map_err(|error| error.prefixed("parsing EC private key from PEM: ")),
            b"DSA " => dsa::check(der).map(|()| Self::Dsa).map_err(|error| {
                CallError::new(format!("parsing DSA private key from PEM: {error}"))
            }),
            kind if kind.ends_with(b" ") => {
                Err(unknown_label("invalid private key type ", block.label))
            }
            _ => Err(not_private(block.label)),
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
                    error.prefixed("x509: failed to parse RSA private key embedded in PKCS#8: ")
                })
        } else if algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
            let curve = Reader::new(parameters).oid().ok();
            ec::Key::from_sec1(context, curve, key)
                .map(Self::Ec)
                .map_err(|error| {
                    error.prefixed("x509: failed to parse EC private key embedded in PKCS#8: ")
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
                der::dotted(&algorithm)
            )))
        }
    }

    /// Writes the key in the form that goes with its kind.
    pub(super) fn to_pem(&self) -> Result<Str, CallError> {
        match self {
            Self::Dsa | Self::X25519 => Err(CallError::new("a key that cannot be written")),
            Self::Ec(key) => Ok(pem::encode("EC PRIVATE KEY", &key.to_sec1()?)),
            Self::Ed25519(key) => Ok(pem::encode("PRIVATE KEY", &key.to_pkcs8())),
            Self::Rsa(key) => Ok(pem::encode("RSA PRIVATE KEY", key.as_pkcs1()?)),
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

fn not_private(label: &[u8]) -> CallError {
    unknown_label("no private key data in PEM block of type ", label)
}

fn unknown_label(text: &str, label: &[u8]) -> CallError {
    CallError::new([text.as_bytes(), label].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::with_context;

    fn vector(name: &str) -> Vec<u8> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys/");
        std::fs::read(format!("{folder}{name}")).unwrap()
    }

    fn read(text: &[u8]) -> Result<PrivateKey, String> {
        with_context(|context| PrivateKey::from_pem(context, text))
            .map_err(|error| error.to_text().into_owned())
    }

    fn labelled(label: &str, der: &[u8]) -> Result<PrivateKey, String> {
        read(&pem::encode(label, der))
    }

    #[test]
    fn keys_are_written_in_the_form_of_their_kind() {
        for (file, form) in [
            ("rsa2048-a.pkcs1.pem", "rsa2048-a.pkcs1.pem"),
            ("rsa2048-a.pkcs8.pem", "rsa2048-a.pkcs1.pem"),
            ("key-ec-sec1.pem", "key-ec-sec1.pem"),
            ("key-ec-pkcs8.pem", "key-ec-sec1.pem"),
            ("key-ed25519.pem", "key-ed25519.pem"),
        ] {
            let written = read(&vector(file)).unwrap().to_pem().unwrap();
            assert!(*written == *vector(form), "{file}");
        }
    }

    /// The texts are Go's.
    #[test]
    fn texts_that_are_no_keys_are_refused_as_in_go() {
        for (file, text) in [
            ("key-empty.pem", "no PEM data in input"),
            (
                "key-public.pem",
                "no private key data in PEM block of type PUBLIC KEY",
            ),
            (
                "key-encrypted-pkcs8.pem",
                "invalid private key type ENCRYPTED PRIVATE KEY",
            ),
            (
                "key-pkcs1-under-pkcs8-label.pem",
                "decoding PEM as PKCS#8: x509: failed to parse private key \
                 (use ParsePKCS1PrivateKey instead for this key format)",
            ),
            (
                "key-trailing-der.pem",
                "parsing RSA private key from PEM: asn1: syntax error: trailing data",
            ),
            (
                "key-zero-crt.pem",
                "parsing RSA private key from PEM: x509: private key contains zero or negative value",
            ),
            (
                "key-wrong-n.pem",
                "parsing RSA private key from PEM: crypto/rsa: p * q != n",
            ),
            (
                "key-pkcs8-pss.pem",
                "decoding PEM as PKCS#8: x509: PKCS#8 wrapping contained private key with unknown algorithm: \
                 1.2.840.113549.1.1.10",
            ),
        ] {
            assert_eq!(read(&vector(file)).err(), Some(text.to_owned()), "{file}");
        }
    }

    #[test]
    fn an_ec_key_may_have_zeros_too_many_or_too_few() {
        let with = |scalar: &[u8]| {
            let curve = der::oid(&x509_parser::oid_registry::OID_EC_P256);
            let fields = [
                &der::integer(&[1]),
                &der::octet_string(scalar),
                &der::explicit(0, &curve),
            ];
            labelled(
                "EC PRIVATE KEY",
                &sequence(&fields.map(|field| field.as_slice())),
            )
        };
        let one = with(&[1]).unwrap().to_pem().unwrap();
        let [mut long, mut exact] = [[0; 40], [0; 40]];
        (long[39], exact[31]) = (1, 1);
        assert!(with(&long).unwrap().to_pem().unwrap() == one);
        assert!(with(&exact[..32]).unwrap().to_pem().unwrap() == one);
        long[0] = 1;
        let prefix = "parsing EC private key from PEM: ";
        for (scalar, text) in [
            (&long[..], "x509: invalid private key length"),
            (&[0], "ecdsa: invalid public key encoding"),
            (&[0xff; 32], "ecdsa: invalid public key encoding"),
        ] {
            assert_eq!(with(scalar).err(), Some(format!("{prefix}{text}")));
        }
    }

    /// Numbers of no use, which nobody checks.
    #[test]
    fn dsa_and_x25519_keys_are_read_and_good_for_nothing() {
        let numbers = [0_u8; 6].map(|number| der::integer(&[number]));
        let dsa = labelled("DSA PRIVATE KEY", &der::sequence_of(&numbers)).unwrap();
        let key = der::octet_string(&der::octet_string(&[7; 32]));
        let x25519 = sequence(&[&der::integer(&[]), &sequence(&[&der::oid(&X25519)]), &key]);
        let x25519 = labelled("PRIVATE KEY", &x25519).unwrap();
        for (key, kind) in [(dsa, "dsa"), (x25519, "ecdh")] {
            assert_eq!(
                key.signature_algorithm().unwrap_err().text(),
                b"x509: certificate private key does not implement crypto.Signer"
            );
            assert_eq!(
                key.public_key().err().unwrap().text(),
                format!("x509: unsupported public key type: *{kind}.PublicKey").as_bytes()
            );
        }
    }

    #[test]
    fn reading_and_using_keys_spends_steps() {
        let text = vector("rsa2048-a.pkcs1.pem");
        let steps = cost::reading(&text) + cost::rsa_use(2048);
        let read = |steps| {
            crate::testing::with_steps(steps, |context| PrivateKey::from_pem(context, &text).err())
        };
        assert!(read(steps).is_none());
        assert!(read(steps - 1).unwrap().passed_limit().is_some());
    }
}
