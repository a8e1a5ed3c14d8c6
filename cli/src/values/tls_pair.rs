//! TLS certificates with their private keys: self-signed ones made here, and whether two files belong together.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair,
    KeyUsagePurpose, PublicKeyData as _,
};
use sealed_api::Code;
use x509_parser::pem::Pem;
use zeroize::Zeroizing;

use super::Plaintext;
use crate::failure::Failure;

/// The longest common name (RFC 5280, `ub-common-name`).
const COMMON_NAME: usize = 64;
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A private key and the certificate for it, both PEM.
pub(super) struct TlsPair {
    /// PKCS#8.
    pub(super) key: Plaintext,
    /// The certificate.
    pub(super) certificate: String,
}

impl TlsPair {
    /// Makes a P-256 key and a certificate for `hosts`, which are names and addresses, valid from the day before `now`, since
    /// clocks differ, for `days` days.
    pub(super) fn self_signed(
        hosts: &[String],
        days: u16,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let failed = |error: rcgen::Error| {
            Failure::usage(format!(
                "cannot make a certificate for these hosts: {error}"
            ))
        };
        let midnight = |time: Timestamp| {
            let day = time.to_zoned(TimeZone::UTC).date();
            let (month, day_of_month) = (day.month().unsigned_abs(), day.day().unsigned_abs());
            rcgen::date_time_ymd(day.year().into(), month, day_of_month)
        };
        let mut request = CertificateParams::new(hosts).map_err(failed)?;
        request.distinguished_name = DistinguishedName::new();
        if let Some(first) = hosts.first().filter(|host| host.len() <= COMMON_NAME) {
            request
                .distinguished_name
                .push(DnType::CommonName, first.as_str());
        }
        request.not_before = midnight(now - DAY);
        request.not_after = midnight(now + DAY * i32::from(days));
        request.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        request.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = request.self_signed(&key).map_err(failed)?;
        Ok(Self {
            key: Zeroizing::new(key.serialize_pem().into_bytes()),
            certificate: certificate.pem(),
        })
    }
}

/// Refuses a certificate and a private key that do not belong together, as kubectl does: a server would not start with them.
pub(crate) fn check_pair(certificate: &[u8], key: &[u8]) -> Result<(), Failure> {
    let fault = |message: &str| Err(Failure::new(Code::BadKey, message));
    let Some(block) = blocks(certificate).find(|block| block.label == "CERTIFICATE") else {
        return fault("tls.crt holds no certificate in PEM");
    };
    let Ok(certificate) = block.parse_x509() else {
        return fault("the first certificate of tls.crt is damaged");
    };
    let Some(block) = blocks(key).find(|block| block.label.ends_with("PRIVATE KEY")) else {
        return fault("tls.key holds no private key in PEM");
    };
    if block.label.starts_with("ENCRYPTED") {
        return fault("the private key in tls.key is encrypted, and a server could not read it");
    }
    let Ok(key) = KeyPair::try_from(block.contents.as_slice()) else {
        return fault(
            "the private key in tls.key cannot be read: it is none of RSA, ECDSA and Ed25519, or damaged",
        );
    };
    if certificate.public_key().subject_public_key.data.as_ref() == key.der_bytes() {
        Ok(())
    } else {
        fault("the private key in tls.key does not belong to the first certificate of tls.crt")
    }
}

fn blocks(text: &[u8]) -> impl Iterator<Item = Pem> {
    Pem::iter_from_buffer(text).filter_map(Result::ok)
}
