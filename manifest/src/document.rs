//! One document of a stream.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JSON object.
    Json,
    /// Anything else: block style, flow style, JSON with comments.
    Yaml,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "JSON",
            Self::Yaml => "YAML",
        })
    }
}

/// One document of a stream: its value, and where it came from.
///
/// Numbers keep the kind that Go gives them: whole numbers are integers (`0x10`, `1_000`, `0777`), numbers
/// with a fraction, an exponent or too many digits are floats (`1.0`, `1e3`), so that a caller can tell which
/// text Go would make of each.
///
/// `Debug` leaves out value and text, which may be secret.
#[derive(Clone)]
pub struct Document {
    pub(crate) value: Value,
    pub(crate) format: Format,
    pub(crate) index: usize,
    pub(crate) first_line: usize,
    pub(crate) line: usize,
    pub(crate) offset: usize,
    pub(crate) origin: Arc<str>,
    pub(crate) text: String,
}

impl Document {
    /// What the document says. Never null: documents that say nothing are skipped.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// What the document says, without a copy.
    pub fn into_value(self) -> Value {
        self.value
    }

    /// Whether it was read as JSON or as YAML.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Its number in the stream, from 1, empty documents not counted.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The line of the stream on which its content begins, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The line on which [`Document::text`] begins, from 1.
    pub(crate) fn first_line(&self) -> usize {
        self.first_line
    }

    /// Where it came from, as given to [`Documents::new`](crate::Documents::new).
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Its text with comments, directives and document marks, as it stands in the stream (in UTF-8, whatever
    /// the stream was encoded in).
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where [`Document::text`] begins in the stream, in bytes of UTF-8, a byte order mark included.
    pub fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("origin", &self.origin)
            .field("index", &self.index)
            .field("line", &self.line)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
