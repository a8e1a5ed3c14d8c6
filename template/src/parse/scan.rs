//! Reading bytes off the front of a text.

/// Takes a byte off `rest` if it is one of `set`.
pub(super) fn accept(rest: &mut &[u8], set: &[u8]) -> bool {
    match rest.split_first() {
        Some((byte, tail)) if set.contains(byte) => {
            *rest = tail;
            true
        }
        _ => false,
    }
}

/// The digits of decimal numbers, and of the exponents of all.
pub(super) const DECIMAL: &[u8] = b"0123456789_";

/// The digits behind `0x`.
pub(super) const HEXADECIMAL: &[u8] = b"0123456789abcdefABCDEF_";

/// Takes off `rest` what follows the sign and the prefix of a number: some of `digits` with at most one point,
/// and behind one of the letters in `exponent` an exponent.
pub(super) fn skip_magnitude(rest: &mut &[u8], digits: &[u8], exponent: &[u8]) {
    while accept(rest, digits) {}
    if accept(rest, b".") {
        while accept(rest, digits) {}
    }
    if accept(rest, exponent) {
        accept(rest, b"+-");
        while accept(rest, DECIMAL) {}
    }
}

/// What was taken off `text` to leave `rest`.
pub(super) fn taken<'t>(text: &'t [u8], rest: &[u8]) -> &'t [u8] {
    let len = text.len().saturating_sub(rest.len());
    text.get(..len).unwrap_or_default()
}
