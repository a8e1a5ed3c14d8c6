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

/// What was taken off `text` to leave `rest`.
pub(super) fn taken<'t>(text: &'t [u8], rest: &[u8]) -> &'t [u8] {
    let len = text.len().saturating_sub(rest.len());
    text.get(..len).unwrap_or_default()
}
