//! Putting changed documents into their text, and reading the result.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde_json::Value;

use super::error::{EditError, EditErrorKind};
use super::plan::{self, Patch};
use super::source::Source;
use super::{Action, Change};
use crate::document::{Document, Format};
use crate::documents::Documents;
use crate::error::ReadError;

/// A text that is changed.
pub(super) struct Rewrite<'t> {
    text: &'t str,
    origin: &'t str,
}

impl<'t> Rewrite<'t> {
    pub(super) fn new(text: &'t str, origin: &'t str) -> Self {
        Self { text, origin }
    }

    /// The text after the changes, each with the number of its document.
    pub(super) fn apply(&self, changes: &[(usize, &Change)]) -> Result<String, EditError> {
        let error = match self.attempt(changes) {
            Ok(edited) => return Ok(edited),
            Err(error) => error,
        };
        let suspects: Vec<_> = changes
            .iter()
            .filter(|(document, _)| *document == error.document())
            .copied()
            .collect();
        let alone: Vec<_> = suspects.iter().map(|(_, change)| *change).collect();
        if meet(&alone) {
            return Err(error);
        }
        Err(self.blame(&suspects).unwrap_or(error))
    }

    /// The error of the one change that cannot be made, so that its path is told.
    fn blame(&self, mut suspects: &[(usize, &Change)]) -> Option<EditError> {
        while suspects.len() > 1 {
            let (left, right) = suspects.split_at(suspects.len() / 2);
            suspects = if self.attempt(left).is_err() {
                left
            } else {
                right
            };
        }
        self.attempt(suspects).err()
    }

    fn attempt(&self, changes: &[(usize, &Change)]) -> Result<String, EditError> {
        let mut by_document: BTreeMap<usize, Vec<&Change>> = BTreeMap::new();
        for (document, change) in changes {
            by_document.entry(*document).or_default().push(change);
        }
        let documents = self.find(&by_document)?;
        let mut edited = String::with_capacity(self.text.len());
        let mut intended = BTreeMap::new();
        let mut kept = 0;
        for (document, changes) in documents.iter().zip(by_document.values()) {
            let (text, value) = change_document(document, changes)?;
            edited.push_str(&self.text[kept..document.offset()]);
            edited.push_str(&text);
            kept = document.offset() + document.text().len();
            intended.insert(document.index(), value);
        }
        edited.push_str(&self.text[kept..]);
        let Some(wrong) = self.difference(&edited, &intended) else {
            return Ok(edited);
        };
        let to_blame = documents.iter().find(|document| document.index() == wrong);
        match to_blame.or_else(|| documents.first()) {
            Some(document) => {
                let path = by_document[&document.index()].first();
                let path = path.map_or(&[][..], |change| &change.path);
                Err(EditError::new(document, path, 0, EditErrorKind::Entangled))
            }
            None => Ok(edited),
        }
    }

    /// The documents to be changed, in their order.
    fn find(&self, wanted: &BTreeMap<usize, Vec<&Change>>) -> Result<Vec<Document>, EditError> {
        let Some(&last) = wanted.keys().next_back() else {
            return Ok(Vec::new());
        };
        let mut count = 0;
        let mut documents = Vec::new();
        for found in self.read(self.text) {
            count += 1;
            match found {
                Ok(document) if wanted.contains_key(&count) => documents.push(document),
                Err(fault) if wanted.contains_key(&count) => {
                    return Err(EditError::unreadable(fault));
                }
                _ => {}
            }
            if count == last {
                return Ok(documents);
            }
        }
        let missing = wanted
            .keys()
            .copied()
            .find(|&document| document == 0 || document > count);
        Err(EditError::absent(
            self.origin,
            missing.unwrap_or(last),
            count,
        ))
    }

    fn read<'d>(&self, text: &'d str) -> Documents<&'d [u8]> {
        Documents::new(text.as_bytes(), self.origin)
    }

    /// The first document of `edited` that says something else than intended, or, if nothing was intended, than
    /// before.
    fn difference(&self, edited: &str, intended: &BTreeMap<usize, Value>) -> Option<usize> {
        let same =
            |before: &Result<Document, ReadError>, after: &Result<Document, ReadError>| match (
                before, after,
            ) {
                (Ok(before), Ok(after)) => {
                    let wanted = intended
                        .get(&before.index())
                        .unwrap_or_else(|| before.value());
                    after.value() == wanted
                }
                (Err(_), Err(_)) => true,
                _ => false,
            };
        let mut before = self.read(self.text);
        let mut after = self.read(edited);
        for count in 1.. {
            match (before.next(), after.next()) {
                (None, None) => return None,
                (Some(before), Some(after)) if same(&before, &after) => {}
                _ => return Some(count),
            }
        }
        None
    }
}

/// The text and the value of a document after changes.
fn change_document(document: &Document, changes: &[&Change]) -> Result<(String, Value), EditError> {
    let (removals, additions): (Vec<&Change>, Vec<&Change>) = changes
        .iter()
        .partition(|change| change.action == Action::Remove);
    // Changes that do not meet are made in two passes, others one after the other.
    let passes: Vec<Vec<&Change>> = if meet(changes) {
        changes.iter().map(|change| vec![*change]).collect()
    } else {
        vec![additions, removals]
    };
    let json = document.format() == Format::Json;
    let error = |path: &[String], at, kind| EditError::new(document, path, at, kind);
    let mut text = document.text().to_owned();
    let mut value = document.value().clone();
    for pass in passes.iter().filter(|pass| !pass.is_empty()) {
        let source = Source::new(&text, json)
            .map_err(|fault| error(&[], fault.at, EditErrorKind::Unparsable(fault.kind)))?;
        let patches = plan::patches(&source, &value, pass)
            .map_err(|fault| error(&pass[fault.change].path, fault.at, fault.kind))?;
        text = splice(&text, patches);
        for change in pass {
            change.apply(&mut value);
        }
    }
    Ok((text, value))
}

fn splice(text: &str, mut patches: Vec<Patch>) -> String {
    // At one place the deeper lines come first: they belong to what stands before.
    patches.sort_by_key(|patch| (patch.range.start, patch.range.end, Reverse(patch.indent)));
    let mut edited = String::with_capacity(text.len());
    let mut kept = 0;
    for patch in &patches {
        edited.push_str(&text[kept.min(patch.range.start)..patch.range.start]);
        edited.push_str(&patch.text);
        kept = kept.max(patch.range.end);
    }
    edited.push_str(&text[kept..]);
    edited
}

/// Whether one of the paths leads to or through another.
fn meet(changes: &[&Change]) -> bool {
    let mut paths: Vec<_> = changes.iter().map(|change| &change.path).collect();
    paths.sort();
    paths
        .windows(2)
        .any(|pair| pair[1].starts_with(pair[0].as_slice()))
}
