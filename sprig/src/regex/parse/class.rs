//! Classes of characters: `[…]`, `\d`, `[:alpha:]`, `\pL`.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::escape::char_escape;
use super::{Cursor, Failure, Fault, Node, Parser, unicode};

/// What a class is made of.
#[derive(Debug, Default)]
pub(super) struct Items(Vec<ClassUnicodeRange>);

impl Items {
    fn add(&mut self, class: &ClassUnicode) {
        self.0.extend_from_slice(class.ranges());
    }

    pub(super) fn into_class(self) -> ClassUnicode {
        ClassUnicode::new(self.0)
    }
}

impl Parser<'_, '_, '_> {
    /// Reads a class in brackets.
    pub(super) fn class(&mut self) -> Result<(), Failure> {
        let start = self.cursor;
        self.cursor.skip(1);
        let is_negated = self.cursor.eat(b"^");
        let mut items = Items::default();
        let mut is_first = true;
        // A bracket that comes first stands for itself.
        while is_first || !self.cursor.eat(b"]") {
            is_first = false;
            if !self.posix_class(&mut items)? && !self.named_class(&mut items)? {
                self.range(start, &mut items)?;
            }
        }
        let mut class = items.into_class();
        if is_negated {
            class.negate();
        }
        self.push(Node::class(class))
    }

    /// Reads a character, or a range of them.
    fn range(&mut self, class: Cursor<'_>, items: &mut Items) -> Result<(), Failure> {
        let start = self.cursor;
        let low = self.class_char(class)?;
        let mut high = low;
        // A hyphen that comes last stands for itself.
        let is_range = matches!(self.cursor.rest(), [b'-', end, ..] if *end != b']');
        if is_range {
            self.cursor.skip(1);
            high = self.class_char(class)?;
            if high < low {
                return Err(Fault::CharRange.of(start.until(self.cursor)));
            }
        }
        if let Some(range) = unicode::range(low, high) {
            self.add(items, ClassUnicode::new([range]), false)?;
        }
        Ok(())
    }

    /// Reads one character of a class.
    fn class_char(&mut self, class: Cursor<'_>) -> Result<u32, Failure> {
        if self.cursor.peek() == Some(b'\\') {
            return char_escape(&mut self.cursor);
        }
        let char = self.cursor.next_char()?;
        let char = char.ok_or_else(|| Fault::MissingBracket.of(class.rest()))?;
        Ok(char.into())
    }

    /// Reads `[:alpha:]`. Whether that is what is there.
    fn posix_class(&mut self, items: &mut Items) -> Result<bool, Failure> {
        let start = self.cursor;
        let mut cursor = self.cursor;
        if !self.has_posix_end || !cursor.eat(b"[:") {
            return Ok(false);
        }
        let Some(name) = cursor.take_until(b":]") else {
            self.has_posix_end = false;
            return Ok(false);
        };
        self.cursor = cursor;
        let (name, is_negated) = match name.strip_prefix(b"^") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let Some(ranges) = posix_ranges(name) else {
            return Err(Fault::CharRange.of(start.until(cursor)));
        };
        self.add(items, ascii(ranges), is_negated)?;
        Ok(true)
    }

    /// Reads `\d`, `\s`, `\w`, `\pL` or `\p{Greek}`, or what negates one. Whether that is what is there.
    pub(super) fn named_class(&mut self, items: &mut Items) -> Result<bool, Failure> {
        let (Some(b'\\'), Some(letter)) = (self.cursor.peek(), self.cursor.peek_second()) else {
            return Ok(false);
        };
        let ranges: &[(u8, u8)] = match letter.to_ascii_lowercase() {
            b'd' => DIGIT,
            b's' => &[(b'\t', b'\n'), (0xC, b'\r'), (b' ', b' ')],
            b'w' => WORD,
            b'p' => {
                self.property(items)?;
                return Ok(true);
            }
            _ => return Ok(false),
        };
        self.cursor.skip(2);
        self.add(items, ascii(ranges), letter.is_ascii_uppercase())?;
        Ok(true)
    }

    /// Reads `\pL` or `\p{Greek}`, or what negates one.
    fn property(&mut self, items: &mut Items) -> Result<(), Failure> {
        let start = self.cursor;
        let mut is_negated = self.cursor.peek_second() == Some(b'P');
        self.cursor.skip(2);
        let name = if self.cursor.eat(b"{") {
            let Some(name) = self.cursor.take_until(b"}") else {
                start.check_utf8()?;
                return Err(Fault::CharRange.of(start.rest()));
            };
            Cursor::new(name).check_utf8()?;
            name
        } else {
            let name = self.cursor;
            self.cursor.next_char()?;
            name.until(self.cursor)
        };
        let name = match name.strip_prefix(b"^") {
            Some(name) => {
                is_negated = !is_negated;
                name
            }
            None => name,
        };
        let Some(property) = unicode::property(name) else {
            return Err(Fault::CharRange.of(start.until(self.cursor)));
        };
        if property.folds {
            self.add(items, property.class, is_negated)
        } else {
            self.add_folded(items, property.class, is_negated)
        }
    }

    /// Adds a class: with all that differs only in case if that is to be ignored, and then what is not in it
    /// if it is negated.
    fn add(
        &mut self,
        items: &mut Items,
        mut class: ClassUnicode,
        is_negated: bool,
    ) -> Result<(), Failure> {
        if self.flags.fold_case {
            self.context.spend(unicode::fold_steps(&class))?;
            unicode::fold(&mut class);
        }
        self.add_folded(items, class, is_negated)
    }

    fn add_folded(
        &mut self,
        items: &mut Items,
        mut class: ClassUnicode,
        is_negated: bool,
    ) -> Result<(), Failure> {
        if is_negated {
            class.negate();
        }
        let ranges = class.ranges().len();
        self.context
            .charge(ranges.saturating_mul(size_of::<ClassUnicodeRange>()))?;
        self.context
            .spend(u64::try_from(ranges).unwrap_or(u64::MAX))?;
        items.add(&class);
        Ok(())
    }
}

const DIGIT: &[(u8, u8)] = &[(b'0', b'9')];
const WORD: &[(u8, u8)] = &[(b'0', b'9'), (b'A', b'Z'), (b'_', b'_'), (b'a', b'z')];

fn ascii(ranges: &[(u8, u8)]) -> ClassUnicode {
    let ranges = ranges.iter();
    ClassUnicode::new(ranges.map(|&(low, high)| ClassUnicodeRange::new(low.into(), high.into())))
}

fn posix_ranges(name: &[u8]) -> Option<&'static [(u8, u8)]> {
    Some(match name {
        b"alnum" => &[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')],
        b"alpha" => &[(b'A', b'Z'), (b'a', b'z')],
        b"ascii" => &[(0, 0x7F)],
        b"blank" => &[(b'\t', b'\t'), (b' ', b' ')],
        b"cntrl" => &[(0, 0x1F), (0x7F, 0x7F)],
        b"digit" => DIGIT,
        b"graph" => &[(b'!', b'~')],
        b"lower" => &[(b'a', b'z')],
        b"print" => &[(b' ', b'~')],
        b"punct" => &[(b'!', b'/'), (b':', b'@'), (b'[', b'`'), (b'{', b'~')],
        b"space" => &[(b'\t', b'\r'), (b' ', b' ')],
        b"upper" => &[(b'A', b'Z')],
        b"word" => WORD,
        b"xdigit" => &[(b'0', b'9'), (b'A', b'F'), (b'a', b'f')],
        _ => return None,
    })
}
