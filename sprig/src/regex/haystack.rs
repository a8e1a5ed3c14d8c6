//! The text that is searched.

use std::ops::Range;

use sealed_template::{CallError, Context, utf8};
use zeroize::Zeroizing;

/// A text with all its bytes that belong to no character replaced by U+FFFD, as which Go sees each of them. The
/// engine would have no character there.
pub(super) struct Haystack<'a> {
    original: &'a [u8],
    /// None if it is the original.
    replaced: Option<Replaced>,
}

struct Replaced {
    text: Zeroizing<String>,
    /// Where in the text the replacements stand.
    places: Vec<usize>,
}

/// How many bytes a replacement is longer than what it stands for.
const GROWTH: usize = char::REPLACEMENT_CHARACTER.len_utf8() - 1;

impl<'a> Haystack<'a> {
    pub(super) fn new(context: &mut Context<'_>, original: &'a [u8]) -> Result<Self, CallError> {
        if std::str::from_utf8(original).is_ok() {
            return Ok(Self {
                original,
                replaced: None,
            });
        }
        let is_bad = |(char, bytes): &(char, &[u8])| {
            *char == char::REPLACEMENT_CHARACTER && bytes.len() == 1
        };
        let count = utf8::runes(original).filter(is_bad).count();
        let size = original.len().saturating_add(count.saturating_mul(GROWTH));
        context.charge(size.saturating_add(count.saturating_mul(size_of::<usize>())))?;
        let mut text = Zeroizing::new(String::with_capacity(size));
        let mut places = Vec::with_capacity(count);
        for rune in utf8::runes(original) {
            if is_bad(&rune) {
                places.push(text.len());
            }
            text.push(rune.0);
        }
        Ok(Self {
            original,
            replaced: Some(Replaced { text, places }),
        })
    }

    /// What the engine searches.
    pub(super) fn as_bytes(&self) -> &[u8] {
        match &self.replaced {
            None => self.original,
            Some(replaced) => replaced.text.as_bytes(),
        }
    }

    /// The original text of what the engine found.
    pub(super) fn get(&self, found: Range<usize>) -> &'a [u8] {
        let range = self.original_place(found.start)..self.original_place(found.end);
        self.original.get(range).unwrap_or_default()
    }

    fn original_place(&self, place: usize) -> usize {
        let before = self.replaced.as_ref().map_or(0, |replaced| {
            replaced.places.partition_point(|&other| other < place)
        });
        place.saturating_sub(before.saturating_mul(GROWTH))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::with_context;

    #[test]
    fn places_are_those_of_the_original() {
        with_context(|context| {
            let original = b"a\xFF\xE2\x82b\xC3\xA9\xFE";
            let haystack = Haystack::new(context, original).unwrap();
            let text = std::str::from_utf8(haystack.as_bytes()).unwrap();
            assert_eq!(text, "a\u{FFFD}\u{FFFD}\u{FFFD}bé\u{FFFD}");
            assert_eq!(haystack.get(0..text.len()), original);
            assert_eq!(haystack.get(1..4), b"\xFF");
            assert_eq!(haystack.get(7..13), b"\x82b\xC3\xA9");
            assert_eq!(haystack.get(13..16), b"\xFE");
        });
    }
}
