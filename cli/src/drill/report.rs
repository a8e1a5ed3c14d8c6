//! What came of opening many SealedSecrets, for people and for programs.

use std::collections::BTreeMap;

use sealed_api::Code;
use sealed_crypto::Fingerprint;
use serde::Serialize;

use crate::failure::Failure;
use crate::problem::Problem;

/// What became of all objects. Field names are stable: they are those of `--json`.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// How many objects were looked at.
    pub(crate) objects: u64,
    /// How many values they have.
    pub(crate) values: u64,
    /// How many of these opened.
    pub(crate) opened: u64,
    /// How many RSA operations it took.
    pub(crate) trials: u64,
    /// What each key opened.
    #[serde(skip)]
    pub(crate) by_key: BTreeMap<Fingerprint, Use>,
    /// The objects with a value that opens, if they are recorded.
    #[serde(skip)]
    pub(crate) recorded: Vec<OpenedObject>,
    /// The objects with values that do not open.
    pub(crate) lost: Vec<Lost>,
    /// What could not be read, though it seems to hold SealedSecrets; where objects are recorded, also what could not be tried.
    pub(crate) unread: Vec<Problem>,
}

/// What a key opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Use {
    /// How many objects have a value that it opens.
    pub(crate) objects: u64,
    /// How many values it opens.
    pub(crate) values: u64,
}

/// An object of which something opens.
#[derive(Debug, Serialize)]
pub(crate) struct OpenedObject {
    /// `namespace/name`.
    pub(crate) object: String,
    /// Its values that open.
    pub(crate) items: Vec<String>,
    /// Where it stands, or stood.
    pub(crate) place: String,
}

/// An object that does not open.
#[derive(Debug, Serialize)]
pub(crate) struct Lost {
    /// Where it stands.
    pub(crate) place: String,
    /// `namespace/name`.
    pub(crate) object: String,
    /// Its values that do not open.
    pub(crate) items: Vec<String>,
    /// Why.
    #[serde(flatten)]
    pub(crate) problem: Problem,
}

impl Report {
    /// What these keys opened together.
    pub(crate) fn use_of(&self, keys: impl Iterator<Item = Fingerprint>) -> Use {
        keys.filter_map(|key| self.by_key.get(&key))
            .fold(Use::default(), |sum, used| Use {
                objects: sum.objects + used.objects,
                values: sum.values + used.values,
            })
    }

    /// Adds a next step to all that is wrong in one way.
    pub(crate) fn hint_at(&mut self, code: Code, hint: &str) {
        let lost = self.lost.iter_mut().map(|lost| &mut lost.problem);
        let all = lost.chain(&mut self.unread);
        all.filter(|problem| problem.code == code)
            .for_each(|problem| problem.hints.push(hint.to_owned()));
    }

    /// Takes note of what could not be read.
    pub(crate) fn add_unread(&mut self, unread: Vec<Failure>) {
        self.unread.extend(unread.into_iter().map(Problem::from));
    }

    /// Whether anything is wrong. What cannot be read may hold something that does not open.
    pub(crate) fn has_problems(&self, skips_unread: bool) -> bool {
        !self.lost.is_empty() || !(skips_unread || self.unread.is_empty())
    }

    /// As lines for people.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for lost in &self.lost {
            lines.push(format!("{}: {}", lost.place, lost.object));
            lines.extend(lost.problem.lines());
        }
        for unread in &self.unread {
            lines.extend(unread.lines());
        }
        let whole = self.objects.saturating_sub(self.lost.len() as u64);
        lines.push(format!(
            "{whole} of {} SealedSecrets open, {} of {} values",
            self.objects, self.opened, self.values
        ));
        lines
    }
}
