use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    FieldsV1, ManagedFieldsEntry, OwnerReference, Time,
};
use rstest::rstest;
use sealed_api::Code;
use sealed_api::names::annotations;
use sealed_crypto::KeyOrder;
use serde_json::json;

use super::*;
use crate::opened_by::OpenedBy;
use crate::outcome::Failure;
use crate::ownership::Standing;
use crate::triage::KeyChoice;

fn fingerprint(number: u8) -> Fingerprint {
    let digit = char::from(b'A' + number);
    format!("SHA256:{digit}{}", "A".repeat(42))
        .parse()
        .expect("a fingerprint")
}

fn keys(numbers: &[u8]) -> KeySet {
    numbers.iter().map(|number| fingerprint(*number)).collect()
}

fn key(name: &str) -> ObjectKey {
    ObjectKey::new("web", name)
}

fn object(name: &str) -> SealedSecret {
    SealedSecret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some("web".to_owned()),
            uid: Some("u1".to_owned()),
            generation: Some(1),
            ..ObjectMeta::default()
        },
        ..SealedSecret::default()
    }
}

fn facts() -> Facts {
    Facts::of(&object("app").metadata)
}

fn our_secret(uid: &str) -> ObjectMeta {
    ObjectMeta {
        uid: Some(uid.to_owned()),
        owner_references: Some(vec![OwnerReference {
            api_version: "bitnami.com/v1alpha1".to_owned(),
            kind: "SealedSecret".to_owned(),
            name: "app".to_owned(),
            uid: "u1".to_owned(),
            controller: Some(true),
            block_owner_deletion: None,
        }]),
        ..ObjectMeta::default()
    }
}

fn foreign_secret(uid: &str) -> ObjectMeta {
    ObjectMeta {
        uid: Some(uid.to_owned()),
        ..ObjectMeta::default()
    }
}

fn whole(metadata: &ObjectMeta) -> Secret {
    Secret {
        metadata: metadata.clone(),
        ..Secret::default()
    }
}

fn fresh() -> Memory {
    Memory::new(content_key())
}

fn content_key() -> ContentKey {
    ContentKey::new(&[7; 32])
}

fn done(outcome: Outcome, target: Option<&ObjectMeta>) -> Done {
    Done {
        facts: facts().into(),
        tried: outcome.failure().map(|_| keys(&[1])),
        outcome,
        opened_by: OpenedBy::from_iter([fingerprint(1)]),
        target: target.map(|secret| TargetRecord {
            uid: secret.uid.clone().unwrap_or_default(),
            standing: Standing::of(secret, "app", "u1"),
            held: false,
            content: None,
        }),
        wrote: false,
        synced_from: None,
        resynced: None,
    }
}

fn failed_by(cause: Cause) -> Outcome {
    Outcome::Failed(Failure {
        cause,
        message: "why".to_owned(),
    })
}

/// A memory of one object and the end of its last pass.
fn memory(done: Done) -> Memory {
    let mut memory = fresh();
    assert!(memory.seen(&key("app"), facts()));
    let _ = finish(&mut memory, done);
    memory
}

fn triage_of(memory: &mut Memory) -> Triage {
    memory.triage(&object("app"), &keys(&[1]), Target::Unknown)
}

fn finish(memory: &mut Memory, done: Done) -> Wake {
    memory.finished(&key("app"), done, Instant::now()).wake
}

fn news(memory: &mut Memory, secret: Option<&ObjectMeta>) -> Wake {
    memory.target_changed(&key("app"), secret, Instant::now())
}

const NOW: Wake = Wake::After(Duration::ZERO);

#[test]
fn the_echo_of_a_status_write_is_no_work() {
    let mut memory = memory(done(Outcome::Synced, None));
    assert!(!memory.seen(&key("app"), facts()));
}

#[test]
fn a_scope_edit_is_work_and_a_label_is_not() {
    let mut memory = memory(done(Outcome::Synced, None));
    let mut edited = object("app").metadata;
    edited.labels = Some([("app.kubernetes.io/instance".to_owned(), "blue".to_owned())].into());
    assert!(!memory.seen(&key("app"), Facts::of(&edited)));
    let scope = annotations::CLUSTER_WIDE.to_owned();
    edited.annotations = Some([(scope, "true".to_owned())].into());
    assert!(memory.seen(&key("app"), Facts::of(&edited)));
}

#[test]
fn only_what_failed_for_want_of_an_answer_awaits_the_server() {
    assert!(memory(done(failed_by(Cause::Unavailable), None)).awaits_server(&key("app")));
    for cause in [Cause::Unmanaged, Cause::Overrun(Code::TemplateFailed)] {
        assert!(!memory(done(failed_by(cause), None)).awaits_server(&key("app")));
    }
    assert!(!memory(done(Outcome::Synced, None)).awaits_server(&key("app")));
    assert!(!fresh().awaits_server(&key("app")));
}

#[test]
fn a_change_during_a_pass_is_work_after_it() {
    let mut memory = fresh();
    memory.seen(&key("app"), facts());
    let mut newer = facts();
    newer.generation = 2;
    assert!(memory.seen(&key("app"), newer.clone()));
    assert_eq!(finish(&mut memory, done(Outcome::Synced, None)), Wake::No);
    assert!(memory.seen(&key("app"), newer));
}

#[test]
fn a_deleted_object_is_forgotten_even_if_its_pass_ends_later() {
    let mut memory = memory(done(Outcome::Synced, None));
    assert_eq!(memory.forget(&key("app")), Some(facts()));
    assert_eq!(finish(&mut memory, done(Outcome::Synced, None)), Wake::No);
    assert_eq!(memory.iter().count(), 0);
    assert!(memory.seen(&key("app"), facts()));
}

#[test]
fn deletions_that_a_watch_missed_are_found_by_listing() {
    let mut memory = memory(done(Outcome::Synced, None));
    memory.seen(&key("other"), facts());
    assert_eq!(memory.retain(|name| *name == key("app")), [key("other")]);
    assert!(memory.last(&key("app")).is_some());
}

#[test]
fn the_echo_of_our_own_write_wakes_nobody() {
    let mut memory = memory(done(Outcome::Synced, Some(&our_secret("s1"))));
    let mut touched = our_secret("s1");
    touched.resource_version = Some("99".to_owned());
    assert_eq!(news(&mut memory, Some(&touched)), Wake::No);
    assert_eq!(
        triage_of(&mut memory),
        Triage::Settled(crate::queue::Verdict::Settled)
    );
}

#[rstest]
#[case::deleted(None)]
#[case::replaced(Some(our_secret("s2")))]
#[case::orphaned(Some(foreign_secret("s1")))]
fn news_of_the_secret_of_a_synced_object_is_looked_into(#[case] secret: Option<ObjectMeta>) {
    let mut memory = memory(done(Outcome::Synced, Some(&our_secret("s1"))));
    assert_eq!(news(&mut memory, secret.as_ref()), NOW);
    assert_eq!(triage_of(&mut memory), Triage::Look);
}

#[test]
fn an_echo_that_comes_before_the_pass_ends_is_known_for_what_it_is() {
    let mut memory = fresh();
    memory.seen(&key("app"), facts());
    assert_eq!(news(&mut memory, Some(&our_secret("s1"))), NOW);
    let wake = finish(&mut memory, done(Outcome::Synced, Some(&our_secret("s1"))));
    assert_eq!(wake, Wake::No);
    assert_eq!(
        triage_of(&mut memory),
        Triage::Settled(crate::queue::Verdict::Settled)
    );
}

#[test]
fn a_deletion_that_comes_before_the_pass_ends_is_not_lost() {
    let mut memory = fresh();
    memory.seen(&key("app"), facts());
    assert_eq!(news(&mut memory, None), NOW);
    let wake = finish(&mut memory, done(Outcome::Synced, Some(&our_secret("s1"))));
    assert_eq!(wake, NOW);
    assert_eq!(triage_of(&mut memory), Triage::Look);
}

#[rstest]
#[case::undecryptable(Cause::Unseal(Code::WrongKey))]
#[case::malformed(Cause::Malformed(Code::WrongType))]
#[case::overrun(Cause::Overrun(Code::TemplateFailed))]
#[case::rejected(Cause::Rejected)]
#[case::unavailable(Cause::Unavailable)]
fn a_deletion_while_a_failed_object_recovers_wakes_when_the_pass_ends(#[case] before: Cause) {
    let mut memory = memory(done(failed_by(before), Some(&our_secret("s1"))));
    // The pass that is under way finds the Secret, and then it is deleted.
    drop(triage_of(&mut memory));
    assert_eq!(news(&mut memory, None), Wake::No);
    let wake = finish(&mut memory, done(Outcome::Synced, Some(&our_secret("s1"))));
    assert_eq!(wake, NOW);
    assert_eq!(triage_of(&mut memory), Triage::Look);
}

#[test]
fn what_was_told_while_a_pass_ends_with_a_blocker_is_looked_into() {
    let unmanaged = || done(failed_by(Cause::Unmanaged), Some(&foreign_secret("s1")));
    let mut memory = memory(done(failed_by(Cause::Unavailable), None));
    let _ = news(&mut memory, Some(&our_secret("s2")));
    assert_eq!(finish(&mut memory, unmanaged()), NOW);
    let _ = news(&mut memory, None);
    assert_eq!(finish(&mut memory, unmanaged()), Wake::After(COURTESY));
}

#[test]
fn an_object_that_failed_for_good_is_not_woken_by_news_of_its_secret() {
    let mut memory = memory(done(Outcome::Synced, None));
    let _ = news(&mut memory, Some(&our_secret("s1")));
    let outcome = failed_by(Cause::Unseal(Code::WrongKey));
    assert_eq!(finish(&mut memory, done(outcome, None)), Wake::No);
}

#[test]
fn a_look_that_finds_all_well_ends_the_doubt() {
    let secret = our_secret("s1");
    let mut memory = memory(done(Outcome::Synced, Some(&secret)));
    let found = |memory: &mut Memory| {
        let target = Target::Present(&whole(&secret));
        memory.triage_unread(&key("app"), &keys(&[1]), target)
    };
    let unread =
        |memory: &mut Memory| memory.triage_unread(&key("app"), &keys(&[1]), Target::Unknown);
    let settled = Some(Triage::Settled(crate::queue::Verdict::Settled));
    // As a resync does it.
    let _ = news(&mut memory, None);
    assert_eq!(unread(&mut memory), Some(Triage::Look));
    assert_eq!(found(&mut memory), settled);
    assert_eq!(unread(&mut memory), settled);

    // What is told while somebody looks may be newer than what was seen.
    let _ = news(&mut memory, None);
    assert_eq!(unread(&mut memory), Some(Triage::Look));
    assert_eq!(news(&mut memory, None), NOW);
    assert_eq!(found(&mut memory), settled);
    assert_eq!(unread(&mut memory), Some(Triage::Look));
}

#[test]
fn whoever_keeps_deleting_a_secret_is_answered_more_and_more_slowly() {
    let mut memory = memory(done(Outcome::Synced, Some(&our_secret("s0"))));
    let now = Instant::now();
    let mut waits = Vec::new();
    let mut told = Vec::new();
    for number in 1..=5 {
        waits.push(memory.target_changed(&key("app"), None, now));
        let secret = our_secret(&format!("s{number}"));
        let done = Done {
            wrote: true,
            ..done(Outcome::Synced, Some(&secret))
        };
        drop(memory.triage_unread(&key("app"), &keys(&[1]), Target::Unknown));
        let finished = memory.finished(&key("app"), done, now);
        assert_eq!(finished.wake, Wake::No);
        told.push(finished.contested);
    }
    let seconds = |seconds| Wake::After(Duration::from_secs(seconds));
    assert_eq!(waits, [NOW, NOW, NOW, seconds(10), seconds(20)]);
    assert_eq!(told, [false, false, true, false, false]);

    // The SealedSecret itself is another matter.
    let mut edited = facts();
    edited.generation = 2;
    assert!(memory.seen(&key("app"), edited));
}

#[test]
fn a_secret_without_sealed_secret_wakes_nobody() {
    let mut memory = fresh();
    assert_eq!(news(&mut memory, None), Wake::No);
    assert_eq!(memory.iter().count(), 0);
}

#[test]
fn whoever_replaces_a_foreign_secret_gets_a_moment_to_do_so() {
    let mut memory = memory(done(
        failed_by(Cause::Unmanaged),
        Some(&foreign_secret("s1")),
    ));
    assert_eq!(news(&mut memory, None), Wake::After(COURTESY));
}

#[test]
fn a_foreign_secret_that_becomes_managed_wakes_at_once_and_its_other_edits_do_not() {
    let mut memory = memory(done(
        failed_by(Cause::Unmanaged),
        Some(&foreign_secret("s1")),
    ));
    let mut edited = foreign_secret("s1");
    edited.annotations = Some([("note".to_owned(), "true".to_owned())].into());
    assert_eq!(news(&mut memory, Some(&edited)), Wake::No);
    edited.annotations = Some([(annotations::MANAGED.to_owned(), "true".to_owned())].into());
    assert_eq!(news(&mut memory, Some(&edited)), NOW);
}

#[test]
fn an_undecryptable_object_does_not_care_about_its_secret() {
    let outcome = failed_by(Cause::Unseal(Code::WrongKey));
    let mut memory = memory(done(outcome, Some(&foreign_secret("s1"))));
    assert_eq!(news(&mut memory, None), Wake::No);
}

#[test]
fn a_change_of_the_keyring_wakes_those_it_may_help_or_harm() {
    let mut memory = fresh();
    let wrong_key = failed_by(Cause::Unseal(Code::WrongKey));
    for (name, outcome) in [
        ("synced", Outcome::Synced),
        ("closed", wrong_key),
        ("blocked", failed_by(Cause::Unmanaged)),
        ("malformed", failed_by(Cause::Malformed(Code::WrongType))),
    ] {
        memory.seen(&key(name), facts());
        let _ = memory.finished(&key(name), done(outcome, None), Instant::now());
    }
    memory.seen(&key("waiting"), facts());
    assert_eq!(memory.keys_changed(&keys(&[1])), []);
    assert_eq!(memory.keys_changed(&keys(&[1, 2])), [key("closed")]);
    assert_eq!(
        memory.keys_changed(&keys(&[2])),
        [key("closed"), key("synced")]
    );
    assert_eq!(memory.keys_changed(&keys(&[])), [key("synced")]);
}

#[test]
fn what_opened_a_neighbour_is_tried_first() {
    let mut memory = memory(done(Outcome::Synced, None));
    let first = |memory: &mut Memory, namespace: &str| {
        let mut object = object("new");
        object.metadata.namespace = Some(namespace.to_owned());
        match memory.triage(&object, &keys(&[1, 2, 3]), Target::Unknown) {
            Triage::Unseal { order, choice } => {
                assert_eq!(choice, KeyChoice::All);
                order
            }
            other => panic!("{other:?}"),
        }
    };
    let order = |numbers: &[u8]| KeyOrder {
        first: numbers.iter().map(|number| fingerprint(*number)).collect(),
        written_at: None,
    };
    assert_eq!(first(&mut memory, "web"), order(&[1]));

    let elsewhere = ObjectKey::new("elsewhere", "x");
    memory.seen(&elsewhere, facts());
    let opened_by = OpenedBy::from_iter([fingerprint(2)]);
    let done = Done {
        opened_by,
        ..done(Outcome::Synced, None)
    };
    let _ = memory.finished(&elsewhere, done, Instant::now());
    assert_eq!(first(&mut memory, "web"), order(&[1, 2]));
    assert_eq!(first(&mut memory, "elsewhere"), order(&[2]));
    assert_eq!(first(&mut memory, "third"), order(&[2]));
}

#[test]
fn hints_are_read_leniently_and_bounded() {
    let with = |text: String| {
        hinted_keys(&ObjectMeta {
            annotations: Some([(annotations::KEYS.to_owned(), text)].into()),
            ..ObjectMeta::default()
        })
    };
    let (one, two) = (fingerprint(1), fingerprint(2));
    assert_eq!(with(format!("{one}")), [one]);
    assert_eq!(with(format!("{one}, junk,{two}")), [one, two]);
    let many: Vec<_> = (0..20)
        .map(|number| fingerprint(number).to_string())
        .collect();
    assert_eq!(with(many.join(",")).len(), 4);
    assert_eq!(hinted_keys(&ObjectMeta::default()), []);
}

#[test]
fn an_object_was_written_when_its_spec_was() {
    let at = |second| jiff::Timestamp::from_second(second).expect("in range");
    let entry = |second, fields: serde_json::Value| ManagedFieldsEntry {
        time: Some(Time(at(second))),
        fields_v1: Some(FieldsV1(fields)),
        ..ManagedFieldsEntry::default()
    };
    let mut metadata = ObjectMeta {
        creation_timestamp: Some(Time(at(10))),
        ..ObjectMeta::default()
    };
    assert_eq!(written_at(&metadata), Some(at(10)));
    metadata.managed_fields = Some(vec![
        entry(20, json!({"f:spec": {"f:encryptedData": {}}})),
        entry(30, json!({"f:status": {}})),
        entry(40, json!({"f:metadata": {"f:annotations": {}}})),
    ]);
    assert_eq!(written_at(&metadata), Some(at(20)));
    assert_eq!(written_at(&ObjectMeta::default()), None);
}

#[test]
fn of_a_request_for_a_pass_little_is_remembered_and_a_new_one_shows() {
    let asked = |value: &str| {
        let request = (annotations::RESYNC.to_owned(), value.to_owned());
        Facts::of(&ObjectMeta {
            annotations: Some([request].into()),
            ..ObjectMeta::default()
        })
    };
    assert_eq!(asked("1751000000").resync.as_deref(), Some("1751000000"));
    let long = "x".repeat(250_000);
    let remembered = asked(&long).resync.unwrap_or_default();
    assert!(remembered.len() <= 64, "{} bytes", remembered.len());
    assert!(asked(&long).decide_as(&asked(&long)));
    assert!(!asked(&long).decide_as(&asked(&format!("{long}y"))));
}
