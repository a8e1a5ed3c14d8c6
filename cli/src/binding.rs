//! Whether an object still is where its values were sealed for, as far as that shows without a key.

use sealed_api::names::annotations;
use sealed_api::{Code, SealedSecret, scope_of};
use sealed_crypto::Scope;

use crate::object_name;
use crate::problem::Problem;

/// Whether name and namespace are there where the scope binds the values to them, and are names at all.
pub(crate) fn place_of(sealed: &SealedSecret) -> Vec<Problem> {
    let mut problems = Vec::new();
    let scope = sealed.scope();
    if sealed.name().is_empty() && scope == Scope::Strict {
        problems.push(Problem::new(
            Code::MissingName,
            "it has no metadata.name, and strict values are sealed for one",
        ));
    } else if !sealed.name().is_empty()
        && let Err(failure) = object_name::check_name("metadata.name", sealed.name())
    {
        problems.push(failure.into());
    }
    if sealed.namespace().is_empty() {
        if scope != Scope::ClusterWide {
            problems.push(
                Problem::new(
                    Code::MissingNamespace,
                    format!("it has no metadata.namespace, and {scope} values are sealed for one"),
                )
                .hint("whoever applies it decides where it ends up, and it opens in the one namespace only that it was sealed for"),
            );
        }
    } else if let Err(failure) =
        object_name::check_namespace("metadata.namespace", sealed.namespace())
    {
        problems.push(failure.into());
    }
    problems
}

/// Whether the object still is where it was sealed for. Sealing writes name, namespace and scope into the template too, and
/// nothing but a hand or a tool that renames objects makes them differ.
pub(crate) fn sealed_elsewhere(sealed: &SealedSecret) -> Vec<Problem> {
    let Some(template) = &sealed.spec.template else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    let mut differs = |message: String, hint: String| {
        problems.push(Problem::new(Code::SealedElsewhere, message).hint(hint));
    };
    let scope = sealed.scope();
    let sealed_scope = scope_of(&template.metadata);
    if sealed_scope != Scope::Strict && sealed_scope != scope {
        differs(
            format!("its scope is {scope}, and its template says {sealed_scope}"),
            format!(
                "the scope counts on the object itself: metadata.annotations needs sealedsecrets.bitnami.com/{sealed_scope}: \"true\""
            ),
        );
    }
    let is_bound = [
        (
            "name",
            sealed.name(),
            &template.metadata.name,
            scope == Scope::Strict,
        ),
        (
            "namespace",
            sealed.namespace(),
            &template.metadata.namespace,
            scope != Scope::ClusterWide,
        ),
    ];
    for (field, own, sealed_for, is_bound) in is_bound {
        let sealed_for = sealed_for.as_deref().unwrap_or_default();
        if is_bound && !own.is_empty() && !sealed_for.is_empty() && own != sealed_for {
            differs(
                format!("its {field} is `{own}`, and its template says `{sealed_for}`"),
                format!(
                    "{scope} values open only under the {field} they were sealed for; it was probably `{sealed_for}`"
                ),
            );
        }
    }
    problems
}

/// What to say of an object that its controller cannot open, though nobody but the controller knows why: it says the same whatever the
/// reason, and the object itself tells what it can.
pub(crate) fn refused(sealed: &SealedSecret) -> Problem {
    let object = format!("{}/{}", sealed.namespace(), sealed.name());
    let problem = Problem::new(
        Code::WrongKey,
        format!("the controller cannot open {object}"),
    );
    let elsewhere = sealed_elsewhere(sealed);
    if elsewhere.is_empty() {
        return problem.hint(
            "a value opens only with the key, namespace, name and scope it was sealed for; `seal inspect` shows what it says of them",
        );
    }
    elsewhere.into_iter().fold(problem, |problem, found| {
        let why = std::iter::once(found.message).chain(found.hints);
        problem.hint(why.collect::<Vec<_>>().join("; "))
    })
}

/// Scope annotations that somebody may believe in and no controller does.
pub(crate) fn ineffective_scopes(sealed: &SealedSecret) -> Vec<String> {
    let own = sealed.metadata.annotations.as_ref();
    let names = [annotations::CLUSTER_WIDE, annotations::NAMESPACE_WIDE];
    names
        .into_iter()
        .filter_map(|name| Some((name, own?.get(name)?)))
        .filter(|(_, value)| !["true", "false"].contains(&value.as_str()))
        .map(|(name, value)| {
            let value: String = value.chars().take(20).collect();
            format!("the annotation {name} is `{value}`; only \"true\" counts")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn object(metadata: &Value, template: &Value) -> SealedSecret {
        let object = json!({
            "apiVersion": "bitnami.com/v1alpha1",
            "kind": "SealedSecret",
            "metadata": metadata,
            "spec": {"encryptedData": {}, "template": {"metadata": template}},
        });
        SealedSecret::decode(object).expect("it can be read")
    }

    fn codes(problems: &[Problem]) -> Vec<&'static str> {
        problems
            .iter()
            .map(|problem| problem.code.as_str())
            .collect()
    }

    #[test]
    fn an_object_that_was_renamed_or_moved_shows_it_as_far_as_its_scope_binds_it() {
        let cluster = json!({"sealedsecrets.bitnami.com/cluster-wide": "true"});
        let namespace = json!({"sealedsecrets.bitnami.com/namespace-wide": "true"});
        for (metadata, template, problems) in [
            (
                json!({"name": "db", "namespace": "web"}),
                json!({"name": "db", "namespace": "web"}),
                0,
            ),
            (
                json!({"name": "db2", "namespace": "web"}),
                json!({"name": "db", "namespace": "web"}),
                1,
            ),
            (
                json!({"name": "db2", "namespace": "dev"}),
                json!({"name": "db", "namespace": "web"}),
                2,
            ),
            (
                json!({"name": "db2", "namespace": "web", "annotations": namespace}),
                json!({"name": "db", "namespace": "web", "annotations": namespace}),
                0,
            ),
            (
                json!({"name": "db", "namespace": "dev", "annotations": namespace}),
                json!({"name": "db", "namespace": "web"}),
                1,
            ),
            (
                json!({"name": "db2", "namespace": "dev", "annotations": cluster}),
                json!({"name": "db", "namespace": "web", "annotations": cluster}),
                0,
            ),
            // The annotation was lost on the way.
            (
                json!({"name": "db", "namespace": "web"}),
                json!({"annotations": cluster}),
                1,
            ),
        ] {
            let found = sealed_elsewhere(&object(&metadata, &template));
            assert_eq!(
                codes(&found),
                vec!["sealed-elsewhere"; problems],
                "{metadata} {template}"
            );
        }
    }

    #[test]
    fn names_must_be_there_and_no_placeholders() {
        for (metadata, expected) in [
            (json!({"name": "{APP}", "namespace": "web"}), "bad-name"),
            (json!({"name": "db", "namespace": "${NS}"}), "bad-name"),
            (json!({"namespace": "web"}), "missing-name"),
            (json!({"name": "db"}), "missing-namespace"),
        ] {
            assert_eq!(
                codes(&place_of(&object(&metadata, &json!({})))),
                [expected],
                "{metadata}"
            );
        }
    }
}
