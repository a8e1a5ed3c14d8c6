use k8s_openapi::ByteString;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use sealed_api::names::key_secret::{CERTIFICATE, PRIVATE_KEY};

use super::*;

fn file(name: &str) -> ByteString {
    let path = format!(
        concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys/{}"),
        name
    );
    ByteString(std::fs::read(path).unwrap())
}

/// A key Secret that holds the recorded key `key`, or nothing usable.
pub(crate) fn secret(name: &str, version: &str, created: i64, key: Option<&str>) -> Secret {
    let (private, certificate) = match key {
        Some(key) => (
            file(&format!("{key}.pkcs1.pem")),
            file(&format!("{key}.crt.pem")),
        ),
        None => (ByteString(b"garbage".to_vec()), ByteString(Vec::new())),
    };
    let data = [
        (PRIVATE_KEY.to_owned(), private),
        (CERTIFICATE.to_owned(), certificate),
    ];
    Secret {
        metadata: ObjectMeta {
            name: Some(name.into()),
            uid: Some(format!("uid-{name}")),
            resource_version: Some(version.into()),
            creation_timestamp: Some(Time(Timestamp::from_second(created).unwrap())),
            ..ObjectMeta::default()
        },
        data: Some(data.into()),
        ..Secret::default()
    }
}

fn known() -> KnownKeys {
    KnownKeys::new(KeyOrderPriority::CertNotBefore)
}

fn registered(changes: &[Change]) -> Fingerprint {
    match changes.last() {
        Some(Change::Registered { fingerprint, .. }) => *fingerprint,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_key_counts_from_its_secret_on_and_until_that_goes() {
    let mut known = known();
    let a = registered(&known.found(Source::Labelled, secret("a", "1", 0, Some("rsa2048-a"))));
    assert!(known.keyring().contains(&a));
    assert!(known.holds("a") && !known.holds("b"));
    let change = known.gone(Source::Labelled, "a");
    assert!(matches!(change, Some(Change::Dropped { fingerprint, .. }) if fingerprint == a));
    assert!(known.keyring().is_empty());
    assert_eq!(known.secrets(), 0);
}

#[test]
fn a_secret_is_read_again_only_when_it_changed() {
    let mut known = known();
    let first = secret("a", "1", 0, Some("rsa2048-a"));
    let a = registered(&known.found(Source::Labelled, first.clone()));
    assert!(known.found(Source::Labelled, first).is_empty());
    let annotated = secret("a", "2", 0, Some("rsa2048-a"));
    assert!(
        known.found(Source::Labelled, annotated).is_empty(),
        "the same key"
    );
    let replaced = secret("a", "3", 0, Some("rsa2048-b"));
    let changes = known.found(Source::Labelled, replaced);
    assert!(
        matches!(&changes[..], [Change::Dropped { fingerprint, .. }, _] if *fingerprint == a),
        "{changes:?}"
    );
    let b = registered(&changes);
    let keyring = known.keyring();
    assert!(keyring.contains(&b) && !keyring.contains(&a));
}

#[test]
fn another_certificate_of_the_same_key_is_news() {
    let mut known = known();
    let a = registered(&known.found(Source::Labelled, secret("a", "1", 0, Some("rsa2048-a"))));
    let offered = |known: &KnownKeys| {
        let keyring = known.keyring();
        let key = keyring.iter().next().cloned();
        key.and_then(|key| key.certificate().map(Certificate::to_pem))
    };
    let first = offered(&known);
    assert!(first.is_some());
    let with = |version: &str, certificate: &str| {
        let mut secret = secret("a", version, 0, Some("rsa2048-a"));
        let data = secret.data.get_or_insert_default();
        data.insert(CERTIFICATE.to_owned(), file(certificate));
        secret
    };
    // (certificate, whether it may be offered)
    let rows = [
        ("cert-until-2049.crt.pem", true),
        ("cert-expired.crt.pem", true),
        ("rsa2048-b.crt.pem", false),
        ("cert-garbage.crt.pem", false),
        ("rsa2048-a.crt.pem", true),
    ];
    let mut before = first.clone();
    for (row, (certificate, sound)) in rows.into_iter().enumerate() {
        let version = format!("{}", row + 2);
        let changes = known.found(Source::Labelled, with(&version, certificate));
        let [
            Change::Replaced {
                fingerprint, fault, ..
            },
        ] = &changes[..]
        else {
            panic!("{certificate} is not told")
        };
        assert_eq!((*fingerprint, fault.is_none()), (a, sound), "{certificate}");
        let now = offered(&known);
        assert_eq!(now.is_some(), sound, "{certificate}");
        assert!(now != before || !sound, "{certificate} is not offered");
        before = now;
        let touched = with(&format!("{version}0"), certificate);
        assert!(known.found(Source::Labelled, touched).is_empty());
    }
    assert_eq!(before, first);
}

#[test]
fn a_broken_secret_is_reported_and_the_others_stay() {
    let mut known = known();
    let a = registered(&known.found(Source::Labelled, secret("a", "1", 0, Some("rsa2048-a"))));
    let changes = known.found(Source::Labelled, secret("b", "1", 0, None));
    assert!(matches!(&changes[..], [Change::Broken { secret, .. }] if secret.name == "b"));
    assert_eq!((known.secrets(), known.unusable()), (2, 1));
    assert!(known.keyring().contains(&a));
    let place = known.secret_of(a).unwrap();
    assert_eq!(
        [&*place.name, &*place.uid, &*place.resource_version],
        ["a", "uid-a", "1"]
    );
    // A key that breaks is a key that is gone.
    let changes = known.found(Source::Labelled, secret("a", "2", 0, None));
    assert!(
        matches!(
            &changes[..],
            [Change::Dropped { .. }, Change::Broken { .. }]
        ),
        "{changes:?}"
    );
    assert!(known.keyring().is_empty());
}

#[test]
fn a_list_drops_what_it_does_not_show() {
    let mut known = known();
    for name in ["a", "b"] {
        known.found(
            Source::Labelled,
            secret(name, "1", 0, Some(&format!("rsa2048-{name}"))),
        );
    }
    known.begin(Source::Labelled);
    known.found(Source::Labelled, secret("b", "1", 0, Some("rsa2048-b")));
    let changes = known.complete(Source::Labelled);
    assert!(matches!(&changes[..], [Change::Dropped { secret, .. }] if secret.name == "a"));
    assert_eq!(known.keyring().len(), 1);
}

#[test]
fn the_oldest_form_stays_when_only_its_label_goes() {
    let mut known = known();
    let legacy = secret("sealed-secrets-key", "1", 0, Some("rsa2048-a"));
    known.found(Source::Labelled, legacy.clone());
    let a = registered(&known.found(Source::Legacy, legacy));
    assert_eq!(known.secrets(), 1);
    known.gone(Source::Labelled, "sealed-secrets-key");
    assert!(known.keyring().contains(&a));
}

#[test]
fn the_text_of_a_key_is_wiped() {
    let mut key = secret("a", "1", 0, Some("rsa2048-a"));
    wipe(&mut key);
    let data = key.data.unwrap();
    assert!(data.values().all(|value| value.0.is_empty()));
}

/// The recorded key in a Secret with these annotations.
fn annotated(name: &str, version: &str, key: &str, annotations: &[(&str, &str)]) -> Secret {
    let mut secret = secret(name, version, 0, Some(key));
    let annotations = annotations
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    secret.metadata.annotations = Some(annotations.collect());
    secret
}

#[test]
fn a_wish_stands_until_a_key_answers_it_and_stays_met_when_that_key_goes() {
    let mut known = known();
    let wish = |version, value| annotated("a", version, "rsa2048-a", &[("seal-tool/renew", value)]);
    known.found(Source::Labelled, secret("a", "1", 0, Some("rsa2048-a")));
    assert!(!known.is_renewal_requested());
    assert!(known.found(Source::Labelled, wish("2", "first")).is_empty());
    assert!(known.is_renewal_requested());

    let mut answer = secret("b", "1", 0, Some("rsa2048-b"));
    crate::key_marks::note_answers(&mut answer.metadata, &known.requests());
    known.found(Source::Labelled, answer);
    assert!(!known.is_renewal_requested());
    known.gone(Source::Labelled, "b");
    assert!(!known.is_renewal_requested());

    known.found(Source::Labelled, wish("3", "second"));
    assert!(known.is_renewal_requested());
    // Withdrawn.
    known.found(Source::Labelled, secret("a", "4", 0, Some("rsa2048-a")));
    assert!(!known.is_renewal_requested());
}

#[test]
fn a_wish_counts_on_a_broken_key_too() {
    let mut known = known();
    let mut broken = annotated("a", "1", "rsa2048-a", &[("seal-tool/renew", "now")]);
    broken.data = None;
    known.found(Source::Labelled, broken);
    assert!(known.is_renewal_requested());
}

#[test]
fn a_key_is_backed_up_when_one_of_its_secrets_says_so() {
    let mut known = known();
    let backed_up = [("seal-tool/backed-up", "2026-06-01T00:00:00Z")];
    known.found(Source::Labelled, secret("a", "1", 0, Some("rsa2048-a")));
    known.found(Source::Labelled, secret("b", "1", 0, Some("rsa2048-b")));
    known.found(Source::Labelled, secret("c", "1", 0, None));
    assert_eq!(known.backups().without, 2);
    known.found(
        Source::Labelled,
        annotated("copy", "1", "rsa2048-a", &backed_up),
    );
    assert_eq!(known.backups().without, 1);
}
