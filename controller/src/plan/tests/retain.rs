//! Secrets that are to outlive their SealedSecret.

use sealed_api::names::annotations::{ORPHANED, RETAINED};

use super::*;

fn world() -> World {
    let mut world = World::new(object(&[("a", "b")]));
    world.rules.retain = true;
    world
}

fn marks(secret: &Secret) -> Vec<(&str, &str)> {
    let annotations = secret.metadata.annotations.iter().flatten();
    annotations
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

fn owners(secret: &Secret) -> usize {
    secret.metadata.owner_references.iter().flatten().count()
}

fn written(plan: &Plan) -> &Secret {
    plan.write.secret().expect("it is written")
}

#[test]
fn a_secret_gets_marks_instead_of_an_owner() {
    let mut world = world();
    let plan = world.pass();
    assert_eq!(owners(written(&plan)), 0);
    assert_eq!(
        marks(written(&plan)),
        [(RETAINED, "u1 web/app"), (MANAGED, "true")]
    );
    for restarted in [false, true] {
        if restarted {
            world.restart();
        }
        assert_eq!(world.plan().write, Write::Nothing);
    }
}

#[test]
fn the_flag_turned_on_and_off_changes_owners_and_marks_alone() {
    let mut world = World::new(object(&[("a", "b")]));
    world.settle();
    for (retain, expected) in [(true, 0), (false, 1)] {
        world.rules.retain = retain;
        world.restart();
        let plan = world.pass();
        assert_eq!(owners(written(&plan)), expected);
        assert_eq!(marks(written(&plan)).len(), if retain { 2 } else { 0 });
        assert_eq!(written(&plan).data, Some(bytes(&[("a", "b")])));
        assert_eq!(plan.outcome, Outcome::Synced);
    }
}

#[test]
fn the_flag_leaves_hand_edits_and_labels_of_others_alone() {
    let mut world = World::new(object(&[("a", "b")]));
    world.rules.drift = DriftRule::Report;
    world.settle();
    world.target().data = Some(bytes(&[("a", "edited")]));
    world.target().metadata.labels = Some(strings(&[("theirs", "yes")]));
    for retain in [true, false] {
        world.rules.retain = retain;
        world.restart();
        let plan = world.pass();
        let secret = written(&plan);
        assert_eq!(owners(secret), usize::from(!retain));
        assert_eq!(secret.data, Some(bytes(&[("a", "edited")])));
        assert_eq!(secret.metadata.labels, Some(strings(&[("theirs", "yes")])));
        assert!(
            matches!(plan.outcome, Outcome::Drifted(_)),
            "{:?}",
            plan.outcome
        );
        assert_eq!(world.plan().write, Write::Nothing, "once is enough");
    }
}

#[test]
fn a_sealed_secret_that_comes_back_takes_its_secret_up_again() {
    for retain in [true, false] {
        let mut world = world();
        world.settle();
        let annotations = world.target().metadata.annotations.get_or_insert_default();
        annotations.insert(ORPHANED.to_owned(), "2026-01-31T12:00:00Z".to_owned());
        annotations.remove(MANAGED);
        world.object.metadata.uid = Some("u2".to_owned());
        world.object.status = None;
        world.restart();
        world.rules.retain = retain;
        let plan = world.plan();
        assert_eq!(plan.outcome, Outcome::Synced);
        let expected: &[_] = if retain {
            &[(RETAINED, "u2 web/app"), (MANAGED, "true")]
        } else {
            &[]
        };
        assert_eq!(marks(written(&plan)), expected);
    }
}

#[test]
fn the_very_same_object_takes_the_note_of_its_loss_off_again() {
    let mut world = world();
    world.settle();
    let annotations = world.target().metadata.annotations.get_or_insert_default();
    annotations.insert(ORPHANED.to_owned(), "2026-01-31T12:00:00Z".to_owned());
    world.restart();
    let plan = world.plan();
    assert_eq!(
        marks(written(&plan)),
        [(RETAINED, "u1 web/app"), (MANAGED, "true")]
    );
}

/// Its owner lets us add to it, and nothing else: it is not ours to delete some day.
#[test]
fn what_is_only_patched_is_not_marked() {
    let mut world = world();
    world.target = Some(secret(&[("theirs", "1")]));
    world.target().metadata.annotations = Some(strings(&[(PATCH, "true")]));
    let plan = world.pass();
    assert_eq!(marks(written(&plan)), [(PATCH, "true")]);
    assert_eq!(owners(written(&plan)), 0);

    // One that is patched and handed over is.
    world.target = Some(secret(&[("theirs", "1")]));
    let both = strings(&[(PATCH, "true"), (MANAGED, "true")]);
    world.target().metadata.annotations = Some(both);
    world.restart();
    let plan = world.plan();
    assert!(marks(written(&plan)).contains(&(RETAINED, "u1 web/app")));
}

#[test]
fn a_template_cannot_mark() {
    for retain in [true, false] {
        let mut world = World::new(object(&[("a", "b")]));
        world.rules.retain = retain;
        let forged = [
            (RETAINED, "u1 web/app"),
            (ORPHANED, "2999-01-01T00:00:00Z held"),
            (SKIP_SET_OWNER_REFERENCES, "true"),
        ];
        world.template().metadata.annotations = Some(strings(&forged));
        let plan = world.plan();
        let there = marks(written(&plan));
        assert_eq!(there, [(SKIP_SET_OWNER_REFERENCES, "true")]);
    }
}

#[test]
fn who_wants_no_owner_gets_no_mark() {
    let mut world = world();
    let skip = strings(&[(SKIP_SET_OWNER_REFERENCES, "true")]);
    world.template().metadata.annotations = Some(skip);
    let plan = world.plan();
    assert!(
        marks(written(&plan))
            .iter()
            .all(|(name, _)| *name != RETAINED)
    );
}
