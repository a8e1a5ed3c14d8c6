//! Base32 in the standard alphabet with padding.

use zeroize::Zeroizing;

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Symbols of a whole group, which stand for five bytes.
const GROUP: usize = 8;

pub(super) fn encode(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len().div_ceil(5).saturating_mul(GROUP));
    for group in bytes.chunks(5) {
        let byte = |index| u64::from(group.get(index).copied().unwrap_or(0));
        let bits: u64 = (0..5).fold(0, |bits, index| bits << 8 | byte(index));
        let symbols = group.len().saturating_mul(8).div_ceil(5);
        let symbol = |shift: u32| ALPHABET.get(usize::try_from(bits >> shift & 31).ok()?);
        out.extend((0..40).step_by(5).rev().filter_map(symbol).take(symbols));
        out.extend((symbols..GROUP).map(|_| b'='));
    }
    out
}

/// The bytes, or the position of the first fault. Line breaks do not count. Go does not look at what little stands behind padding within eight symbols of
/// the end.
pub(super) fn decode(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, usize> {
    let is_line_break = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let symbols = text.iter().copied().filter(|byte| !is_line_break(byte));
    let text: Zeroizing<Vec<u8>> = Zeroizing::new(symbols.collect());
    let mut out = Zeroizing::new(Vec::with_capacity(text.len()));
    for (start, group) in (0..).step_by(GROUP).zip(text.chunks(GROUP)) {
        let mut bits: u64 = 0;
        for (index, (at, symbol)) in (start..).zip(group).enumerate() {
            let rest = text.get(at..).unwrap_or_default();
            if *symbol == b'=' && index >= 2 && rest.len() <= GROUP {
                check_padding(index, rest).map_err(|fault| match fault {
                    Some(offset) => at.saturating_add(offset),
                    None => text.len(),
                })?;
                append(&mut out, bits, index);
                return Ok(out);
            }
            bits = bits << 5 | value(*symbol).ok_or(at)?;
        }
        if group.len() < GROUP {
            return Err(start);
        }
        append(&mut out, bits, GROUP);
    }
    Ok(out)
}

/// Checks the padding that `rest` starts with, behind `symbols` of its group. An error is the offset of the
/// fault in `rest`, none if there is not enough of it.
fn check_padding(symbols: usize, rest: &[u8]) -> Result<(), Option<usize>> {
    let padding = rest.get(..GROUP.saturating_sub(symbols)).ok_or(None)?;
    // Go blames what came before.
    let is_fault = |offset: &usize| {
        padding
            .get(offset.saturating_add(1))
            .is_some_and(|byte| *byte != b'=')
    };
    match (0..padding.len()).find(is_fault) {
        Some(offset) => Err(Some(offset)),
        // No number of bytes takes so many symbols.
        None if matches!(symbols, 3 | 6) => Err(Some(0)),
        None => Ok(()),
    }
}

/// Appends the bytes that so many symbols stand for.
fn append(out: &mut Vec<u8>, bits: u64, symbols: usize) {
    let missing = GROUP.saturating_sub(symbols);
    let bytes = (bits << missing.saturating_mul(5)).to_be_bytes();
    let count = symbols.saturating_mul(5) / 8;
    out.extend(bytes.into_iter().skip(3).take(count));
}

fn value(symbol: u8) -> Option<u64> {
    let (first, start) = match symbol {
        b'A'..=b'Z' => (b'A', 0),
        b'2'..=b'7' => (b'2', 26),
        _ => return None,
    };
    Some(symbol.wrapping_sub(first).wrapping_add(start).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        for (text, encoded) in [
            ("", ""),
            ("f", "MY======"),
            ("fo", "MZXQ===="),
            ("foo", "MZXW6==="),
            ("foob", "MZXW6YQ="),
            ("foobar", "MZXW6YTBOI======"),
        ] {
            assert_eq!(encode(text.as_bytes()), encoded.as_bytes());
            assert_eq!(decode(encoded.as_bytes()), Ok(Zeroizing::new(text.into())));
        }
        assert_eq!(decode(b"MY\r\n==\n===="), Ok(Zeroizing::new(b"f".into())));
        assert_eq!(decode(b"MY======??"), Ok(Zeroizing::new(b"f".into())));
    }

    #[test]
    fn faults_are_where_go_sees_them() {
        for (text, at) in [
            ("my======", 0),
            ("M=======", 1),
            ("MY==", 4),
            ("MY=====", 7),
            ("MY==A===", 3),
            ("MYA=====", 3),
            ("MYAAAA==", 6),
            ("MY", 0),
            ("MZXW6YTB\nMZ", 8),
            ("MZXW6YT=MZXW6YTB", 7),
        ] {
            assert_eq!(decode(text.as_bytes()), Err(at), "{text:?}");
        }
    }
}
