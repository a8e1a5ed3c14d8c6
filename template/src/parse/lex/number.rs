//! How far a number goes.

use super::is_word_char;
use crate::parse::item::ItemKind;
use crate::parse::scan::{accept, taken};
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
    const DECIMAL: &[u8] = b"0123456789_";
    accept(rest, b"+-");
    let (digits, exponent): (&[u8], &[u8]) = if !accept(rest, b"0") {
        (DECIMAL, b"eE")
    } else if accept(rest, b"xX") {
        (b"0123456789abcdefABCDEF_", b"pP")
    } else if accept(rest, b"oO") {
        (b"01234567_", b"")
    } else if accept(rest, b"bB") {
        (b"01_", b"")
    } else {
        (DECIMAL, b"eE")
    };
    while accept(rest, digits) {}
    if accept(rest, b".") {
        while accept(rest, digits) {}
    }
    if accept(rest, exponent) {
        accept(rest, b"+-");
        while accept(rest, DECIMAL) {}
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
