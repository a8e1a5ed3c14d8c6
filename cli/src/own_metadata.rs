//! Labels and annotations for the SealedSecret itself, such as the sync wave of Argo CD: those of the input are the Secret's.

use std::collections::BTreeMap;

use sealed_api::names::annotations as names;
use sealed_api::{Code, SealedSecret};
use sealed_pflag::Flag;

use crate::failure::Failure;
use crate::object_name::{check_label_value, check_qualified_name};
use crate::values::pair;

/// What to add.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OwnMetadata {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

/// `--annotation` and `--label`.
pub(crate) fn flags() -> [Flag; 2] {
    [
        Flag::string_array(
            "annotation",
            "KEY=VALUE: an annotation of the SealedSecret itself, such as argocd.argoproj.io/sync-wave=-1; may be repeated",
        )
        .without_env(),
        Flag::string_array(
            "label",
            "KEY=VALUE: a label of the SealedSecret itself; may be repeated",
        )
        .without_env(),
    ]
}

impl OwnMetadata {
    /// Reads what the flags `--label` and `--annotation` give.
    pub(crate) fn parse(labels: &[String], annotations: &[String]) -> Result<Self, Failure> {
        let own = Self {
            labels: self::labels("--label", labels)?,
            annotations: self::annotations("--annotation", annotations)?,
        };
        let settled = [names::CLUSTER_WIDE, names::NAMESPACE_WIDE, names::KEYS];
        match settled
            .iter()
            .find(|name| own.annotations.contains_key(**name))
        {
            None => Ok(own),
            // It would say something else than how the values are sealed, and they would open nowhere.
            Some(name) => Err(Failure::new(
                Code::ScopeConflict,
                format!("--annotation: `{name}` follows from how the values are sealed"),
            )
            .hint("--scope chooses the scope")),
        }
    }

    /// Adds them to an object that was sealed.
    pub(crate) fn add_to(&self, sealed: &mut SealedSecret) {
        let add = |to: &mut Option<BTreeMap<String, String>>, from: &BTreeMap<String, String>| {
            if !from.is_empty() {
                to.get_or_insert_default().extend(from.clone());
            }
        };
        add(&mut sealed.metadata.labels, &self.labels);
        add(&mut sealed.metadata.annotations, &self.annotations);
    }
}

/// The labels that a flag gives.
pub(crate) fn labels(flag: &str, given: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let labels = annotations(flag, given)?;
    for value in labels.values() {
        check_label_value(&format!("the value of {flag}"), value)?;
    }
    Ok(labels)
}

/// The annotations that a flag gives.
pub(crate) fn annotations(
    flag: &str,
    given: &[String],
) -> Result<BTreeMap<String, String>, Failure> {
    let mut all = BTreeMap::new();
    for given in given {
        let (key, value) = pair(given, flag, "KEY=VALUE")?;
        check_qualified_name(flag, key)?;
        all.insert(key.to_owned(), value.to_owned());
    }
    Ok(all)
}
