mod properties;
mod table;
mod volatile;
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
        event: Some(Outcome::Synced.event(&key())),
        status: crate::conditions::next_status(None, 1, &Outcome::Synced, now()),
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
fn data_edited_by_hand_is_restored_by_a_restart() {
    let mut world = World::new(object(&[("a", "b")]));
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

mod without_owner {
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
        let facts = last.as_ref().expect("passed").facts.clone();
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
    fn a_restart_finds_it_in_place() {
        let mut world = world();
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
}

mod reserved {
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
}

mod failed_writes {
    use super::*;

    fn after(status: u16, message: &str, existing: bool) -> AfterWrite {
        let mut world = World::new(object(&[("password", "hunter2")]));
        if existing {
            let mut existing = secret(&[("password", "old")]);
            existing.metadata.annotations = Some(strings(&[(MANAGED, "true")]));
            world.target = Some(existing);
        }
        let attempt = world.attempt();
        let observed = world.observed(&attempt);
        let write = plan(&observed).write;
        let failure = ApiFailure {
            status: Some(status),
            message: message.to_owned(),
        };
        after_failed_write(&observed, &write, &failure)
    }

    fn concluded(after: AfterWrite) -> Plan {
        match after {
            AfterWrite::Concluded(plan) => plan,
            AfterWrite::ObserveAgain => panic!("concludes"),
        }
    }

    #[test]
    fn a_conflict_is_observed_again() {
        assert_eq!(
            after(409, "already exists", false),
            AfterWrite::ObserveAgain
        );
        assert_eq!(
            after(409, "has been modified", true),
            AfterWrite::ObserveAgain
        );
        assert_eq!(after(404, "not found", true), AfterWrite::ObserveAgain);
    }

    #[test]
    fn a_namespace_that_is_gone_is_a_refusal() {
        let plan = concluded(after(404, "namespaces \"web\" not found", false));
        assert_eq!(
            plan.outcome.failure().map(|failure| failure.cause),
            Some(Cause::Rejected)
        );
    }

    #[test]
    fn a_refusal_is_told_in_the_servers_words() {
        let text = "Secret \"app\" is invalid: data[a b]: Invalid value: \"a b\"";
        let plan = concluded(after(422, text, true));
        assert_eq!(
            plan.event.as_ref().map(|event| event.message.as_str()),
            Some(text)
        );
        assert_eq!(
            status_of(&plan),
            Some(("False".to_owned(), Some(text.to_owned())))
        );
        assert_eq!(plan.write, Write::Nothing);
    }

    #[test]
    fn a_refusal_that_quotes_a_value_is_withheld() {
        let plan = concluded(after(403, "webhook denied: weak password hunter2", false));
        assert!(!format!("{plan:?}").contains("hunter2"));
    }
}

#[test]
fn plans_do_not_print_values() {
    let world = World::new(object(&[("password", "hunter2")]));
    let text = format!("{:?}", world.plan());
    assert!(text.contains("password"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    assert!(!text.contains("104, 117, 110"), "{text}");
}
