//! Why a text could not be changed.

use std::fmt;

use thiserror::Error;

use crate::document::Document;
use crate::error::{ReadError, ReadErrorKind};

/// A change that cannot be made. The text is left alone.
///
/// `Display` is `ORIGIN: document N, line L: cannot edit PATH: why`; values are never shown.
#[derive(Debug, Error)]
pub struct EditError {
    origin: String,
    document: usize,
    line: usize,
    path: String,
    kind: EditErrorKind,
}

impl EditError {
    pub(super) fn new(
        document: &Document,
        path: &[String],
        at: usize,
        kind: EditErrorKind,
    ) -> Self {
        let before = &document.text()[..at.min(document.text().len())];
        let lines = before.matches('\n').count();
        Self {
            origin: document.origin().to_owned(),
            document: document.index(),
            line: if at == 0 {
                document.line()
            } else {
                document.first_line() + lines
            },
            path: path.join("."),
            kind,
        }
    }

    pub(super) fn unreadable(fault: ReadError) -> Self {
        Self {
            origin: fault.origin().to_owned(),
            document: fault.index(),
            line: fault.line(),
            path: String::new(),
            kind: EditErrorKind::Unparsable(fault.into_kind()),
        }
    }

    pub(super) fn absent(origin: &str, document: usize, count: usize) -> Self {
        Self {
            origin: origin.to_owned(),
            document,
            line: 1,
            path: String::new(),
            kind: EditErrorKind::NoDocument { count },
        }
    }

    /// What is wrong.
    pub fn kind(&self) -> &EditErrorKind {
        &self.kind
    }

    /// The text, as named by the caller.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The number of the document, from 1.
    pub fn document(&self) -> usize {
        self.document
    }

    /// The line at which the change failed, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The path that was to be changed, its steps joined by points; empty if the document is the problem.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            origin,
            document,
            line,
            path,
            kind,
        } = self;
        write!(
            f,
            "{origin}: document {document}, line {line}: cannot edit "
        )?;
        if path.is_empty() {
            write!(f, "it: {kind}")
        } else {
            write!(f, "`{path}`: {kind}")
        }
    }
}

/// What stands in the way of a change.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EditErrorKind {
    /// There is nothing at the path.
    #[error("there is no such entry")]
    Absent,
    /// The change would have changed something else too: an anchor that is used elsewhere, a merged mapping.
    #[error(
        "it is written in a way that ties it to something else (an anchor, a merge key); change it by hand"
    )]
    Entangled,
    /// The text has fewer documents.
    #[error("there are only {count} documents")]
    NoDocument {
        /// How many there are.
        count: usize,
    },
    /// The path leads through something that is not a mapping.
    #[error("`{step}` is not a mapping")]
    NotAMapping {
        /// The step of the path.
        step: String,
    },
    /// There is an entry already.
    #[error("there is such an entry already")]
    Present,
    /// The path leads through an alias, so other places would change too.
    #[error("`{step}` is an alias of a value that stands elsewhere")]
    Shared {
        /// The step of the path.
        step: String,
    },
    /// The document cannot be read.
    #[error("{0}")]
    Unparsable(ReadErrorKind),
    /// The entry is written with `?` or in another way that this editor does not handle.
    #[error("it is written in a way that cannot be edited (with `?`, say); change it by hand")]
    Unsupported,
}
