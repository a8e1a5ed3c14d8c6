//! What starts with a backslash.

use regex_syntax::hir::Look;

use super::class::Items;
use super::{Cursor, Failure, Fault, Node, Parser};

impl Parser<'_, '_, '_> {
    /// Reads an escape outside of brackets.
    pub(super) fn escape(&mut self) -> Result<(), Failure> {
        let look = match self.cursor.peek_second() {
            Some(b'A') => Look::Start,
            Some(b'b') => Look::WordAscii,
            Some(b'B') => Look::WordAsciiNegate,
            Some(b'z') => Look::End,
            Some(b'C') => {
                let excerpt = self.cursor.rest().get(..2).unwrap_or_default();
                return Err(Fault::Escape.of(excerpt));
            }
            Some(b'Q') => return self.quoted(),
            _ => {
                let mut items = Items::default();
                return if self.named_class(&mut items)? {
                    self.push(Node::class(items.into_class()))
                } else {
                    let number = char_escape(&mut self.cursor)?;
                    self.push_char(number)
                };
            }
        };
        self.cursor.skip(2);
        self.push(Node::look(look))
    }

    /// Reads what stands for itself up to `\E` or the end.
    fn quoted(&mut self) -> Result<(), Failure> {
        self.cursor.skip(2);
        let text = self.cursor.take_until(br"\E").unwrap_or_else(|| {
            let text = self.cursor.rest();
            self.cursor.skip(text.len());
            text
        });
        let mut text = Cursor::new(text);
        while let Some(char) = text.next_char()? {
            self.push_char(char.into())?;
        }
        Ok(())
    }
}

/// Reads an escape that stands for one character, and returns the number of that: it may be a surrogate.
pub(super) fn char_escape(cursor: &mut Cursor<'_>) -> Result<u32, Failure> {
    let start = *cursor;
    cursor.skip(1);
    let number = match cursor.next_char()? {
        None => return Err(Fault::TrailingBackslash.of(b"")),
        Some(char @ '0'..='7') => octal(cursor, char),
        Some('x') => hexadecimal(cursor)?,
        Some('a') => Some(7),
        Some('f') => Some(0xC),
        Some('n') => Some(0xA),
        Some('r') => Some(0xD),
        Some('t') => Some(9),
        Some('v') => Some(0xB),
        Some(char) if char.is_ascii() && !char.is_ascii_alphanumeric() => Some(char.into()),
        Some(_) => None,
    };
    number.ok_or_else(|| Fault::Escape.of(start.until(*cursor)))
}

/// Up to three octal digits, of which `first` is read. A digit other than zero alone would refer to a group.
fn octal(cursor: &mut Cursor<'_>, first: char) -> Option<u32> {
    let mut number = first.to_digit(8)?;
    let mut next = |number: &mut u32| {
        let digit = cursor.peek().and_then(|byte| char::from(byte).to_digit(8));
        if let Some(digit) = digit {
            cursor.skip(1);
            *number = number.saturating_mul(8).saturating_add(digit);
        }
        digit.is_some()
    };
    let has_second = next(&mut number);
    if has_second {
        next(&mut number);
    }
    (has_second || first == '0').then_some(number)
}

/// Two hexadecimal digits, or any number of them in braces.
fn hexadecimal(cursor: &mut Cursor<'_>) -> Result<Option<u32>, Failure> {
    let digit = |char: Option<char>| char.and_then(|char| char.to_digit(16));
    let first = cursor.next_char()?;
    if first.is_none() {
        return Ok(None);
    }
    if first != Some('{') {
        let second = cursor.next_char()?;
        let number = digit(first).zip(digit(second));
        return Ok(number.map(|(high, low)| (high << 4) | low));
    }
    let mut number = None;
    loop {
        let char = cursor.next_char()?;
        if char == Some('}') {
            return Ok(number);
        }
        let Some(digit) = digit(char) else {
            return Ok(None);
        };
        let next = (number.unwrap_or(0) << 4) | digit;
        if next > char::MAX.into() {
            return Ok(None);
        }
        number = Some(next);
    }
}
