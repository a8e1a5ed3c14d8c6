//! Strings, and padding, which is counted in characters.

use super::printer::Printer;
use crate::error::CallError;
use crate::strconv;
use crate::utf8;

impl Printer<'_, '_> {
    /// A string with one of its verbs.
    pub(super) fn string(&mut self, text: &[u8], verb: char) -> Result<(), CallError> {
        match verb {
            'x' | 'X' => self.hex(text, verb),
            'q' => self.quoted(text),
            'v' if self.spec.go_syntax => self.quoted(text),
            _ => self.truncated(text),
        }
    }

    /// As it is, but no more characters than the precision allows.
    pub(super) fn truncated(&mut self, text: &[u8]) -> Result<(), CallError> {
        self.padded(self.truncate(text))
    }

    fn quoted(&mut self, text: &[u8]) -> Result<(), CallError> {
        let text = self.truncate(text);
        self.context.charge(text.len())?;
        let start = self.out.len();
        if self.spec.sharp && strconv::can_backquote(text) {
            self.out.push(b'`');
            self.out.extend_from_slice(text);
            self.out.push(b'`');
        } else if self.spec.plus {
            strconv::append_quote_to_ascii(self.out, text);
        } else {
            strconv::append_quote(self.out, text);
        }
        self.finish(start)
    }

    fn hex(&mut self, text: &[u8], verb: char) -> Result<(), CallError> {
        let bytes = match self.spec.precision {
            Some(precision) => text.get(..precision).unwrap_or(text),
            None => text,
        };
        self.context.charge(bytes.len())?;
        let start = self.out.len();
        for (index, &byte) in bytes.iter().enumerate() {
            let is_first = index == 0;
            if self.spec.space && !is_first {
                self.out.push(b' ');
            }
            if self.spec.sharp && (self.spec.space || is_first) {
                self.out.extend_from_slice(b"0x");
            }
            strconv::append_hex(self.out, byte);
        }
        if verb == 'X' {
            self.uppercase(start);
        }
        self.finish(start)
    }

    fn truncate<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Some(precision) = self.spec.precision else {
            return text;
        };
        // No character is shorter than a byte.
        if text.len() <= precision {
            return text;
        }
        let kept = utf8::runes(text).take(precision);
        let len = kept.map(|(_, bytes)| bytes.len()).sum();
        text.get(..len).unwrap_or(text)
    }

    /// Writes `text` with padding.
    pub(super) fn padded(&mut self, text: &[u8]) -> Result<(), CallError> {
        let start = self.out.len();
        self.write(text)?;
        self.pad(start, self.fill())
    }

    /// Accounts for what was written since `start`, and pads it.
    pub(super) fn finish(&mut self, start: usize) -> Result<(), CallError> {
        self.finish_with(start, self.fill())
    }

    /// Accounts for what was written since `start`, and pads it with `fill`.
    pub(super) fn finish_with(&mut self, start: usize, fill: u8) -> Result<(), CallError> {
        let len = self.out.len().saturating_sub(start);
        self.context.charge(len)?;
        self.pad(start, fill)
    }

    /// Brings what was written since `start` to the width.
    pub(super) fn pad(&mut self, start: usize, fill: u8) -> Result<(), CallError> {
        let Some(width) = self.spec.width else {
            return Ok(());
        };
        let missing = width.saturating_sub(utf8::runes(self.written(start)).count());
        self.context.charge(missing)?;
        self.out.repeat(fill, missing);
        if !self.spec.minus {
            self.written(start).rotate_right(missing);
        }
        Ok(())
    }

    /// Zeros are never added to the right.
    fn fill(&self) -> u8 {
        if self.spec.zero && !self.spec.minus {
            b'0'
        } else {
            b' '
        }
    }

    pub(super) fn uppercase(&mut self, start: usize) {
        self.written(start).make_ascii_uppercase();
    }

    fn written(&mut self, start: usize) -> &mut [u8] {
        self.out.get_mut(start..).unwrap_or_default()
    }
}
