//! A place in a pattern.

use memchr::memmem;
use sealed_template::utf8;

use super::error::{Failure, Fault};

/// How far a pattern is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self(text)
    }

    /// All that is not read yet.
    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }

    /// The next byte.
    pub(super) fn peek(self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The byte after the next.
    pub(super) fn peek_second(self) -> Option<u8> {
        self.0.get(1).copied()
    }

    /// Goes on by `count` bytes, or to the end.
    pub(super) fn skip(&mut self, count: usize) {
        self.0 = self.0.get(count..).unwrap_or_default();
    }

    /// Goes past `prefix`, if that is next.
    pub(super) fn eat(&mut self, prefix: &[u8]) -> bool {
        match self.0.strip_prefix(prefix) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// Goes past the next `end`, if there is one, and returns what stands before.
    pub(super) fn take_until(&mut self, end: &[u8]) -> Option<&'a [u8]> {
        let index = memmem::find(self.0, end)?;
        let (before, rest) = self.0.split_at_checked(index)?;
        self.0 = rest.get(end.len()..)?;
        Some(before)
    }

    /// Goes past the next character.
    pub(super) fn next_char(&mut self) -> Result<Option<char>, Failure> {
        match utf8::decode(self.0) {
            None => Ok(None),
            Some((char::REPLACEMENT_CHARACTER, 1)) => Err(Fault::Utf8.of(self.0)),
            Some((char, len)) => {
                self.skip(len);
                Ok(Some(char))
            }
        }
    }

    /// What stands between this place and a later one.
    pub(super) fn until(self, end: Cursor<'_>) -> &'a [u8] {
        let len = self.0.len().saturating_sub(end.0.len());
        self.0.get(..len).unwrap_or_default()
    }

    /// An error if there is a byte in the rest that belongs to no character.
    pub(super) fn check_utf8(mut self) -> Result<(), Failure> {
        while self.next_char()?.is_some() {}
        Ok(())
    }
}
