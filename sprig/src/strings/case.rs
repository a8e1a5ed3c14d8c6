//! Upper case, lower case, and what looks at single characters of words.

use sealed_template::{Buffer, Functions, Str, utf8};

use crate::unicode::{LOWER, TITLE, UPPER, to_lower, to_title, to_upper};

pub(super) fn register(functions: &mut Functions) {
    functions
        .add("initials", |text: Str| initials(&text))
        .add("lower", |text: Str| mapped(&text, to_lower))
        .add("nospace", nospace)
        .add("swapcase", |text: Str| swapcase(&text))
        .add("title", |text: Str| title(&text))
        .add("untitle", |text: Str| untitle(&text))
        .add("upper", |text: Str| mapped(&text, to_upper));
}

/// Each character as `map` makes it. Invalid bytes become U+FFFD.
fn mapped(text: &[u8], mut map: impl FnMut(char) -> char) -> Str {
    let mut out = Buffer::with_capacity(text.len());
    for (char, _) in utf8::runes(text) {
        utf8::push(&mut out, map(char));
    }
    out.into()
}

/// The first letter of each word in title case. In ASCII everything but letters, digits and `_` ends a word,
/// so an apostrophe does; beyond ASCII only space does.
fn title(text: &[u8]) -> Str {
    let mut starts = true;
    mapped(text, |char| {
        let is_first = starts;
        starts = match char {
            '_' => false,
            char if char.is_ascii() => !char.is_ascii_alphanumeric(),
            char => char.is_whitespace(),
        };
        if is_first { to_title(char) } else { char }
    })
}

/// The first letter of each word in lower case. Only space ends a word.
fn untitle(text: &[u8]) -> Str {
    let mut starts = true;
    mapped(text, |char| {
        let is_first = starts;
        starts = char.is_whitespace();
        if is_first { to_lower(char) } else { char }
    })
}

/// Upper case to lower case and back, but title case for a lower-case letter right after space, or at the start.
fn swapcase(text: &[u8]) -> Str {
    let mut starts = true;
    mapped(text, |char| {
        let is_first = starts;
        let swapped = if UPPER.contains(char) || TITLE.contains(char) {
            to_lower(char)
        } else if LOWER.contains(char) && is_first {
            to_title(char)
        } else if LOWER.contains(char) {
            to_upper(char)
        } else {
            starts = char.is_whitespace();
            return char;
        };
        starts = false;
        swapped
    })
}

/// The first byte of each word. Go takes bytes for Latin-1 here, so `é` comes out as the character of its
/// first byte, `Ã`.
fn initials(text: &[u8]) -> Str {
    let mut out = Buffer::new();
    let mut starts = true;
    for char in text.iter().copied().map(char::from) {
        if starts && !char.is_whitespace() {
            utf8::push(&mut out, char);
        }
        starts = char.is_whitespace();
    }
    out.into()
}

/// The text without space. If there is any, Go takes all bytes for Latin-1, as in [`initials`].
fn nospace(text: Str) -> Str {
    let chars = text.iter().copied().map(char::from);
    if !chars.clone().any(char::is_whitespace) {
        return text;
    }
    let kept: String = chars.filter(|char| !char.is_whitespace()).collect();
    kept.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(result: &Str, expected: &[u8]) {
        assert_eq!(result.as_bytes(), expected, "{}", result.to_text());
    }

    #[test]
    fn case_maps_one_character_to_one() {
        check(
            &mapped("straße ŉ ǆ ı".as_bytes(), to_upper),
            "STRAßE ŉ Ǆ I".as_bytes(),
        );
        check(&mapped("İK".as_bytes(), to_lower), b"ik");
        check(&title("ǆ ა".as_bytes()), "ǅ ა".as_bytes());
    }

    #[test]
    fn an_invalid_byte_becomes_a_replacement_character() {
        check(&mapped(b"a\xFFb", to_upper), "A\u{FFFD}B".as_bytes());
        check(&untitle(b"A\xC3"), "a\u{FFFD}".as_bytes());
    }

    #[test]
    fn title_knows_more_ends_of_words_than_untitle() {
        check(
            &title("it's a-b c_d é—f\u{a0}g".as_bytes()),
            "It'S A-B C_d É—f\u{a0}G".as_bytes(),
        );
        check(
            &untitle("It'S A-B\u{2003}C".as_bytes()),
            "it'S a-B\u{2003}c".as_bytes(),
        );
    }

    #[test]
    fn a_swapped_first_letter_gets_title_case() {
        check(
            &swapcase("hello ǆǆ -x".as_bytes()),
            "HELLO ǅǄ -X".as_bytes(),
        );
        check(&swapcase("Hello ǅ".as_bytes()), "hELLO ǆ".as_bytes());
    }

    #[test]
    fn initials_and_nospace_read_bytes_as_latin_1() {
        check(&initials("John  doe é".as_bytes()), "JdÃ".as_bytes());
        check(&nospace("é é".into()), "Ã©Ã©".as_bytes());
        check(&nospace("éé".into()), "éé".as_bytes());
        // The second byte of `à` is a no-break space in Latin-1.
        check(&nospace("à".into()), "Ã".as_bytes());
    }
}
