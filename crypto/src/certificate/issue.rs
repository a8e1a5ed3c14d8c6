//! Writing the self-signed certificate of a new key, field by field as upstream v0.40 does.

use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use jiff::Timestamp;
use rand::Rng as _;
use sha2::{Digest as _, Sha256};
use signature::{Keypair, Signer};
use x509_cert::TbsCertificate;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder as _, CertificateBuilder};
use x509_cert::der::asn1::{Any, BitString, Null, ObjectIdentifier, OctetString};
use x509_cert::der::{DateTime, Decode as _, Document, Encode as _, Tag};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages, SubjectKeyIdentifier};
use x509_cert::ext::{Extension, ToExtension as _};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{
    self, AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, EncodePublicKey,
    SignatureBitStringEncoding, SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef,
};
use x509_cert::time::{Time, Validity};

use crate::certificate::Certificate;
use crate::key::PrivateKey;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");

/// Bytes of a serial number: uniform below 2^128.
const SERIAL_LEN: usize = 16;
/// Bytes of the key identifier: SHA-256 cut as RFC 7093 §2 allows.
const KEY_ID_LEN: usize = 20;

/// What to write into a certificate.
#[expect(
    clippy::exhaustive_structs,
    reason = "callers build it, and a new field of the certificate should make them decide"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRequest {
    /// The one name of subject and issuer, taken literally. Empty for an empty subject.
    pub common_name: String,
    /// When validity begins; cut to whole seconds.
    pub not_before: Timestamp,
    /// When validity ends; cut to whole seconds. It may lie before the beginning.
    pub not_after: Timestamp,
}

impl PrivateKey {
    /// Writes and signs the certificate of this key.
    ///
    /// Version 3, random serial number, `sha256WithRSAEncryption`, and three extensions in this
    /// order: key usage (critical, only `encipherOnly`), basic constraints (critical, a CA without
    /// path length), subject key identifier. Odd, but what clients of upstream have always seen.
    ///
    /// # Errors
    /// Times before 1970, or a failure of aws-lc.
    pub fn self_signed(&self, request: &CertificateRequest) -> Result<Certificate, IssueError> {
        let mut serial = [0; SERIAL_LEN];
        rand::rng().fill_bytes(&mut serial);
        self.issue(request, &serial)
    }

    fn issue(
        &self,
        request: &CertificateRequest,
        serial: &[u8],
    ) -> Result<Certificate, IssueError> {
        let signer = AwsSigner::new(self).ok_or(IssueError::Failed)?;
        let profile = Profile {
            name: name(&request.common_name).map_err(|_| IssueError::Failed)?,
        };
        let validity = Validity::new(time(request.not_before)?, time(request.not_after)?);
        let serial = SerialNumber::new(serial).map_err(|_| IssueError::Failed)?;

        let certificate = CertificateBuilder::new(profile, serial, validity, signer.spki.clone())
            .and_then(|builder| builder.build::<_, Signature>(&signer))
            .map_err(|_| IssueError::Failed)?;
        let der = certificate.to_der().map_err(|_| IssueError::Failed)?;
        Certificate::from_der(&der).map_err(|_| IssueError::Failed)
    }
}

/// Seconds only. The builder chooses `UTCTime` up to 2049 and `GeneralizedTime` from 2050, as
/// RFC 5280 §4.1.2.5 and Go do.
fn time(timestamp: Timestamp) -> Result<Time, IssueError> {
    u64::try_from(timestamp.as_second())
        .ok()
        .and_then(|seconds| DateTime::from_unix_duration(Duration::from_secs(seconds)).ok())
        .map(Time::from)
        .ok_or(IssueError::Time { timestamp })
}

/// No attribute, or a single common name.
fn name(common_name: &str) -> x509_cert::der::Result<Name> {
    let mut sequence = RdnSequence::default();
    if !common_name.is_empty() {
        let tag = if common_name.bytes().all(is_printable) {
            Tag::PrintableString
        } else {
            Tag::Utf8String
        };
        let mut attributes = RelativeDistinguishedName::default();
        attributes.insert(AttributeTypeAndValue {
            oid: COMMON_NAME,
            value: Any::new(tag, common_name.as_bytes())?,
        })?;
        sequence.push(attributes);
    }
    // The only public way from an own sequence to a name is through its encoding.
    Name::from_der(&sequence.to_der()?)
}

/// The characters of X.680's `PrintableString`, for which Go prefers that type.
fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte)
}

struct Profile {
    name: Name,
}

impl BuilderProfile for Profile {
    fn get_issuer(&self, subject: &Name) -> Name {
        subject.clone()
    }

    fn get_subject(&self) -> Name {
        self.name.clone()
    }

    fn build_extensions(
        &self,
        spk: SubjectPublicKeyInfoRef<'_>,
        _issuer_spk: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let subject = tbs.subject();
        let public_key = spk.subject_public_key.raw_bytes();
        let digest = Sha256::digest(public_key);
        let key_id = digest.get(..KEY_ID_LEN).unwrap_or_default();

        let usage = KeyUsage(KeyUsages::EncipherOnly.into());
        let constraints = BasicConstraints {
            ca: true,
            path_len_constraint: None,
        };
        let identifier = SubjectKeyIdentifier(OctetString::new(key_id)?);
        Ok(vec![
            (true, &usage).to_extension(subject, &[])?,
            (true, &constraints).to_extension(subject, &[])?,
            (false, &identifier).to_extension(subject, &[])?,
        ])
    }
}

/// Lets the builder sign in aws-lc.
struct AwsSigner {
    pair: KeyPair,
    spki: SubjectPublicKeyInfoOwned,
}

impl AwsSigner {
    fn new(key: &PrivateKey) -> Option<Self> {
        let key = key.unwrapping_key();
        Some(Self {
            pair: KeyPair::from_pkcs8(key.to_pkcs8().ok()?.as_ref()).ok()?,
            spki: SubjectPublicKeyInfoOwned::from_der(key.to_spki().ok()?.as_ref()).ok()?,
        })
    }
}

impl Keypair for AwsSigner {
    type VerifyingKey = Public;

    fn verifying_key(&self) -> Public {
        Public(self.spki.clone())
    }
}

impl DynSignatureAlgorithmIdentifier for AwsSigner {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        Ok(AlgorithmIdentifierOwned {
            oid: SHA256_WITH_RSA,
            parameters: Some(Any::encode_from(&Null)?),
        })
    }
}

impl Signer<Signature> for AwsSigner {
    fn try_sign(&self, message: &[u8]) -> Result<Signature, signature::Error> {
        let mut bytes = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut bytes)
            .map_err(|_| signature::Error::new())?;
        Ok(Signature(bytes))
    }
}

#[derive(Clone)]
struct Public(SubjectPublicKeyInfoOwned);

impl EncodePublicKey for Public {
    fn to_public_key_der(&self) -> spki::Result<Document> {
        Ok(Document::encode_msg(&self.0)?)
    }
}

struct Signature(Vec<u8>);

impl SignatureBitStringEncoding for Signature {
    fn to_bitstring(&self) -> x509_cert::der::Result<BitString> {
        BitString::from_bytes(&self.0)
    }
}

/// A certificate could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// Encoding or signing failed.
    #[error("cannot issue a certificate: the cryptographic library failed")]
    Failed,
    /// A certificate cannot name this moment.
    #[error("cannot issue a certificate: {timestamp} is before the year 1970")]
    Time {
        /// The moment asked for.
        timestamp: Timestamp,
    },
}

#[cfg(test)]
mod tests {
    use x509_parser::prelude::{FromDer as _, X509Certificate};

    use super::*;
    use crate::certificate::certificate_blocks;

    fn vector(name: &str) -> Vec<u8> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys/");
        std::fs::read(format!("{folder}{name}")).unwrap()
    }

    /// RSA signatures of this kind are deterministic: with the serial number of the original, the
    /// whole certificate is the original, byte for byte.
    #[track_caller]
    fn assert_reissued_as_in_go(key: &str, certificate: &str) {
        let key = PrivateKey::from_pem(&vector(key)).unwrap();
        let text = vector(certificate);
        let original = Certificate::from_pem(&text).unwrap();
        let block = certificate_blocks(&text).next().unwrap();
        let serial = X509Certificate::from_der(&block.contents)
            .unwrap()
            .1
            .tbs_certificate
            .serial
            .to_bytes_be();
        let request = CertificateRequest {
            common_name: original
                .subject_common_name()
                .unwrap_or_default()
                .to_owned(),
            not_before: original.not_before(),
            not_after: original.not_after(),
        };
        let issued = key.issue(&request, &serial).unwrap();
        assert_eq!(issued, original, "{certificate}");
        assert_eq!(issued.to_pem().as_bytes(), text, "{certificate}");
    }

    #[test]
    fn certificates_are_those_of_upstream_byte_for_byte() {
        for size in [
            "2048-a", "2048-b", "2048-e3", "2056-a", "2560-a", "3072-a", "4096-a", "4096-b",
        ] {
            assert_reissued_as_in_go(
                &format!("rsa{size}.pkcs1.pem"),
                &format!("rsa{size}.crt.pem"),
            );
        }
    }

    #[test]
    fn times_and_names_are_encoded_as_in_upstream() {
        // UTCTime at both ends; a name that is no PrintableString; one that is.
        assert_reissued_as_in_go("rsa2048-a.pkcs8.pem", "cert-expired.crt.pem");
        assert_reissued_as_in_go("rsa2048-a.pkcs8.pem", "cert-until-2049.crt.pem");
        assert_reissued_as_in_go("rsa2048-a.pkcs8.pem", "cert-not-yet-valid.crt.pem");
        assert_reissued_as_in_go("rsa2048-a.pkcs8.pem", "cert-cn.crt.pem");
        assert_reissued_as_in_go("rsa2048-b.pkcs8.pem", "cert-mismatch.crt.pem");
    }

    #[test]
    fn go_uses_utf8_for_asterisk_and_ampersand() {
        for (text, printable) in [
            ("a b'()+,-./:=?Z9", true),
            ("*.example", false),
            ("a&b", false),
            ("a@b", false),
        ] {
            assert_eq!(text.bytes().all(is_printable), printable, "{text}");
        }
    }

    #[test]
    fn a_moment_before_1970_is_refused() {
        let key = PrivateKey::from_pem(&vector("rsa2048-a.pkcs1.pem")).unwrap();
        let request = CertificateRequest {
            common_name: String::new(),
            not_before: Timestamp::from_second(-1).unwrap(),
            not_after: Timestamp::UNIX_EPOCH,
        };
        assert!(matches!(
            key.self_signed(&request),
            Err(IssueError::Time { .. })
        ));
    }
}
