//! From a text to items.

mod number;

use super::item::{Fault, Item, ItemKind};
use crate::unicode;
use crate::utf8;

/// Reads items off a template text, one at a time. After an error there is nothing more to read.
#[derive(Debug)]
pub(super) struct Lexer<'t> {
    text_len: usize,
    rest: &'t [u8],
    is_inside_action: bool,
    open_parens: usize,
    break_is_keyword: bool,
    continue_is_keyword: bool,
}

/// The end of an action.
struct RightDelimiter {
    /// Whether it takes away the spaces behind it.
    trims: bool,
}

impl<'t> Lexer<'t> {
    /// `is_function` says which names are functions: `break` and `continue` are keywords only if they are not.
    pub(super) fn new(text: &'t [u8], is_function: impl Fn(&[u8]) -> bool) -> Self {
        Self {
            text_len: text.len(),
            rest: text,
            is_inside_action: false,
            open_parens: 0,
            break_is_keyword: !is_function(b"break"),
            continue_is_keyword: !is_function(b"continue"),
        }
    }

    /// The next item; [`ItemKind::Eof`] again and again at the end.
    pub(super) fn next(&mut self) -> Item<'t> {
        if self.is_inside_action {
            self.inside_action()
        } else {
            self.outside_action()
        }
    }

    fn outside_action(&mut self) -> Item<'t> {
        loop {
            let Some(end) = find(self.rest, *b"{{") else {
                let kind = if self.rest.is_empty() {
                    ItemKind::Eof
                } else {
                    ItemKind::Text
                };
                return self.item(kind, self.rest.len());
            };
            let offset = self.offset();
            let before = self.take(end);
            // The marker is only one if a space follows, so that `{{-3}}` is a number.
            let trims = matches!(self.rest, [_, _, b'-', space, ..] if is_space(*space));
            let text = if trims { trim_end(before) } else { before };
            if !text.is_empty() {
                return Item {
                    kind: ItemKind::Text,
                    offset,
                    text,
                };
            }
            let delimiter = self.item(ItemKind::LeftDelimiter, 2);
            if trims {
                self.take(2);
            }
            if !self.rest.starts_with(b"/*") {
                self.is_inside_action = true;
                self.open_parens = 0;
                return delimiter;
            }
            if let Err(fault) = self.comment() {
                return self.fault(fault, 0);
            }
        }
    }

    /// Skips a comment and the end of its action.
    fn comment(&mut self) -> Result<(), Fault> {
        let (_, comment) = self.rest.split_at_checked(2).unwrap_or_default();
        let len = find(comment, *b"*/").ok_or(Fault::UnclosedComment)?;
        let behind = comment.get(len.saturating_add(2)..).unwrap_or_default();
        let delimiter = right_delimiter(behind).ok_or(Fault::CommentBeforeText)?;
        self.rest = behind;
        self.close(&delimiter);
        Ok(())
    }

    /// Reads the end of an action.
    fn close(&mut self, delimiter: &RightDelimiter) -> Item<'t> {
        if delimiter.trims {
            self.take(2);
        }
        let item = self.item(ItemKind::RightDelimiter, 2);
        if delimiter.trims {
            self.rest = trim_start(self.rest);
        }
        self.is_inside_action = false;
        item
    }

    fn inside_action(&mut self) -> Item<'t> {
        if let Some(delimiter) = right_delimiter(self.rest) {
            return match self.open_parens {
                0 => self.close(&delimiter),
                _ => self.fault(Fault::UnclosedParen, 0),
            };
        }
        match self.rest {
            [space, ..] if is_space(*space) => self.space(),
            [b'=', ..] => self.item(ItemKind::Assign, 1),
            [b':', b'=', ..] => self.item(ItemKind::Declare, 2),
            [b':', ..] => self.fault(Fault::LoneColon, 0),
            [b'|', ..] => self.item(ItemKind::Pipe, 1),
            [b'"', ..] => self.quoted(b'"', ItemKind::String, Fault::UnterminatedString),
            [b'\'', ..] => self.quoted(b'\'', ItemKind::CharConstant, Fault::UnterminatedChar),
            [b'`', ..] => self.raw_string(),
            [b'$', ..] => self.name(ItemKind::Variable, ItemKind::Variable),
            [b'.', next, ..] if !next.is_ascii_digit() => self.name(ItemKind::Dot, ItemKind::Field),
            [b'.' | b'+' | b'-' | b'0'..=b'9', ..] => match number::scan(self.rest) {
                Ok((kind, len)) => self.item(kind, len),
                Err(len) => self.fault(Fault::BadNumber, len),
            },
            [b'(', ..] => {
                self.open_parens = self.open_parens.saturating_add(1);
                self.item(ItemKind::LeftParen, 1)
            }
            [b')', ..] => match self.open_parens.checked_sub(1) {
                Some(open) => {
                    self.open_parens = open;
                    self.item(ItemKind::RightParen, 1)
                }
                None => self.fault(Fault::UnexpectedParen, 0),
            },
            _ => self.word_or_char(),
        }
    }

    fn space(&mut self) -> Item<'t> {
        let len = self.rest.len().saturating_sub(trim_start(self.rest).len());
        // The last space may belong to a delimiter.
        let last = len.saturating_sub(1);
        let len = match self.rest.get(last..).and_then(right_delimiter) {
            Some(_) => last,
            None => len,
        };
        self.item(ItemKind::Space, len)
    }

    fn quoted(&mut self, quote: u8, kind: ItemKind, fault: Fault) -> Item<'t> {
        let mut bytes = (1..).zip(self.rest).skip(1);
        while let Some((len, byte)) = bytes.next() {
            match byte {
                b'\\' => match bytes.next() {
                    None | Some((_, b'\n')) => break,
                    Some(_) => {}
                },
                b'\n' => break,
                byte if *byte == quote => return self.item(kind, len),
                _ => {}
            }
        }
        self.fault(fault, 0)
    }

    fn raw_string(&mut self) -> Item<'t> {
        let end = (1..)
            .zip(self.rest)
            .skip(1)
            .find(|(_, byte)| **byte == b'`');
        match end {
            Some((len, _)) => self.item(ItemKind::RawString, len),
            None => self.fault(Fault::UnterminatedRawString, 0),
        }
    }

    /// A dot or dollar sign with or without a name.
    fn name(&mut self, without: ItemKind, with: ItemKind) -> Item<'t> {
        let behind = self.rest.get(1..).unwrap_or_default();
        if ends_name(behind) {
            return self.item(without, 1);
        }
        let len = word_len(behind);
        self.named(with, len.saturating_add(1))
    }

    /// An item that must not run into whatever follows it.
    fn named(&mut self, kind: ItemKind, len: usize) -> Item<'t> {
        let behind = self.rest.get(len..).unwrap_or_default();
        match utf8::decode(behind) {
            Some((char, _)) if !ends_name(behind) => self.fault(Fault::BadCharacter(char), 0),
            _ => self.item(kind, len),
        }
    }

    fn word_or_char(&mut self) -> Item<'t> {
        let len = word_len(self.rest);
        if len > 0 {
            let word = self.rest.get(..len).unwrap_or_default();
            let kind = match ItemKind::of_word(word) {
                ItemKind::Break if !self.break_is_keyword => ItemKind::Identifier,
                ItemKind::Continue if !self.continue_is_keyword => ItemKind::Identifier,
                kind => kind,
            };
            return self.named(kind, len);
        }
        match utf8::decode(self.rest) {
            Some((char, len)) if char.is_ascii_graphic() => self.item(ItemKind::Char, len),
            Some((char, _)) => self.fault(Fault::Unrecognized(char), 0),
            None => self.fault(Fault::UnclosedAction, 0),
        }
    }

    fn offset(&self) -> usize {
        self.text_len.saturating_sub(self.rest.len())
    }

    fn take(&mut self, len: usize) -> &'t [u8] {
        let (taken, rest) = self.rest.split_at_checked(len).unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }

    fn item(&mut self, kind: ItemKind, len: usize) -> Item<'t> {
        Item {
            kind,
            offset: self.offset(),
            text: self.take(len),
        }
    }

    fn fault(&mut self, fault: Fault, len: usize) -> Item<'t> {
        let item = self.item(ItemKind::Error(fault), len);
        self.rest = &[];
        item
    }
}

fn right_delimiter(rest: &[u8]) -> Option<RightDelimiter> {
    match rest {
        [b'}', b'}', ..] => Some(RightDelimiter { trims: false }),
        [space, b'-', b'}', b'}', ..] if is_space(*space) => Some(RightDelimiter { trims: true }),
        _ => None,
    }
}

fn find(text: &[u8], pair: [u8; 2]) -> Option<usize> {
    text.array_windows().position(|window| *window == pair)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn trim_start(text: &[u8]) -> &[u8] {
    let len = text.iter().take_while(|byte| is_space(**byte)).count();
    text.get(len..).unwrap_or_default()
}

fn trim_end(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| !is_space(*byte));
    end.and_then(|end| text.get(..=end)).unwrap_or_default()
}

/// Whether a name may end before `rest`.
fn ends_name(rest: &[u8]) -> bool {
    matches!(
        rest,
        [] | [b'.' | b',' | b'|' | b':' | b')' | b'(', ..] | [b'}', b'}', ..]
    ) || rest.first().is_some_and(|byte| is_space(*byte))
}

/// How many bytes at the start of `text` are letters, digits and underscores.
fn word_len(text: &[u8]) -> usize {
    let mut rest = text;
    loop {
        rest = match rest {
            [byte, tail @ ..] if byte.is_ascii_alphanumeric() || *byte == b'_' => tail,
            [_, ..] => match utf8::decode(rest) {
                Some((char, len)) if is_word_char(char) => rest.get(len..).unwrap_or_default(),
                _ => break,
            },
            _ => break,
        }
    }
    text.len().saturating_sub(rest.len())
}

fn is_word_char(char: char) -> bool {
    char == '_' || unicode::is_letter(char) || unicode::is_digit(char)
}
