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
        self.finish_cased(start, verb)
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
        self.out.extend_from_slice(text);
        self.finish(start)
    }

    /// Brings what was written since `start` into the case of the verb, and pads it.
    pub(super) fn finish_cased(&mut self, start: usize, verb: char) -> Result<(), CallError> {
        if verb.is_ascii_uppercase() {
            self.uppercase(start);
        }
        self.finish(start)
    }

    pub(super) fn uppercase(&mut self, start: usize) {
        self.written(start).make_ascii_uppercase();
    }

    /// Accounts for what was written since `start`, and pads it.
    pub(super) fn finish(&mut self, start: usize) -> Result<(), CallError> {
        let fill = if self.spec.zero && !self.spec.minus {
            b'0'
        } else {
            b' '
        };
        self.finish_with(start, fill)
    }

    /// Accounts for what was written since `start`, and pads it with `fill`.
    pub(super) fn finish_with(&mut self, start: usize, fill: u8) -> Result<(), CallError> {
        let len = self.out.len().saturating_sub(start);
        self.context.charge(len)?;
        let Some(width) = self.spec.width else {
            return Ok(());
        };
        let missing = width.saturating_sub(utf8::runes(self.written(start)).count());
        if missing == 0 {
            return Ok(());
        }
        self.context.charge(missing)?;
        let end = self.out.len();
        self.out.resize(end.saturating_add(missing), fill);
        if !self.spec.minus {
            self.written(start).rotate_right(missing);
        }
        Ok(())
    }

    fn written(&mut self, start: usize) -> &mut [u8] {
        self.out.get_mut(start..).unwrap_or_default()
    }
}
