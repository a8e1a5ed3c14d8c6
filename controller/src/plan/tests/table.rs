//! The ownership table, row by row.

use rstest::rstest;

use super::*;

/// What a row expects.
#[derive(Debug, PartialEq)]
enum Does {
    /// Creates, with this many owners.
    Create(usize),
    /// Replaces; afterwards there are these data keys and this many owners.
    Write(&'static [&'static str], usize),
    /// Nothing, and it is right.
    Confirm,
    /// Nothing, for this reason.
    Fail(Cause),
}

fn does(plan: &Plan) -> Does {
    let owners = |secret: &Secret| secret.metadata.owner_references.iter().flatten().count();
    match (&plan.write, &plan.outcome) {
        (Write::Nothing, Outcome::Synced) => Does::Confirm,
        (Write::Nothing, Outcome::Failed(failure)) => Does::Fail(failure.cause),
        (Write::Create(secret), Outcome::Synced) => Does::Create(owners(secret)),
        (Write::Replace(secret), Outcome::Synced) => {
            let keys: Vec<_> = secret
                .data
                .iter()
                .flatten()
                .map(|(key, _)| key.as_str())
                .collect();
            let keys: &'static [&'static str] = match keys[..] {
                ["new"] => &["new"],
                ["new", "old"] => &["new", "old"],
                _ => panic!("{keys:?}"),
            };
            Does::Write(keys, owners(secret))
        }
        (write, outcome) => panic!("{write:?} with {outcome:?}"),
    }
}

type Pairs = &'static [(&'static str, &'static str)];

const NEW: &[&str] = &["new"];
const BOTH: &[&str] = &["new", "old"];
const OURS: &str = "SealedSecret/app/u1";
const STALE: &str = "SealedSecret/app/u0";
const OTHER: &str = "SealedSecret/other/u2";
const JOB: &str = "Job/app/u3";

#[rstest]
#[case::absent(None, &[], "", &[], Does::Create(1))]
#[case::absent_and_skip(None, &[], "", &[(SKIP_SET_OWNER_REFERENCES, "true")], Does::Create(0))]
#[case::absent_skip_and_managed(
    None, &[], "", &[(SKIP_SET_OWNER_REFERENCES, "true"), (MANAGED, "true")], Does::Create(0))]
#[case::ours(Some("old"), &[], OURS, &[], Does::Write(NEW, 1))]
#[case::ours_and_equal(Some("new"), &[], OURS, &[], Does::Confirm)]
#[case::left_by_a_namesake(Some("old"), &[], STALE, &[], Does::Write(NEW, 1))]
#[case::left_by_a_namesake_and_equal(Some("new"), &[], STALE, &[], Does::Write(NEW, 1))]
#[case::managed(Some("old"), &[(MANAGED, "true")], "", &[], Does::Write(NEW, 1))]
#[case::managed_and_somebodys(Some("old"), &[(MANAGED, "true")], JOB, &[], Does::Write(NEW, 1))]
#[case::managed_and_skip(
    Some("old"), &[(MANAGED, "true")], JOB, &[(SKIP_SET_OWNER_REFERENCES, "true")], Does::Write(NEW, 1))]
#[case::patch(Some("old"), &[(PATCH, "true")], "", &[], Does::Write(BOTH, 0))]
#[case::patch_and_somebodys(Some("old"), &[(PATCH, "true")], JOB, &[], Does::Write(BOTH, 1))]
#[case::patch_and_managed(
    Some("old"), &[(PATCH, "true"), (MANAGED, "true")], "", &[], Does::Write(BOTH, 1))]
#[case::patch_and_the_template_adds_managed(
    Some("old"), &[(PATCH, "true")], "", &[(MANAGED, "true")], Does::Write(BOTH, 1))]
#[case::patch_and_skip(
    Some("old"), &[(PATCH, "true")], "", &[(SKIP_SET_OWNER_REFERENCES, "true")], Does::Write(BOTH, 0))]
#[case::foreign(Some("old"), &[], "", &[], Does::Fail(Cause::Unmanaged))]
#[case::foreign_and_equal(Some("new"), &[], "", &[], Does::Fail(Cause::Unmanaged))]
#[case::another_objects(Some("old"), &[], OTHER, &[], Does::Fail(Cause::Unmanaged))]
#[case::a_jobs(Some("old"), &[], JOB, &[], Does::Fail(Cause::Unmanaged))]
#[case::not_quite_managed(Some("old"), &[(MANAGED, "True")], "", &[], Does::Fail(Cause::Unmanaged))]
#[case::managed_said_by_the_template_only(
    Some("old"), &[], "", &[(MANAGED, "true")], Does::Fail(Cause::Unmanaged))]
#[case::patch_said_by_the_template_only(
    Some("old"), &[], "", &[(PATCH, "true")], Does::Fail(Cause::Unmanaged))]
fn a_secret_that_is(
    #[case] existing: Option<&str>,
    #[case] annotations: Pairs,
    #[case] owned_by: &str,
    #[case] template: Pairs,
    #[case] expected: Does,
) {
    let mut world = World::new(object(&[("new", "value")]));
    world.template().metadata.annotations = Some(strings(template));
    world.target = existing.map(|data_key| {
        let mut existing = secret(&[(data_key, "value")]);
        existing.metadata.annotations = Some(strings(annotations));
        let parts: Vec<_> = owned_by.split('/').collect();
        if let [kind, name, uid] = parts[..] {
            existing.metadata.owner_references = Some(vec![owner(kind, name, uid, Some(true))]);
        }
        existing
    });
    assert_eq!(does(&world.plan()), expected);
}

#[rstest]
#[case::no_type_is_opaque(MANAGED, "Opaque", None, Does::Write(NEW, 1))]
#[case::an_empty_type_is_opaque(MANAGED, "Opaque", Some(""), Does::Write(NEW, 1))]
#[case::the_same(
    MANAGED,
    "kubernetes.io/tls",
    Some("kubernetes.io/tls"),
    Does::Write(NEW, 1)
)]
#[case::another(
    MANAGED,
    "Opaque",
    Some("kubernetes.io/tls"),
    Does::Fail(Cause::SecretType)
)]
#[case::opaque_over_another(MANAGED, "kubernetes.io/tls", None, Does::Fail(Cause::SecretType))]
#[case::a_patch_without_type_keeps_it(PATCH, "kubernetes.io/tls", None, Does::Write(BOTH, 0))]
#[case::a_patch_with_another(
    PATCH,
    "Opaque",
    Some("kubernetes.io/tls"),
    Does::Fail(Cause::SecretType)
)]
fn a_type(
    #[case] annotation: &str,
    #[case] existing: &str,
    #[case] wanted: Option<&str>,
    #[case] expected: Does,
) {
    let mut world = World::new(object(&[("new", "value")]));
    world.template().type_ = wanted.map(str::to_owned);
    world.target = Some(secret(&[("old", "value")]));
    world.target().type_ = Some(existing.to_owned());
    world.target().metadata.annotations = Some(strings(&[(annotation, "true")]));
    assert_eq!(does(&world.plan()), expected);
}
