//! The items that a template text consists of.

use crate::strconv;
use crate::{unicode, utf8};

/// One item of a template text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'t> {
    pub(super) kind: ItemKind,
    /// Where it starts in the text, in bytes.
    pub(super) offset: usize,
    /// As it was written.
    pub(super) text: &'t [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ItemKind {
    /// `=`
    Assign,
    /// `true`, `false`
    Bool,
    /// A printable ASCII character that is nothing else.
    Char,
    /// `'x'`, perhaps not well formed.
    CharConstant,
    /// `1+2i`
    Complex,
    /// `:=`
    Declare,
    Eof,
    /// Lexing ends here.
    Error(Fault),
    /// `.name`
    Field,
    /// A name that is no keyword.
    Identifier,
    /// `{{`
    LeftDelimiter,
    LeftParen,
    /// Perhaps not well formed.
    Number,
    Pipe,
    RawString,
    /// `}}`
    RightDelimiter,
    RightParen,
    /// Spaces between arguments.
    Space,
    /// `"x"`, perhaps not well formed.
    String,
    /// What stands between actions.
    Text,
    /// `$` or `$name`
    Variable,

    Block,
    Break,
    Continue,
    Define,
    Dot,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

/// What cannot be an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Behind a name.
    BadCharacter(char),
    BadNumber,
    CommentBeforeText,
    LoneColon,
    UnclosedAction,
    UnclosedComment,
    UnclosedParen,
    UnexpectedParen,
    Unrecognized(char),
    UnterminatedChar,
    UnterminatedRawString,
    UnterminatedString,
}

impl ItemKind {
    /// What a word is: a keyword, a truth value or a name.
    pub(super) fn of_word(word: &[u8]) -> Self {
        match word {
            b"block" => Self::Block,
            b"break" => Self::Break,
            b"continue" => Self::Continue,
            b"define" => Self::Define,
            b"else" => Self::Else,
            b"end" => Self::End,
            b"false" | b"true" => Self::Bool,
            b"if" => Self::If,
            b"nil" => Self::Nil,
            b"range" => Self::Range,
            b"template" => Self::Template,
            b"with" => Self::With,
            _ => Self::Identifier,
        }
    }

    fn is_keyword(self) -> bool {
        matches!(
            self,
            Self::Block
                | Self::Break
                | Self::Continue
                | Self::Define
                | Self::Dot
                | Self::Else
                | Self::End
                | Self::If
                | Self::Nil
                | Self::Range
                | Self::Template
                | Self::With
        )
    }
}

impl Item<'_> {
    /// How messages show the item: long ones cut off.
    pub(super) fn describe(&self) -> Vec<u8> {
        const SHOWN: usize = 10;
        match self.kind {
            ItemKind::Eof => b"EOF".to_vec(),
            ItemKind::Error(fault) => fault.describe(self.text),
            kind if kind.is_keyword() => [b"<", self.text, b">"].concat(),
            _ if self.text.len() > SHOWN => {
                let shown = utf8::runes(self.text).take(SHOWN);
                let shown: Vec<_> = shown.flat_map(|(_, bytes)| bytes).copied().collect();
                [&strconv::quote(&shown), &b"..."[..]].concat()
            }
            _ => strconv::quote(self.text).into_vec(),
        }
    }
}

impl Fault {
    fn describe(self, text: &[u8]) -> Vec<u8> {
        let message = match self {
            Self::BadCharacter(char) => return [b"bad character ", &*code_point(char)].concat(),
            Self::BadNumber => {
                return [&b"bad number syntax: "[..], &strconv::quote(text)].concat();
            }
            Self::Unrecognized(char) => {
                return [b"unrecognized character in action: ", &*code_point(char)].concat();
            }
            Self::CommentBeforeText => "comment ends before closing delimiter",
            Self::LoneColon => "expected :=",
            Self::UnclosedAction => "unclosed action",
            Self::UnclosedComment => "unclosed comment",
            Self::UnclosedParen => "unclosed left paren",
            Self::UnexpectedParen => "unexpected right paren",
            Self::UnterminatedChar => "unterminated character constant",
            Self::UnterminatedRawString => "unterminated raw quoted string",
            Self::UnterminatedString => "unterminated quoted string",
        };
        message.into()
    }
}

/// A character as Go's `%#U` prints it.
fn code_point(char: char) -> Vec<u8> {
    let code = u32::from(char);
    if unicode::is_print(char) {
        format!("U+{code:04X} '{char}'").into_bytes()
    } else {
        format!("U+{code:04X}").into_bytes()
    }
}
