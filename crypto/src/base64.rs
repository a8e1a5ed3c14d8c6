//! Base64 as Go's `encoding/base64.StdEncoding` reads it.
//!
//! Sealed values live in YAML, where long lines get folded and editors add line ends; the Go
//! original skips CR and LF anywhere and never looks at the unused bits of the last character.
//! Manifests that rely on it exist, so reading does the same. Writing is canonical.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

/// Standard alphabet, padding required, unused trailing bits ignored.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// The text is not base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("illegal base64 data at input byte {position}")]
#[non_exhaustive]
pub struct Base64Error {
    /// Where reading stopped: a 0-based index into the text as given, line ends included.
    /// Scripts match the message, so the index is the one Go reports.
    pub position: usize,
}

/// Decodes standard base64 with padding. CR and LF are skipped wherever they stand, also between
/// padding characters; unused bits of the last character are not looked at.
///
/// # Errors
/// Anything else outside the alphabet (also space, tab and the URL-safe characters), and missing,
/// surplus or misplaced padding.
pub fn decode(text: &[u8]) -> Result<Vec<u8>, Base64Error> {
    let decoded = if text.iter().any(|byte| is_line_end(*byte)) {
        // Wiped, because private keys in PEM come through here too.
        let mut joined = Zeroizing::new(Vec::with_capacity(text.len()));
        joined.extend(text.iter().copied().filter(|byte| !is_line_end(*byte)));
        LENIENT.decode(joined.as_slice())
    } else {
        LENIENT.decode(text)
    };
    decoded.map_err(|_| Base64Error {
        position: first_illegal(text).unwrap_or(text.len()),
    })
}

/// Encodes as standard base64 with padding, on one line.
pub fn encode(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn is_line_end(byte: u8) -> bool {
    byte == b'\r' || byte == b'\n'
}

/// Finds the byte Go would name for a text that is not base64. Runs only for the message: the
/// verdict itself is the decoder's (a property test holds the two together).
fn first_illegal(text: &[u8]) -> Option<usize> {
    // Characters read in the group of four that is being read, without padding.
    let mut in_group = 0_usize;
    let mut bytes = text.iter().copied().enumerate();
    while let Some((index, byte)) = bytes.next() {
        match byte {
            b'\r' | b'\n' => {}
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => {
                in_group = in_group.wrapping_add(1) % 4;
            }
            b'=' if in_group == 2 => {
                // A second padding character belongs here; a wrong one is reported at the byte
                // before it, a missing one at the end of the text.
                return match bytes.find(|(_, byte)| !is_line_end(*byte)) {
                    None => Some(text.len()),
                    Some((_, b'=')) => after_padding(bytes),
                    Some((wrong, _)) => Some(wrong.saturating_sub(1)),
                };
            }
            b'=' if in_group == 3 => return after_padding(bytes),
            _ => return Some(index),
        }
    }
    // An unfinished group is reported where it would start if no line ends stood inside it.
    (in_group != 0).then(|| text.len().saturating_sub(in_group))
}

/// Only line ends may follow the padding.
fn after_padding(mut rest: impl Iterator<Item = (usize, u8)>) -> Option<usize> {
    rest.find(|(_, byte)| !is_line_end(*byte))
        .map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn position(text: &str) -> Option<usize> {
        decode(text.as_bytes()).err().map(|error| error.position)
    }

    #[test]
    fn errors_name_the_byte_go_names() {
        for (text, expected) in [
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
            assert_eq!(position(text), Some(expected), "{text:?}");
        }
        assert_eq!(
            decode(b"AA-A").unwrap_err().to_string(),
            "illegal base64 data at input byte 2"
        );
    }

    #[test]
    fn line_ends_and_unused_bits_are_ignored() {
        for text in ["AB==", "AB=\n=", "A\r\nB=\r=\n", "\nAB==\n\n"] {
            assert_eq!(decode(text.as_bytes()).unwrap(), [0], "{text:?}");
        }
        assert_eq!(decode(b"").unwrap(), b"");
        assert_eq!(decode(b"\r\n").unwrap(), b"");
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(decode(encode(&bytes).as_bytes()).unwrap(), bytes);
        }

        #[test]
        fn an_error_is_located_exactly_when_decoding_fails(text in "[A/=\r\n -]{0,12}") {
            let located = first_illegal(text.as_bytes());
            prop_assert_eq!(position(&text), located, "{:?}", text);
        }
    }
}
