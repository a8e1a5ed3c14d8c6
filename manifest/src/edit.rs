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
mod rewrite;
mod source;

use serde_json::{Map, Value};

pub use error::{EditError, EditErrorKind};
use rewrite::Rewrite;

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
    /// Document number `document` (from 1, as [`Document::index`](crate::Document::index) counts) of `text`; `origin` names the text in
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
    /// As [`apply`].
    pub fn apply(&self, changes: &[Change]) -> Result<String, EditError> {
        let changes = changes.iter().map(|change| (self.document, change));
        Rewrite::new(self.text, self.origin).apply(&changes.collect::<Vec<_>>())
    }
}

/// A text after changes in several of its documents; those of one document are made in their order. `origin`
/// names the text in errors.
///
/// # Errors
///
/// If a document cannot be read, a path leads nowhere, or the text is written in a way that a change cannot be
/// made without touching something else (a value that an alias repeats elsewhere, say).
pub fn apply(text: &str, origin: &str, changes: &[(usize, Change)]) -> Result<String, EditError> {
    let changes = changes.iter().map(|(document, change)| (*document, change));
    Rewrite::new(text, origin).apply(&changes.collect::<Vec<_>>())
}
