//! Unicode categories as Go 1.26 knows them, which is by Unicode 15.

mod tables;

/// Whether Go takes `char` for a letter.
pub fn is_letter(char: char) -> bool {
    match char {
        '\0'..='\x7f' => char.is_ascii_alphabetic(),
        _ => is_within(tables::LETTERS, char),
    }
}

/// Whether Go takes `char` for a decimal digit.
pub fn is_digit(char: char) -> bool {
    match char {
        '\0'..='\x7f' => char.is_ascii_digit(),
        _ => is_within(tables::DIGITS, char),
    }
}

/// Whether Go prints `char` as it is: letters, marks, numbers, punctuation, symbols and the ASCII space.
pub(crate) fn is_print(char: char) -> bool {
    match char {
        ' '..='~' => true,
        '\0'..='\u{A0}' => false,
        _ => is_within(tables::PRINTABLE, char),
    }
}

/// A character is in a run of the category when an odd number of bounds lies before it.
fn is_within(bounds: &[u32], char: char) -> bool {
    bounds.partition_point(|bound| *bound <= u32::from(char)) % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FNV-1a over what `is` says of every character, each in four bytes.
    fn digest(is: fn(char) -> bool) -> u64 {
        let bytes = ('\0'..=char::MAX).flat_map(|char| u32::from(is(char)).to_be_bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        })
    }

    /// The digests were computed by Go 1.26 from its own tables.
    #[test]
    fn every_character_is_what_go_says() {
        assert_eq!(digest(is_letter), 0x0016_d05c_7d79_6605);
        assert_eq!(digest(is_digit), 0x0d43_0076_335b_1965);
        assert_eq!(digest(is_print), 0x7234_f7bf_847d_c5e5);
    }

    #[test]
    fn letters_are_letters_and_nothing_else() {
        for char in [
            'a',
            'Z',
            'é',
            'ß',
            'Ω',
            '世',
            'ª',
            'ʰ',
            '한',
            '𝒜',
            '\u{323AF}',
        ] {
            assert!(is_letter(char), "{char:?}");
        }
        // A mark, a letter number, a circled letter (all alphabetic), a digit, an unassigned character.
        for char in [
            '_',
            '×',
            '\u{345}',
            'Ⅷ',
            'Ⓐ',
            '٣',
            '\u{323B0}',
            '\u{10FFFF}',
        ] {
            assert!(!is_letter(char), "{char:?}");
        }
    }

    #[test]
    fn digits_are_decimal() {
        for char in ['0', '9', '٣', '߉', '𝟘', '𝟿'] {
            assert!(is_digit(char), "{char:?}");
        }
        for char in ['a', '²', '½', 'Ⅷ', '一'] {
            assert!(!is_digit(char), "{char:?}");
        }
    }

    #[test]
    fn what_prints_is_what_unicode_15_has() {
        for char in [
            'a',
            ' ',
            '~',
            '¡',
            'é',
            '語',
            '\u{301}',
            '😀',
            '\u{FFFD}',
            '\u{1FAE8}',
        ] {
            assert!(is_print(char), "{char:?}");
        }
        // Controls, spaces, a format character, private use, and what only Unicode 16 has.
        for char in [
            '\n',
            '\x7F',
            '\u{A0}',
            '\u{AD}',
            '\u{2028}',
            '\u{E000}',
            '\u{10FFFF}',
            '\u{1FAE9}',
        ] {
            assert!(!is_print(char), "{char:?}");
        }
    }
}
