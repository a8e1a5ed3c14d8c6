//! Why a stream could not be read: origin, document, line, reason.

use std::fmt;
use std::io;
use std::sync::Arc;

use thiserror::Error;

/// A document that cannot be read.
///
/// `Display` is `ORIGIN: document N, line L: why`. Neither it nor `Debug` ever shows text of the document
/// longer than one character, because the text may be a secret.
#[derive(Debug, Error)]
pub struct ReadError {
    origin: Arc<str>,
    index: usize,
    line: usize,
    column: usize,
    kind: ReadErrorKind,
}

impl ReadError {
    pub(crate) fn new(
        origin: &Arc<str>,
        index: usize,
        (line, column): (usize, usize),
        kind: ReadErrorKind,
    ) -> Self {
        Self {
            origin: Arc::clone(origin),
            index,
            line,
            column,
            kind,
        }
    }

    /// Where the stream came from, as given to [`Documents::new`](crate::Documents::new).
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The number of the document in the stream, from 1, empty documents not counted.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The line of the stream, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in that line, from 1, in characters.
    pub fn column(&self) -> usize {
        self.column
    }

    /// What is wrong.
    pub fn kind(&self) -> &ReadErrorKind {
        &self.kind
    }

    /// What is wrong, without the place.
    pub fn into_kind(self) -> ReadErrorKind {
        self.kind
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The cause is told here too, because this one line is the whole message for a person.
        write!(
            f,
            "{}: document {}, line {}: {}",
            self.origin, self.index, self.line, self.kind
        )
    }
}

/// What is wrong with a document.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadErrorKind {
    /// Aliases expand to more than [`Limits::alias_bytes`](crate::Limits).
    #[error("aliases expand to more than {limit} bytes")]
    AliasLimit {
        /// The limit.
        limit: usize,
    },
    /// An alias stands inside the value it names.
    #[error("an anchored value contains itself")]
    AliasLoop,
    /// A `!!binary` value is not base64, or not text once decoded.
    #[error("a !!binary value is not base64 of UTF-8 text")]
    Binary,
    /// A character YAML does not allow, such as NUL. UTF-16 without a byte order mark shows up here.
    #[error("the control character U+{:04X} is not allowed", u32::from(*.character))]
    ControlCharacter {
        /// The character.
        character: char,
    },
    /// The stream cannot be read any further.
    #[error("cannot read: {0}")]
    Io(io::Error),
    /// Not JSON, though it looks like it.
    #[error("not valid JSON: {message}")]
    Json {
        /// What the JSON parser says.
        message: String,
    },
    /// A mapping key that is null, a list, a mapping or a number above 2⁶³: it cannot become a JSON name.
    #[error("a mapping key is {found}, which cannot be a JSON name")]
    Key {
        /// What it is.
        found: &'static str,
    },
    /// A merge key (`<<`) whose value is not a mapping or a list of mappings.
    #[error("a merge key (<<) needs a mapping or a list of mappings")]
    Merge,
    /// Lists and mappings are nested too deeply.
    #[error("nested more than {limit} levels deep")]
    Nesting {
        /// The limit.
        limit: usize,
    },
    /// More lists, mappings, keys and values than [`Limits::nodes`](crate::Limits).
    #[error("more than {limit} nodes (lists, mappings, keys and values)")]
    NodeLimit {
        /// The limit.
        limit: usize,
    },
    /// `.inf` or `.nan` without quotes, which JSON cannot hold.
    #[error("an infinite or undefined number has no JSON form; quote it if text is meant")]
    NonFinite,
    /// Two documents without a `---` line between them that this reader recognises.
    #[error("a second document begins inside this one")]
    SecondDocument,
    /// A value that does not fit its tag, such as `!!int x`.
    #[error("a value does not fit its tag {tag}")]
    Tag {
        /// The tag.
        tag: &'static str,
    },
    /// Longer than [`Limits::document_bytes`](crate::Limits).
    #[error("longer than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// Something else than white space, a comment, a separator or another object after a JSON object.
    #[error("unexpected text after a JSON object; separate documents with a line ---")]
    TrailingText,
    /// A byte that is not part of UTF-8 text.
    #[error("byte 0x{byte:02X} is not UTF-8 text")]
    Utf8 {
        /// The byte.
        byte: u8,
    },
    /// The stream begins with a UTF-16 byte order mark and is not UTF-16.
    #[error("not valid UTF-16 text: an unpaired surrogate or an odd number of bytes")]
    Utf16,
    /// Not YAML.
    #[error("not valid YAML: {message}")]
    Yaml {
        /// What the YAML parser says.
        message: String,
    },
}
