//! What goes wrong, in two forms: one that may be published, and Go's own text, which may quote secrets.

use std::borrow::Cow;
use std::fmt;

use crate::limits::Limit;
use crate::str::Str;

/// Why a function call failed. The text is Go's, and may quote arguments.
#[derive(Clone, PartialEq, Eq)]
pub struct CallError {
    limit: Option<Limit>,
    text: Str,
}

impl CallError {
    /// The error a Go function would return, or the text of the panic it would end with.
    ///
    /// So much of it is kept as a person would read: functions quote their arguments, and a thousand
    /// templates that fail with a text of a megabyte would otherwise keep a gigabyte.
    pub fn new(text: impl Into<Str>) -> Self {
        const MOST: usize = 16 << 10;
        let text = text.into();
        Self {
            limit: None,
            text: match text.get(..MOST) {
                Some(beginning) => beginning.into(),
                None => text,
            },
        }
    }

    /// A bound was passed.
    pub fn limit(limit: Limit) -> Self {
        Self {
            limit: Some(limit),
            text: limit.to_string().into(),
        }
    }

    /// The same error with `prefix` before its text; a bound that was passed stays what it is.
    #[must_use]
    pub fn prefixed(self, prefix: impl AsRef<[u8]>) -> Self {
        match self.limit {
            Some(_) => self,
            None => Self::new([prefix.as_ref(), &self.text].concat()),
        }
    }

    /// Go's text.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Go's text, invalid UTF-8 replaced by U+FFFD.
    pub fn to_text(&self) -> Cow<'_, str> {
        self.text.to_text()
    }

    /// The reason that a template stopped for at this error.
    pub(crate) fn reason(&self) -> Reason {
        self.limit.map_or(Reason::FunctionFailed, Reason::Limit)
    }

    /// The bound that was passed, if that is what went wrong.
    pub fn passed_limit(&self) -> Option<Limit> {
        self.limit
    }
}

impl fmt::Debug for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallError({} bytes)", self.text.len())
    }
}

/// Why a text is no template.
///
/// Nothing of it depends on the data, unless templates were rendered with the same budget before, so all of it may
/// be published to whoever may see the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    pub(crate) limit: Option<Limit>,
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) message: Vec<u8>,
}

impl ParseError {
    /// The line, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The bound that was passed, if that is what went wrong: there may be nothing wrong with the text.
    pub fn passed_limit(&self) -> Option<Limit> {
        self.limit
    }

    /// What is wrong there, in Go's words.
    pub fn message(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.message)
    }
}

/// Go's text: `template: NAME:LINE: MESSAGE`.
impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "template: {}:{}: {}",
            self.name,
            self.line,
            self.message()
        )
    }
}

impl std::error::Error for ParseError {}

/// Why a template stopped while it ran. `Display` and `Debug` hold nothing but the [`Reason`]; see
/// [`private`](Self::private) for the rest.
#[derive(Clone, PartialEq, Eq)]
pub struct ExecError {
    pub(crate) reason: Reason,
    pub(crate) is_deterministic: bool,
    pub(crate) private: PrivateError,
}

/// Go's account of what went wrong. It quotes decrypted values: only for somebody who holds the keys.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateError {
    pub(crate) text: Str,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// What kind of fault it was. The words are fixed: they hold no value and no position, which would tell
/// which way a template went that branches on a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// A function or method was given too few or too many arguments.
    ArgumentCount,
    /// A function or method was given an argument of another type than it takes.
    ArgumentType,
    /// A function returned an error.
    FunctionFailed,
    /// A bound was passed.
    Limit(Limit),
    /// A field or method was asked of a value that has none of that name.
    NoSuchField,
    /// A template was called that is not defined.
    NoSuchTemplate,
    /// A value was called, assigned, ranged over or printed that cannot be.
    Unusable,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 12] = [
        Self::ArgumentCount,
        Self::ArgumentType,
        Self::FunctionFailed,
        Self::Limit(Limit::Memory),
        Self::Limit(Limit::Output),
        Self::Limit(Limit::Recursion),
        Self::Limit(Limit::Steps),
        Self::Limit(Limit::Time),
        Self::Limit(Limit::ValueDepth),
        Self::NoSuchField,
        Self::NoSuchTemplate,
        Self::Unusable,
    ];

    /// A stable word for it, such as `function-failed`.
    pub fn code(self) -> &'static str {
        match self {
            Self::ArgumentCount => "argument-count",
            Self::ArgumentType => "argument-type",
            Self::FunctionFailed => "function-failed",
            Self::Limit(limit) => limit.code(),
            Self::NoSuchField => "no-such-field",
            Self::NoSuchTemplate => "no-such-template",
            Self::Unusable => "unusable-value",
        }
    }
}

/// The [code](Self::code).
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl ExecError {
    /// What kind of fault it was.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Whether clock and randomness had no part in it: false if they were used before it happened.
    pub fn is_deterministic(&self) -> bool {
        self.is_deterministic
    }

    /// The whole account. It quotes decrypted values.
    pub fn private(&self) -> &PrivateError {
        &self.private
    }
}

/// The code of the reason.
impl fmt::Display for ExecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl fmt::Debug for ExecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExecError({:?})", self.reason)
    }
}

impl std::error::Error for ExecError {}

impl PrivateError {
    /// Go's text: `template: NAME:LINE:COLUMN: executing "NAME" at <NODE>: MESSAGE`.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The line of the node that was being evaluated, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Its column in bytes, from 0 as in Go's text.
    pub fn column(&self) -> usize {
        self.column
    }
}
