//! Every recorded key file is taken, or refused, as it was in upstream.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failing helper of a test fails the test"
)]

mod common;

use std::collections::BTreeMap;

use common::{is_lenient, list, read, read_json, text};
use jiff::Timestamp;
use sealed_crypto::{
    Certificate, CertificateError, Fingerprint, PrivateKey, PrivateKeyError, SealingKey,
};
use serde_json::Value;

/// When the verdicts on expiry were recorded, roughly.
fn recorded_at() -> Timestamp {
    "2026-11-01T00:00:00Z".parse().unwrap()
}

/// Names of the key pairs by fingerprint.
fn names(index: &Value) -> BTreeMap<Fingerprint, String> {
    list(index, "key_pairs")
        .iter()
        .map(|pair| {
            (
                text(pair, "fingerprint").parse().unwrap(),
                text(pair, "name").to_owned(),
            )
        })
        .collect()
}

#[test]
fn private_key_files_open_what_is_recorded() {
    let index = read_json("keys/index.json");
    let names = names(&index);
    let mut seen = 0;
    for entry in list(&index, "files") {
        let file = text(entry, "file");
        // Lists and Secrets are other rooms' to read.
        if text(entry, "kind") == "backup" {
            continue;
        }
        seen += 1;
        let recorded: Vec<_> = list(&entry["as_private_key"], "opens")
            .iter()
            .map(|name| name.as_str().unwrap().to_owned())
            .collect();
        let got = PrivateKey::from_pem(&read(file));
        let opens: Vec<_> = got
            .iter()
            .map(|key| names[&key.fingerprint()].clone())
            .collect();
        let refused_as_small =
            matches!(got, Err(PrivateKeyError::TooSmall { bits }) if bits < 2048);
        assert!(
            opens == recorded || (is_lenient(entry) && refused_as_small),
            "{file} ({}): {got:?}, recorded {recorded:?}",
            text(entry, "what")
        );
    }
    assert!(seen > 80);
}

#[test]
fn certificate_files_seal_for_what_is_recorded() {
    let index = read_json("keys/index.json");
    let names = names(&index);
    for entry in list(&index, "files") {
        let file = text(entry, "file");
        let verdict = &entry["as_certificate"];
        let got = Certificate::from_pem(&read(file));
        let usable = got
            .as_ref()
            .ok()
            .filter(|cert| !cert.is_expired_at(recorded_at()));
        let small = matches!(got, Err(CertificateError::TooSmall { bits }) if bits < 2048);
        match text(verdict, "expect") {
            "ok" if is_lenient(entry) && small => {}
            "ok" => {
                let certificate = usable.unwrap_or_else(|| panic!("{file}: {got:?}"));
                assert_eq!(
                    names[&certificate.fingerprint()],
                    text(verdict, "seals_for")
                );
                let not_before: Timestamp = text(verdict, "not_before").parse().unwrap();
                assert_eq!(certificate.not_before(), not_before, "{file}");
                let not_after = text(verdict, "not_after").parse().unwrap_or(Timestamp::MAX);
                assert_eq!(certificate.not_after(), not_after, "{file}");
                let subject = certificate
                    .subject_common_name()
                    .map(|name| format!("CN={name}"));
                assert_eq!(subject.as_deref(), verdict["subject"].as_str(), "{file}");
            }
            "error" => {
                assert!(usable.is_none(), "{file}: {got:?}");
                let recorded = text(verdict, "error");
                match &got {
                    // Expiry is the caller's to tell, who has a clock.
                    Ok(_) => assert!(recorded.contains("expired certificate"), "{file}"),
                    Err(error) => {
                        let beginning = recorded.trim_end_matches(" …");
                        assert!(error.to_string().starts_with(beginning), "{file}: {error}");
                    }
                }
            }
            other => panic!("unknown verdict {other}"),
        }
    }
}

#[test]
fn pairs_are_held_as_recorded() {
    let index = read_json("keys/index.json");
    let names = names(&index);
    for pair in list(&index, "pairs") {
        let id = text(pair, "id");
        let key = PrivateKey::from_pem(&read(text(pair, "tls_key")));
        let crt = read(text(pair, "tls_crt"));
        let certificate = match Certificate::from_pem(&crt) {
            // Upstream compares nothing, so it takes the certificate of an EC key as well: the RSA
            // key still opens.
            Err(CertificateError::NotRsa { .. }) => Ok(None),
            read => read.map(Some),
        };
        match text(pair, "expect") {
            // Any of these is lenient (tests/vectors/README.md), marked or not.
            "ok" if matches!(key, Err(PrivateKeyError::TooSmall { bits }) if bits < 2048) => {}
            "ok" => {
                let certificate = certificate.unwrap_or_else(|error| panic!("{id}: {error}"));
                let own = certificate.as_ref().map(Certificate::fingerprint);
                let key = SealingKey::new(key.unwrap(), certificate, Timestamp::UNIX_EPOCH);
                assert_eq!(names[&key.fingerprint()], text(pair, "opens"), "{id}");
                assert_eq!(
                    Certificate::count_in_pem(&crt).ok(),
                    pair["certificates"]
                        .as_u64()
                        .and_then(|n| n.try_into().ok()),
                    "{id}"
                );
                // What upstream gets wrong: a certificate of another key is never handed out.
                let matches = own == Some(key.fingerprint());
                assert_eq!(key.certificate().is_some(), matches, "{id}");
                assert_eq!(
                    key.certificate_mismatch(),
                    own.is_some() && !matches,
                    "{id}"
                );
            }
            "error" => {
                let errors = [
                    key.err().map(|error| error.to_string()),
                    certificate.err().map(|error| error.to_string()),
                ];
                let recorded = text(pair, "error");
                assert!(
                    errors
                        .iter()
                        .flatten()
                        .any(|error| error.starts_with(recorded)),
                    "{id}: {errors:?}, recorded {recorded}"
                );
            }
            other => panic!("unknown verdict {other}"),
        }
    }
}
