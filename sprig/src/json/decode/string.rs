//! Strings in JSON.

use memchr::memchr2;
use sealed_template::{Buffer, CallError, Context, Str, utf8};

use super::{Decoder, end_of_input};

impl Decoder<'_> {
    /// Reads a string whose opening quote has been taken.
    pub(super) fn string(&mut self, context: &mut Context<'_>) -> Result<Str, CallError> {
        let len = most_bytes(to_closing_quote(self.rest));
        context.charge(len.saturating_add(size_of::<Buffer>()))?;
        let mut text = Buffer::with_capacity(len);
        while let Some((char, len)) = utf8::decode(self.rest) {
            match char {
                '"' => {
                    self.advance(1);
                    return Ok(text.into());
                }
                '\\' => {
                    self.advance(1);
                    let char = self.escape()?;
                    utf8::push(&mut text, char);
                }
                '\0'..' ' => return Err(self.invalid("in string literal")),
                _ => {
                    self.advance(len);
                    utf8::push(&mut text, char);
                }
            }
        }
        Err(end_of_input())
    }

    /// Reads an escape whose backslash has been taken.
    fn escape(&mut self) -> Result<char, CallError> {
        let char = match self.peek() {
            byte @ (b'"' | b'\\' | b'/') => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.advance(1);
                return self.code();
            }
            _ => return Err(self.invalid("in string escape code")),
        };
        self.advance(1);
        Ok(char)
    }

    /// Reads the digits of an escape, and those of another if both are a pair. A surrogate without its other
    /// half is U+FFFD.
    fn code(&mut self) -> Result<char, CallError> {
        let Some(unit) = hexadecimal(self.rest) else {
            let digits = self.rest.iter().take_while(|byte| byte.is_ascii_hexdigit());
            self.advance(digits.count());
            return Err(self.invalid("in \\u hexadecimal character escape"));
        };
        self.advance(4);
        let next = self.rest.strip_prefix(b"\\u").and_then(hexadecimal);
        let mut chars = char::decode_utf16(std::iter::once(unit).chain(next));
        let Some(Ok(char)) = chars.next() else {
            return Ok(char::REPLACEMENT_CHARACTER);
        };
        if char > '\u{FFFF}' {
            self.advance(6);
        }
        Ok(char)
    }
}

/// What stands before the quote that ends a string; all that is left where none does.
fn to_closing_quote(text: &[u8]) -> &[u8] {
    let mut end = 0_usize;
    while let Some(found) = text.get(end..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        end = end.saturating_add(found);
        if text.get(end) == Some(&b'"') {
            return text.get(..end).unwrap_or_default();
        }
        end = end.saturating_add(2);
    }
    text
}

/// How many bytes a string takes at most that is written like this: an escape is no shorter than what it stands
/// for, but a byte that is not UTF-8 becomes the three of U+FFFD.
fn most_bytes(written: &[u8]) -> usize {
    match std::str::from_utf8(written) {
        Ok(text) => text.len(),
        Err(_) => written.len().saturating_mul(3),
    }
}

/// The number that four hexadecimal digits are.
fn hexadecimal(text: &[u8]) -> Option<u16> {
    let digits = text.first_chunk::<4>()?;
    let number = digits.iter().try_fold(0, |number, digit| {
        Some(number << 4 | char::from(*digit).to_digit(16)?)
    });
    u16::try_from(number?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::with_context;

    /// The string that `text` is after its opening quote.
    fn read(text: &[u8]) -> String {
        let mut decoder = Decoder::new(text);
        match with_context(|context| decoder.string(context)) {
            Ok(text) => String::from_utf8(text.to_vec()).expect("UTF-8"),
            Err(error) => error.to_text().into_owned(),
        }
    }

    #[test]
    fn escapes_and_invalid_bytes_are_replaced() {
        for (text, string) in [
            (&br#"\"\\\/\b\f\n\r\t\u00e9"#[..], "\"\\/\u{8}\u{c}\n\r\té"),
            (br"\ud83d\ude00", "\u{1F600}"),
            (br"\ud83dx\ude00\ud83d\u0041", "\u{FFFD}x\u{FFFD}\u{FFFD}A"),
            (br"\ud834\ud834\udd1e", "\u{FFFD}\u{1D11E}"),
            (b"\xff\xe2\x82", "\u{FFFD}\u{FFFD}\u{FFFD}"),
        ] {
            assert_eq!(read(&[text, b"\""].concat()), string);
        }
    }

    #[test]
    fn the_first_byte_that_does_not_fit_is_named() {
        for (text, error) in [
            ("\n", r"invalid character '\n' in string literal"),
            (r"\x", "invalid character 'x' in string escape code"),
            (r"\", "invalid character ' ' in string escape code"),
            (
                r"\u12g4",
                r"invalid character 'g' in \u hexadecimal character escape",
            ),
            (
                r"\u12",
                r"invalid character ' ' in \u hexadecimal character escape",
            ),
            ("a", "unexpected end of JSON input"),
        ] {
            assert_eq!(read(text.as_bytes()), error, "{text}");
        }
    }
}
