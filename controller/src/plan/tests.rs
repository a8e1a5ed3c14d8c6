mod failed_writes;
mod hand_edit;
mod properties;
mod reserved;
mod retain;
mod table;
mod volatile;
mod without_owner;
mod world;

use sealed_api::names::annotations::{MANAGED, PATCH, SKIP_SET_OWNER_REFERENCES};
use sealed_api::names::labels::SEALING_KEY;

use self::world::*;
use super::*;
use crate::outcome::{ApiFailure, Cause};
use crate::queue::Pace;

fn status_of(plan: &Plan) -> Option<(String, Option<String>)> {
    let synced = plan.status.as_ref()?.condition("Synced")?;
    Some((synced.status.clone(), synced.message.clone()))
}

#[test]
fn the_first_pass_creates_the_secret_tells_it_and_says_so() {
    let world = World::new(object(&[("password", "hunter2")]));
    let plan = world.plan();
    let expected = Plan {
        write: Write::Create(Box::new(Secret {
            metadata: ObjectMeta {
                owner_references: Some(vec![owner("SealedSecret", "app", "u1", Some(true))]),
                ..named()
            },
            data: Some(bytes(&[("password", "hunter2")])),
            ..Secret::default()
        })),
        outcome: Outcome::Synced,
        noticed: None,
        event: Some(Outcome::Synced.event(&key())),
        status: crate::conditions::next_status(
            None,
            1,
            &Outcome::Synced,
            crate::conditions::Recorded::AsStored,
            now(),
        ),
        next: Verdict::Settled,
    };
    assert_eq!(plan, expected);
}

#[test]
fn a_restart_with_everything_in_place_writes_and_tells_nothing() {
    let mut world = World::new(object(&[("password", "hunter2")]));
    world.settle();
    world.restart();
    let plan = world.plan();
    let expected = Plan {
        write: Write::Nothing,
        outcome: Outcome::Synced,
        noticed: None,
        event: None,
        status: None,
        next: Verdict::Settled,
    };
    assert_eq!(plan, expected);
}

#[test]
fn without_status_each_start_tells_the_outcome_once() {
    let mut world = World::new(object(&[("a", "b")]));
    world.rules.update_status = false;
    world.settle();
    assert_eq!(world.object.status, None);
    world.restart();
    let plan = world.pass();
    assert_eq!(plan.write, Write::Nothing);
    assert_eq!(plan.event, Some(Outcome::Synced.event(&key())));
    assert_eq!(plan.status, None);
    assert_eq!(world.plan().event, None);
}

#[test]
fn an_object_that_does_not_open_fails_without_a_look_at_its_secret() {
    let mut object = object(&[]);
    object.spec.encrypted_data = strings(&[("a", "AAAA"), ("b", "%"), ("c", "AAAA")]);
    let mut world = World::new(object);
    world.target = Some(secret(&[("a", "old")]));
    let plan = world.plan();
    assert_eq!(plan.write, Write::Nothing);
    let text = "no key could decrypt secret (a, c)\nillegal base64 data at input byte 0 (b)";
    assert_eq!(
        plan.event
            .as_ref()
            .map(|event| (event.reason, event.message.as_str())),
        Some((
            "ErrUnsealFailed",
            format!("Failed to unseal: {text}").as_str()
        ))
    );
    assert_eq!(
        status_of(&plan),
        Some(("False".to_owned(), Some(text.to_owned())))
    );
    assert_eq!(plan.next, Verdict::Settled);
}

#[test]
fn a_failure_that_lasts_is_told_once() {
    let mut world = World::new(object(&[("a", "b")]));
    world.target = Some(secret(&[("a", "theirs")]));
    assert!(world.pass().event.is_some());
    let again = world.plan();
    assert_eq!((again.event, again.status), (None, None));
    world.restart();
    let restarted = world.plan();
    assert_eq!((restarted.event, restarted.status), (None, None));
    assert_eq!(restarted.next, Verdict::Retry(Pace::Slow));
}

#[test]
fn the_same_failure_of_a_new_generation_is_told_again() {
    for update_status in [true, false] {
        let mut world = World::new(object(&[("a", "b")]));
        world.rules.update_status = update_status;
        world.target = Some(secret(&[("a", "theirs")]));
        world.settle();
        world.object.metadata.generation = Some(2);
        assert!(world.pass().event.is_some());
        assert_eq!(world.plan().event, None);
    }
}

#[test]
fn the_order_of_owners_is_no_difference() {
    let mut world = World::new(object(&[("a", "b")]));
    world.settle();
    let others = owner("Deployment", "d", "u7", None);
    let ours = owner("SealedSecret", "app", "u1", Some(true));
    world.target().metadata.owner_references = Some(vec![others, ours]);
    world.restart();
    assert_eq!(world.plan().write, Write::Nothing);
}

#[test]
fn replacing_takes_everything_from_the_template_and_keeps_other_owners() {
    let mut world = World::new(object(&[("a", "new")]));
    world.template().metadata.labels = Some(strings(&[("mine", "1")]));
    let others = owner("Deployment", "d", "u7", None);
    let controller = owner("Job", "j", "u8", Some(true));
    let mut existing = secret(&[("a", "old"), ("b", "old")]);
    existing.metadata.labels = Some(strings(&[("theirs", "1")]));
    existing.metadata.annotations = Some(strings(&[(MANAGED, "true"), ("theirs", "1")]));
    existing.metadata.finalizers = Some(vec!["theirs".to_owned()]);
    existing.metadata.owner_references = Some(vec![controller, others.clone()]);
    world.target = Some(existing.clone());

    let mut next = existing;
    next.data = Some(bytes(&[("a", "new")]));
    next.metadata.labels = Some(strings(&[("mine", "1")]));
    next.metadata.annotations = Some(strings(&[]));
    let ours = owner("SealedSecret", "app", "u1", Some(true));
    next.metadata.owner_references = Some(vec![ours, others]);
    assert_eq!(world.plan().write, Write::Replace(Box::new(next)));
}

#[test]
fn patching_adds_and_removes_nothing() {
    let mut world = World::new(object(&[("a", "new"), ("c", "new")]));
    world.template().metadata.labels = Some(strings(&[("mine", "1")]));
    let mut existing = secret(&[("a", "old"), ("b", "old")]);
    existing.metadata.labels = Some(strings(&[("theirs", "1")]));
    existing.metadata.annotations = Some(strings(&[(PATCH, "true")]));
    world.target = Some(existing.clone());

    let mut next = existing;
    next.data = Some(bytes(&[("a", "new"), ("b", "old"), ("c", "new")]));
    next.metadata.labels = Some(strings(&[("mine", "1"), ("theirs", "1")]));
    assert_eq!(world.plan().write, Write::Replace(Box::new(next)));
}

#[test]
fn labels_that_others_put_on_our_secret_are_left_until_the_object_changes() {
    let mut world = World::new(object(&[("a", "b")]));
    world.settle();
    let theirs = strings(&[("theirs", "1")]);
    world.target().metadata.labels = Some(theirs);
    world.restart();
    assert_eq!(world.plan().write, Write::Nothing);

    world.object.metadata.generation = Some(2);
    let plan = world.plan();
    let written = plan.write.secret().expect("written");
    assert_eq!(written.metadata.labels, None);
}

#[test]
fn data_edited_by_hand_is_restored_by_a_restart_where_nobody_looks_for_edits() {
    let mut world = World::new(object(&[("a", "b")]));
    world.rules.drift = DriftRule::Off;
    world.settle();
    world.target().data = Some(bytes(&[("a", "edited")]));
    world.restart();
    let plan = world.plan();
    let written = plan.write.secret().expect("written");
    assert_eq!(written.data, Some(bytes(&[("a", "b")])));
    assert!(plan.event.is_some());
    assert_eq!(plan.status, None);
}

#[test]
fn immutable_added_later_is_applied() {
    let mut world = World::new(object(&[("a", "b")]));
    world.settle();
    world.template().immutable = Some(true);
    world.object.metadata.generation = Some(2);
    let plan = world.plan();
    assert_eq!(plan.write.secret().expect("written").immutable, Some(true));
}

#[test]
fn an_immutable_secret_may_change_its_labels_but_not_its_data() {
    let mut world = World::new(object(&[("a", "b")]));
    world.template().immutable = Some(true);
    world.settle();
    world.template().metadata.labels = Some(strings(&[("new", "1")]));
    world.object.metadata.generation = Some(2);
    assert!(matches!(world.pass().write, Write::Replace(_)));

    world.template().data = Some(texts(&[("a", "changed")]));
    world.object.metadata.generation = Some(3);
    let plan = world.plan();
    assert_eq!(plan.outcome, Outcome::Failed(Failure::immutable("app")));
    assert_eq!(plan.write, Write::Nothing);
    assert_eq!(plan.next, Verdict::Retry(Pace::Slow));
}

#[test]
fn a_token_keeps_what_the_token_controller_added() {
    let mut world = World::new(object(&[("note", "b")]));
    world.template().type_ = Some("kubernetes.io/service-account-token".to_owned());
    world.settle();
    let added = bytes(&[("note", "b"), ("token", "t"), ("ca.crt", "c")]);
    let annotation = strings(&[("kubernetes.io/service-account.uid", "u")]);
    world.target().data = Some(added.clone());
    world.target().metadata.annotations = Some(annotation.clone());
    world.restart();
    assert_eq!(world.plan().write, Write::Nothing);

    world.template().metadata.labels = Some(strings(&[("new", "1")]));
    world.object.metadata.generation = Some(2);
    let plan = world.plan();
    let written = plan.write.secret().expect("written");
    assert_eq!(written.data, Some(added));
    assert_eq!(written.metadata.annotations, Some(annotation));
}

#[test]
fn fields_that_only_the_server_sets_are_not_sent() {
    let mut world = World::new(object(&[("a", "b")]));
    world.template().metadata = ObjectMeta {
        resource_version: Some("7".to_owned()),
        uid: Some("u9".to_owned()),
        generation: Some(3),
        generate_name: Some("app-".to_owned()),
        finalizers: Some(vec!["f".to_owned()]),
        ..ObjectMeta::default()
    };
    let plan = world.plan();
    let expected = ObjectMeta {
        generate_name: Some("app-".to_owned()),
        finalizers: Some(vec!["f".to_owned()]),
        owner_references: Some(vec![owner("SealedSecret", "app", "u1", Some(true))]),
        ..named()
    };
    assert_eq!(plan.write.secret().expect("written").metadata, expected);
}

#[test]
fn plans_do_not_print_values() {
    let world = World::new(object(&[("password", "hunter2")]));
    let text = format!("{:?}", world.plan());
    assert!(text.contains("password"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    assert!(!text.contains("104, 117, 110"), "{text}");
}
