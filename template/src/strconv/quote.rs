//! Quoting.

use crate::buffer::Buffer;
use crate::{unicode, utf8};

/// `text` as a Go string literal: Go's `strconv.Quote`.
pub fn quote(text: &[u8]) -> Buffer {
    let mut out = Buffer::with_capacity(text.len().saturating_add(2));
    append_quote(&mut out, text);
    out
}

/// Appends `text` as a Go string literal: Go's `strconv.AppendQuote`.
pub fn append_quote(out: &mut Buffer, text: &[u8]) {
    append_string(out, text, Kept::Printable);
}

/// Appends `text` as a Go string literal of ASCII only: Go's `strconv.AppendQuoteToASCII`.
pub(crate) fn append_quote_to_ascii(out: &mut Buffer, text: &[u8]) {
    append_string(out, text, Kept::Ascii);
}

/// Appends a Go character literal: Go's `strconv.AppendQuoteRune`.
pub(crate) fn append_quote_rune(out: &mut Buffer, char: char) {
    append_rune(out, char, Kept::Printable);
}

/// Appends a Go character literal of ASCII only: Go's `strconv.AppendQuoteRuneToASCII`.
pub(crate) fn append_quote_rune_to_ascii(out: &mut Buffer, char: char) {
    append_rune(out, char, Kept::Ascii);
}

/// Whether `text` can stand between backquotes on one line as it is: Go's `strconv.CanBackquote`.
pub fn can_backquote(text: &[u8]) -> bool {
    const BYTE_ORDER_MARK: char = '\u{FEFF}';
    std::str::from_utf8(text).is_ok_and(|text| {
        text.chars().all(|char| match char {
            '\t' => true,
            '`' | BYTE_ORDER_MARK => false,
            _ => !char.is_ascii_control(),
        })
    })
}

/// Appends a byte as two hexadecimal digits in lower case.
pub(crate) fn append_hex(out: &mut Buffer, byte: u8) {
    let digit = |nibble: u8| match nibble {
        0..=9 => nibble | b'0',
        _ => nibble.wrapping_add(b'a'.wrapping_sub(10)),
    };
    out.extend([digit(byte >> 4), digit(byte & 0xF)]);
}

/// What is not escaped, besides quotes and backslashes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Printable,
    Ascii,
}

fn append_string(out: &mut Buffer, text: &[u8], kept: Kept) {
    out.push(b'"');
    for (char, bytes) in utf8::runes(text) {
        match *bytes {
            [byte] if !byte.is_ascii() => {
                out.extend_from_slice(b"\\x");
                append_hex(out, byte);
            }
            _ => append_escaped(out, char, '"', kept),
        }
    }
    out.push(b'"');
}

fn append_rune(out: &mut Buffer, char: char, kept: Kept) {
    out.push(b'\'');
    append_escaped(out, char, '\'', kept);
    out.push(b'\'');
}

fn append_escaped(out: &mut Buffer, char: char, quote: char, kept: Kept) {
    let letter = match char {
        '\x07' => 'a',
        '\x08' => 'b',
        '\x0C' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\x0B' => 'v',
        '\\' => '\\',
        _ if char == quote => quote,
        _ if unicode::is_print(char) && (kept == Kept::Printable || char.is_ascii()) => {
            return utf8::push(out, char);
        }
        _ => return append_code(out, char),
    };
    out.push(b'\\');
    utf8::push(out, letter);
}

/// `\x7f`, `\u00ad` or `\U000e0001`.
fn append_code(out: &mut Buffer, char: char) {
    let code = u32::from(char).to_be_bytes();
    let (letter, bytes) = match &code {
        [0, 0, 0, low @ ..] if char.is_ascii() => (b'x', low.as_slice()),
        [0, 0, low @ ..] => (b'u', low.as_slice()),
        all => (b'U', all.as_slice()),
    };
    out.extend([b'\\', letter]);
    for &byte in bytes {
        append_hex(out, byte);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::strconv::unquote;

    fn ascii(text: &[u8]) -> Buffer {
        let mut out = Buffer::new();
        append_quote_to_ascii(&mut out, text);
        out
    }

    #[test]
    fn what_does_not_print_is_escaped() {
        let text = "\x07\x08\x0C\n\r\t\x0B\0\x1B\x7F\u{80}\u{AD}\u{2028}\u{E0001}";
        let quoted = r#""\a\b\f\n\r\t\v\x00\x1b\x7f\u0080\u00ad\u2028\U000e0001""#;
        assert_eq!(quote(text.as_bytes()), quoted.as_bytes());
    }

    #[test]
    fn what_prints_is_kept_unless_ascii_is_asked_for() {
        let text = "aé😀'\u{FFFD}".as_bytes();
        assert_eq!(quote(text), "\"aé😀'\u{FFFD}\"".as_bytes());
        assert_eq!(ascii(text), br#""a\u00e9\U0001f600'\ufffd""#);
    }

    #[test]
    fn invalid_bytes_are_shown_as_they_are() {
        assert_eq!(quote(b"a\xFF\xE2\x82"), br#""a\xff\xe2\x82""#);
        assert_eq!(ascii(b"\xC3\xA9\xC3"), br#""\u00e9\xc3""#);
    }

    #[test]
    fn only_the_own_kind_of_quote_is_escaped() {
        let rune = |char| {
            let mut out = Buffer::new();
            append_quote_rune(&mut out, char);
            String::from_utf8(out.into_vec()).unwrap()
        };
        assert_eq!(rune('\''), r"'\''");
        assert_eq!(rune('"'), "'\"'");
        assert_eq!(quote(br#"'"\"#), br#""'\"\\""#);
    }

    #[test]
    fn only_one_clean_line_can_be_backquoted() {
        for text in ["", "a\tb", "é\u{AD}\u{80}", "\"\\"] {
            assert!(can_backquote(text.as_bytes()), "{text:?}");
        }
        for text in [&b"`"[..], b"\n", b"\r", b"\x7F", b"\xFF", b"\xEF\xBB\xBF"] {
            assert!(!can_backquote(text), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_unquoted_to_themselves(text: Vec<u8>) {
            prop_assert_eq!(unquote(&quote(&text)), Some(text.clone().into()));
            prop_assert_eq!(unquote(&ascii(&text)), Some(text.into()));
        }
    }
}
