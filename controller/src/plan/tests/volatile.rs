//! What templates make up: passwords, times, certificates. Another rendering would make up something else.

use super::*;

fn made_up() -> World {
    let mut world = World::new(object(&[
        ("fixed", "x"),
        ("password", "{{ randAlphaNum 24 }}"),
    ]));
    world.rules.drift = DriftRule::Repair;
    world.settle();
    world
}

fn password(secret: &Secret) -> Vec<u8> {
    secret.data.as_ref().expect("has data")["password"]
        .0
        .clone()
}

fn current(world: &World) -> Vec<u8> {
    password(world.target.as_ref().expect("there is a Secret"))
}

#[test]
fn it_stays_as_long_as_the_object_does() {
    let mut world = made_up();
    let before = current(&world);
    assert_eq!(before.len(), 24);
    world.target().metadata.labels = Some(strings(&[("team", "a")]));
    assert_eq!(world.plan().write, Write::Nothing);
    // A sealed key that somebody changed is brought back, and nothing else with it.
    world
        .target()
        .data
        .as_mut()
        .expect("has data")
        .insert("fixed".to_owned(), k8s_openapi::ByteString(b"y".to_vec()));
    world.object.status = None;
    let plan = world.plan();
    assert_eq!(plan.write.secret().map(password), Some(before));
}

#[test]
fn it_stays_over_a_restart() {
    let mut world = made_up();
    world.restart();
    assert_eq!(world.plan().write, Write::Nothing);
    // Also where the status was lost, or never written.
    world.object.status = None;
    assert_eq!(world.plan().write, Write::Nothing);
}

/// Another spec, as a user stores it.
fn change(world: &mut World) {
    let data = world.template().data.get_or_insert_default();
    data.insert("fixed".to_owned(), Some("z".to_owned()));
    world.object.metadata.generation = Some(2);
}

/// What a record leaves of the last pass.
fn recalled(world: &World) -> Option<Done> {
    let last = world.last.clone()?;
    Some(Done {
        facts: std::sync::Arc::new(crate::memory::Facts {
            generation: 0,
            ..(*last.facts).clone()
        }),
        ..last
    })
}

#[test]
fn it_is_made_up_anew_when_the_object_changed_while_nothing_ran() {
    let mut world = made_up();
    let before = current(&world);
    world.last = recalled(&world);
    change(&mut world);
    let after = world.plan().write.secret().map(password);
    assert!(after.is_some_and(|after| after != before));
}

/// Nothing tells then what it was made of, and a password too old is better than one that nobody asked for.
#[test]
fn without_a_record_what_is_in_our_secret_stays() {
    let mut world = made_up();
    let before = current(&world);
    world.restart();
    change(&mut world);
    assert_eq!(world.plan().write.secret().map(password), Some(before));
}

#[test]
fn it_is_made_up_anew_when_the_object_changes() {
    let mut world = made_up();
    let before = current(&world);
    change(&mut world);
    let after = world.plan().write.secret().map(password);
    assert!(after.is_some_and(|after| after != before && after.len() == 24));
}

#[test]
fn a_generation_that_says_the_same_changes_nothing() {
    let mut world = made_up();
    world.object.metadata.generation = Some(3);
    assert_eq!(world.plan().write, Write::Nothing);
}

#[test]
fn a_change_is_not_forgotten_when_the_api_server_does_not_answer() {
    let mut world = made_up();
    let before = current(&world);
    change(&mut world);
    let failure = Outcome::Failed(Failure::api(&ApiFailure {
        status: None,
        message: "connection refused".to_owned(),
    }));
    let facts = crate::memory::Facts::of(&world.object.metadata);
    world.last = Some(Done::unplanned(facts, failure, world.last.as_ref()));
    // Nor over a restart: the status tells of the failure, and the record of what was there before.
    let running = world.plan().write.secret().map(password);
    world.last = recalled(&world);
    let restarted = world.plan().write.secret().map(password);
    for after in [running, restarted] {
        assert!(after.is_some_and(|after| after != before));
    }
}

#[test]
fn in_a_secret_that_is_only_added_to_it_stays_over_a_restart() {
    for (update_status, stays) in [(false, true), (true, false)] {
        let mut world = World::new(object(&[("password", "{{ randAlphaNum 24 }}")]));
        world.rules.update_status = update_status;
        let mut theirs = secret(&[("theirs", "x")]);
        theirs.metadata.annotations = Some(strings(&[(PATCH, "true")]));
        world.target = Some(theirs);
        world.settle();
        let before = current(&world);
        world.restart();
        // With statuses, one that tells of no success tells that this is the first time.
        world.object.status = None;
        let plan = world.plan();
        assert_eq!(plan.write == Write::Nothing, stays);
        assert!(stays || plan.write.secret().map(password) != Some(before));
    }
}

#[test]
fn it_is_made_up_where_it_is_missing() {
    let mut world = made_up();
    let data = world.target().data.as_mut().expect("has data");
    data.remove("password");
    world.object.status = None;
    let after = world.plan().write.secret().map(password);
    assert_eq!(after.map(|after| after.len()), Some(24));
}

#[test]
fn what_a_deleted_namesake_had_is_not_taken_over() {
    let mut world = made_up();
    let before = current(&world);
    world.restart();
    world.object.status = None;
    world.object.metadata.uid = Some("u2".to_owned());
    let after = world.plan().write.secret().map(password);
    assert!(after.is_some_and(|after| after != before));
}

#[test]
fn what_somebody_else_had_is_not_taken_for_it() {
    let mut world = World::new(object(&[("password", "{{ randAlphaNum 24 }}")]));
    let mut theirs = secret(&[("password", "theirs")]);
    theirs.metadata.annotations = Some(strings(&[(MANAGED, "true")]));
    world.target = Some(theirs);
    let after = world.plan().write.secret().map(password);
    assert!(after.is_some_and(|after| after != b"theirs"));
}
