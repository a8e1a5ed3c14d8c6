//! Unicode categories as Go knows them.

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

/// A character is in a run of the category when an odd number of bounds lies before it.
fn is_within(bounds: &[u32], char: char) -> bool {
    bounds.partition_point(|bound| *bound <= u32::from(char)) % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
