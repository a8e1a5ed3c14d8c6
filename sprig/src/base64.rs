//! Base64 as Go's `encoding/base64.StdEncoding` reads it.

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

const PADDING: u8 = b'=';

/// Decodes standard base64 with padding. Line ends are skipped wherever they stand, and unused bits of the
/// last character are not looked at. The error is the position of the byte that Go names.
pub(crate) fn decode(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, usize> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(decoded_len(text.len())));
    // The characters of the group of four that is being read: how many, and their bits.
    let (mut count, mut bits) = (0_usize, 0_u32);
    let mut rest = (0_usize..)
        .zip(text.iter().copied())
        .filter(|(_, byte)| !is_line_end(*byte));
    while let Some((position, byte)) = rest.next() {
        match (byte, sextet(byte)) {
            (_, Some(sextet)) => {
                bits = bits << 6 | u32::from(sextet);
                count = count.saturating_add(1);
                if let (4, [_, group @ ..]) = (count, bits.to_be_bytes()) {
                    bytes.extend(group);
                    (count, bits) = (0, 0);
                }
            }
            (PADDING, None) if count == 2 => {
                // A second padding character belongs here; a wrong one is reported at the byte before it.
                match rest.next() {
                    None => return Err(text.len()),
                    Some((_, PADDING)) => {}
                    Some((wrong, _)) => return Err(wrong.saturating_sub(1)),
                }
                bytes.extend((bits >> 4).to_be_bytes().last());
                return rest.next().map_or(Ok(bytes), |(position, _)| Err(position));
            }
            (PADDING, None) if count == 3 => {
                let [.., first, second] = (bits >> 2).to_be_bytes();
                bytes.extend([first, second]);
                return rest.next().map_or(Ok(bytes), |(position, _)| Err(position));
            }
            _ => return Err(position),
        }
    }
    // An unfinished group is reported where it would start if no line ends stood inside it.
    if count == 0 {
        Ok(bytes)
    } else {
        Err(text.len().saturating_sub(count))
    }
}

/// Encodes as standard base64 with padding, on one line.
pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// How many bytes Go sets aside for a text of this length.
pub(crate) fn decoded_len(text_len: usize) -> usize {
    (text_len / 4).saturating_mul(3)
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

fn sextet(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte.wrapping_sub(b'A'),
        b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(26),
        b'0'..=b'9' => byte.wrapping_sub(b'0').wrapping_add(52),
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn errors_name_the_byte_go_names() {
        for (text, position) in [
            ("AA", 0),
            ("AAAAA", 4),
            ("AAAA\nB", 5),
            ("A=", 1),
            ("AA=", 3),
            ("AA=A", 2),
            ("AA==A", 4),
            ("AA= =", 2),
            ("AAA==", 4),
            ("=", 0),
            ("AAAA=", 4),
            ("AA-A", 2),
            (" AAAA", 0),
        ] {
            assert_eq!(decode(text.as_bytes()), Err(position), "{text:?}");
        }
    }

    #[test]
    fn line_ends_and_unused_bits_are_ignored() {
        for text in ["AB==", "AB=\n=", "A\r\nB=\r=\n", "\nAB==\n\n"] {
            assert_eq!(decode(text.as_bytes()).unwrap()[..], [0], "{text:?}");
        }
        assert!(decode(b"\r\n").unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(&decode(encode(&bytes).as_bytes()).unwrap()[..], &bytes);
        }
    }
}
