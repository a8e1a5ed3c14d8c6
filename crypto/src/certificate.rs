//! Certificates: the public half of a sealing key, as it is handed out.

mod issue;

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use rsa::pkcs1::RsaPublicKey;
use rsa::pkcs8::der::Decode as _;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::fingerprint::Fingerprint;
use crate::key::{MAX_BITS, MIN_BITS, bit_len};
use crate::pem;
use crate::primitives::WrappingKey;

pub use issue::{CertificateRequest, IssueError};

const LABEL: &str = "CERTIFICATE";

/// How long before its first day a certificate may be offered: clocks differ, but a certificate of
/// next year must not win over the one in use.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// An X.509 certificate of an RSA key.
///
/// It carries a public key and dates; nobody's signature is checked, because what is trusted is
/// the place it was read from.
#[derive(Clone)]
pub struct Certificate {
    der: Vec<u8>,
    key: WrappingKey,
    fingerprint: Fingerprint,
    bits: u32,
    not_before: Timestamp,
    not_after: Timestamp,
    common_name: Option<String>,
}

impl Certificate {
    /// Reads the first `CERTIFICATE` block of a PEM text. Every such block must hold a well-formed
    /// certificate, as in upstream; blocks of other kinds or with PEM headers are passed over.
    ///
    /// # Errors
    /// No certificate, a malformed one anywhere, or a first one whose key we cannot seal for.
    pub fn from_pem(text: &[u8]) -> Result<Self, CertificateError> {
        let mut first = None;
        for (index, block) in certificate_blocks(text).enumerate() {
            let parsed = parse(&block.contents, index)?;
            if first.is_none() {
                first = Some(Self::from_parsed(&parsed, &block.contents));
            }
        }
        first.unwrap_or(Err(CertificateError::NoCertificate))
    }

    /// Reads every certificate of a PEM text whose key can be sealed for, and passes over the rest.
    pub fn all_from_pem(text: &[u8]) -> Vec<Self> {
        certificate_blocks(text)
            .filter_map(|block| Self::from_der(&block.contents).ok())
            .collect()
    }

    /// Reads bare DER.
    ///
    /// # Errors
    /// As [`Self::from_pem`].
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        Self::from_parsed(&parse(der, 0)?, der)
    }

    /// Counts the certificates of a PEM text.
    ///
    /// # Errors
    /// No certificate, or a malformed one.
    pub fn count_in_pem(text: &[u8]) -> Result<usize, CertificateError> {
        let mut count = 0_usize;
        for (index, block) in certificate_blocks(text).enumerate() {
            parse(&block.contents, index)?;
            count = count.saturating_add(1);
        }
        if count == 0 {
            return Err(CertificateError::NoCertificate);
        }
        Ok(count)
    }

    /// Writes the certificate as PEM.
    pub fn to_pem(&self) -> String {
        pem::write(LABEL, &self.der).to_string()
    }

    /// The DER form.
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// The name of the key.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The size of the modulus.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// When validity begins.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// When validity ends. The very last hours of the year 9999, which a certificate without an
    /// end names, do not fit a [`Timestamp`] and become its largest value.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Whether validity has ended at `now`.
    pub fn is_expired_at(&self, now: Timestamp) -> bool {
        now > self.not_after
    }

    /// Whether others may be told at `now` to seal with it: not expired, and not more than five
    /// minutes before its beginning.
    pub fn is_offerable_at(&self, now: Timestamp) -> bool {
        !self.is_expired_at(now) && self.not_before.duration_since(now) <= CLOCK_SKEW
    }

    /// The common name of the subject, if there is one.
    pub fn subject_common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    pub(crate) fn wrapping_key(&self) -> &WrappingKey {
        &self.key
    }

    fn from_parsed(parsed: &X509Certificate<'_>, der: &[u8]) -> Result<Self, CertificateError> {
        let spki = parsed.public_key();
        if spki.algorithm.algorithm.as_bytes() != rsa::pkcs1::ALGORITHM_OID.as_bytes() {
            return Err(CertificateError::NotRsa {
                algorithm: spki.algorithm.algorithm.to_id_string(),
            });
        }
        let key = RsaPublicKey::from_der(&spki.subject_public_key.data)
            .map_err(|_| CertificateError::UnusableKey)?;
        let bits = bit_len(key.modulus.as_bytes());
        if bits < MIN_BITS {
            return Err(CertificateError::TooSmall { bits });
        }
        if bits > MAX_BITS {
            return Err(CertificateError::TooLarge { bits });
        }
        let validity = parsed.validity();
        Ok(Self {
            der: der.to_vec(),
            key: WrappingKey::from_spki(spki.raw).map_err(|_| CertificateError::UnusableKey)?,
            fingerprint: Fingerprint::of_rsa(
                key.modulus.as_bytes(),
                key.public_exponent.as_bytes(),
            ),
            bits,
            not_before: timestamp(validity.not_before.timestamp()),
            not_after: timestamp(validity.not_after.timestamp()),
            common_name: parsed
                .subject()
                .iter_common_name()
                .next()
                .and_then(|name| name.as_str().ok())
                .map(str::to_owned),
        })
    }
}

fn certificate_blocks(text: &[u8]) -> impl Iterator<Item = pem::Block<'_>> {
    pem::blocks(text).filter(|block| block.label == LABEL.as_bytes() && !block.has_headers)
}

fn parse(der: &[u8], index: usize) -> Result<X509Certificate<'_>, CertificateError> {
    let position = index.saturating_add(1);
    let (rest, parsed) =
        X509Certificate::from_der(der).map_err(|_| CertificateError::Malformed { position })?;
    if !rest.is_empty() {
        return Err(CertificateError::TrailingData { position });
    }
    Ok(parsed)
}

/// Clamps to what a [`Timestamp`] holds.
fn timestamp(unix_seconds: i64) -> Timestamp {
    Timestamp::from_second(unix_seconds).unwrap_or(if unix_seconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("fingerprint", &self.fingerprint)
            .field("bits", &self.bits)
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .field("common_name", &self.common_name)
            .finish_non_exhaustive()
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

/// A certificate could not be read. The beginnings are upstream's, which logs and scripts know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// Not X.509.
    #[error("x509: malformed certificate: the one at position {position} cannot be read")]
    Malformed {
        /// Which certificate of the text, from 1.
        position: usize,
    },
    /// No `CERTIFICATE` block.
    #[error("data does not contain any valid RSA or ECDSA certificates")]
    NoCertificate,
    /// A key of another algorithm. The certificate itself is well-formed.
    #[error("expected RSA public key but found a key of algorithm {algorithm}")]
    NotRsa {
        /// Object identifier of the algorithm.
        algorithm: String,
    },
    /// Its modulus is too long.
    #[error(
        "cannot use a certificate with an RSA key of {bits} bits: at most {MAX_BITS} are supported"
    )]
    TooLarge {
        /// Size of the modulus.
        bits: u32,
    },
    /// Its modulus is too short.
    #[error(
        "cannot use a certificate with an RSA key of {bits} bits: \
         fewer than {MIN_BITS} no longer protect a secret"
    )]
    TooSmall {
        /// Size of the modulus.
        bits: u32,
    },
    /// Bytes after the certificate, in its block.
    #[error("x509: trailing data: bytes follow the certificate at position {position}")]
    TrailingData {
        /// Which certificate of the text, from 1.
        position: usize,
    },
    /// An RSA key whose numbers cannot be.
    #[error("x509: invalid RSA public key: its modulus or exponent is not usable")]
    UnusableKey,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(name: &str) -> Vec<u8> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys/");
        std::fs::read(format!("{folder}{name}")).unwrap()
    }

    fn error(name: &str) -> CertificateError {
        Certificate::from_pem(&vector(name)).unwrap_err()
    }

    #[test]
    fn the_reason_names_what_the_file_is() {
        assert_eq!(error("cert-empty.crt.pem"), CertificateError::NoCertificate);
        assert_eq!(
            error("cert-with-headers.crt.pem"),
            CertificateError::NoCertificate
        );
        assert_eq!(
            error("cert-garbage.crt.pem"),
            CertificateError::Malformed { position: 1 }
        );
        let second = CertificateError::Malformed { position: 2 };
        assert_eq!(error("cert-valid-then-garbage.crt.pem"), second);
        let trailing = CertificateError::TrailingData { position: 1 };
        assert_eq!(error("cert-trailing-der.crt.pem"), trailing);
        assert_eq!(
            error("rsa2047-a.crt.pem"),
            CertificateError::TooSmall { bits: 2047 }
        );
        let ec = "expected RSA public key but found a key of algorithm 1.2.840.10045.2.1";
        assert_eq!(error("cert-ec.crt.pem").to_string(), ec);
    }

    #[test]
    fn the_first_of_several_counts() {
        let chain = vector("cert-chain.crt.pem");
        let first = Certificate::from_pem(&chain).unwrap();
        assert_eq!(first.to_pem().as_bytes(), vector("rsa2048-b.crt.pem"));
        assert_eq!(Certificate::count_in_pem(&chain), Ok(2));
    }

    #[test]
    fn der_reads_as_pem_does() {
        let from_der = Certificate::from_der(&vector("cert-a.der")).unwrap();
        assert_eq!(from_der.as_der(), vector("cert-a.der"));
        assert_eq!(
            Certificate::from_pem(from_der.to_pem().as_bytes()),
            Ok(from_der)
        );
    }

    #[test]
    fn a_certificate_without_end_never_expires() {
        let endless = Certificate::from_pem(&vector("cert-until-9999.crt.pem")).unwrap();
        assert_eq!(endless.not_after(), Timestamp::MAX);
        assert!(!endless.is_expired_at(Timestamp::MAX));
    }

    #[test]
    fn the_first_and_last_second_are_valid() {
        let certificate = Certificate::from_pem(&vector("cert-until-2049.crt.pem")).unwrap();
        let second = SignedDuration::from_secs(1);
        let (first, last) = (certificate.not_before(), certificate.not_after());
        assert!(!certificate.is_expired_at(last) && certificate.is_expired_at(last + second));
        assert!(certificate.is_offerable_at(last) && !certificate.is_offerable_at(last + second));
        assert!(certificate.is_offerable_at(first - CLOCK_SKEW));
        assert!(!certificate.is_offerable_at(first - CLOCK_SKEW - second));
    }
}
