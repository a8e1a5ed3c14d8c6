//! Reading quoted strings and characters.

use crate::buffer::Buffer;
use crate::utf8;

/// What stands for one character between quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unquoted {
    /// `\xff` or `\377`, which need not be UTF-8, or plain ASCII.
    Byte(u8),
    /// Any other character, plain or as an escape; U+FFFD where a byte is no UTF-8.
    Char(char),
}

impl Unquoted {
    /// The number of the character.
    pub(crate) fn code(self) -> u32 {
        match self {
            Self::Byte(byte) => byte.into(),
            Self::Char(char) => char.into(),
        }
    }
}

/// What a string literal means, in double quotes or in backquotes; none if it is not one.
pub(crate) fn unquote(literal: &[u8]) -> Option<Buffer> {
    match literal {
        [b'`', raw @ .., b'`'] => (!raw.contains(&b'`')).then(|| without_returns(raw)),
        [b'"', escaped @ .., b'"'] => unescape(escaped),
        _ => None,
    }
}

/// A raw string is what it says, but for carriage returns.
fn without_returns(raw: &[u8]) -> Buffer {
    let kept: Vec<u8> = raw.iter().copied().filter(|byte| *byte != b'\r').collect();
    kept.into()
}

fn unescape(escaped: &[u8]) -> Option<Buffer> {
    let mut text = Buffer::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some(first) = rest.first() {
        if *first == b'\n' {
            return None;
        }
        let (unquoted, tail) = unquote_char(rest, b'"')?;
        match unquoted {
            Unquoted::Byte(byte) => text.push(byte),
            Unquoted::Char(char) => utf8::push(&mut text, char),
        }
        rest = tail;
    }
    Some(text)
}

/// The first character of what stands between `quote`s, and the rest; none if it is not well formed. The quote
/// itself must be escaped, and only the quote that is used may be.
pub(crate) fn unquote_char(text: &[u8], quote: u8) -> Option<(Unquoted, &[u8])> {
    match text {
        [b'\\', escape, rest @ ..] => escaped_char(*escape, rest, quote),
        [] | [b'\\'] => None,
        [byte, ..] if *byte == quote => None,
        [byte, rest @ ..] if byte.is_ascii() => Some((Unquoted::Byte(*byte), rest)),
        _ => {
            let (char, len) = utf8::decode(text)?;
            Some((Unquoted::Char(char), text.get(len..)?))
        }
    }
}

/// The character that a backslash and `escape` begin.
fn escaped_char(escape: u8, rest: &[u8], quote: u8) -> Option<(Unquoted, &[u8])> {
    let byte = match escape {
        b'a' => b'\x07',
        b'b' => b'\x08',
        b'f' => b'\x0c',
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => b'\x0b',
        b'\\' => b'\\',
        b'\'' | b'"' if escape == quote => quote,
        b'x' => {
            let (code, rest) = digits(rest, 2, 16)?;
            return Some((Unquoted::Byte(u8::try_from(code).ok()?), rest));
        }
        b'0'..=b'7' => {
            let (code, rest) = digits(rest, 2, 8)?;
            let first = u32::from(escape).saturating_sub(u32::from(b'0'));
            let code = first.saturating_mul(64).saturating_add(code);
            return Some((Unquoted::Byte(u8::try_from(code).ok()?), rest));
        }
        b'u' | b'U' => {
            let (code, rest) = digits(rest, if escape == b'u' { 4 } else { 8 }, 16)?;
            return Some((Unquoted::Char(char::from_u32(code)?), rest));
        }
        _ => return None,
    };
    Some((Unquoted::Byte(byte), rest))
}

/// The number that the first `count` bytes are, and the rest.
fn digits(text: &[u8], count: usize, radix: u32) -> Option<(u32, &[u8])> {
    let (digits, rest) = text.split_at_checked(count)?;
    // No sign gets through to the standard library.
    let digits = digits
        .iter()
        .all(u8::is_ascii_alphanumeric)
        .then_some(digits)?;
    let digits = std::str::from_utf8(digits).ok()?;
    Some((u32::from_str_radix(digits, radix).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_mean_what_go_says() {
        for (literal, text) in [
            (r#""""#, &b""[..]),
            (
                r#""a\a\b\f\n\r\t\v\\\"'z""#,
                b"a\x07\x08\x0c\n\r\t\x0b\\\"'z",
            ),
            (r#""\x41\xff\101\377\000""#, b"A\xffA\xff\0"),
            (r#""\u00e9\U0001F600é""#, "é😀é".as_bytes()),
            ("`a\\n\r\nb\"`", b"a\\n\nb\""),
        ] {
            assert_eq!(unquote(literal.as_bytes()).unwrap(), text, "{literal}");
        }
        assert_eq!(
            unquote(b"\"\xff\xe9\"").unwrap(),
            "\u{FFFD}\u{FFFD}".as_bytes()
        );
        assert_eq!(unquote(b"`\xff`").unwrap(), b"\xff");
    }

    #[test]
    fn what_is_no_literal_is_refused() {
        for literal in [
            "",
            "\"",
            "`",
            "a",
            "\"a",
            "a\"",
            "\"a\"b\"",
            "\"a\nb\"",
            r#""\q""#,
            r#""\'""#,
            r#""\x4""#,
            r#""\x4g""#,
            r#""\x+4""#,
            r#""\18""#,
            r#""\400""#,
            r#""\ud800""#,
            r#""\U00110000""#,
            r#""\""#,
            "`a`b`",
            "'a'",
        ] {
            assert_eq!(unquote(literal.as_bytes()), None, "{literal}");
        }
    }

    #[test]
    fn one_character_is_read_at_a_time() {
        let (char, rest) = unquote_char(br"\'x'", b'\'').unwrap();
        assert_eq!((char, rest), (Unquoted::Byte(b'\''), &b"x'"[..]));
        let (char, rest) = unquote_char(b"\xffx'", b'\'').unwrap();
        assert_eq!((char.code(), rest), (0xFFFD, &b"x'"[..]));
        assert_eq!(unquote_char(b"'", b'\''), None);
        assert_eq!(unquote_char(br#"\"'"#, b'\''), None);
    }
}
