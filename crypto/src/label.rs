//! Where a sealed value may be opened: the scope and the OAEP label made from it.

use std::fmt;
use std::str::FromStr;

/// How tightly a sealed value is bound to its place.
#[expect(
    clippy::exhaustive_enums,
    reason = "the format has three scopes and callers must handle each; a fourth would be another format"
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Opens only under one name in one namespace. The default.
    #[default]
    Strict,
    /// Opens under any name in one namespace.
    NamespaceWide,
    /// Opens anywhere in the cluster.
    ClusterWide,
}

impl Scope {
    /// The scope as `--scope` and our messages write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::NamespaceWide => "namespace-wide",
            Self::ClusterWide => "cluster-wide",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        [Self::Strict, Self::NamespaceWide, Self::ClusterWide]
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| ScopeError {
                text: text.to_owned(),
            })
    }
}

/// The text names no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no scope: must be `strict`, `namespace-wide` or `cluster-wide`")]
#[non_exhaustive]
pub struct ScopeError {
    /// The text that was given.
    pub text: String,
}

/// The place a value is sealed for, as the bytes that RSA-OAEP binds it to.
///
/// A label is made from names and never from bytes: an empty namespace would silently turn a
/// namespace-wide label into the cluster-wide one, which opens everywhere. With names that hold no
/// slash (Kubernetes allows none, and neither do we), different places have different labels.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label(String);

impl Label {
    /// `namespace/name`.
    ///
    /// # Errors
    /// A namespace or name that is empty or holds a slash.
    pub fn strict(namespace: &str, name: &str) -> Result<Self, LabelError> {
        check_namespace(namespace)?;
        if name.is_empty() {
            return Err(LabelError::EmptyName);
        }
        if name.contains('/') {
            return Err(LabelError::SlashInName {
                name: name.to_owned(),
            });
        }
        Ok(Self(format!("{namespace}/{name}")))
    }

    /// `namespace`.
    ///
    /// # Errors
    /// A namespace that is empty or holds a slash.
    pub fn namespace_wide(namespace: &str) -> Result<Self, LabelError> {
        check_namespace(namespace)?;
        Ok(Self(namespace.to_owned()))
    }

    /// The empty label.
    pub const fn cluster_wide() -> Self {
        Self(String::new())
    }

    /// The label of `scope` for an object of this namespace and name. A part that the scope does
    /// not use is not looked at.
    ///
    /// # Errors
    /// A part that the scope uses is empty or holds a slash.
    pub fn for_scope(scope: Scope, namespace: &str, name: &str) -> Result<Self, LabelError> {
        match scope {
            Scope::Strict => Self::strict(namespace, name),
            Scope::NamespaceWide => Self::namespace_wide(namespace),
            Scope::ClusterWide => Ok(Self::cluster_wide()),
        }
    }

    /// The bytes OAEP takes as *L* (RFC 8017 §7.1).
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Label({:?})", self.0)
    }
}

/// The names do not make a label.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// Strict needs a name.
    #[error("cannot bind a value to a name: the name is empty")]
    EmptyName,
    /// Strict and namespace-wide need a namespace.
    #[error("cannot bind a value to a namespace: the namespace is empty")]
    EmptyNamespace,
    /// A slash in a name would make two places share one label.
    #[error("cannot bind a value to the name `{name}`: a Kubernetes name holds no `/`")]
    SlashInName {
        /// The name that was given.
        name: String,
    },
    /// A slash in a namespace would make two places share one label.
    #[error(
        "cannot bind a value to the namespace `{namespace}`: a Kubernetes namespace holds no `/`"
    )]
    SlashInNamespace {
        /// The namespace that was given.
        namespace: String,
    },
}

fn check_namespace(namespace: &str) -> Result<(), LabelError> {
    if namespace.is_empty() {
        return Err(LabelError::EmptyNamespace);
    }
    if namespace.contains('/') {
        return Err(LabelError::SlashInNamespace {
            namespace: namespace.to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn labels_are_the_bytes_of_the_format() {
        assert_eq!(
            Label::strict("team-a", "db").unwrap().as_bytes(),
            b"team-a/db"
        );
        assert_eq!(
            Label::namespace_wide("team-a").unwrap().as_bytes(),
            b"team-a"
        );
        assert_eq!(Label::cluster_wide().as_bytes(), b"");
    }

    #[test]
    fn an_empty_needed_part_is_refused_and_an_unused_one_is_not() {
        assert_eq!(Label::strict("", "db"), Err(LabelError::EmptyNamespace));
        assert_eq!(Label::strict("team-a", ""), Err(LabelError::EmptyName));
        assert_eq!(
            Label::for_scope(Scope::NamespaceWide, "", "db"),
            Err(LabelError::EmptyNamespace)
        );
        assert_eq!(
            Label::for_scope(Scope::NamespaceWide, "team-a", "")
                .unwrap()
                .as_bytes(),
            b"team-a"
        );
        assert_eq!(
            Label::for_scope(Scope::ClusterWide, "", "").unwrap(),
            Label::cluster_wide()
        );
    }

    #[test]
    fn scopes_read_back_as_written() {
        for scope in [Scope::Strict, Scope::NamespaceWide, Scope::ClusterWide] {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        assert!("Strict".parse::<Scope>().is_err());
        assert!("".parse::<Scope>().is_err());
    }

    proptest! {
        #[test]
        fn different_places_have_different_labels(
            places in proptest::collection::vec((0..3_usize, "[ab/]{0,3}", "[ab/]{0,3}"), 2)
        ) {
            let scopes = [Scope::Strict, Scope::NamespaceWide, Scope::ClusterWide];
            let made: Vec<_> = places
                .iter()
                .filter_map(|(scope, namespace, name)| {
                    let scope = scopes[*scope];
                    let label = Label::for_scope(scope, namespace, name).ok()?;
                    // What the scope does not use is not part of the place.
                    let namespace = (scope != Scope::ClusterWide).then_some(namespace);
                    let name = (scope == Scope::Strict).then_some(name);
                    Some(((scope, namespace, name), label))
                })
                .collect();
            if let [(place_a, label_a), (place_b, label_b)] = made.as_slice() {
                prop_assert_eq!(place_a == place_b, label_a == label_b);
            }
        }
    }
}
