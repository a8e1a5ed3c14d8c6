use rstest::rstest;
use sealed_api::Code;
use sealed_crypto::Scope;

use super::*;
use crate::queue::Pace;

/// A key name that stands for the number.
fn key(number: u8) -> Fingerprint {
    let digit = char::from(b'A' + number);
    format!("SHA256:{digit}{}", "A".repeat(42))
        .parse()
        .expect("a fingerprint")
}

fn keys(numbers: &[u8]) -> KeySet {
    numbers.iter().map(|number| key(*number)).collect()
}

fn set(numbers: &[u8]) -> BTreeSet<Fingerprint> {
    numbers.iter().map(|number| key(*number)).collect()
}

fn facts() -> Facts {
    Facts {
        uid: "u1".to_owned(),
        generation: 1,
        scope: Scope::Strict,
        deleting: false,
        paused: false,
        resync: None,
        instance: None,
    }
}

fn failed_by(cause: Cause) -> Outcome {
    Outcome::Failed(Failure {
        cause,
        message: "why".to_owned(),
    })
}

fn ours() -> ObjectMeta {
    let mut metadata = foreign("s1");
    metadata.owner_references = Some(vec![
        k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference {
            api_version: "bitnami.com/v1alpha1".to_owned(),
            kind: "SealedSecret".to_owned(),
            name: "app".to_owned(),
            uid: "u1".to_owned(),
            controller: Some(true),
            block_owner_deletion: None,
        },
    ]);
    metadata
}

fn foreign(uid: &str) -> ObjectMeta {
    ObjectMeta {
        uid: Some(uid.to_owned()),
        ..ObjectMeta::default()
    }
}

fn annotated(annotation: &str) -> ObjectMeta {
    let pair = (
        format!("sealedsecrets.bitnami.com/{annotation}"),
        "true".to_owned(),
    );
    ObjectMeta {
        annotations: Some([pair].into()),
        ..foreign("s1")
    }
}

fn whole(metadata: &ObjectMeta) -> Secret {
    Secret {
        metadata: metadata.clone(),
        ..Secret::default()
    }
}

fn done(outcome: Outcome, target: Option<&ObjectMeta>) -> Done {
    Done {
        facts: facts().into(),
        tried: outcome.failure().map(|_| keys(&[1, 2])),
        outcome,
        opened_by: set(&[1]).into_iter().collect(),
        target: target.map(|secret| TargetRecord {
            uid: secret.uid.clone().unwrap_or_default(),
            standing: Standing::of(secret, "app", "u1"),
            held: true,
            content: None,
        }),
        wrote: false,
        synced_from: None,
        resynced: None,
    }
}

/// What triage says about an object with these facts after that pass, with keys 1 and 2.
fn says(facts: &Facts, last: Option<&Done>, doubt: &Doubt, target: Target<'_>) -> Triage {
    triage(&Seen {
        name: "app",
        facts,
        hinted: &[],
        written_at: None,
        last,
        doubt,
        content_key: &ContentKey::new(&[7; 32]),
        target,
        keys: &keys(&[1, 2]),
        recent: &[],
    })
}

fn opens(first: &[u8]) -> Triage {
    Triage::Unseal {
        order: KeyOrder {
            first: first.iter().map(|number| key(*number)).collect(),
            written_at: None,
        },
        choice: KeyChoice::All,
    }
}

const SETTLED: Triage = Triage::Settled(Verdict::Settled);

#[test]
fn an_unknown_object_is_opened() {
    assert_eq!(
        says(&facts(), None, &Doubt::No, Target::Unknown),
        opens(&[])
    );
}

#[test]
fn an_object_that_was_synced_and_did_not_change_is_settled() {
    let last = done(Outcome::Synced, Some(&ours()));
    assert_eq!(
        says(&facts(), Some(&last), &Doubt::No, Target::Unknown),
        SETTLED
    );
}

#[rstest]
#[case::the_spec(Facts { generation: 2, ..facts() })]
#[case::the_scope(Facts { scope: Scope::ClusterWide, ..facts() })]
#[case::the_object_behind_the_name(Facts { uid: "u2".to_owned(), ..facts() })]
#[case::the_resync_annotation(Facts { resync: Some("1".to_owned()), ..facts() })]
fn a_change_that_decides_opens_it_again(#[case] facts: Facts) {
    for outcome in [
        Outcome::Synced,
        failed_by(Cause::Unmanaged),
        failed_by(Cause::Unseal(Code::WrongKey)),
    ] {
        let last = done(outcome, Some(&ours()));
        assert_eq!(
            says(&facts, Some(&last), &Doubt::No, Target::Unknown),
            opens(&[1])
        );
    }
}

#[test]
fn a_change_of_the_instance_label_decides_nothing() {
    let changed = Facts {
        instance: Some("blue".to_owned()),
        ..facts()
    };
    let last = done(Outcome::Synced, Some(&ours()));
    assert_eq!(
        says(&changed, Some(&last), &Doubt::No, Target::Unknown),
        SETTLED
    );
}

#[rstest]
#[case::paused(Facts { paused: true, ..facts() }, Refusal::Paused)]
#[case::deleting(Facts { deleting: true, ..facts() }, Refusal::Deleting)]
#[case::both(Facts { deleting: true, paused: true, ..facts() }, Refusal::Deleting)]
fn nothing_is_done_to_an_object_that_is(#[case] facts: Facts, #[case] refusal: Refusal) {
    let last = done(failed_by(Cause::Unavailable), None);
    for last in [None, Some(&last)] {
        let found = says(&facts, last, &Doubt::Gone, Target::Absent);
        assert_eq!(found, Triage::Refuse(refusal));
    }
}

mod a_synced_object {
    use super::*;

    fn found(left: &ObjectMeta, doubt: &Doubt, target: Target<'_>) -> Triage {
        let last = done(Outcome::Synced, Some(left));
        says(&facts(), Some(&last), doubt, target)
    }

    #[test]
    fn is_looked_at_when_there_is_news_of_its_secret() {
        assert_eq!(found(&ours(), &Doubt::Gone, Target::Unknown), Triage::Look);
    }

    #[test]
    fn is_opened_when_its_secret_is_gone() {
        assert_eq!(found(&ours(), &Doubt::Gone, Target::Absent), opens(&[1]));
    }

    #[test]
    fn is_settled_when_its_secret_is_there_after_all() {
        let target = ours();
        assert_eq!(
            found(&ours(), &Doubt::Gone, Target::Present(&whole(&target))),
            SETTLED
        );
    }

    #[test]
    fn is_opened_when_its_secret_is_another_one() {
        let mut target = ours();
        target.uid = Some("s2".to_owned());
        assert_eq!(
            found(&ours(), &Doubt::No, Target::Present(&whole(&target))),
            opens(&[1])
        );
    }

    #[test]
    fn is_opened_when_its_secret_lost_its_owner() {
        let target = foreign("s1");
        assert_eq!(
            found(&ours(), &Doubt::No, Target::Present(&whole(&target))),
            opens(&[1])
        );
    }

    #[test]
    fn patches_again_but_does_not_bring_back_what_it_only_patched() {
        assert_eq!(
            found(&annotated("patch"), &Doubt::Gone, Target::Absent),
            SETTLED
        );
        let mut again = annotated("patch");
        again.uid = Some("s2".to_owned());
        let found_again = found(
            &annotated("patch"),
            &Doubt::No,
            Target::Present(&whole(&again)),
        );
        assert_eq!(found_again, opens(&[1]));
        let mut owned = ours();
        owned.annotations = annotated("patch").annotations;
        assert_eq!(found(&owned, &Doubt::Gone, Target::Absent), opens(&[1]));
    }

    #[test]
    fn is_opened_when_its_key_is_gone() {
        let mut last = done(Outcome::Synced, Some(&ours()));
        last.opened_by = set(&[1, 7]).into_iter().collect();
        assert_eq!(
            says(&facts(), Some(&last), &Doubt::No, Target::Unknown),
            opens(&[1])
        );
    }
}

#[rstest]
#[case::the_api_server_was_down(Cause::Unavailable)]
#[case::the_api_server_refused(Cause::Rejected)]
#[case::its_templates_took_too_long(Cause::Overrun(Code::TemplateFailed))]
fn a_pass_is_repeated_because(#[case] cause: Cause) {
    let last = done(failed_by(cause), None);
    assert_eq!(
        says(&facts(), Some(&last), &Doubt::No, Target::Unknown),
        opens(&[1])
    );
}

#[rstest]
#[case::somebody_elses(Cause::Unmanaged)]
#[case::immutable(Cause::Immutable)]
#[case::of_another_type(Cause::SecretType)]
#[case::a_sealing_key(Cause::ReservedKey)]
fn a_secret_in_the_way_costs_a_look_and_no_key_while_it_is(#[case] cause: Cause) {
    let last = done(failed_by(cause), Some(&foreign("s1")));
    let says = |target: Target<'_>| says(&facts(), Some(&last), &Doubt::No, target);
    assert_eq!(says(Target::Unknown), Triage::Look);
    let waits = Triage::Settled(Verdict::Retry(Pace::Slow));
    assert_eq!(says(Target::Present(&whole(&foreign("s1")))), waits);
    assert_eq!(says(Target::Present(&whole(&foreign("s2")))), opens(&[1]));
    assert_eq!(
        says(Target::Present(&whole(&annotated("managed")))),
        opens(&[1])
    );
    assert_eq!(says(Target::Absent), opens(&[1]));
}

#[test]
fn a_name_that_may_not_be_written_waits_while_there_is_no_secret() {
    let last = done(failed_by(Cause::ReservedKey), None);
    assert_eq!(
        says(&facts(), Some(&last), &Doubt::No, Target::Absent),
        Triage::Settled(Verdict::Retry(Pace::Slow))
    );
}

#[test]
fn a_malformed_object_waits_for_its_next_version() {
    let last = done(failed_by(Cause::Malformed(Code::WrongType)), None);
    assert_eq!(
        says(&facts(), Some(&last), &Doubt::Gone, Target::Absent),
        SETTLED
    );
}

mod an_undecryptable_object {
    use super::*;

    fn with_keys(last: &Done, numbers: &[u8]) -> Triage {
        triage(&Seen {
            name: "app",
            facts: &facts(),
            hinted: &[],
            written_at: None,
            last: Some(last),
            doubt: &Doubt::Gone,
            content_key: &ContentKey::new(&[7; 32]),
            target: Target::Unknown,
            keys: &keys(numbers),
            recent: &[key(2)],
        })
    }

    fn last() -> Done {
        done(failed_by(Cause::Unseal(Code::WrongKey)), None)
    }

    #[test]
    fn is_not_tried_again_with_the_same_keys() {
        assert_eq!(with_keys(&last(), &[1, 2]), SETTLED);
    }

    #[test]
    fn is_not_tried_again_because_keys_are_gone() {
        assert_eq!(with_keys(&last(), &[1]), SETTLED);
        assert_eq!(with_keys(&last(), &[]), SETTLED);
    }

    #[test]
    fn is_tried_with_new_keys_and_those_that_opened_a_part_of_it() {
        let expected = Triage::Unseal {
            order: KeyOrder {
                first: vec![key(1), key(2)],
                written_at: None,
            },
            choice: KeyChoice::Only(set(&[1, 3])),
        };
        assert_eq!(with_keys(&last(), &[1, 2, 3]), expected);
    }
}

#[test]
fn keys_are_tried_in_the_order_of_their_probability_each_once_and_only_known_ones() {
    let last = done(failed_by(Cause::Unavailable), None);
    let then = Timestamp::from_second(5).ok();
    let found = triage(&Seen {
        name: "app",
        facts: &facts(),
        hinted: &[key(9), key(3), key(1)],
        written_at: then,
        last: Some(&last),
        doubt: &Doubt::No,
        content_key: &ContentKey::new(&[7; 32]),
        target: Target::Unknown,
        keys: &keys(&[1, 2, 3, 4]),
        recent: &[key(2), key(3), key(8)],
    });
    let expected = Triage::Unseal {
        order: KeyOrder {
            first: vec![key(1), key(3), key(2)],
            written_at: then,
        },
        choice: KeyChoice::All,
    };
    assert_eq!(found, expected);
}
