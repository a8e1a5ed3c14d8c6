//! Private keys: reading, making and writing them.

use std::fmt;

use aws_lc_rs::rsa::KeySize;
use rsa::pkcs1::RsaPrivateKey;
use rsa::pkcs8::PrivateKeyInfo;
use rsa::pkcs8::der::asn1::{ObjectIdentifier, UintRef};
use rsa::pkcs8::der::{Decode as _, Encode as _};
use zeroize::Zeroizing;

use crate::fingerprint::Fingerprint;
use crate::pem::{self, Block};
use crate::primitives::UnwrappingKey;

/// The smallest modulus we take, in bits. Smaller ones are in reach of factoring, and aws-lc does
/// not load them.
pub(crate) const MIN_BITS: u32 = 2048;
/// The largest modulus we take, in bits: aws-lc's limit, which keeps one trial from taking seconds.
pub(crate) const MAX_BITS: u32 = 8192;

const PKCS1: &str = "RSA PRIVATE KEY";
const PKCS8: &str = "PRIVATE KEY";
const SEC1: &str = "EC PRIVATE KEY";
const ENCRYPTED_PKCS8: &str = "ENCRYPTED PRIVATE KEY";

/// Algorithms that Go reads in PKCS#8 besides RSA: ECDSA, X25519, Ed25519.
const OTHER_ALGORITHMS: [ObjectIdentifier; 3] = [
    ObjectIdentifier::new_unwrap("1.2.840.10045.2.1"),
    ObjectIdentifier::new_unwrap("1.3.101.110"),
    ObjectIdentifier::new_unwrap("1.3.101.112"),
];

/// An RSA private key.
///
/// aws-lc holds the numbers and wipes them when the key is dropped; `Debug` shows the name only.
/// There is no `Clone`: share it.
pub struct PrivateKey {
    key: UnwrappingKey,
    fingerprint: Fingerprint,
    bits: u32,
}

impl PrivateKey {
    /// Reads the first usable private key of a PEM text: `RSA PRIVATE KEY` (PKCS#1) or
    /// `PRIVATE KEY` (PKCS#8). Other blocks and broken ones are passed over, as in upstream; a
    /// usable key that is not RSA ends the search, as there.
    ///
    /// # Errors
    /// No usable key, or the first usable key is one we cannot take; the error says which and why.
    pub fn from_pem(text: &[u8]) -> Result<Self, PrivateKeyError> {
        let mut broken = None;
        for read in pem::blocks(text).filter_map(|block| read_block(&block)) {
            match read {
                Err(error) if error.means_unusable() => {
                    broken.get_or_insert(error);
                }
                decided => return decided,
            }
        }
        Err(broken.unwrap_or(PrivateKeyError::NoKey))
    }

    /// Reads every RSA key of a PEM text that we can take, and passes over the rest.
    ///
    /// # Errors
    /// There is none; the error is that of the first block that might have been one.
    pub fn all_from_pem(text: &[u8]) -> Result<Vec<Self>, PrivateKeyError> {
        let mut keys = Vec::new();
        let mut refused = None;
        for read in pem::blocks(text).filter_map(|block| read_block(&block)) {
            match read {
                Ok(key) => keys.push(key),
                Err(error) => {
                    refused.get_or_insert(error);
                }
            }
        }
        if keys.is_empty() {
            return Err(refused.unwrap_or(PrivateKeyError::NoKey));
        }
        Ok(keys)
    }

    /// Makes a key. It takes seconds for large sizes and its time varies tenfold: do it where
    /// nothing waits.
    ///
    /// # Errors
    /// A size other than 2048, 3072, 4096 and 8192 bits, which are those aws-lc makes, or a failure
    /// of aws-lc.
    pub fn generate(bits: u32) -> Result<Self, GenerateError> {
        let size = match bits {
            2048 => KeySize::Rsa2048,
            3072 => KeySize::Rsa3072,
            4096 => KeySize::Rsa4096,
            8192 => KeySize::Rsa8192,
            _ if bits < MIN_BITS => return Err(GenerateError::TooSmall { bits }),
            _ => return Err(GenerateError::UnsupportedSize { bits }),
        };
        let pkcs8 = UnwrappingKey::generate_pkcs8(size).map_err(|_| GenerateError::Failed)?;
        Self::from_pkcs8(pkcs8.as_ref()).map_err(|_| GenerateError::Failed)
    }

    /// Writes the key as `RSA PRIVATE KEY`, the form upstream stores.
    ///
    /// # Errors
    /// aws-lc cannot write the key, which no key is known to cause.
    pub fn to_pkcs1_pem(&self) -> Result<Zeroizing<String>, KeyEncodingError> {
        let pkcs8 = self.key.to_pkcs8().map_err(|_| KeyEncodingError)?;
        let info = PrivateKeyInfo::try_from(pkcs8.as_ref()).map_err(|_| KeyEncodingError)?;
        Ok(pem::write(PKCS1, info.private_key))
    }

    /// The name of the key.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The size of the modulus.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    pub(crate) fn unwrapping_key(&self) -> &UnwrappingKey {
        &self.key
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, PrivateKeyError> {
        let info = PrivateKeyInfo::try_from(der).map_err(|_| PrivateKeyError::Malformed)?;
        if info.algorithm.oid == rsa::pkcs1::ALGORITHM_OID {
            // Parameters are not looked at: absent ones are wrong but common, and Go takes them.
            Self::from_pkcs1(info.private_key)
        } else if OTHER_ALGORITHMS.contains(&info.algorithm.oid) {
            Err(PrivateKeyError::NotRsa)
        } else {
            Err(PrivateKeyError::Malformed)
        }
    }

    /// Everything comes through here. The DER goes to aws-lc as it is, in a PKCS#8 envelope: aws-lc
    /// checks the numbers against each other, and so refuses wrong or missing CRT values exactly
    /// where Go does. (Recomputing them, as the `rsa` crate offers, would open what the original
    /// does not.)
    fn from_pkcs1(der: &[u8]) -> Result<Self, PrivateKeyError> {
        // Strict DER: bytes after the key, which aws-lc would ignore, are an error here and in Go.
        let key = RsaPrivateKey::from_der(der).map_err(|_| PrivateKeyError::Malformed)?;
        if key.other_prime_infos.is_some() {
            return Err(PrivateKeyError::MultiPrime);
        }
        let bits = bit_len(key.modulus.as_bytes());
        if bits < MIN_BITS {
            return Err(PrivateKeyError::TooSmall { bits });
        }
        if bits > MAX_BITS {
            return Err(PrivateKeyError::TooLarge { bits });
        }
        let pkcs8 = PrivateKeyInfo::new(rsa::pkcs1::ALGORITHM_ID, der)
            .to_der()
            .map(Zeroizing::new)
            .map_err(|_| PrivateKeyError::Malformed)?;
        Ok(Self {
            key: UnwrappingKey::from_pkcs8(&pkcs8).map_err(|_| PrivateKeyError::Inconsistent)?,
            fingerprint: Fingerprint::of_rsa(
                key.modulus.as_bytes(),
                key.public_exponent.as_bytes(),
            ),
            bits,
        })
    }
}

/// Reads a block that may hold a private key; `None` for a block of another kind.
fn read_block(block: &Block<'_>) -> Option<Result<PrivateKey, PrivateKeyError>> {
    let label = std::str::from_utf8(block.label).ok()?;
    let read = match label {
        PKCS1 => PrivateKey::from_pkcs1(&block.contents),
        PKCS8 => PrivateKey::from_pkcs8(&block.contents),
        SEC1 if is_sec1(&block.contents) => Err(PrivateKeyError::NotRsa),
        SEC1 => Err(PrivateKeyError::Malformed),
        ENCRYPTED_PKCS8 => Err(PrivateKeyError::Encrypted),
        _ => return None,
    };
    Some(match read {
        // The old way of encrypting announces itself in headers (RFC 1421 §4.6) and leaves noise.
        Err(PrivateKeyError::Malformed) if block.has_headers => Err(PrivateKeyError::Encrypted),
        read => read,
    })
}

/// Whether these bytes look like an EC key (RFC 5915): a sequence that begins with version 1 and
/// an octet string. Enough to say what the block is; nothing is done with such a key.
fn is_sec1(der: &[u8]) -> bool {
    use rsa::pkcs8::der::asn1::{AnyRef, OctetStringRef};
    use rsa::pkcs8::der::{Reader as _, SliceReader, Tag, Tagged as _};

    let Ok(sequence) = AnyRef::from_der(der) else {
        return false;
    };
    sequence.tag() == Tag::Sequence
        && SliceReader::new(sequence.value()).is_ok_and(|mut fields| {
            fields
                .decode::<UintRef<'_>>()
                .is_ok_and(|version| version.as_bytes() == [1])
                && fields.decode::<OctetStringRef<'_>>().is_ok()
        })
}

/// Bits of a big-endian number.
pub(crate) fn bit_len(big_endian: &[u8]) -> u32 {
    let zeros = big_endian.iter().take_while(|byte| **byte == 0).count();
    let digits = big_endian.get(zeros..).unwrap_or_default();
    let Some(top) = digits.first() else { return 0 };
    u32::try_from(digits.len())
        .unwrap_or(u32::MAX)
        .saturating_mul(u8::BITS)
        .saturating_sub(top.leading_zeros())
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey")
            .field("fingerprint", &self.fingerprint)
            .field("bits", &self.bits)
            .finish_non_exhaustive()
    }
}

/// A private key could not be read. The beginnings are upstream's, which logs and scripts know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateKeyError {
    /// It needs a passphrase.
    #[error(
        "data does not contain a valid RSA or ECDSA private key: the key is encrypted; \
         decrypt it first, for example with `openssl pkey`"
    )]
    Encrypted,
    /// Its numbers do not belong together.
    #[error(
        "data does not contain a valid RSA or ECDSA private key: \
         the numbers of the RSA key contradict each other"
    )]
    Inconsistent,
    /// It is not what its PEM label says.
    #[error(
        "data does not contain a valid RSA or ECDSA private key: \
         the PEM block is damaged or of another kind than its label says"
    )]
    Malformed,
    /// It has more than two primes.
    #[error("cannot use an RSA key of more than two primes: only two-prime keys are supported")]
    MultiPrime,
    /// No PEM block that could be one.
    #[error("data does not contain a valid RSA or ECDSA private key")]
    NoKey,
    /// It is a key of another algorithm.
    #[error("private key is not an RSA key")]
    NotRsa,
    /// Its modulus is too long.
    #[error("cannot use an RSA key of {bits} bits: at most {MAX_BITS} are supported")]
    TooLarge {
        /// Size of the modulus.
        bits: u32,
    },
    /// Its modulus is too short.
    #[error(
        "cannot use an RSA key of {bits} bits: fewer than {MIN_BITS} no longer protect a secret"
    )]
    TooSmall {
        /// Size of the modulus.
        bits: u32,
    },
}

impl PrivateKeyError {
    /// Whether the block holds nothing usable, so that a later one may count. Go reads the other
    /// kinds, so there the search ends.
    fn means_unusable(&self) -> bool {
        match self {
            Self::Encrypted | Self::Inconsistent | Self::Malformed | Self::NoKey => true,
            Self::MultiPrime | Self::NotRsa | Self::TooLarge { .. } | Self::TooSmall { .. } => {
                false
            }
        }
    }
}

/// A private key could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// aws-lc failed.
    #[error("cannot generate an RSA key: the cryptographic library failed")]
    Failed,
    /// Too few bits.
    #[error(
        "cannot generate an RSA key of {bits} bits: fewer than {MIN_BITS} no longer protect a secret"
    )]
    TooSmall {
        /// The size asked for.
        bits: u32,
    },
    /// A size that aws-lc does not make.
    #[error("cannot generate an RSA key of {bits} bits: must be 2048, 3072, 4096 or 8192")]
    UnsupportedSize {
        /// The size asked for.
        bits: u32,
    },
}

/// A private key could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot encode the private key: the cryptographic library failed")]
#[non_exhaustive]
pub struct KeyEncodingError;

#[cfg(test)]
mod tests {
    use rsa::pkcs1::OtherPrimeInfo;

    use super::*;

    fn vector(name: &str) -> Vec<u8> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys/");
        std::fs::read(format!("{folder}{name}")).unwrap()
    }

    fn number(bytes: &[u8]) -> UintRef<'_> {
        UintRef::new(bytes).unwrap()
    }

    /// A PKCS#1 key with this modulus and nonsense in the other fields.
    fn pkcs1<'a>(modulus: &'a [u8], other_primes: Option<Vec<OtherPrimeInfo<'a>>>) -> Vec<u8> {
        RsaPrivateKey {
            modulus: number(modulus),
            public_exponent: number(&[1, 0, 1]),
            private_exponent: number(&[7]),
            prime1: number(&[3]),
            prime2: number(&[5]),
            exponent1: number(&[1]),
            exponent2: number(&[1]),
            coefficient: number(&[1]),
            other_prime_infos: other_primes,
        }
        .to_der()
        .unwrap()
    }

    fn read(label: &str, der: &[u8]) -> Result<PrivateKey, PrivateKeyError> {
        PrivateKey::from_pem(pem::write(label, der).as_bytes())
    }

    #[test]
    fn keys_we_cannot_take_are_refused_with_the_reason() {
        let third = OtherPrimeInfo {
            prime: number(&[7]),
            exponent: number(&[1]),
            coefficient: number(&[1]),
        };
        let multi_prime = pkcs1(&[0xff; 256], Some(vec![third]));
        assert_eq!(
            read(PKCS1, &multi_prime).unwrap_err(),
            PrivateKeyError::MultiPrime
        );

        let large = pkcs1(&[0xff; 1025], None);
        assert_eq!(
            read(PKCS1, &large).unwrap_err(),
            PrivateKeyError::TooLarge { bits: 8200 }
        );

        let small = PrivateKey::from_pem(&vector("rsa2047-a.pkcs8.pem")).unwrap_err();
        assert_eq!(
            small.to_string(),
            "cannot use an RSA key of 2047 bits: fewer than 2048 no longer protect a secret"
        );

        let nonsense = pkcs1(&[0xff; 256], None);
        assert_eq!(
            read(PKCS1, &nonsense).unwrap_err(),
            PrivateKeyError::Inconsistent
        );
    }

    #[test]
    fn the_reason_names_what_the_file_is() {
        use PrivateKeyError as E;
        for (file, error) in [
            ("key-empty.pem", E::NoKey),
            ("key-text.pem", E::NoKey),
            ("key-public.pem", E::NoKey),
            ("key-garbage.pem", E::Malformed),
            ("key-trailing-der.pem", E::Malformed),
            ("key-pkcs8-pss.pem", E::Malformed),
            ("key-encrypted-pkcs8.pem", E::Encrypted),
            ("key-encrypted-traditional.pem", E::Encrypted),
            ("key-wrong-d.pem", E::Inconsistent),
            ("key-wrong-n.pem", E::Inconsistent),
            ("key-wrong-qinv.pem", E::Inconsistent),
            ("key-zero-crt.pem", E::Inconsistent),
            ("key-ec-sec1.pem", E::NotRsa),
            ("key-ec-pkcs8.pem", E::NotRsa),
            ("key-ed25519.pem", E::NotRsa),
        ] {
            assert_eq!(
                PrivateKey::from_pem(&vector(file)).unwrap_err(),
                error,
                "{file}"
            );
        }
    }

    #[test]
    fn bytes_after_a_pkcs8_key_are_refused() {
        let pem = vector("rsa2048-a.pkcs8.pem");
        let block = pem::blocks(&pem).next().unwrap();
        let mut der = block.contents.to_vec();
        assert!(read(PKCS8, &der).is_ok());
        der.push(0);
        assert_eq!(read(PKCS8, &der).unwrap_err(), PrivateKeyError::Malformed);
    }

    #[test]
    fn a_refused_key_ends_the_search_and_a_broken_one_does_not() {
        let good = vector("rsa2048-a.pkcs1.pem");
        let after = |first: &str| PrivateKey::from_pem(&[vector(first), good.clone()].concat());
        assert!(after("key-garbage.pem").is_ok());
        assert!(after("key-wrong-dp.pem").is_ok());
        assert!(after("key-encrypted-pkcs8.pem").is_ok());
        assert_eq!(
            after("key-ec-sec1.pem").unwrap_err(),
            PrivateKeyError::NotRsa
        );
        let small = after("rsa1024-a.pkcs1.pem").unwrap_err();
        assert_eq!(small, PrivateKeyError::TooSmall { bits: 1024 });
    }

    #[test]
    fn all_keys_of_a_text_are_found_when_asked_for() {
        let keys = PrivateKey::all_from_pem(&vector("key-two.pem")).unwrap();
        assert_eq!(keys.len(), 2);
        let mixed = [
            "key-ec-sec1.pem",
            "rsa1024-a.pkcs1.pem",
            "rsa2048-b.pkcs8.pem",
        ]
        .map(vector);
        assert_eq!(PrivateKey::all_from_pem(&mixed.concat()).unwrap().len(), 1);
        let none = PrivateKey::all_from_pem(&vector("key-ec-sec1.pem"));
        assert_eq!(none.unwrap_err(), PrivateKeyError::NotRsa);
    }

    #[test]
    fn bits_are_counted_from_the_highest_set_one() {
        assert_eq!(bit_len(&[]), 0);
        assert_eq!(bit_len(&[0, 0]), 0);
        assert_eq!(bit_len(&[0, 1]), 1);
        assert_eq!(bit_len(&[0x7f, 0xff]), 15);
        assert_eq!(bit_len(&[0x80, 0, 0]), 24);
    }
}
