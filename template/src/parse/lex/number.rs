//! How far a number goes.

use super::is_word_char;
use crate::parse::item::ItemKind;
use crate::parse::scan::{DECIMAL, HEXADECIMAL, accept, skip_magnitude, taken};
use crate::utf8;

/// What kind of number `text` starts with, and how many bytes are part of it. Not all of it need make sense:
/// that turns out when it is converted. The error says how many bytes make no number at all.
pub(super) fn scan(text: &[u8]) -> Result<(ItemKind, usize), usize> {
    let mut rest = text;
    let is_well_formed = part(&mut rest);
    let mut kind = ItemKind::Number;
    let is_well_formed = is_well_formed
        && match rest {
            [b'+' | b'-', ..] => {
                kind = ItemKind::Complex;
                part(&mut rest) && taken(text, rest).ends_with(b"i")
            }
            _ => true,
        };
    let len = taken(text, rest).len();
    if is_well_formed {
        Ok((kind, len))
    } else {
        Err(len)
    }
}

/// Reads a number with an optional sign; false if it runs into a word.
fn part(rest: &mut &[u8]) -> bool {
    accept(rest, b"+-");
    let has_zero = accept(rest, b"0");
    if has_zero && accept(rest, b"xX") {
        skip_magnitude(rest, HEXADECIMAL, b"pP");
    } else if has_zero && accept(rest, b"oO") {
        skip_magnitude(rest, b"01234567_", b"");
    } else if has_zero && accept(rest, b"bB") {
        skip_magnitude(rest, b"01_", b"");
    } else {
        skip_magnitude(rest, DECIMAL, b"eE");
    }
    accept(rest, b"i");
    match utf8::decode(rest) {
        Some((char, len)) if is_word_char(char) => {
            *rest = rest.get(len..).unwrap_or_default();
            false
        }
        _ => true,
    }
}
