//! Keys and certificates we make are what upstream makes.

#![expect(
    clippy::unwrap_used,
    reason = "a failing helper of a test fails the test"
)]

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use jiff::{SignedDuration, Timestamp};
use sealed_crypto::{Certificate, CertificateRequest, GenerateError, PrivateKey};
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer as _, X509Certificate, X509Version};

fn request(common_name: &str) -> CertificateRequest {
    let not_before = "2026-03-05T10:11:12.9Z".parse::<Timestamp>().unwrap();
    CertificateRequest {
        common_name: common_name.to_owned(),
        not_before,
        not_after: not_before + SignedDuration::from_hours(24 * 3650),
    }
}

#[test]
fn sizes_we_do_not_make_are_refused_with_the_reason() {
    let text = |bits| PrivateKey::generate(bits).unwrap_err().to_string();
    for bits in [0, 512, 1024, 2047] {
        assert_eq!(
            text(bits),
            format!(
                "cannot generate an RSA key of {bits} bits: \
                 fewer than 2048 no longer protect a secret"
            )
        );
    }
    for bits in [2049, 2560, 5000, 16384] {
        assert!(
            matches!(
                PrivateKey::generate(bits),
                Err(GenerateError::UnsupportedSize { .. })
            ),
            "{bits}"
        );
        assert!(text(bits).ends_with("must be 2048, 3072, 4096 or 8192"));
    }
}

#[test]
fn a_generated_key_reads_back_as_written() {
    let key = PrivateKey::generate(3072).unwrap();
    assert_eq!(key.bits(), 3072);
    let pem = key.to_pkcs1_pem().unwrap();
    assert!(pem.starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
    assert!(pem.ends_with("\n-----END RSA PRIVATE KEY-----\n"));
    let again = PrivateKey::from_pem(pem.as_bytes()).unwrap();
    assert_eq!(again.fingerprint(), key.fingerprint());
    assert_eq!(*again.to_pkcs1_pem().unwrap(), *pem);
}

#[test]
fn a_stored_key_is_written_byte_for_byte_as_upstream_wrote_it() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys/");
    for name in ["rsa2048-a", "rsa2048-e3", "rsa2056-a", "rsa4096-a"] {
        let pkcs1 = std::fs::read(format!("{folder}{name}.pkcs1.pem")).unwrap();
        let pkcs8 = std::fs::read(format!("{folder}{name}.pkcs8.pem")).unwrap();
        for pem in [&pkcs1, &pkcs8] {
            let key = PrivateKey::from_pem(pem).unwrap();
            assert_eq!(key.to_pkcs1_pem().unwrap().as_bytes(), pkcs1, "{name}");
        }
    }
}

#[test]
fn a_generated_certificate_has_the_fields_of_upstream() {
    let key = PrivateKey::generate(2048).unwrap();
    let issued = key.self_signed(&request("")).unwrap();
    let (rest, parsed) = X509Certificate::from_der(issued.as_der()).unwrap();
    assert!(rest.is_empty());

    assert_eq!(parsed.version(), X509Version::V3);
    assert_eq!(parsed.subject().as_raw(), [0x30, 0]);
    assert_eq!(parsed.issuer().as_raw(), [0x30, 0]);
    assert!(parsed.tbs_certificate.issuer_uid.is_none());
    assert!(parsed.tbs_certificate.subject_uid.is_none());
    let sha256_with_rsa = "1.2.840.113549.1.1.11";
    for algorithm in [
        &parsed.signature_algorithm,
        &parsed.tbs_certificate.signature,
    ] {
        assert_eq!(algorithm.algorithm.to_id_string(), sha256_with_rsa);
        let parameters = algorithm.parameters.as_ref().unwrap();
        assert_eq!(parameters.as_bytes(), b"");
    }
    // Whole seconds, not rounded.
    let not_before = "2026-03-05T10:11:12Z".parse().unwrap();
    assert_eq!(issued.not_before(), not_before);
    assert_eq!(
        issued.not_after(),
        not_before + SignedDuration::from_hours(24 * 3650)
    );

    let public_key = &parsed.public_key().subject_public_key.data;
    let key_id = Sha256::digest(public_key);
    let extensions: Vec<_> = parsed
        .extensions()
        .iter()
        .map(|extension| {
            (
                extension.oid.to_id_string(),
                extension.critical,
                extension.value.to_vec(),
            )
        })
        .collect();
    assert_eq!(
        extensions,
        [
            ("2.5.29.15".to_owned(), true, vec![3, 2, 0, 1]),
            ("2.5.29.19".to_owned(), true, vec![0x30, 3, 1, 1, 0xff]),
            (
                "2.5.29.14".to_owned(),
                false,
                [&[4, 20], &key_id[..20]].concat()
            ),
        ]
    );

    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key)
        .verify(
            parsed.tbs_certificate.as_ref(),
            &parsed.signature_value.data,
        )
        .unwrap();
    assert_eq!(issued.fingerprint(), key.fingerprint());
    assert_eq!(issued.bits(), 2048);
}

#[test]
fn serial_numbers_are_random_and_positive() {
    let key = PrivateKey::generate(2048).unwrap();
    let serials: Vec<_> = (0..8)
        .map(|_| {
            let issued = key.self_signed(&request("cn")).unwrap();
            let (_, parsed) = X509Certificate::from_der(issued.as_der()).unwrap();
            assert!(parsed.raw_serial().len() <= 17);
            assert!(parsed.raw_serial()[0] < 0x80);
            parsed.raw_serial().to_vec()
        })
        .collect();
    for (index, serial) in serials.iter().enumerate() {
        assert!(!serials[index + 1..].contains(serial));
    }
    // 128 bits: 13 bytes or fewer would be a chance of 2^-24 each.
    assert!(serials.iter().all(|serial| serial.len() > 13));
}

#[test]
fn a_common_name_is_one_name_taken_literally() {
    let key = PrivateKey::generate(2048).unwrap();
    for name in ["hello, O=x", "café", "a*b", "  ", "x=y+z"] {
        let issued = key.self_signed(&request(name)).unwrap();
        assert_eq!(issued.subject_common_name(), Some(name));
        let (_, parsed) = X509Certificate::from_der(issued.as_der()).unwrap();
        assert_eq!(parsed.subject().iter_attributes().count(), 1);
        assert_eq!(parsed.subject().as_raw(), parsed.issuer().as_raw());
        let again = Certificate::from_pem(issued.to_pem().as_bytes()).unwrap();
        assert_eq!(again, issued);
    }
}
