//! Hand edits of a Secret that was in sync.

use sealed_api::names::conditions;

use super::*;
use crate::drift::{Drifted, Handling};

/// A world in sync whose Secret somebody has edited, before or after a restart.
fn edited(rule: DriftRule, restarted: bool) -> World {
    let mut world = World::new(object(&[("password", "hunter2"), ("user", "me")]));
    world.template().metadata.labels = Some(strings(&[("team", "shop")]));
    world.rules.drift = rule;
    world.settle();
    let target = world.target();
    target.data = Some(bytes(&[("password", "edited"), ("extra", "theirs")]));
    target.metadata.labels = Some(strings(&[("team", "web"), ("theirs", "yes")]));
    target.metadata.resource_version = Some("3".to_owned());
    if restarted {
        world.restart();
    }
    world
}

const EDITS: &str =
    "data changed: password; data missing: user; data added: extra; labels changed: team";

fn drifted(edits: &str) -> Outcome {
    Outcome::Drifted(Drifted {
        edits: edits.to_owned(),
        handling: Handling::Left,
    })
}

#[test]
fn a_report_leaves_the_secret_and_tells_once_also_across_a_restart() {
    for restarted in [false, true] {
        let mut world = edited(DriftRule::Report, restarted);
        let plan = world.pass();
        assert_eq!(plan.write, Write::Nothing);
        assert_eq!(plan.outcome, drifted(EDITS));
        assert_eq!(plan.noticed, Some(Noticed::Reported));
        assert_eq!(plan.next, Verdict::Settled);
        let event = plan.event.clone().expect("it is news");
        assert_eq!((event.kind, event.reason), ("Warning", "Drifted"));
        assert!(event.message.contains(EDITS), "{}", event.message);

        let status = plan.status.as_ref().expect("it is news");
        let told = |type_: &str| status.condition(type_).map(|found| found.status.as_str());
        // The object is in order: nobody waits for it or is alarmed.
        for type_ in [conditions::SYNCED, conditions::READY, conditions::DRIFTED] {
            assert_eq!(told(type_), Some("True"), "{type_}");
        }
        assert_eq!(told(conditions::STALLED), None);
        assert_eq!(told(conditions::RECONCILING), None);
        assert_eq!(status.conditions[0].type_, conditions::SYNCED);

        for again in [false, true] {
            if again {
                world.restart();
            }
            let plan = world.pass();
            assert_eq!(plan.outcome, drifted(EDITS));
            assert_eq!((&plan.event, &plan.status), (&None, &None));
        }
    }
}

#[test]
fn what_was_edited_back_is_in_sync_again() {
    let mut world = edited(DriftRule::Report, false);
    world.settle();
    let target = world.target();
    target.data = Some(bytes(&[("password", "hunter2"), ("user", "me")]));
    target.metadata.labels = Some(strings(&[("team", "shop")]));
    let plan = world.pass();
    assert_eq!(
        (&plan.write, &plan.outcome),
        (&Write::Nothing, &Outcome::Synced)
    );
    let status = plan.status.as_ref().expect("the condition goes");
    assert_eq!(status.condition(conditions::DRIFTED), None);
}

#[test]
fn a_repair_restores_what_is_sealed_and_keeps_what_others_added() {
    for restarted in [false, true] {
        let mut world = edited(DriftRule::Repair, restarted);
        let plan = world.pass();
        let Write::Replace(secret) = &plan.write else {
            panic!("{:?}", plan.write)
        };
        let expected = bytes(&[("extra", "theirs"), ("password", "hunter2"), ("user", "me")]);
        assert_eq!(secret.data, Some(expected));
        let labels = strings(&[("team", "shop"), ("theirs", "yes")]);
        assert_eq!(secret.metadata.labels, Some(labels));
        assert_eq!(secret.metadata.resource_version.as_deref(), Some("3"));
        assert_eq!(plan.outcome, Outcome::Synced);
        let event = plan.event.clone().expect("it is told");
        assert_eq!(event.reason, "Drifted");
        assert!(event.message.contains("restored"), "{}", event.message);
        assert_eq!(plan.status, None);

        // What was added is no reason to write again, and is not told.
        let plan = world.pass();
        assert_eq!(
            (&plan.write, &plan.outcome),
            (&Write::Nothing, &Outcome::Synced)
        );
        assert_eq!(plan.event, None);
    }
}

#[test]
fn a_contest_is_told_by_a_condition_until_it_is_over() {
    let mut world = edited(DriftRule::Repair, false);
    let calm = Duration::from_secs(610);
    world.contested = Some(calm);
    let plan = world.pass();
    assert!(matches!(plan.write, Write::Replace(_)));
    assert_eq!(plan.next, Verdict::After(calm));
    let status = plan.status.as_ref().expect("it is news");
    let told = status.condition(conditions::DRIFTED).expect("it is told");
    assert_eq!(told.status, "True");
    assert_eq!(told.reason.as_deref(), Some(conditions::CONTESTED));
    let synced = status.condition(conditions::SYNCED).expect("it is there");
    assert_eq!(synced.status, "True");

    // Another look, for whatever reason, ends nothing.
    let again = world.pass();
    assert_eq!(again.outcome, plan.outcome);
    assert_eq!(again.write, Write::Nothing);
    assert_eq!((&again.event, &again.status), (&None, &None));

    world.contested = None;
    let plan = world.pass();
    assert_eq!(
        (&plan.write, &plan.outcome),
        (&Write::Nothing, &Outcome::Synced)
    );
    let status = plan.status.as_ref().expect("the condition goes");
    assert_eq!(status.condition(conditions::DRIFTED), None);
}

#[test]
fn off_undoes_an_edit_whenever_the_secret_is_looked_at() {
    for restarted in [false, true] {
        let plan = edited(DriftRule::Off, restarted).plan();
        let Write::Replace(secret) = &plan.write else {
            panic!("{:?}", plan.write)
        };
        let expected = bytes(&[("password", "hunter2"), ("user", "me")]);
        assert_eq!(secret.data, Some(expected));
        assert_eq!(plan.outcome, Outcome::Synced);
    }
}

#[test]
fn a_change_of_the_object_or_a_request_for_it_replaces_everything() {
    let change: [fn(&mut World); 2] = [
        |world| {
            world.template().type_ = Some("Opaque".to_owned());
            world.object.metadata.generation = Some(2);
        },
        |world| {
            let resync = ("seal-tool/resync".to_owned(), "now".to_owned());
            world.object.metadata.annotations = Some([resync].into());
        },
    ];
    for rule in [DriftRule::Report, DriftRule::Repair] {
        for change in change {
            let mut world = edited(rule, false);
            world.settle();
            world.target().data = Some(bytes(&[("password", "edited"), ("extra", "theirs")]));
            change(&mut world);
            let plan = world.pass();
            let Write::Replace(secret) = &plan.write else {
                panic!("{:?}", plan.write)
            };
            let expected = bytes(&[("password", "hunter2"), ("user", "me")]);
            assert_eq!(secret.data, Some(expected));
            assert_eq!(plan.outcome, Outcome::Synced);
        }
    }
}

#[test]
fn labels_of_others_are_no_edit_though_no_status_is_written() {
    let mut world = World::new(object(&[("a", "b")]));
    world.rules.update_status = false;
    world.settle();
    world.target().metadata.labels = Some(strings(&[("theirs", "yes")]));
    let plan = world.plan();
    assert_eq!(
        (&plan.write, &plan.outcome),
        (&Write::Nothing, &Outcome::Synced)
    );
}

#[test]
fn what_was_only_patched_is_not_ours_to_watch() {
    let mut world = World::new(object(&[("new", "value")]));
    world.target = Some(secret(&[("old", "value")]));
    world.target().metadata.annotations = Some(strings(&[(PATCH, "true")]));
    world.settle();
    world.target().data = Some(bytes(&[("new", "edited"), ("old", "value")]));
    let plan = world.plan();
    assert!(matches!(plan.write, Write::Replace(_)), "{:?}", plan.write);
    assert_eq!(plan.outcome, Outcome::Synced);
}

#[test]
fn a_secret_whose_owner_was_edited_is_ours_again_and_keeps_what_else_was() {
    let mut world = edited(DriftRule::Report, false);
    world.target().metadata.owner_references =
        Some(vec![owner("SealedSecret", "app", "u0", Some(true))]);
    let edited = world.target.clone().expect("there is a Secret");
    let plan = world.plan();
    let written = plan.write.secret().expect("written");
    let own = owner("SealedSecret", "app", "u1", Some(true));
    assert_eq!(written.metadata.owner_references, Some(vec![own]));
    assert_eq!(written.data, edited.data);
    assert!(matches!(plan.outcome, Outcome::Drifted(_)));
}

#[test]
fn the_next_version_of_a_secret_is_an_edit_only_if_it_holds_something_else() {
    let mut world = edited(DriftRule::Report, false);
    world.settle();
    let last = world.last.as_ref().expect("there was a pass");
    let record = last.target.as_ref().expect("there is a Secret");
    let mut labelled = world.target.clone().expect("there is a Secret");
    labelled.metadata.resource_version = Some("9".to_owned());
    labelled
        .metadata
        .labels
        .get_or_insert_default()
        .insert("more".to_owned(), "yes".to_owned());
    let news = |secret: &Secret| crate::triage::Doubt::about(Some(&secret.metadata), "app", "u1");
    let doubt = news(&labelled);
    assert!(!doubt.is_settled_by(Some(record)), "somebody has to look");
    let key = &world.rules.content_key;
    assert!(record.is_held_by(&doubt, &labelled, key));
    labelled.data = Some(bytes(&[("password", "edited again")]));
    assert!(!record.is_held_by(&news(&labelled), &labelled, key));
}
