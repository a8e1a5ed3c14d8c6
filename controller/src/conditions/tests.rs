use proptest::prelude::*;

use super::*;
use crate::outcome::{Cause, Failure};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn failed(cause: Cause, message: &str) -> Outcome {
    Outcome::Failed(Failure {
        cause,
        message: message.to_owned(),
    })
}

fn undecryptable(message: &str) -> Outcome {
    failed(Cause::Unseal(Code::WrongKey), message)
}

fn condition(
    type_: &str,
    status: &str,
    reason: &str,
    message: Option<&str>,
    (updated, transition): (i64, i64),
) -> Condition {
    Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        last_update_time: Some(Time(at(updated))),
        last_transition_time: Some(Time(at(transition))),
        reason: Some(reason.to_owned()),
        message: message.map(str::to_owned),
    }
}

fn foreign(type_: &str) -> Condition {
    Condition {
        type_: type_.to_owned(),
        status: "Maybe".to_owned(),
        ..Condition::default()
    }
}

fn status(generation: i64, conditions: Vec<Condition>) -> SealedSecretStatus {
    SealedSecretStatus {
        observed_generation: Some(generation),
        conditions,
    }
}

fn synced(times: (i64, i64)) -> Vec<Condition> {
    vec![
        condition("Synced", "True", "Unsealed", None, times),
        condition("Ready", "True", "Unsealed", None, times),
    ]
}

/// Of an object without a record.
fn next_status(
    stored: Option<&SealedSecretStatus>,
    generation: i64,
    outcome: &Outcome,
    now: Timestamp,
) -> Option<SealedSecretStatus> {
    super::next_status(stored, generation, outcome, Recorded::AsStored, now)
}

/// The next status after a success, with this record.
fn recorded(
    stored: Option<&SealedSecretStatus>,
    record: Recorded<'_>,
    now: i64,
) -> Option<SealedSecretStatus> {
    super::next_status(stored, 1, &Outcome::Synced, record, at(now))
}

fn types(status: &SealedSecretStatus) -> Vec<&str> {
    let conditions = status.conditions.iter();
    conditions.map(|condition| &*condition.type_).collect()
}

#[test]
fn a_record_stands_after_ready_and_is_true() {
    let next = recorded(None, Recorded::As(Some("v1")), 50).expect("new");
    assert_eq!(types(&next), ["Synced", "Ready", "Settled"]);
    let expected = condition("Settled", "True", "Record", Some("v1"), (50, 50));
    assert_eq!(next.conditions[2], expected);
    let failed = undecryptable("no key (a)");
    let next = super::next_status(Some(&next), 1, &failed, Recorded::As(Some("v1 x")), at(60));
    let next = next.expect("it failed");
    assert_eq!(types(&next), ["Synced", "Ready", "Settled", "Stalled"]);
    assert_eq!(next.conditions[2].status, "True");
}

#[test]
fn another_record_alone_is_no_reason_to_write_within_an_hour() {
    let stored = recorded(None, Recorded::As(Some("v1 a")), 50).expect("new");
    let other = Recorded::As(Some("v1 b"));
    assert_eq!(recorded(Some(&stored), other, 50 + 3_599), None);
    let next = recorded(Some(&stored), other, 50 + 3_600).expect("it is an hour old");
    let settled = next.condition("Settled").expect("is there");
    assert_eq!(settled.message.as_deref(), Some("v1 b"));
    assert_eq!(
        next.conditions[..2],
        stored.conditions[..2],
        "their times stay"
    );
    // The same record is never a reason.
    assert_eq!(
        recorded(Some(&stored), Recorded::As(Some("v1 a")), 9_999),
        None
    );
}

#[test]
fn a_status_that_is_written_anyway_gets_the_new_record() {
    let stored = recorded(None, Recorded::As(Some("v1 a")), 50).expect("new");
    let next = super::next_status(
        Some(&stored),
        2,
        &Outcome::Synced,
        Recorded::As(Some("v1 b")),
        at(51),
    );
    let next = next.expect("the generation moved");
    let settled = next.condition("Settled").expect("is there");
    assert_eq!(settled.message.as_deref(), Some("v1 b"));
}

#[test]
fn a_missing_record_is_added_and_one_without_successor_removed() {
    let without = recorded(None, Recorded::As(None), 50).expect("new");
    assert_eq!(types(&without), ["Synced", "Ready"]);
    let with = recorded(Some(&without), Recorded::As(Some("v1")), 51).expect("there was none");
    assert_eq!(types(&with), ["Synced", "Ready", "Settled"]);
    let again = recorded(Some(&with), Recorded::As(None), 52).expect("there is none any more");
    assert_eq!(types(&again), ["Synced", "Ready"]);
    assert_eq!(recorded(Some(&with), Recorded::AsStored, 53), None);
}

#[test]
fn the_first_success_has_equal_times() {
    let next = next_status(None, 1, &Outcome::Synced, at(50));
    assert_eq!(next, Some(status(1, synced((50, 50)))));
}

#[test]
fn a_status_that_says_the_same_is_not_written() {
    let stored = status(1, synced((50, 50)));
    assert_eq!(
        next_status(Some(&stored), 1, &Outcome::Synced, at(60)),
        None
    );
}

#[test]
fn a_further_success_moves_the_update_time_only() {
    let stored = status(1, synced((50, 50)));
    let next = next_status(Some(&stored), 2, &Outcome::Synced, at(60));
    assert_eq!(next, Some(status(2, synced((60, 50)))));
}

#[test]
fn a_failure_flips_and_is_stalled() {
    let stored = status(1, synced((50, 50)));
    let next = next_status(Some(&stored), 1, &undecryptable("no key (a)"), at(60));
    let expected = [("Synced", "False"), ("Ready", "False"), ("Stalled", "True")]
        .map(|(type_, status)| condition(type_, status, "WrongKey", Some("no key (a)"), (60, 60)));
    assert_eq!(next, Some(status(1, expected.into())));
}

#[test]
fn a_different_message_at_the_same_generation_is_published() {
    let stored = next_status(None, 1, &undecryptable("no key (a)"), at(50)).expect("new");
    let next = next_status(Some(&stored), 1, &undecryptable("no key (a, b)"), at(60));
    let expected =
        [("Synced", "False"), ("Ready", "False"), ("Stalled", "True")].map(|(type_, status)| {
            condition(type_, status, "WrongKey", Some("no key (a, b)"), (60, 50))
        });
    assert_eq!(next, Some(status(1, expected.into())));
}

#[test]
fn an_outage_is_reconciling_and_what_follows_it_removes_that() {
    let outage = failed(Cause::Unavailable, "connection refused");
    let stored = next_status(None, 1, &outage, at(50)).expect("new");
    assert!(stored.condition("Reconciling").is_some());
    assert_eq!(stored.condition("Stalled"), None);
    let next = next_status(Some(&stored), 1, &Outcome::Synced, at(60));
    assert_eq!(next, Some(status(1, synced((60, 60)))));
}

#[test]
fn synced_moves_to_the_front_and_others_stay_in_their_order() {
    let [synced, ready] = <[_; 2]>::try_from(synced((50, 50))).expect("two");
    let stored = status(
        1,
        vec![
            foreign("B"),
            ready.clone(),
            foreign("Settled"),
            synced.clone(),
            foreign("C"),
            foreign("A"),
        ],
    );
    let next = next_status(Some(&stored), 1, &Outcome::Synced, at(60));
    let expected = vec![
        synced,
        ready,
        foreign("B"),
        // A record is true or none of ours.
        foreign("C"),
        foreign("A"),
    ];
    assert_eq!(next, Some(status(1, expected)));
}

#[test]
fn a_status_of_upstream_is_completed_without_touching_its_condition() {
    let upstream = Condition {
        reason: None,
        ..condition("Synced", "True", "", None, (40, 30))
    };
    let stored = status(1, vec![upstream]);
    let next = next_status(Some(&stored), 1, &Outcome::Synced, at(60)).expect("lacks Ready");
    let found = next.condition("Synced").expect("there");
    assert_eq!(found.last_transition_time, Some(Time(at(30))));
    assert!(next.condition("Ready").is_some());
}

#[test]
fn the_default_of_the_crd_is_not_an_observation() {
    let stored = status(-1, Vec::new());
    assert!(!tells(Some(&stored), 1, &Outcome::Synced));
    let next = next_status(Some(&stored), 1, &Outcome::Synced, at(50));
    assert_eq!(next, Some(status(1, synced((50, 50)))));
}

#[test]
fn a_stored_status_tells_an_outcome_by_generation_and_text() {
    let stored = next_status(None, 1, &undecryptable("no key (a)"), at(50)).expect("new");
    assert!(tells(Some(&stored), 1, &undecryptable("no key (a)")));
    assert!(!tells(Some(&stored), 2, &undecryptable("no key (a)")));
    assert!(!tells(Some(&stored), 1, &undecryptable("no key (b)")));
    assert!(!tells(Some(&stored), 1, &Outcome::Synced));
    assert!(!tells(None, 1, &Outcome::Synced));
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Synced),
        "[ab]".prop_map(|message| undecryptable(&message)),
        Just(failed(Cause::Unavailable, "down")),
        Just(failed(Cause::Unmanaged, "foreign")),
    ]
}

fn any_condition() -> impl Strategy<Value = Condition> {
    let types = [
        "Synced",
        "Ready",
        "Stalled",
        "Reconciling",
        "Settled",
        "Other",
    ];
    let times = prop::option::of(0..9_i64).prop_map(|second| second.map(|second| Time(at(second))));
    (
        prop::sample::select(types.to_vec()),
        prop::sample::select(vec!["True", "False", "Unknown"]),
        prop::option::of(prop::sample::select(vec!["Unsealed", "WrongKey"])),
        prop::option::of("[ab]?"),
        times.clone(),
        times,
    )
        .prop_map(
            |(type_, status, reason, message, updated, transition)| Condition {
                type_: type_.to_owned(),
                status: status.to_owned(),
                last_update_time: updated,
                last_transition_time: transition,
                reason: reason.map(str::to_owned),
                message,
            },
        )
}

proptest! {
    /// Writing the status once is enough, whatever was stored, and index 0 is `Synced`.
    #[test]
    fn a_written_status_is_not_written_again(
        conditions in prop::collection::vec(any_condition(), 0..7),
        observed in prop::option::of(-1..4_i64),
        generation in 1..4_i64,
        outcome in any_outcome(),
    ) {
        let stored = SealedSecretStatus { observed_generation: observed, conditions };
        let next = next_status(Some(&stored), generation, &outcome, at(100)).unwrap_or(stored);
        prop_assert_eq!(next_status(Some(&next), generation, &outcome, at(200)), None);
        prop_assert_eq!(&next.conditions[0].type_, "Synced");
        prop_assert!(tells(Some(&next), generation, &outcome));
    }
}
