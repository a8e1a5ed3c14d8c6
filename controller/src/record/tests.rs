use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use proptest::prelude::*;
use rstest::rstest;
use sealed_crypto::{PrivateKey, SealingKey};
use serde_json::json;

use super::*;
use crate::conditions::{Recorded, next_status};
use crate::content::ContentKey;
use crate::drift::DriftRule;
use crate::memory::{Done, Facts, Holding, Shown};
use crate::plan::Rules;

fn keyring(names: &[&str]) -> Keyring {
    let key = |name: &&str| {
        let path = format!(
            concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../tests/vectors/keys/{}.pkcs1.pem"
            ),
            name
        );
        let private = PrivateKey::from_pem(&std::fs::read(path).unwrap()).unwrap();
        Arc::new(SealingKey::new(private, None, Timestamp::UNIX_EPOCH))
    };
    Keyring::new(names.iter().map(key))
}

fn rules() -> Rules {
    Rules {
        key_namespace: "kube-system".to_owned(),
        key_prefix: "sealed-secrets-key".to_owned(),
        allow_sealed_keys: false,
        update_status: true,
        own_statuses: false,
        retain: false,
        drift: DriftRule::Report,
        content_key: ContentKey::new(&[7; 32]),
    }
}

fn terms() -> Terms {
    Terms::of(&rules(), false, None)
}

fn object() -> SealedSecret {
    let object = json!({
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {
            "namespace": "web", "name": "app", "generation": 3,
            "uid": "3f8ba3c5-8a2a-4f0c-9b1c-6a5f4d3e2b1a",
        },
        "spec": {
            "encryptedData": { "password": "AgBy" },
            "template": { "metadata": { "labels": { "team": "a" } } },
        },
    });
    SealedSecret::decode(object).unwrap()
}

fn secret() -> Secret {
    let secret = json!({
        "metadata": {
            "namespace": "web", "name": "app", "labels": { "team": "a" },
            "uid": "7e57d004-2b97-4e7a-b45f-5387367791cd", "resourceVersion": "184467",
            "ownerReferences": [{
                "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "app",
                "uid": "3f8ba3c5-8a2a-4f0c-9b1c-6a5f4d3e2b1a", "controller": true,
            }],
        },
        "data": { "password": "aHVudGVyMg==" },
        "type": "Opaque",
    });
    serde_json::from_value(secret).unwrap()
}

fn undecryptable() -> Outcome {
    Outcome::Failed(Failure {
        cause: Cause::Unseal(Code::WrongKey),
        message: "no key could decrypt secret (password)".to_owned(),
    })
}

/// The end of a pass that found or left `secret()`.
fn done(outcome: Outcome, keyring: &Keyring) -> Done {
    let object = object();
    let opened = outcome == Outcome::Synced;
    let keys = keyring.fingerprints().take(usize::from(opened));
    Done {
        facts: Facts::of(&object.metadata).into(),
        opened_by: keys.map(|key| (key, 3)).collect(),
        tried: outcome.failure().map(|_| KeySet::from(keyring)),
        synced_from: opened.then(|| InputDigest::of(&object)),
        resynced: None,
        target: Some(crate::memory::TargetRecord {
            uid: "7e57d004-2b97-4e7a-b45f-5387367791cd".to_owned(),
            standing: Standing::of(
                &secret().metadata,
                object.name(),
                object.metadata.uid.as_deref().unwrap(),
            ),
            held: opened,
            content: opened.then(|| Holding {
                resource_version: "184467".to_owned(),
                digest: None,
            }),
        }),
        wrote: opened,
        outcome,
    }
}

/// An object in sync, with its record.
pub(crate) fn in_sync() -> SealedSecret {
    recorded(Outcome::Synced, &keyring(&["rsa2048-a"]))
}

/// `object()` with the status that such a pass leaves.
fn recorded(outcome: Outcome, keyring: &Keyring) -> SealedSecret {
    let mut object = object();
    let done = done(outcome, keyring);
    let (input, secret) = (InputDigest::of(&object), secret());
    let entry = done
        .entry(Some(input), terms(), Some("184467"), Some(&secret))
        .unwrap();
    let record = entry.sign(keyring, &RecordKeys::default());
    let record = record.expect("there is a key");
    assert!(record.len() <= 512, "{}: {record}", record.len());
    object.status = next_status(
        None,
        3,
        &done.outcome,
        Recorded::As(Some(&record)),
        Timestamp::UNIX_EPOCH,
    );
    object
}

fn verified(object: &SealedSecret, keyring: &Keyring) -> Option<Record> {
    let uid = object.metadata.uid.as_deref()?;
    Unverified::of(object.status.as_ref()?)?.verify(uid, keyring, &RecordKeys::default())
}

fn shown(secret: Option<&Secret>) -> Shown {
    let object = object();
    Shown::of(
        secret.map(|secret| &secret.metadata),
        object.name(),
        object.metadata.uid.as_deref().unwrap(),
    )
}

/// Whether an object is settled by its record, its Secret being known by its metadata.
fn settles(object: &SealedSecret, keyring: &Keyring, secret: Option<&Secret>) -> bool {
    verified(object, keyring).is_some_and(|record| {
        let facts = Facts::of(&object.metadata);
        let terms = Terms::of(&rules(), false, facts.resync.as_deref());
        let current = (InputDigest::of(object), terms);
        Done::recalled(&record, &facts, current, &shown(secret)).is_some()
    })
}

fn settled(object: &mut SealedSecret) -> &mut String {
    let conditions = &mut object.status.as_mut().unwrap().conditions;
    conditions[2].message.as_mut().unwrap()
}

#[test]
fn what_a_pass_left_is_recalled_as_it_was() {
    let keyring = keyring(&["rsa2048-a", "rsa2048-b"]);
    for outcome in [Outcome::Synced, undecryptable()] {
        let object = recorded(outcome.clone(), &keyring);
        let record = verified(&object, &keyring).expect("it is genuine");
        let facts = Facts::of(&object.metadata);
        let current = (InputDigest::of(&object), terms());
        let recalled = Done::recalled(&record, &facts, current, &shown(Some(&secret())));
        let expected = Done {
            wrote: false,
            ..done(outcome, &keyring)
        };
        assert_eq!(recalled, Some(expected));
    }
}

#[test]
fn a_person_can_read_which_keys_an_object_needs() {
    let keyring = keyring(&["rsa2048-a"]);
    let mut object = recorded(Outcome::Synced, &keyring);
    let key = keyring.fingerprints().next().unwrap();
    let record = settled(&mut object);
    assert!(record.contains(&format!(" opened-by={key}*3 ")), "{record}");
}

#[rstest]
#[case::another_version(|secret: &mut Secret| secret.metadata.resource_version = Some("184468".into()))]
#[case::another_secret(|secret: &mut Secret| secret.metadata.uid = Some("other".into()))]
#[case::no_version(|secret: &mut Secret| secret.metadata.resource_version = None)]
fn another_secret_is_a_doubt(#[case] change: fn(&mut Secret)) {
    let keyring = keyring(&["rsa2048-a"]);
    let object = recorded(Outcome::Synced, &keyring);
    assert!(settles(&object, &keyring, Some(&secret())));
    let mut other = secret();
    change(&mut other);
    assert!(!settles(&object, &keyring, Some(&other)));
    assert!(!settles(&object, &keyring, None), "it is gone");
}

#[rstest]
#[case::of_the_spec(|object: &mut SealedSecret| {
    object.spec.encrypted_data.insert("password".into(), "AgBz".into());
})]
#[case::of_the_template(|object: &mut SealedSecret| object.spec.template = None)]
#[case::of_the_scope(|object: &mut SealedSecret| {
    let scope = "sealedsecrets.bitnami.com/cluster-wide".to_owned();
    object.metadata.annotations = Some([(scope, "true".to_owned())].into());
})]
#[case::of_the_uid(|object: &mut SealedSecret| object.metadata.uid = Some("other".into()))]
#[case::of_the_name(|object: &mut SealedSecret| object.metadata.name = Some("other".into()))]
#[case::of_the_namespace(|object: &mut SealedSecret| object.metadata.namespace = Some("other".into()))]
#[case::a_request_for_a_pass(|object: &mut SealedSecret| {
    let resync = "seal-tool/resync".to_owned();
    object.metadata.annotations = Some([(resync, "1".to_owned())].into());
})]
#[case::of_the_outcome(|object: &mut SealedSecret| {
    object.status.as_mut().unwrap().conditions[0].reason = Some("BadBlob".into());
})]
#[case::of_the_message(|object: &mut SealedSecret| {
    object.status.as_mut().unwrap().conditions[0].message = Some("all is well".into());
})]
fn a_change_is_a_doubt(#[case] change: fn(&mut SealedSecret)) {
    let keyring = keyring(&["rsa2048-a"]);
    for outcome in [Outcome::Synced, undecryptable()] {
        let mut object = recorded(outcome, &keyring);
        assert!(settles(&object, &keyring, Some(&secret())));
        change(&mut object);
        assert!(!settles(&object, &keyring, Some(&secret())));
    }
}

#[test]
fn a_failure_cannot_be_made_a_success() {
    let keyring = keyring(&["rsa2048-a"]);
    let mut object = recorded(undecryptable(), &keyring);
    let record = settled(&mut object).clone();
    object.status = next_status(
        None,
        3,
        &Outcome::Synced,
        Recorded::As(Some(&record)),
        Timestamp::UNIX_EPOCH,
    );
    assert!(verified(&object, &keyring).is_none());
}

#[test]
fn other_flags_are_a_doubt() {
    let base = rules();
    let others = [
        Terms::of(&base, true, None),
        Terms::of(
            &Rules {
                allow_sealed_keys: true,
                ..base.clone()
            },
            false,
            None,
        ),
        Terms::of(
            &Rules {
                key_namespace: "other".to_owned(),
                ..base.clone()
            },
            false,
            None,
        ),
        Terms::of(
            &Rules {
                key_prefix: "other".to_owned(),
                ..base
            },
            false,
            None,
        ),
        Terms::of(&rules(), false, Some("")),
    ];
    assert!(others.iter().all(|other| *other != terms()));
}

#[test]
fn without_the_key_that_signed_nothing_is_believed() {
    let both = keyring(&["rsa2048-a", "rsa2048-b"]);
    let object = recorded(Outcome::Synced, &keyring(&["rsa2048-a"]));
    assert!(verified(&object, &keyring(&["rsa2048-b"])).is_none());
    assert!(verified(&object, &Keyring::default()).is_none());
    // A renewal is no doubt.
    assert!(settles(&object, &both, Some(&secret())));
}

#[test]
fn another_key_that_opened_something_and_is_gone_is_a_doubt() {
    let both = keyring(&["rsa2048-a", "rsa2048-b"]);
    let mut done = done(Outcome::Synced, &both);
    done.opened_by = both.fingerprints().zip([2, 1]).collect();
    let (mut object, secret) = (object(), secret());
    let input = InputDigest::of(&object);
    let entry = done
        .entry(Some(input), terms(), Some("184467"), Some(&secret))
        .unwrap();
    let record = entry.sign(&both, &RecordKeys::default()).unwrap();
    object.status = next_status(
        None,
        3,
        &done.outcome,
        Recorded::As(Some(&record)),
        Timestamp::UNIX_EPOCH,
    );
    assert!(settles(&object, &both, Some(&secret)));
    let signer = both.iter().next().cloned();
    let left = Keyring::new(signer);
    assert!(verified(&object, &left).is_some());
    assert!(!settles(&object, &left, Some(&secret)));
}

#[test]
fn a_record_that_does_not_settle_still_tells_what_it_knows() {
    let keyring = keyring(&["rsa2048-a"]);
    let object = recorded(Outcome::Synced, &keyring);
    let record = verified(&object, &keyring).unwrap();
    let facts = Facts::of(&object.metadata);
    let done = Done::outdated(&record, &facts);
    assert!(!done.facts.decide_as(&facts), "a pass is due");
    assert_eq!(done.synced_from, Some(InputDigest::of(&object)));
    assert_eq!(done.opened_by.first(), keyring.fingerprints().next());
    let target = done.target.unwrap();
    assert!(target.held && target.uid == "7e57d004-2b97-4e7a-b45f-5387367791cd");
}

/// Else the status of an earlier SealedSecret of the name would make a Secret ours that was left to somebody.
#[test]
fn the_record_of_an_earlier_object_of_the_name_tells_nothing() {
    let keyring = keyring(&["rsa2048-a"]);
    let mut object = recorded(Outcome::Synced, &keyring);
    assert!(verified(&object, &keyring).is_some());
    object.metadata.uid = Some("made again".to_owned());
    assert!(verified(&object, &keyring).is_none());
}

/// After a failure that may be over the next process has to look, but not to forget what the Secret was made of.
#[test]
fn a_passing_failure_keeps_what_the_secret_was_made_of() {
    let keyring = keyring(&["rsa2048-a"]);
    let before = done(Outcome::Synced, &keyring);
    let outcome = Outcome::Failed(Failure {
        cause: Cause::Unavailable,
        message: "connection refused".to_owned(),
    });
    let mut object = object();
    object.spec.template = None;
    let facts = Facts::of(&object.metadata);
    let failed = Done::unplanned(facts.clone(), outcome.clone(), Some(&before));
    let entry = failed.entry(None, terms(), None, None).unwrap();
    let record = entry.sign(&keyring, &RecordKeys::default()).unwrap();
    object.status = next_status(
        None,
        3,
        &outcome,
        Recorded::As(Some(&record)),
        Timestamp::UNIX_EPOCH,
    );
    assert!(!settles(&object, &keyring, Some(&secret())));
    let record = verified(&object, &keyring).unwrap();
    assert_eq!(
        Done::outdated(&record, &facts).synced_from,
        before.synced_from
    );
}

#[test]
fn nothing_to_keep_is_no_record() {
    let outcome = Outcome::Failed(Failure {
        cause: Cause::Rejected,
        message: "quota".to_owned(),
    });
    let failed = Done::unplanned(Facts::of(&object().metadata), outcome, None);
    let input = Some(InputDigest::of(&object()));
    assert!(failed.entry(input, terms(), None, None).is_none());
}

#[test]
fn without_any_key_there_is_no_record() {
    let done = done(Outcome::Synced, &keyring(&["rsa2048-a"]));
    let secret = secret();
    let entry = done
        .entry(
            Some(InputDigest::of(&object())),
            terms(),
            None,
            Some(&secret),
        )
        .unwrap();
    assert_eq!(
        entry.sign(&Keyring::default(), &RecordKeys::default()),
        None
    );
}

/// Labels that others add are none of our business; everything else that was written is.
#[rstest]
#[case::a_label_of_others(|secret: &mut Secret| {
    secret.metadata.labels.as_mut().unwrap().insert("by".into(), "others".into());
}, true)]
#[case::an_annotation_of_others(|secret: &mut Secret| {
    secret.metadata.annotations = Some([("by".to_owned(), "others".to_owned())].into());
}, true)]
#[case::a_label_of_the_template(|secret: &mut Secret| {
    secret.metadata.labels.as_mut().unwrap().insert("team".into(), "b".into());
}, false)]
#[case::a_label_of_the_template_removed(|secret: &mut Secret| secret.metadata.labels = None, false)]
#[case::a_value(|secret: &mut Secret| {
    secret.data.as_mut().unwrap().insert("password".into(), ByteString(b"hunter3".to_vec()));
}, false)]
#[case::a_further_value(|secret: &mut Secret| {
    secret.data.as_mut().unwrap().insert("more".into(), ByteString(Vec::new()));
}, false)]
#[case::the_type(|secret: &mut Secret| secret.type_ = Some("other".into()), false)]
#[case::immutable(|secret: &mut Secret| secret.immutable = Some(true), false)]
#[case::no_owner(|secret: &mut Secret| secret.metadata.owner_references = None, false)]
#[case::permission_to_patch(|secret: &mut Secret| {
    let patch = "sealedsecrets.bitnami.com/patch".to_owned();
    secret.metadata.annotations = Some([(patch, "true".to_owned())].into());
}, false)]
fn what_changed_in_a_secret_decides(#[case] change: fn(&mut Secret), #[case] settles: bool) {
    let keyring = keyring(&["rsa2048-a"]);
    let object = recorded(Outcome::Synced, &keyring);
    let record = verified(&object, &keyring).unwrap();
    let mut changed = secret();
    changed.metadata.resource_version = Some("200000".to_owned());
    change(&mut changed);
    let recalled = Done::recalled_from(&record, &object, terms(), Some(&changed));
    assert_eq!(
        recalled.map(|(_, record_due)| record_due),
        settles.then_some(true)
    );
}

#[test]
fn the_mac_of_a_content_tells_nothing_of_it() {
    let keyring = keyring(&["rsa2048-a"]);
    let content = |object: &SealedSecret| {
        let (secret, done) = (secret(), done(Outcome::Synced, &keyring));
        let entry = done
            .entry(
                Some(InputDigest::of(object)),
                terms(),
                Some("1"),
                Some(&secret),
            )
            .unwrap();
        let record = entry.sign(&keyring, &RecordKeys::default()).unwrap();
        let words = record.split(' ').map(str::to_owned);
        words
            .into_iter()
            .find(|word| word.starts_with("content="))
            .unwrap()
    };
    let mut other = object();
    other.metadata.name = Some("other".to_owned());
    assert_ne!(
        content(&object()),
        content(&other),
        "equal contents look alike"
    );
}

#[test]
fn many_keys_are_written_short_and_found_again() {
    let all = [
        "rsa2048-a",
        "rsa2048-b",
        "rsa4096-a",
        "rsa4096-b",
        "rsa3072-a",
    ];
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys");
    let there = all.map(|name| format!("{folder}/{name}.pkcs1.pem"));
    let names: Vec<&str> = all
        .into_iter()
        .zip(there)
        .filter(|(_, path)| std::path::Path::new(path).exists())
        .map(|(name, _)| name)
        .collect();
    let keyring = keyring(&names);
    let fake = |number: u32| -> Fingerprint {
        let text = format!("SHA256:{number:04}{}", "A".repeat(39));
        text.parse().unwrap()
    };
    let (secret, mut done) = (secret(), done(Outcome::Synced, &keyring));
    let input = Some(InputDigest::of(&object()));
    let own: Vec<_> = keyring.fingerprints().map(|key| (key, 9)).collect();
    done.opened_by = own
        .iter()
        .copied()
        .chain((1..8).map(|n| (fake(n), 1)))
        .collect();
    let entry = done
        .entry(input, terms(), Some("184467"), Some(&secret))
        .unwrap();
    let record = entry.sign(&keyring, &RecordKeys::default()).unwrap();
    assert!(record.len() <= 512, "{record}");
    // So many that not even that helps: no record, and so a pass at the next start.
    done.opened_by = own
        .into_iter()
        .chain((1..40).map(|n| (fake(n), 1)))
        .collect();
    let entry = done
        .entry(input, terms(), Some("184467"), Some(&secret))
        .unwrap();
    assert_eq!(entry.sign(&keyring, &RecordKeys::default()), None);
}

proptest! {
    #[test]
    fn no_flipped_bit_is_believed(at in 0_usize..512, bit in 0_u8..8) {
        let keyring = keyring(&["rsa2048-a"]);
        for outcome in [Outcome::Synced, undecryptable()] {
            let mut object = recorded(outcome, &keyring);
            let record = settled(&mut object);
            let mut bytes = record.clone().into_bytes();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            *record = String::from_utf8_lossy(&bytes).into_owned();
            prop_assert!(verified(&object, &keyring).is_none());
        }
    }

    #[test]
    fn no_text_is_believed_or_ends_the_process(text in "(v1 )?([a-z-]{1,10}=[A-Za-z0-9:*,@=-]{0,60} ?){0,8}") {
        let keyring = keyring(&["rsa2048-a"]);
        let mut object = recorded(Outcome::Synced, &keyring);
        *settled(&mut object) = text;
        prop_assert!(verified(&object, &keyring).is_none());
    }
}
