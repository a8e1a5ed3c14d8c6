//! What templates make up: passwords, times, certificates. Another rendering would make up something else.

use super::*;

fn made_up() -> World {
    let mut world = World::new(object(&[
        ("fixed", "x"),
        ("password", "{{ randAlphaNum 24 }}"),
    ]));
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

#[test]
fn it_is_made_up_anew_when_the_object_changed_while_nothing_ran() {
    let mut world = made_up();
    let before = current(&world);
    world.restart();
    world.object.metadata.generation = Some(2);
    let after = world.plan().write.secret().map(password);
    assert!(after.is_some_and(|after| after != before));
}

#[test]
fn it_is_made_up_anew_when_the_object_changes() {
    let mut world = made_up();
    let before = current(&world);
    world.object.metadata.generation = Some(2);
    let after = world.plan().write.secret().map(password);
    assert!(after.is_some_and(|after| after != before && after.len() == 24));
}

#[test]
fn a_change_is_not_forgotten_when_the_api_server_does_not_answer() {
    let mut world = made_up();
    let before = current(&world);
    world.object.metadata.generation = Some(2);
    let failure = Outcome::Failed(Failure::api(&ApiFailure {
        status: None,
        message: "connection refused".to_owned(),
    }));
    let facts = crate::memory::Facts::of(&world.object.metadata);
    world.last = Some(Done::unplanned(facts, failure, world.last.as_ref()));
    let after = world.plan().write.secret().map(password);
    assert!(after.is_some_and(|after| after != before));
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
