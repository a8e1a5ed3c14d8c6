//! UTF-8 as Go reads it: each byte that belongs to no character counts as one U+FFFD.

use crate::buffer::Buffer;

/// The first character of `bytes`, and of how many bytes it is made.
pub fn decode(bytes: &[u8]) -> Option<(char, usize)> {
    let first = *bytes.first()?;
    if first.is_ascii() {
        return Some((char::from(first), 1));
    }
    let head = bytes.get(..4).unwrap_or(bytes);
    let valid = head.utf8_chunks().next().map(|chunk| chunk.valid());
    let char = valid.and_then(|text| text.chars().next());
    Some(char.map_or((char::REPLACEMENT_CHARACTER, 1), |char| {
        (char, char.len_utf8())
    }))
}

/// The characters of `bytes`, each with the bytes that it was read from.
pub fn runes(bytes: &[u8]) -> Runes<'_> {
    Runes(bytes)
}

/// Appends a character to `bytes`.
pub fn push(bytes: &mut Buffer, char: char) {
    bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
}

/// An iterator over the characters of a string. Where there is an invalid byte, that byte comes with U+FFFD.
#[derive(Clone, Debug)]
pub struct Runes<'a>(&'a [u8]);

impl<'a> Iterator for Runes<'a> {
    type Item = (char, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (char, len) = decode(self.0)?;
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some((char, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_invalid_byte_is_one_replacement() {
        // A truncated sequence, a surrogate, an overlong form, beyond the last character.
        for (bytes, count) in [
            (&b"\xE2\x82"[..], 2),
            (b"\xED\xA0\x80", 3),
            (b"\xC0\xAF", 2),
            (b"\xF4\x90\x80\x80", 4),
        ] {
            let runes: Vec<_> = runes(bytes).collect();
            assert_eq!(runes.len(), count, "{bytes:x?}");
            assert!(
                runes
                    .iter()
                    .all(|(char, bytes)| *char == '\u{FFFD}' && bytes.len() == 1)
            );
        }
    }

    #[test]
    fn characters_come_with_their_bytes() {
        let runes: Vec<_> = runes("aé€😀\u{FFFD}".as_bytes()).collect();
        let expected = ["a", "é", "€", "😀", "\u{FFFD}"];
        assert_eq!(runes.len(), expected.len());
        for ((char, bytes), text) in runes.into_iter().zip(expected) {
            assert_eq!((char.to_string().as_str(), bytes), (text, text.as_bytes()));
        }
    }

    #[test]
    fn a_pushed_character_is_read_back() {
        let mut bytes = Buffer::from(b"x\xFF".to_vec());
        push(&mut bytes, 'é');
        assert_eq!(
            runes(&bytes).map(|(char, _)| char).collect::<String>(),
            "x\u{FFFD}é"
        );
    }
}
