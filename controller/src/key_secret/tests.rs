use std::collections::BTreeSet;

use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use rstest::rstest;

use super::*;

fn file(name: &str) -> Vec<u8> {
    let path = format!(
        concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys/{}"),
        name
    );
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn secret(name: &str, key_file: &str, certificate_file: &str) -> Secret {
    let entry = |key: &str, name: &str| (key.to_owned(), ByteString(file(name)));
    Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            creation_timestamp: Some(Time(Timestamp::from_second(77).expect("in range"))),
            labels: Some(BTreeMap::from([(
                labels::SEALING_KEY.to_owned(),
                labels::ACTIVE.to_owned(),
            )])),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([
            entry(key_secret::PRIVATE_KEY, key_file),
            entry(key_secret::CERTIFICATE, certificate_file),
        ])),
        ..Secret::default()
    }
}

fn labelled(name: &str, value: Option<&str>) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        labels: value
            .map(|value| BTreeMap::from([(labels::SEALING_KEY.to_owned(), value.to_owned())])),
        ..ObjectMeta::default()
    }
}

#[test]
fn a_sound_key_secret_is_a_sealing_key() {
    let stored = secret("k", "rsa2048-a.pkcs1.pem", "rsa2048-a.crt.pem");
    let loaded = load(&stored, KeyOrderPriority::CertNotBefore).expect("sound");
    let certificate = Certificate::from_pem(&file("rsa2048-a.crt.pem")).expect("sound");
    assert_eq!(loaded.fault, None);
    assert_eq!(loaded.key.certificate(), Some(&certificate));
    assert_eq!(loaded.key.ordering_time(), certificate.not_before());
}

#[test]
fn a_secret_creation_time_orders_keys_when_asked() {
    let stored = secret("k", "rsa2048-a.pkcs1.pem", "rsa2048-a.crt.pem");
    let loaded = load(&stored, KeyOrderPriority::SecretCreationTimestamp).expect("sound");
    assert_eq!(loaded.key.ordering_time().as_second(), 77);
}

#[rstest]
#[case::another_key("cert-mismatch.crt.pem", "belongs to another key")]
#[case::garbage("cert-garbage.crt.pem", "cannot be used")]
#[case::nothing("cert-empty.crt.pem", "cannot be used")]
#[case::an_elliptic_one("cert-ec.crt.pem", "cannot be used")]
fn a_key_with_a_useless_certificate_opens_but_is_not_offered(
    #[case] certificate: &str,
    #[case] says: &str,
) {
    let stored = secret("k", "rsa2048-a.pkcs1.pem", certificate);
    let loaded = load(&stored, KeyOrderPriority::CertNotBefore).expect("opens");
    let fault = loaded.fault.expect("reported").to_string();
    assert!(fault.contains(says), "{fault}");
    assert_eq!(loaded.key.certificate(), None);
}

#[rstest]
#[case::garbage(
    "key-garbage.pem",
    "data does not contain a valid RSA or ECDSA private key"
)]
#[case::nothing(
    "key-empty.pem",
    "data does not contain a valid RSA or ECDSA private key"
)]
#[case::an_elliptic_one("key-ec-sec1.pem", "private key is not an RSA key")]
#[case::a_short_one("rsa1024-a.pkcs1.pem", "cannot use an RSA key of 1024 bits")]
fn a_key_secret_without_usable_key_is_a_fault(#[case] key: &str, #[case] says: &str) {
    let stored = secret("k", key, "rsa2048-a.crt.pem");
    let fault = load(&stored, KeyOrderPriority::CertNotBefore).expect_err("skipped");
    assert!(fault.0.to_string().starts_with(says), "{:?}", fault.0);
}

#[test]
fn a_secret_without_any_data_is_a_fault() {
    let fault = load(&Secret::default(), KeyOrderPriority::CertNotBefore).expect_err("skipped");
    assert_eq!(fault.0, PrivateKeyError::NoKey);
}

#[rstest]
#[case::active("k", Some("active"), true, true)]
#[case::retired("k", Some("compromised"), false, true)]
#[case::unlabelled("k", None, false, false)]
#[case::the_oldest_form_whatever_its_label("prefix", Some("compromised"), true, true)]
#[case::the_oldest_form_unlabelled("prefix", None, true, true)]
#[case::a_name_that_only_begins_so("prefixabcde", None, false, false)]
fn key_secrets_are_known_by_label_or_oldest_name(
    #[case] name: &str,
    #[case] label: Option<&str>,
    #[case] in_use: bool,
    #[case] key_secret: bool,
) {
    let metadata = labelled(name, label);
    assert_eq!(is_key_secret(&metadata, "prefix"), key_secret);
    let secret = Secret {
        metadata,
        ..Secret::default()
    };
    assert_eq!(is_in_use(&secret, "prefix"), in_use);
}

#[rstest]
#[case::one_to_come("prefixbcd29", true)]
#[case::other_characters("prefixabcde", false)]
#[case::a_word("prefix-backup", false)]
#[case::too_short("prefixbcd2", false)]
#[case::too_long("prefixbcd299", false)]
#[case::another_prefix("otherbcd29", false)]
fn names_of_keys_to_come_are_reserved(#[case] name: &str, #[case] reserved: bool) {
    assert_eq!(is_reserved_name(name, "prefix"), reserved);
}

#[test]
fn every_name_of_a_new_key_is_reserved() {
    for attempt in 0..20 {
        let name = next_name("prefix", "ns", [], attempt);
        assert!(is_reserved_name(&name, "prefix"), "{name}");
    }
}

#[test]
fn a_key_secret_is_written_in_upstreams_shape_and_reads_back() {
    let key = PrivateKey::from_pem(&file("rsa2048-a.pkcs8.pem")).expect("sound");
    let certificate = Certificate::from_pem(&file("rsa2048-a.crt.pem")).expect("sound");
    let pairs = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    let config = KeyConfig {
        prefix: "sealed-secrets-key".to_owned(),
        bits: 4_096,
        ttl: SignedDuration::from_hours(1),
        renew_period: None,
        cutoff: None,
        order: KeyOrderPriority::CertNotBefore,
        common_name: String::new(),
        labels: pairs(labels::SEALING_KEY, "compromised"),
        annotations: pairs("a", "b"),
        auto_first_key: true,
        allow_sealed: false,
        escrow: None,
        backup_reminder: None,
        publish: None,
    };
    let name = "sealed-secrets-keybcdfg".to_owned();
    let written = super::secret("kube-system", name, &config, &key, &certificate).expect("encodes");
    let metadata = ObjectMeta {
        name: Some("sealed-secrets-keybcdfg".to_owned()),
        generate_name: Some("sealed-secrets-key".to_owned()),
        namespace: Some("kube-system".to_owned()),
        labels: Some(pairs(labels::SEALING_KEY, "active")),
        annotations: Some(pairs("a", "b")),
        ..ObjectMeta::default()
    };
    assert_eq!(written.metadata, metadata);
    assert_eq!(written.type_.as_deref(), Some("kubernetes.io/tls"));
    let data = written.data.as_ref().expect("has data");
    assert_eq!(data.len(), 2);
    assert!(
        data["tls.key"]
            .0
            .starts_with(b"-----BEGIN RSA PRIVATE KEY-----\n")
    );
    assert!(
        data["tls.crt"]
            .0
            .starts_with(b"-----BEGIN CERTIFICATE-----\n")
    );
    let loaded = load(&written, KeyOrderPriority::CertNotBefore).expect("sound");
    assert_eq!(loaded.key.certificate(), Some(&certificate));
}

#[test]
fn everybody_who_knows_the_same_keys_finds_the_same_name() {
    let a = secret("a", "rsa2048-a.pkcs1.pem", "rsa2048-a.crt.pem");
    let b = secret("b", "rsa2048-b.pkcs1.pem", "rsa2048-b.crt.pem");
    let renamed_a = secret("other", "rsa2048-a.pkcs8.pem", "cert-empty.crt.pem");
    let broken = secret("broken", "key-garbage.pem", "cert-empty.crt.pem");
    let name =
        |known: &[&Secret], attempt| next_name("prefix", "ns", known.iter().copied(), attempt);
    assert_eq!(name(&[&a, &b], 0), name(&[&b, &renamed_a], 0));

    let names = BTreeSet::from([
        name(&[], 0),
        name(&[], 1),
        name(&[&a], 0),
        name(&[&a, &b], 0),
        name(&[&a, &b, &broken], 0),
        next_name("prefix", "other", [], 0),
    ]);
    assert_eq!(names.len(), 6, "{names:?}");
    for name in names {
        let suffix = name.strip_prefix("prefix").expect("prefixed");
        assert_eq!(suffix.len(), 5);
        assert!(
            suffix
                .chars()
                .all(|character| "bcdfghjklmnpqrstvwxz2456789".contains(character))
        );
    }
}
