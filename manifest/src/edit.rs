//! Changing single values in a text and keeping every other byte of it.
//!
//! People keep comments, order and quotes in their manifests, and review changes line by line; several
//! documents share a file. So a changed value is spliced into the text where it stands, in block style, flow
//! style and JSON alike, and the result is read again before it is handed out: it says exactly what was
//! intended and nothing else changed, or it is an error.
//!
//! ```
//! use sealed_manifest::edit::Target;
//!
//! let text = "spec:\n  encryptedData:\n    user: AgB1   # rotated in May\n";
//! let target = Target::new(text, "sealed.yaml", 1);
//! let text = target.set(&["spec", "encryptedData", "password"], "AgC2")?;
//! assert_eq!(
//!     text,
//!     "spec:\n  encryptedData:\n    user: AgB1   # rotated in May\n    password: AgC2\n"
//! );
//! # Ok::<(), sealed_manifest::edit::EditError>(())
//! ```

mod error;
mod flow;
mod plan;
mod source;

use serde_json::{Map, Value};

use crate::document::Document;
use crate::documents::Documents;
use crate::error::ReadError;
pub use error::{EditError, EditErrorKind};
use plan::Patch;
use source::Source;

/// One document of a text.
#[derive(Clone, Copy, Debug)]
pub struct Target<'t> {
    text: &'t str,
    origin: &'t str,
    document: usize,
}

/// What is to happen at a path: names of mapping keys from the root of the document to the value. Through a
/// list the path leads by a position, from 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    path: Vec<String>,
    action: Action,
}

#[derive(Clone, Debug, PartialEq)]
enum Action {
    Insert(Value),
    Remove,
    Replace(Value),
    Set(Value),
}

impl Change {
    fn new(path: &[&str], action: Action) -> Self {
        Self {
            path: path.iter().map(|&step| step.to_owned()).collect(),
            action,
        }
    }

    /// A new entry; mappings on the way to it are created. An error if there is a value already.
    pub fn insert(path: &[&str], value: impl Into<Value>) -> Self {
        Self::new(path, Action::Insert(value.into()))
    }

    /// Removes an entry. An error if there is none.
    pub fn remove(path: &[&str]) -> Self {
        Self::new(path, Action::Remove)
    }

    /// Another value for an entry. An error if there is none.
    pub fn replace(path: &[&str], value: impl Into<Value>) -> Self {
        Self::new(path, Action::Replace(value.into()))
    }

    /// Another value for an entry, or a new entry.
    pub fn set(path: &[&str], value: impl Into<Value>) -> Self {
        Self::new(path, Action::Set(value.into()))
    }

    /// Does to a value what the change does to the text.
    fn apply(&self, value: &mut Value) {
        let Some((last, way)) = self.path.split_last() else {
            return;
        };
        let mut place = value;
        for step in way {
            if place.is_null() {
                *place = Value::Object(Map::new());
            }
            place = match place {
                Value::Object(map) => map.entry(step.clone()).or_insert(Value::Null),
                Value::Array(items) => {
                    match step.parse().ok().and_then(|at: usize| items.get_mut(at)) {
                        Some(item) => item,
                        None => return,
                    }
                }
                _ => return,
            };
        }
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(map) = place else { return };
        match &self.action {
            Action::Insert(new) | Action::Replace(new) | Action::Set(new) => {
                map.insert(last.clone(), new.clone());
            }
            Action::Remove => {
                map.remove(last);
            }
        }
    }
}

impl<'t> Target<'t> {
    /// Document number `document` (from 1, as [`Document::index`] counts) of `text`; `origin` names the text in
    /// errors.
    pub fn new(text: &'t str, origin: &'t str, document: usize) -> Self {
        Self {
            text,
            origin,
            document,
        }
    }

    /// The text with a new entry.
    pub fn insert(&self, path: &[&str], value: impl Into<Value>) -> Result<String, EditError> {
        self.apply(&[Change::insert(path, value)])
    }

    /// The text without an entry.
    pub fn remove(&self, path: &[&str]) -> Result<String, EditError> {
        self.apply(&[Change::remove(path)])
    }

    /// The text with another value for an entry.
    pub fn replace(&self, path: &[&str], value: impl Into<Value>) -> Result<String, EditError> {
        self.apply(&[Change::replace(path, value)])
    }

    /// The text with a value for an entry that may or may not be there.
    pub fn set(&self, path: &[&str], value: impl Into<Value>) -> Result<String, EditError> {
        self.apply(&[Change::set(path, value)])
    }

    /// The text after several changes, in that order.
    ///
    /// # Errors
    ///
    /// If the document cannot be read, a path leads nowhere, or the text is written in a way that the change
    /// cannot be made without touching something else (a value that an alias repeats elsewhere, say).
    pub fn apply(&self, changes: &[Change]) -> Result<String, EditError> {
        let (removals, additions): (Vec<_>, Vec<_>) = changes
            .iter()
            .partition(|change| change.action == Action::Remove);
        // Changes that do not meet are made in two passes, others one after the other.
        let passes: Vec<Vec<&Change>> = if meet(changes) {
            changes.iter().map(|change| vec![change]).collect()
        } else {
            vec![additions, removals]
        };
        let mut text = self.text.to_owned();
        for pass in passes.iter().filter(|pass| !pass.is_empty()) {
            text = Target {
                text: &text,
                ..*self
            }
            .pass(pass)?;
        }
        Ok(text)
    }

    fn pass(&self, changes: &[&Change]) -> Result<String, EditError> {
        let edited = self.attempt(changes);
        if edited.is_err() && changes.len() > 1 {
            // So that the error names the path that is to blame.
            for change in changes {
                self.attempt(&[change])?;
            }
        }
        edited
    }

    fn attempt(&self, changes: &[&Change]) -> Result<String, EditError> {
        let document = self.document()?;
        let error = |path: &[String], at, kind| EditError::new(&document, path, at, kind);
        let source = Source::new(&document)
            .map_err(|fault| error(&[], fault.at, EditErrorKind::Unparsable(fault.kind)))?;
        let patches = plan::patches(&source, document.value(), changes)
            .map_err(|fault| error(&changes[fault.change].path, fault.at, fault.kind))?;
        let edited = self.splice(&document, patches);
        let mut intended = document.value().clone();
        for change in changes {
            change.apply(&mut intended);
        }
        if self.says(&edited, &intended) {
            Ok(edited)
        } else {
            let path = changes.first().map_or(&[][..], |change| &change.path);
            Err(error(path, 0, EditErrorKind::Entangled))
        }
    }

    fn document(&self) -> Result<Document, EditError> {
        let mut count = 0;
        for found in self.documents(self.text) {
            match found {
                Ok(document) if document.index() == self.document => return Ok(document),
                Err(fault) if fault.index() == self.document => {
                    return Err(EditError::unreadable(fault));
                }
                Ok(document) => count = document.index(),
                Err(fault) => count = fault.index(),
            }
        }
        Err(EditError::absent(self.origin, self.document, count))
    }

    fn documents<'d>(&self, text: &'d str) -> Documents<&'d [u8]> {
        Documents::new(text.as_bytes(), self.origin)
    }

    fn splice(&self, document: &Document, mut patches: Vec<Patch>) -> String {
        // At one place the deeper lines come first: they belong to what stands before.
        patches.sort_by_key(|patch| {
            (
                patch.range.start,
                patch.range.end,
                std::cmp::Reverse(patch.indent),
            )
        });
        let mut edited = self.text[..document.offset()].to_owned();
        let mut kept = 0;
        for patch in &patches {
            edited.push_str(&document.text()[kept.min(patch.range.start)..patch.range.start]);
            edited.push_str(&patch.text);
            kept = kept.max(patch.range.end);
        }
        edited.push_str(&document.text()[kept..]);
        edited.push_str(&self.text[document.offset() + document.text().len()..]);
        edited
    }

    /// Whether `edited` says what is intended in this document, and in the others what they said.
    fn says(&self, edited: &str, intended: &Value) -> bool {
        let same =
            |before: &Result<Document, ReadError>, after: &Result<Document, ReadError>| match (
                before, after,
            ) {
                (Ok(_), Ok(after)) if after.index() == self.document => after.value() == intended,
                (Ok(before), Ok(after)) => before.value() == after.value(),
                (Err(before), Err(after)) => before.index() == after.index(),
                _ => false,
            };
        let mut before = self.documents(self.text);
        let mut after = self.documents(edited);
        loop {
            match (before.next(), after.next()) {
                (None, None) => return true,
                (Some(before), Some(after)) if same(&before, &after) => {}
                _ => return false,
            }
        }
    }
}

/// Whether one of the paths leads to or through another.
fn meet(changes: &[Change]) -> bool {
    let mut paths: Vec<_> = changes.iter().map(|change| &change.path).collect();
    paths.sort();
    paths
        .windows(2)
        .any(|pair| pair[1].starts_with(pair[0].as_slice()))
}
