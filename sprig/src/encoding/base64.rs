//! Base64 in the standard alphabet with padding.

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;

use super::Corrupt;

pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Line breaks are skipped wherever they are, and bits that are left over may be anything.
pub(super) fn decode(text: &[u8]) -> Result<Vec<u8>, Corrupt> {
    let is_line_break = |byte: u8| matches!(byte, b'\r' | b'\n');
    let mut symbols = text.iter().copied().enumerate();
    let mut next = || symbols.find(|(_, byte)| !is_line_break(*byte));
    let mut out = Vec::with_capacity(text.len());
    let mut group: u32 = 0;
    let mut count: u8 = 0;
    while let Some((at, byte)) = next() {
        if let Some(bits) = value(byte) {
            group = group << 6 | u32::from(bits);
            count = count.saturating_add(1);
            if count == 4 {
                out.extend(group.to_be_bytes().into_iter().skip(1));
                (group, count) = (0, 0);
            }
            continue;
        }
        let (group, bytes) = match (byte, count) {
            (b'=', 2) => match next() {
                Some((_, b'=')) => (group << 12, 1),
                // Go blames what came before.
                Some((at, _)) => return Err(Corrupt(at.saturating_sub(1))),
                None => return Err(Corrupt(text.len())),
            },
            (b'=', 3) => (group << 6, 2),
            _ => return Err(Corrupt(at)),
        };
        out.extend(group.to_be_bytes().into_iter().skip(1).take(bytes));
        return next().map_or(Ok(out), |(at, _)| Err(Corrupt(at)));
    }
    match count {
        0 => Ok(out),
        count => Err(Corrupt(text.len().saturating_sub(count.into()))),
    }
}

fn value(symbol: u8) -> Option<u8> {
    let (first, start) = match symbol {
        b'A'..=b'Z' => (b'A', 0),
        b'a'..=b'z' => (b'a', 26),
        b'0'..=b'9' => (b'0', 52),
        b'+' => (b'+', 62),
        b'/' => (b'/', 63),
        _ => return None,
    };
    Some(symbol.wrapping_sub(first).wrapping_add(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        for text in ["", "a", "ab", "abc", "abcd"] {
            assert_eq!(
                decode(encode(text.as_bytes()).as_bytes()),
                Ok(text.into()),
                "{text}"
            );
        }
        assert_eq!(decode(b"\r\nYW\nI\r=\n"), Ok(b"ab".into()));
        assert_eq!(decode(b"YR=="), Ok(b"a".into()));
    }

    #[test]
    fn faults_are_where_go_sees_them() {
        for (text, at) in [
            ("x!", 1),
            ("YQ", 0),
            ("Y\nW\nI\n", 3),
            ("YQ=", 3),
            ("YQ=\n", 4),
            ("YQ=a", 2),
            ("=", 0),
            ("Y=", 1),
            ("YQ==\n\nYQ==", 6),
            ("YWI=x", 4),
        ] {
            assert_eq!(decode(text.as_bytes()), Err(Corrupt(at)), "{text:?}");
        }
    }
}
