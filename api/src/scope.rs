//! Which scope an object has, and how a scope is written on one.
//!
//! The scope of a SealedSecret comes from its *own* `metadata.annotations` only. Reading it from the template
//! as well, which anybody may edit without breaking a signature, let a value escape its namespace
//! (CVE-2026-22728); so nothing in this crate ever does.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealed_crypto::Scope;

use crate::codes::Code;
use crate::names::{TRUE, annotations};

/// Scope by annotations: cluster-wide is looked at first, and only the value `true` counts.
pub fn scope_of(metadata: &ObjectMeta) -> Scope {
    if is_true(metadata.annotations.as_ref(), annotations::CLUSTER_WIDE) {
        Scope::ClusterWide
    } else if is_true(metadata.annotations.as_ref(), annotations::NAMESPACE_WIDE) {
        Scope::NamespaceWide
    } else {
        Scope::Strict
    }
}

/// Whether the annotation `name` is switched on: exactly `true`, as the existing programs compare it.
pub fn is_true(annotations: Option<&BTreeMap<String, String>>, name: &str) -> bool {
    annotations
        .and_then(|all| all.get(name))
        .map(String::as_str)
        == Some(TRUE)
}

/// The annotation that stands for a scope; strict has none.
pub(crate) fn scope_annotation(scope: Scope) -> Option<&'static str> {
    match scope {
        Scope::Strict => None,
        Scope::NamespaceWide => Some(annotations::NAMESPACE_WIDE),
        Scope::ClusterWide => Some(annotations::CLUSTER_WIDE),
    }
}

/// `--scope strict` was asked for an object whose annotation says otherwise.
///
/// The existing tool lets the annotation win in silence, so that the person who asked for the tightest scope
/// gets the loosest (compat/cli.md §19.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot seal with scope strict: the input is annotated `{annotation}: \"true\"`",
    annotation = scope_annotation(*.annotated).unwrap_or_default()
)]
pub struct ScopeConflict {
    /// The scope of the annotation.
    pub annotated: Scope,
}

impl ScopeConflict {
    /// Stable code of the fault.
    pub const fn code(&self) -> Code {
        Code::ScopeConflict
    }

    /// The next step.
    pub const fn hint(&self) -> &'static str {
        "remove the annotation, or leave --scope out to seal with the scope it names"
    }
}

/// The scope to seal a Secret with (compat/cli.md §8), `asked` being `--scope` where it was given.
///
/// A wider scope that was asked for replaces what the annotations say, in `metadata` too: its own annotation
/// is set and the other one removed. Without `asked` the annotations decide and stay as they are.
pub fn choose_scope(
    asked: Option<Scope>,
    metadata: &mut ObjectMeta,
) -> Result<Scope, ScopeConflict> {
    let annotated = scope_of(metadata);
    match asked {
        None => Ok(annotated),
        Some(Scope::Strict) if annotated != Scope::Strict => Err(ScopeConflict { annotated }),
        Some(scope) => {
            if let Some(own) = scope_annotation(scope) {
                let all = metadata.annotations.get_or_insert_default();
                for other in [annotations::CLUSTER_WIDE, annotations::NAMESPACE_WIDE] {
                    all.remove(other);
                }
                all.insert(own.to_owned(), TRUE.to_owned());
            }
            Ok(scope)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotated(pairs: &[(&str, &str)]) -> ObjectMeta {
        ObjectMeta {
            annotations: Some(
                pairs
                    .iter()
                    .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                    .collect(),
            ),
            ..ObjectMeta::default()
        }
    }

    #[test]
    fn cluster_wide_is_looked_at_first_and_only_true_counts() {
        use annotations::{CLUSTER_WIDE, NAMESPACE_WIDE};
        let both = annotated(&[(CLUSTER_WIDE, "true"), (NAMESPACE_WIDE, "true")]);
        assert_eq!(scope_of(&both), Scope::ClusterWide);
        let one_off = annotated(&[(CLUSTER_WIDE, "false"), (NAMESPACE_WIDE, "true")]);
        assert_eq!(scope_of(&one_off), Scope::NamespaceWide);
        for value in ["True", "TRUE", "1", "yes", " true", ""] {
            assert_eq!(
                scope_of(&annotated(&[(CLUSTER_WIDE, value)])),
                Scope::Strict
            );
        }
        assert_eq!(scope_of(&ObjectMeta::default()), Scope::Strict);
    }

    #[test]
    fn a_wider_scope_asked_for_replaces_the_annotation() {
        let mut metadata = annotated(&[(annotations::CLUSTER_WIDE, "true"), ("a", "b")]);
        let chosen = choose_scope(Some(Scope::NamespaceWide), &mut metadata);
        assert_eq!(chosen, Ok(Scope::NamespaceWide));
        assert_eq!(
            metadata,
            annotated(&[(annotations::NAMESPACE_WIDE, "true"), ("a", "b")])
        );
    }

    #[test]
    fn asking_for_strict_never_ends_in_a_wider_scope() {
        let mut metadata = annotated(&[(annotations::NAMESPACE_WIDE, "true")]);
        let conflict = choose_scope(Some(Scope::Strict), &mut metadata).unwrap_err();
        assert_eq!(
            conflict.to_string(),
            "cannot seal with scope strict: the input is annotated \
             `sealedsecrets.bitnami.com/namespace-wide: \"true\"`"
        );
    }
}
