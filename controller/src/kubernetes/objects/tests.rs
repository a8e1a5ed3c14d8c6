use kube::runtime::watcher::Event;
use sealed_api::SealedSecret;
use sealed_api::names::annotations;
use serde_json::json;

use super::*;
use crate::config::Rehearse;
use crate::http::Health;
use crate::kubernetes::secret_metadata::SecretMetadata;
use crate::memory::Done;
use crate::opened_by::OpenedBy;
use crate::outcome::{Cause, Failure, Outcome};
use crate::ownership::Standing;
use crate::queue::Backoff;
use crate::triage::Target;

fn rehearsal() -> Rehearsal {
    let metrics = Metrics::new("v0", false).unwrap();
    Rehearsal::new(Rehearse::No, Arc::new(metrics), &Health::default())
}

fn objects(bury: bool) -> Objects {
    let metrics = Metrics::new("v0", false).unwrap();
    Objects::new(
        WorkQueue::new(Backoff::default(), 8),
        Arc::new(metrics),
        Habits {
            bury,
            retain: false,
            recall: false,
        },
        ContentKey::new(&[7; 32]),
        rehearsal(),
    )
}

fn key(name: &str) -> ObjectKey {
    ObjectKey::new("web", name)
}

fn sealed(name: &str, generation: i64) -> Decoded {
    let object = json!({
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": { "namespace": "web", "name": name, "uid": format!("uid-{name}"), "generation": generation },
        "spec": { "encryptedData": {} },
        "status": { "conditions": [{ "type": "Synced", "status": "True" }] },
    });
    Decoded::from_value(object)
}

fn metadata(name: &str) -> ObjectMeta {
    ObjectMeta {
        namespace: Some("web".into()),
        name: Some(name.into()),
        uid: Some(format!("secret-{name}")),
        ..ObjectMeta::default()
    }
}

fn secret(name: &str) -> SecretMetadata {
    SecretMetadata {
        metadata: metadata(name),
    }
}

/// The object that is worked on next, at once, by a pass that looks at its Secret; `finish` ends it.
async fn next(objects: &Objects) -> Option<ObjectKey> {
    let soon = Duration::from_millis(1);
    let ticket = tokio::time::timeout(soon, objects.queue().next())
        .await
        .ok()??;
    let key = ticket.key().clone();
    let keys = KeySet::default();
    let looked = objects
        .state()
        .memory
        .triage_unread(&key, &keys, Target::Unknown);
    drop(looked);
    ticket.finish(Verdict::Settled);
    Some(key)
}

/// Ends a pass over an object as it is known: its Secret was found or written, or somebody else's stands there.
fn finish(objects: &Objects, name: &str, generation: i64, outcome: Outcome) {
    let Decoded::Sound(object) = sealed(name, generation) else {
        panic!("it is sound")
    };
    let done = Done {
        facts: Facts::of(&SealedSecret::metadata(&object).clone()).into(),
        outcome,
        opened_by: OpenedBy::default(),
        tried: None,
        target: Some(crate::memory::TargetRecord {
            uid: format!("secret-{name}"),
            standing: Standing::of(&metadata(name), name, &format!("uid-{name}")),
            held: true,
            content: None,
        }),
        wrote: false,
        synced_from: None,
        resynced: None,
    };
    objects.finished(&key(name), done);
}

fn unmanaged() -> Outcome {
    let failure = Failure::unmanaged("app");
    assert_eq!(failure.cause, Cause::Unmanaged);
    Outcome::Failed(failure)
}

fn series(objects: &Objects) -> usize {
    let text = objects.metrics.to_text().unwrap();
    let text = String::from_utf8(text).unwrap();
    text.matches("sealed_secrets_controller_condition_info{")
        .count()
}

#[tokio::test(start_paused = true)]
async fn what_a_watch_shows_is_worked_on_once() {
    let objects = objects(false);
    let mut fold = SealedSecretFold::new(objects.clone(), Reach::Cluster);
    assert!(!fold.take(Event::Init));
    assert!(!fold.take(Event::InitApply(sealed("app", 1))));
    assert!(fold.take(Event::InitDone));
    assert_eq!(next(&objects).await, Some(key("app")));
    assert_eq!(series(&objects), 1);
    finish(&objects, "app", 1, Outcome::Synced);

    // The echo of our own status says nothing new.
    fold.take(Event::Apply(sealed("app", 1)));
    assert_eq!(next(&objects).await, None);
    fold.take(Event::Apply(sealed("app", 2)));
    assert!(objects.state().waiting.holds(&key("app")));
    assert_eq!(next(&objects).await, Some(key("app")));
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_no_event_told_of_is_found_by_the_next_list() {
    let objects = objects(false);
    let mut fold = SealedSecretFold::new(objects.clone(), Reach::Cluster);
    for name in ["gone", "kept"] {
        fold.take(Event::Apply(sealed(name, 1)));
    }
    fold.take(Event::Init);
    fold.take(Event::InitApply(sealed("kept", 1)));
    fold.take(Event::InitDone);
    let known: Vec<ObjectKey> = objects
        .state()
        .memory
        .iter()
        .map(|(key, _)| key.clone())
        .collect();
    assert_eq!(known, [key("kept")]);
    assert_eq!(next(&objects).await, Some(key("kept")));
    assert_eq!(next(&objects).await, None);
    assert_eq!(series(&objects), 1);
}

#[tokio::test(start_paused = true)]
async fn a_list_of_one_namespace_says_nothing_of_others() {
    let objects = objects(false);
    let mut everywhere = SealedSecretFold::new(objects.clone(), Reach::Cluster);
    everywhere.take(Event::Apply(sealed("app", 1)));
    let mut other = SealedSecretFold::new(objects.clone(), Reach::Namespace("other".into()));
    other.take(Event::Init);
    other.take(Event::InitDone);
    assert_eq!(objects.state().memory.iter().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn with_the_old_way_of_collecting_a_deleted_object_is_worked_on_once_more() {
    let objects = objects(true);
    let mut fold = SealedSecretFold::new(objects.clone(), Reach::Cluster);
    fold.take(Event::Apply(sealed("app", 1)));
    assert!(next(&objects).await.is_some());
    fold.take(Event::Delete(sealed("app", 1)));
    assert_eq!(objects.state().buried[&key("app")], "uid-app");
    assert_eq!(next(&objects).await, Some(key("app")));

    // Made again before its Secret could follow it: then the Secret stays.
    fold.take(Event::Delete(sealed("app", 1)));
    fold.take(Event::Apply(sealed("app", 1)));
    assert!(objects.state().buried.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_gone_twice_is_still_worked_on_once_more() {
    let objects = objects(true);
    let mut fold = SealedSecretFold::new(objects.clone(), Reach::Cluster);
    fold.take(Event::Apply(sealed("app", 1)));
    assert!(next(&objects).await.is_some());
    fold.take(Event::Delete(sealed("app", 1)));
    objects.gone(&key("app"));
    assert_eq!(objects.state().buried[&key("app")], "uid-app");
    assert_eq!(next(&objects).await, Some(key("app")));
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_finds_nothing_leaves_a_namesake_made_since() {
    let objects = objects(false);
    let mut fold = SealedSecretFold::new(objects.clone(), Reach::Cluster);
    fold.take(Event::Apply(sealed("app", 1)));
    let pass = objects.queue().next().await.unwrap();
    objects.state().waiting.forget(&key("app"));
    fold.take(Event::Delete(sealed("app", 1)));
    fold.take(Event::Apply(sealed("app", 1)));

    let verdict = objects.not_found(&key("app"));
    assert_eq!(verdict, Verdict::Retry(Pace::Slow));
    pass.finish(verdict);
    assert!(objects.state().waiting.holds(&key("app")));
    assert_eq!(next(&objects).await, Some(key("app")));
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_finds_nothing_is_repeated_until_the_watch_tells_of_the_end() {
    let objects = objects(false);
    let mut fold = SealedSecretFold::new(objects.clone(), Reach::Cluster);
    fold.take(Event::Apply(sealed("app", 1)));
    let pass = objects.queue().next().await.unwrap();
    pass.finish(objects.not_found(&key("app")));
    assert_eq!(objects.queue().load().later, 1);
    fold.take(Event::Delete(sealed("app", 1)));
    assert_eq!(objects.queue().load().later, 0);
    assert_eq!(objects.not_found(&key("app")), Verdict::Settled);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_taken_back_before_its_pass_leaves_no_body_behind() {
    let scoped = |scope: &str| {
        let Decoded::Sound(mut object) = sealed("app", 1) else {
            panic!("it is sound")
        };
        let annotation = (scope.to_owned(), "true".to_owned());
        object.metadata.annotations = Some(BTreeMap::from([annotation]));
        Decoded::Sound(object)
    };
    let objects = objects(false);
    let mut fold = SealedSecretFold::new(objects.clone(), Reach::Cluster);
    fold.take(Event::Apply(sealed("app", 1)));
    assert!(next(&objects).await.is_some());
    finish(&objects, "app", 1, Outcome::Synced);

    fold.take(Event::Apply(scoped(annotations::CLUSTER_WIDE)));
    assert!(objects.state().waiting.holds(&key("app")));
    fold.take(Event::Apply(sealed("app", 1)));
    assert!(!objects.state().waiting.holds(&key("app")));
    assert_eq!(
        next(&objects).await,
        Some(key("app")),
        "it looks, and finds nothing to do"
    );
}

#[tokio::test(start_paused = true)]
async fn a_deleted_secret_wakes_its_object_told_or_not() {
    let objects = objects(false);
    SealedSecretFold::new(objects.clone(), Reach::Cluster).take(Event::Apply(sealed("app", 1)));
    assert!(next(&objects).await.is_some());
    finish(&objects, "app", 1, Outcome::Synced);
    let mut fold = SecretFold::new(objects.clone(), Reach::Cluster);

    fold.take(Event::Apply(secret("app")));
    assert_eq!(next(&objects).await, None, "the echo of our own write");
    fold.take(Event::Apply(secret("unrelated")));
    assert_eq!(next(&objects).await, None);
    fold.take(Event::Delete(secret("app")));
    assert_eq!(next(&objects).await, Some(key("app")));

    finish(&objects, "app", 1, Outcome::Synced);
    for listed in [true, false] {
        fold.take(Event::Init);
        if listed {
            fold.take(Event::InitApply(secret("app")));
        }
        fold.take(Event::InitDone);
        let expected = (!listed).then(|| key("app"));
        assert_eq!(next(&objects).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_foreign_secret_that_goes_wakes_the_object_it_blocked_after_a_moment() {
    let objects = objects(false);
    SealedSecretFold::new(objects.clone(), Reach::Cluster).take(Event::Apply(sealed("app", 1)));
    assert!(next(&objects).await.is_some());
    finish(&objects, "app", 1, unmanaged());
    SecretFold::new(objects.clone(), Reach::Cluster).take(Event::Delete(secret("app")));
    assert_eq!(
        next(&objects).await,
        None,
        "whoever deleted it may make another"
    );
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(next(&objects).await, Some(key("app")));
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_goes_while_its_object_recovers_is_not_missed() {
    let objects = objects(false);
    SealedSecretFold::new(objects.clone(), Reach::Cluster).take(Event::Apply(sealed("app", 1)));
    assert!(next(&objects).await.is_some());
    let failure = Failure {
        cause: Cause::Unavailable,
        message: "no answer".into(),
    };
    finish(&objects, "app", 1, Outcome::Failed(failure));
    SecretFold::new(objects.clone(), Reach::Cluster).take(Event::Delete(secret("app")));
    assert_eq!(next(&objects).await, None);
    finish(&objects, "app", 1, Outcome::Synced);
    assert_eq!(next(&objects).await, Some(key("app")));
}

#[tokio::test(start_paused = true)]
async fn a_resync_looks_at_everything_in_its_time() {
    let objects = objects(false);
    let mut fold = SealedSecretFold::new(objects.clone(), Reach::Cluster);
    for name in ["a", "b"] {
        fold.take(Event::Apply(sealed(name, 1)));
        assert!(next(&objects).await.is_some());
        finish(&objects, name, 1, Outcome::Synced);
    }
    objects.resync();
    tokio::time::sleep(RESYNC_SPREAD).await;
    let mut looked = [next(&objects).await, next(&objects).await];
    looked.sort();
    assert_eq!(looked, [Some(key("a")), Some(key("b"))]);
    assert_eq!(next(&objects).await, None);
}

fn recalling() -> Objects {
    let metrics = Metrics::new("v0", false).unwrap();
    let habits = Habits {
        bury: false,
        retain: false,
        recall: true,
    };
    Objects::new(
        WorkQueue::new(Backoff::default(), 8),
        Arc::new(metrics),
        habits,
        ContentKey::new(&[7; 32]),
        rehearsal(),
    )
}

fn in_sync() -> Decoded {
    Decoded::Sound(Box::new(crate::record::tests::in_sync()))
}

#[tokio::test(start_paused = true)]
async fn an_object_with_a_record_waits_for_the_list_of_secrets() {
    let objects = recalling();
    objects.await_secrets(&Reach::Cluster);
    let mut fold = SealedSecretFold::new(objects.clone(), Reach::Cluster);
    fold.take(Event::InitApply(in_sync()));
    fold.take(Event::InitApply(sealed("new", 1)));
    fold.take(Event::InitDone);
    assert_eq!(next(&objects).await, Some(key("new")));
    assert_eq!(next(&objects).await, None);
    SecretFold::new(objects.clone(), Reach::Cluster).take(Event::InitDone);
    assert_eq!(next(&objects).await, Some(key("app")));
    let offer = objects.state().memory.take_offer(&key("app"));
    let secret = offer.map(|(offer, _)| offer.secret().clone());
    assert_eq!(secret, Some(Shown::Absent), "a whole list did not show it");
}

#[tokio::test(start_paused = true)]
async fn without_that_list_it_waits_no_longer_and_nothing_is_known_of_its_secret() {
    for awaited in [true, false] {
        let objects = recalling();
        if awaited {
            objects.await_secrets(&Reach::Cluster);
        }
        let mut fold = SealedSecretFold::new(objects.clone(), Reach::Cluster);
        fold.take(Event::InitApply(in_sync()));
        objects.secrets_known(&Reach::Cluster, false);
        assert_eq!(next(&objects).await, Some(key("app")));
        let offer = objects.state().memory.take_offer(&key("app"));
        let secret = offer.map(|(offer, _)| offer.secret().clone());
        assert_eq!(secret, Some(Shown::Unlisted));
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_counts_only_as_long_as_nothing_is_known() {
    let objects = recalling();
    let mut fold = SealedSecretFold::new(objects.clone(), Reach::Cluster);
    fold.take(Event::Apply(in_sync()));
    // Changed before its pass: the record is about another spec.
    let mut changed = crate::record::tests::in_sync();
    changed.spec.encrypted_data.clear();
    fold.take(Event::Apply(Decoded::Sound(Box::new(changed))));
    assert_eq!(objects.state().memory.take_offer(&key("app")), None);
    // A pass has ended: what it found is newer than any record.
    fold.take(Event::Apply(in_sync()));
    finish(&objects, "app", 1, unmanaged());
    fold.take(Event::Apply(in_sync()));
    assert_eq!(objects.state().memory.take_offer(&key("app")), None);
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_ends_while_secrets_are_listed_is_not_doubted() {
    let objects = objects(false);
    SealedSecretFold::new(objects.clone(), Reach::Cluster).take(Event::Apply(sealed("app", 1)));
    let mut fold = SecretFold::new(objects.clone(), Reach::Cluster);
    fold.take(Event::Init);
    fold.take(Event::InitApply(secret("app")));
    assert_eq!(next(&objects).await, Some(key("app")));
    finish(&objects, "app", 1, Outcome::Synced);
    fold.take(Event::InitDone);
    assert_eq!(next(&objects).await, None);
}
