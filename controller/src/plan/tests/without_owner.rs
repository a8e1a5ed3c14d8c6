//! Secrets that are not to have the SealedSecret as their owner.

use super::*;

fn world() -> World {
    let mut world = World::new(object(&[("a", "b")]));
    let skip = strings(&[(SKIP_SET_OWNER_REFERENCES, "true")]);
    world.template().metadata.annotations = Some(skip);
    world
}

#[test]
fn creating_reports_success() {
    let mut world = world();
    let plan = world.pass();
    assert_eq!(plan.outcome, Outcome::Synced);
    let written = plan.write.secret().expect("written");
    assert_eq!(written.metadata.owner_references, None);
    assert_eq!(world.plan().write, Write::Nothing);
}

#[test]
fn this_process_goes_on_updating_what_it_wrote() {
    let mut world = world();
    world.settle();
    world.template().data = Some(texts(&[("a", "changed")]));
    world.object.metadata.generation = Some(2);
    assert!(matches!(world.pass().write, Write::Replace(_)));
}

#[test]
fn an_outage_in_between_does_not_make_it_foreign() {
    let mut world = world();
    world.settle();
    let last = world.last.take();
    let facts = (*last.as_ref().expect("passed").facts).clone();
    let outage = Outcome::Failed(Failure {
        cause: Cause::Unavailable,
        message: "down".to_owned(),
    });
    world.last = Some(Done::unplanned(facts, outage, last.as_ref()));
    world.object.metadata.generation = Some(2);
    assert_eq!(world.plan().outcome, Outcome::Synced);
}

#[test]
fn a_failed_update_in_between_does_not_make_it_foreign() {
    let mut world = world();
    world.settle();
    world.template().type_ = Some("kubernetes.io/tls".to_owned());
    world.object.metadata.generation = Some(2);
    let failed = world.pass().outcome;
    assert_eq!(
        failed,
        Outcome::Failed(Failure::secret_type("app", "kubernetes.io/tls"))
    );
    world.template().type_ = None;
    world.template().data = Some(texts(&[("a", "changed")]));
    world.object.metadata.generation = Some(3);
    assert!(matches!(world.plan().write, Write::Replace(_)));
}

#[test]
fn what_was_only_patched_does_not_become_ours() {
    let mut world = world();
    world.target = Some(secret(&[("theirs", "1")]));
    world.target().metadata.annotations = Some(strings(&[(PATCH, "true")]));
    assert_eq!(world.pass().outcome, Outcome::Synced);
    world.target().metadata.annotations = None;
    world.object.metadata.generation = Some(2);
    assert_eq!(
        world.plan().outcome,
        Outcome::Failed(Failure::unmanaged("app"))
    );
}

#[test]
fn a_restart_finds_it_in_place_by_a_status_that_only_we_can_have_written() {
    let mut world = world();
    world.rules.own_statuses = true;
    world.settle();
    world.restart();
    let plan = world.plan();
    assert_eq!(
        (plan.write, plan.outcome),
        (Write::Nothing, Outcome::Synced)
    );
}

/// Else creating SealedSecrets with guesses would tell whoever may not read Secrets which
/// guess was right.
#[test]
fn a_foreign_secret_is_not_compared_with_a_guess() {
    let mut world = world();
    world.target = Some(secret(&[("a", "b")]));
    let annotations = world.template().metadata.annotations.clone();
    world.target().metadata.annotations = annotations;
    assert_eq!(
        world.plan().outcome,
        Outcome::Failed(Failure::unmanaged("app"))
    );
}

/// Nor would a status that claims the guess to be synced: others may write statuses, too.
#[test]
fn a_forged_status_makes_no_secret_ours() {
    let mut world = world();
    world.settle();
    world.restart();
    assert!(tells_synced(world.object.status.as_ref(), 1));
    world.target().metadata.uid = Some("theirs".to_owned());
    for guess in ["b", "c"] {
        world.template().data = Some(texts(&[("a", guess)]));
        assert_eq!(
            world.plan().outcome,
            Outcome::Failed(Failure::unmanaged("app"))
        );
    }
}

#[test]
fn another_secret_of_the_name_is_foreign() {
    let mut world = world();
    world.settle();
    world.target().metadata.uid = Some("other".to_owned());
    world.target().data = Some(bytes(&[("a", "theirs")]));
    assert_eq!(
        world.plan().outcome,
        Outcome::Failed(Failure::unmanaged("app"))
    );
}
