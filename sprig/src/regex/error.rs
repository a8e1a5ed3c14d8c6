//! Why a pattern cannot be used.

use sealed_template::CallError;

/// What is wrong with a pattern, or that it costs too much.
#[derive(Debug)]
pub(super) enum Failure {
    Limit(CallError),
    Syntax(SyntaxError),
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::Limit(error)
    }
}

/// A fault, and the part of the pattern that Go shows for it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    fault: Fault,
    excerpt: Vec<u8>,
}

impl SyntaxError {
    /// Go's text.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let fault = self.fault.text().as_bytes();
        [
            b"error parsing regexp: ",
            fault,
            b": `",
            &self.excerpt,
            b"`",
        ]
        .concat()
    }
}

/// The ways in which a pattern can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    CharRange,
    Escape,
    Large,
    MissingBracket,
    MissingParen,
    MissingRepeatArgument,
    NamedCapture,
    NestingDepth,
    PerlOp,
    RepeatOp,
    RepeatSize,
    TrailingBackslash,
    UnexpectedParen,
    Utf8,
}

impl Fault {
    /// The fault in `excerpt`.
    pub(super) fn of(self, excerpt: &[u8]) -> Failure {
        Failure::Syntax(SyntaxError {
            fault: self,
            excerpt: excerpt.to_vec(),
        })
    }

    fn text(self) -> &'static str {
        match self {
            Self::CharRange => "invalid character class range",
            Self::Escape => "invalid escape sequence",
            Self::Large => "expression too large",
            Self::MissingBracket => "missing closing ]",
            Self::MissingParen => "missing closing )",
            Self::MissingRepeatArgument => "missing argument to repetition operator",
            Self::NamedCapture => "invalid named capture",
            Self::NestingDepth => "expression nests too deeply",
            Self::PerlOp => "invalid or unsupported Perl syntax",
            Self::RepeatOp => "invalid nested repetition operator",
            Self::RepeatSize => "invalid repeat count",
            Self::TrailingBackslash => "trailing backslash at end of expression",
            Self::UnexpectedParen => "unexpected )",
            Self::Utf8 => "invalid UTF-8",
        }
    }
}
