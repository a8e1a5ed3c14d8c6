//! What a pass would do: the answer to "what happens if this controller takes over?".
//!
//! A forecast is made of the very plan that a pass would carry out, so that it cannot promise anything else. It tells
//! names and codes, never a value.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::api::core::v1::Secret;
use sealed_api::Code;

use crate::drift::Entries;
use crate::object_key::ObjectKey;
use crate::outcome::Outcome;
use crate::plan::{Plan, Write};

/// What a pass over one object would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forecast {
    /// Nothing: the Secret is what the object says.
    Same,
    /// It would tell that the Secret was edited by hand, and leave it. The text says what was edited.
    Drifted(String),
    /// It would write the Secret that is there.
    Change(Change),
    /// It would create the Secret.
    Create,
    /// It would report a failure of this kind.
    Fail(Code),
    /// Nothing: the object is paused, or is being deleted.
    LeftAlone,
}

/// How a Secret that is there would change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    data: Entries,
    /// What else would be another.
    fields: Vec<&'static str>,
}

impl Change {
    fn between(existing: &Secret, next: &Secret) -> Self {
        let (before, after) = (&existing.metadata, &next.metadata);
        let differ = |before, after| !Entries::between(before, after).is_empty();
        let data = Entries::between(existing.data.as_ref(), next.data.as_ref());
        let labels = differ(before.labels.as_ref(), after.labels.as_ref());
        let annotations = differ(before.annotations.as_ref(), after.annotations.as_ref());
        let owners = before.owner_references.as_deref().unwrap_or_default()
            != after.owner_references.as_deref().unwrap_or_default();
        let immutable =
            existing.immutable.unwrap_or_default() != next.immutable.unwrap_or_default();
        let fields = [
            ("labels", labels),
            ("annotations", annotations),
            ("owners", owners),
            ("immutable", immutable),
        ];
        let differing = fields.into_iter().filter(|(_, differs)| *differs);
        Self {
            data,
            fields: differing.map(|(field, _)| field).collect(),
        }
    }

    /// Whether it concerns the data, as opposed to the metadata.
    pub fn is_of_data(&self) -> bool {
        !self.data.is_empty()
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        // What is missing there would be added, and what was added there would go.
        for (what, names) in [
            ("change", &self.data.changed),
            ("add", &self.data.missing),
            ("remove", &self.data.added),
        ] {
            if !names.is_empty() {
                parts.push(format!("{what} {}", names.join(", ")));
            }
        }
        parts.extend(self.fields.iter().map(|field| format!("set {field}")));
        f.write_str(&parts.join("; "))
    }
}

impl Forecast {
    /// Of a plan made for the Secret that exists.
    pub fn of(plan: &Plan, existing: Option<&Secret>) -> Self {
        match (&plan.write, existing) {
            (Write::Replace(next), Some(existing)) => Self::Change(Change::between(existing, next)),
            (Write::Create(_) | Write::Replace(_), _) => Self::Create,
            (Write::Nothing, _) => Self::of_outcome(&plan.outcome),
        }
    }

    /// Of an object whose last outcome holds.
    pub fn of_outcome(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Synced => Self::Same,
            Outcome::Drifted(drifted) => Self::Drifted(drifted.edits.clone()),
            Outcome::Failed(failure) => Self::Fail(failure.cause.code()),
        }
    }

    /// In one word, or two.
    pub fn verdict(&self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Drifted(_) => "edited",
            Self::Change(_) => "would change",
            Self::Create => "would create",
            Self::Fail(_) => "would fail",
            Self::LeftAlone => "left alone",
        }
    }

    /// The rest: names of keys, or the code of a failure.
    pub fn detail(&self) -> String {
        match self {
            Self::Same | Self::Create | Self::LeftAlone => String::new(),
            Self::Drifted(edits) => edits.clone(),
            Self::Change(change) => change.to_string(),
            Self::Fail(code) => code.as_str().to_owned(),
        }
    }

    /// Whether the next look may tell otherwise though nothing changes: the API server did not answer as it should.
    pub fn is_provisional(&self) -> bool {
        *self == Self::Fail(Code::ApiError)
    }
}

/// Every verdict, in the order of a summary.
pub const VERDICTS: [&str; 6] = [
    "same",
    "edited",
    "would change",
    "would create",
    "would fail",
    "left alone",
];

/// The forecasts for all objects.
#[derive(Debug, Default)]
pub struct Forecasts {
    by_object: BTreeMap<ObjectKey, Forecast>,
}

impl Forecasts {
    /// Takes down a forecast. Returns whether it is news.
    pub fn foresee(&mut self, key: &ObjectKey, forecast: Forecast) -> bool {
        if self.by_object.get(key) == Some(&forecast) {
            return false;
        }
        self.by_object.insert(key.clone(), forecast);
        true
    }

    /// The forecast for one object.
    pub fn get(&self, key: &ObjectKey) -> Option<&Forecast> {
        self.by_object.get(key)
    }

    /// An object is gone.
    pub fn forget(&mut self, key: &ObjectKey) {
        self.by_object.remove(key);
    }

    /// Whether there is a forecast for each of these objects, and none of them is provisional.
    pub fn cover<'a>(&self, mut objects: impl Iterator<Item = &'a ObjectKey>) -> bool {
        objects.all(|key| {
            let forecast = self.by_object.get(key);
            forecast.is_some_and(|forecast| !forecast.is_provisional())
        })
    }

    /// How many there are of each verdict, in the order of [`VERDICTS`].
    pub fn counts(&self) -> [(&'static str, usize); 6] {
        VERDICTS.map(|verdict| {
            let all = self.by_object.values();
            let count = all.filter(|forecast| forecast.verdict() == verdict);
            (verdict, count.count())
        })
    }

    /// In one line.
    pub fn summary(&self) -> String {
        let counts = self.counts();
        let parts: Vec<_> = counts
            .iter()
            .map(|(verdict, count)| format!("{count} {verdict}"))
            .collect();
        parts.join(", ")
    }

    /// The Secrets whose data would change, if there are more than `limit`.
    pub fn too_many(&self, limit: usize) -> Option<TooManyChanges> {
        let secrets: Vec<_> = self
            .by_object
            .iter()
            .filter_map(|(key, forecast)| match forecast {
                Forecast::Change(change) if change.is_of_data() => Some((key, change)),
                _ => None,
            })
            .collect();
        (secrets.len() > limit).then(|| TooManyChanges {
            limit,
            secrets: secrets
                .into_iter()
                .map(|(key, change)| format!("{key}: {change}"))
                .collect(),
        })
    }
}

/// Why the process does not begin to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the data of {} existing Secrets would change, more than --max-startup-changes={limit}; nothing was written\n{}",
    secrets.len(),
    secrets.join("\n")
)]
pub struct TooManyChanges {
    limit: usize,
    secrets: Vec<String>,
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    use super::*;

    fn secret(data: &[(&str, &str)], labels: &[&str]) -> Secret {
        let data = data
            .iter()
            .map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec())));
        let labels = labels
            .iter()
            .map(|label| ((*label).to_owned(), String::new()));
        Secret {
            metadata: ObjectMeta {
                labels: Some(labels.collect()),
                ..ObjectMeta::default()
            },
            data: Some(data.collect()),
            ..Secret::default()
        }
    }

    fn change(before: &Secret, after: &Secret) -> Forecast {
        Forecast::Change(Change::between(before, after))
    }

    fn key(name: &str) -> ObjectKey {
        ObjectKey::new("web", name)
    }

    #[test]
    fn a_change_is_told_by_names_and_never_by_values() {
        let before = secret(&[("a", "hunter2"), ("b", "x")], &["theirs"]);
        let after = secret(&[("a", "hunter3"), ("c", "x")], &[]);
        let forecast = change(&before, &after);
        assert_eq!(forecast.verdict(), "would change");
        assert_eq!(forecast.detail(), "change a; add c; remove b; set labels");
    }

    #[test]
    fn only_changes_of_existing_data_count_against_the_limit() {
        let (before, after) = (secret(&[("a", "1")], &["x"]), secret(&[("a", "2")], &["x"]));
        let mut all = Forecasts::default();
        all.foresee(&key("created"), Forecast::Create);
        all.foresee(&key("broken"), Forecast::Fail(Code::WrongKey));
        all.foresee(
            &key("edited"),
            Forecast::Drifted("data changed: a".to_owned()),
        );
        all.foresee(
            &key("relabelled"),
            change(&before, &secret(&[("a", "1")], &[])),
        );
        assert_eq!(all.too_many(0), None);
        all.foresee(&key("one"), change(&before, &after));
        all.foresee(&key("two"), change(&before, &after));
        assert_eq!(all.too_many(2), None);
        let refusal = all.too_many(1).expect("there are two");
        assert_eq!(
            refusal.to_string(),
            "the data of 2 existing Secrets would change, more than --max-startup-changes=1; nothing was written\n\
             web/one: change a\nweb/two: change a"
        );
    }

    #[test]
    fn a_forecast_is_news_once_and_again_when_it_changes() {
        let mut all = Forecasts::default();
        assert!(all.foresee(&key("a"), Forecast::Create));
        assert!(!all.foresee(&key("a"), Forecast::Create));
        assert!(all.foresee(&key("a"), Forecast::Same));
        assert_eq!(
            all.summary(),
            "1 same, 0 edited, 0 would change, 0 would create, 0 would fail, 0 left alone"
        );
    }

    #[test]
    fn all_is_foreseen_when_nothing_is_missing_or_provisional() {
        let mut all = Forecasts::default();
        let keys = [key("a"), key("b")];
        all.foresee(&keys[0], Forecast::Same);
        assert!(!all.cover(keys.iter()));
        all.foresee(&keys[1], Forecast::Fail(Code::ApiError));
        assert!(!all.cover(keys.iter()));
        all.foresee(&keys[1], Forecast::Fail(Code::WrongKey));
        assert!(all.cover(keys.iter()));
        all.forget(&keys[1]);
        assert!(!all.cover(keys.iter()));
    }
}
