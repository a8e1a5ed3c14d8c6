//! Secrets that are, or would pass for, sealing keys.

use super::*;

fn world(name: &str, label: Option<&str>) -> World {
    let mut world = World::new(object(&[("tls.key", "b")]));
    world.object.metadata.namespace = Some("kube-system".to_owned());
    world.object.metadata.name = Some(name.to_owned());
    world.template().metadata.labels = label.map(|value| strings(&[(SEALING_KEY, value)]));
    world
}

fn refused(name: &str) -> Outcome {
    Outcome::Failed(Failure::reserved_key(name))
}

#[test]
fn no_sealed_secret_becomes_a_sealing_key() {
    for value in ["active", "compromised", ""] {
        let plan = world("mine", Some(value)).plan();
        assert_eq!(
            (plan.write, plan.outcome),
            (Write::Nothing, refused("mine"))
        );
    }
    let plan = world("sealed-secrets-key", None).plan();
    assert_eq!(plan.outcome, refused("sealed-secrets-key"));
}

#[test]
fn no_sealed_secret_takes_the_name_of_a_key_to_come() {
    let plan = world("sealed-secrets-keybcd29", None).plan();
    assert_eq!(
        (plan.write, plan.outcome),
        (Write::Nothing, refused("sealed-secrets-keybcd29"))
    );
}

#[test]
fn no_sealing_key_is_written_over() {
    for annotation in [MANAGED, PATCH] {
        let mut world = world("key", None);
        let mut existing = secret(&[("tls.key", "theirs")]);
        existing.metadata.labels = Some(strings(&[(SEALING_KEY, "active")]));
        existing.metadata.annotations = Some(strings(&[(annotation, "true")]));
        world.target = Some(existing);
        assert_eq!(world.plan().outcome, refused("key"));
    }
}

#[test]
fn other_names_and_other_namespaces_are_free() {
    assert_eq!(
        world("sealed-secrets-key1", None).plan().outcome,
        Outcome::Synced
    );
    let mut world = world("mine", Some("active"));
    world.object.metadata.namespace = Some("web".to_owned());
    assert_eq!(world.plan().outcome, Outcome::Synced);
}

#[test]
fn the_flag_permits_it() {
    let mut world = world("mine", Some("active"));
    world.rules.allow_sealed_keys = true;
    assert!(matches!(world.plan().write, Write::Create(_)));
}
