//! Hand edits: what a Secret of ours holds that its SealedSecret does not say.
//!
//! Drift is about the data, the type, and the labels and annotations that the template sets. What
//! others add to the metadata is theirs. Only names are ever told, never a value.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use sealed_api::names::secret::SERVICE_ACCOUNT_TOKEN;

use crate::message::bounded;
use crate::secret_diff::type_of;

/// `--drift`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DriftRule {
    /// Hand edits stay, and nobody looks for them: a restart undoes them, as upstream does.
    Off,
    /// They stay and are told.
    #[default]
    Report,
    /// What is sealed is written again. What others added stays.
    Repair,
}

/// A Secret was in sync and has been edited since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drifted {
    /// What was edited: names, bounded.
    pub edits: String,
    /// What is done about it.
    pub handling: Handling,
}

/// What is done about a hand edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// It is left as it is.
    Left,
    /// It is undone, but somebody keeps making it: at growing intervals from now on.
    Contested {
        /// When nobody has made it for so long, that is over.
        calm: Duration,
    },
}

impl Drifted {
    /// What the condition and the event say.
    pub fn message(&self) -> String {
        let edits = &self.edits;
        match self.handling {
            Handling::Left => bounded(&format!(
                "the Secret was edited by hand and is left so: {edits} (a new value of the annotation \
                 seal-tool/resync on the SealedSecret restores it, --drift=repair always does)"
            )),
            Handling::Contested { .. } => bounded(&format!(
                "the Secret was restored, but somebody keeps editing it: {edits}; it is restored at growing \
                 intervals, up to an hour, until it is left alone"
            )),
        }
    }
}

/// What the event says of an edit that was undone.
pub fn restored(edits: &str) -> String {
    bounded(&format!(
        "the Secret was edited by hand and has been restored: {edits}"
    ))
}

/// The differences between what there is and what was sealed, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits {
    /// Of the data.
    pub data: Entries,
    /// Of the template's labels.
    labels: Entries,
    /// Of the template's annotations.
    annotations: Entries,
    /// The type is another one.
    type_: bool,
}

/// Differences in one map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    /// Other values.
    pub changed: Vec<String>,
    /// Only wanted.
    pub missing: Vec<String>,
    /// Only there.
    pub added: Vec<String>,
}

impl Entries {
    /// Everything that differs between two maps.
    pub fn between<V: PartialEq>(
        existing: Option<&BTreeMap<String, V>>,
        wanted: Option<&BTreeMap<String, V>>,
    ) -> Self {
        let mut found = Self::default();
        let empty = BTreeMap::new();
        let (existing, wanted) = (existing.unwrap_or(&empty), wanted.unwrap_or(&empty));
        let names: BTreeSet<&String> = existing.keys().chain(wanted.keys()).collect();
        for name in names {
            let list = match (existing.get(name), wanted.get(name)) {
                (Some(_), None) => &mut found.added,
                (None, Some(_)) => &mut found.missing,
                (before, after) if before != after => &mut found.changed,
                _ => continue,
            };
            list.push(name.clone());
        }
        found
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.missing.is_empty() && self.added.is_empty()
    }

    /// The names, with what became of them.
    pub fn texts(&self, of: &str) -> Vec<String> {
        [
            ("changed", &self.changed),
            ("missing", &self.missing),
            ("added", &self.added),
        ]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(what, names)| format!("{of} {what}: {}", names.join(", ")))
        .collect()
    }

    fn without_added(self) -> Self {
        Self {
            added: Vec::new(),
            ..self
        }
    }
}

impl Edits {
    /// Compares a Secret with what it was made to hold. `shared` says that others are meant to add
    /// data of their own (`patch`).
    ///
    /// A service-account token has its data from the token controller, which issues a new one when
    /// it likes: that is nobody's edit.
    pub fn between(existing: &Secret, wanted: &Secret, shared: bool) -> Self {
        let data = if type_of(existing) == SERVICE_ACCOUNT_TOKEN {
            Entries::default()
        } else {
            Entries::between(existing.data.as_ref(), wanted.data.as_ref())
        };
        let (before, after) = (&existing.metadata, &wanted.metadata);
        let untyped = shared && wanted.type_.as_ref().is_none_or(String::is_empty);
        Self {
            data: if shared { data.without_added() } else { data },
            labels: Entries::between(before.labels.as_ref(), after.labels.as_ref()).without_added(),
            annotations: Entries::between(before.annotations.as_ref(), after.annotations.as_ref())
                .without_added(),
            type_: !untyped && type_of(existing) != type_of(wanted),
        }
    }

    /// Whether nothing was edited.
    pub fn is_empty(&self) -> bool {
        self.is_restored() && self.data.added.is_empty()
    }

    /// Whether everything sealed is there: what else there may be is never removed.
    pub fn is_restored(&self) -> bool {
        let kept = |entries: &Entries| entries.changed.is_empty() && entries.missing.is_empty();
        kept(&self.data) && kept(&self.labels) && kept(&self.annotations) && !self.type_
    }

    /// The names, bounded.
    pub fn text(&self) -> String {
        let mut all = self.data.texts("data");
        all.extend(self.labels.texts("labels"));
        all.extend(self.annotations.texts("annotations"));
        all.extend(self.type_.then(|| "type changed".to_owned()));
        bounded(&all.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    use super::*;

    fn strings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn secret(data: &[(&str, &str)], labels: &[(&str, &str)]) -> Secret {
        let data = strings(data).into_iter();
        Secret {
            metadata: ObjectMeta {
                labels: Some(strings(labels)),
                ..ObjectMeta::default()
            },
            data: Some(
                data.map(|(name, value)| (name, ByteString(value.into_bytes())))
                    .collect(),
            ),
            ..Secret::default()
        }
    }

    #[test]
    fn edits_are_told_by_name_and_never_by_value() {
        let wanted = secret(&[("a", "hunter2"), ("b", "hunter2")], &[("team", "shop")]);
        let existing = secret(
            &[("a", "hunter3"), ("c", "hunter4")],
            &[("team", "web"), ("theirs", "yes")],
        );
        let edits = Edits::between(&existing, &wanted, false);
        assert_eq!(
            edits.text(),
            "data changed: a; data missing: b; data added: c; labels changed: team"
        );
        assert!(!edits.is_restored());
    }

    #[test]
    fn what_others_add_to_the_metadata_or_to_a_shared_secret_is_no_edit() {
        let wanted = secret(&[("a", "b")], &[]);
        let more = secret(&[("a", "b"), ("c", "d")], &[("theirs", "yes")]);
        assert!(Edits::between(&more, &wanted, true).is_empty());
        let edits = Edits::between(&more, &wanted, false);
        assert_eq!(edits.text(), "data added: c");
        assert!(edits.is_restored(), "a repair has nothing to do");
    }

    #[test]
    fn the_data_of_a_service_account_token_is_its_issuers() {
        let mut wanted = secret(&[("token", "old")], &[]);
        let mut existing = secret(&[("token", "new"), ("ca.crt", "x")], &[]);
        for secret in [&mut wanted, &mut existing] {
            secret.type_ = Some(SERVICE_ACCOUNT_TOKEN.to_owned());
        }
        assert!(Edits::between(&existing, &wanted, false).is_empty());
        existing.metadata.labels = None;
        wanted.metadata.labels = Some(strings(&[("team", "shop")]));
        let edits = Edits::between(&existing, &wanted, false);
        assert_eq!(edits.text(), "labels missing: team");
    }

    #[test]
    fn another_type_is_an_edit() {
        let wanted = secret(&[], &[]);
        let mut existing = secret(&[], &[]);
        existing.type_ = Some("Opaque".to_owned());
        assert!(Edits::between(&existing, &wanted, false).is_empty());
        existing.type_ = Some("kubernetes.io/tls".to_owned());
        assert_eq!(
            Edits::between(&existing, &wanted, false).text(),
            "type changed"
        );
    }
}
