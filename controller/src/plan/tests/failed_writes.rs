//! What follows from a write that the API server refused.

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
