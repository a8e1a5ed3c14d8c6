//! Reading numbers.

mod float;

pub use float::parse_float;

/// Why a text is no number of the type that was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NumberError<T> {
    /// It is no number.
    Syntax,
    /// It is one that the type cannot hold. Go returns the nearest that it can, beside the error.
    Range(T),
}

impl<T> NumberError<T> {
    /// Go's text for it, given the name of the Go function that would have failed and the text it was given.
    pub fn text(&self, function: &str, input: &[u8]) -> Vec<u8> {
        let mut text = format!("strconv.{function}: parsing ").into_bytes();
        text.extend_from_slice(&super::quote(input));
        text.extend_from_slice(match self {
            Self::Syntax => b": invalid syntax",
            Self::Range(_) => b": value out of range",
        });
        text
    }
}

/// Go's `strconv.ParseInt` for 64 bits, and with base 10 its `Atoi`. Base 0 means that a prefix says which it
/// is, and allows underscores between digits.
///
/// # Errors
///
/// What Go's function of the package `strconv` refuses, with the number it returns all the same.
pub fn parse_int(text: &[u8], base: u32) -> Result<i64, NumberError<i64>> {
    let (is_negative, digits) = split_sign(text);
    let magnitude = match parse_uint(digits, base) {
        Ok(magnitude) | Err(NumberError::Range(magnitude)) => magnitude,
        Err(NumberError::Syntax) => return Err(NumberError::Syntax),
    };
    if is_negative {
        0i64.checked_sub_unsigned(magnitude)
            .ok_or(NumberError::Range(i64::MIN))
    } else {
        i64::try_from(magnitude).map_err(|_| NumberError::Range(i64::MAX))
    }
}

/// Go's `strconv.ParseUint` for 64 bits: like [`parse_int`], without a sign.
pub(crate) fn parse_uint(text: &[u8], base: u32) -> Result<u64, NumberError<u64>> {
    let (radix, digits) = match (base, text) {
        (_, []) => return Err(NumberError::Syntax),
        (0, [b'0', b'b' | b'B', digits @ ..]) if !digits.is_empty() => (2, digits),
        (0, [b'0', b'o' | b'O', digits @ ..]) if !digits.is_empty() => (8, digits),
        (0, [b'0', b'x' | b'X', digits @ ..]) if !digits.is_empty() => (16, digits),
        (0, [b'0', digits @ ..]) => (8, digits),
        (0, digits) => (10, digits),
        (base, digits) => (base.clamp(2, 36), digits),
    };
    let mut magnitude = 0u64;
    for byte in digits {
        if *byte == b'_' && base == 0 {
            continue;
        }
        let digit = char::from(*byte)
            .to_digit(radix)
            .ok_or(NumberError::Syntax)?;
        magnitude = magnitude
            .checked_mul(radix.into())
            .and_then(|magnitude| magnitude.checked_add(digit.into()))
            .ok_or(NumberError::Range(u64::MAX))?;
    }
    if digits.contains(&b'_') && !underscores_are_between_digits(text) {
        return Err(NumberError::Syntax);
    }
    Ok(magnitude)
}

/// Whether a sign stands before the number that is negative, and what follows.
fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

/// Whether each underscore stands behind a digit or a prefix such as `0x` and before a digit. `number` has no
/// sign.
fn underscores_are_between_digits(number: &[u8]) -> bool {
    let (digits, is_hex) = match number {
        [b'0', b'x' | b'X', digits @ ..] => (digits, true),
        [b'0', b'b' | b'B' | b'o' | b'O', digits @ ..] => (digits, false),
        _ => (number, false),
    };
    let mut is_after_digit = digits.len() < number.len();
    let mut is_after_underscore = false;
    for byte in digits {
        let is_digit = byte.is_ascii_digit() || is_hex && byte.is_ascii_hexdigit();
        let is_underscore = *byte == b'_';
        if is_underscore && !is_after_digit || is_after_underscore && !is_digit {
            return false;
        }
        is_after_digit = is_digit;
        is_after_underscore = is_underscore;
    }
    !is_after_underscore
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_decide_the_base_when_it_is_0() {
        for (text, number) in [
            ("0", 0),
            ("-0", 0),
            ("+17", 17),
            ("017", 15),
            ("0o17", 15),
            ("0B101", 5),
            ("-0x_Ff", -255),
            ("1_000_000", 1_000_000),
            ("0_7", 7),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(parse_int(text.as_bytes(), 0), Ok(number), "{text}");
        }
        assert_eq!(parse_int(b"017", 10), Ok(17));
        assert_eq!(parse_int(b"17", 8), Ok(15));
        assert_eq!(parse_int(b"zZ", 36), Ok(1295));
    }

    #[test]
    fn what_is_no_integer_is_refused() {
        for text in [
            "", "+", "-", "_", "0x", "0b2", "08", "1_", "_1", "1__0", "0_", "0x_", "0x1_", "1 ",
            "+-1", "--1", "1.0", "é",
        ] {
            assert_eq!(
                parse_int(text.as_bytes(), 0),
                Err(NumberError::Syntax),
                "{text}"
            );
        }
        assert_eq!(parse_int(b"1_0", 10), Err(NumberError::Syntax));
        assert_eq!(parse_int(b"0x1", 10), Err(NumberError::Syntax));
        assert_eq!(parse_uint(b"+1", 0), Err(NumberError::Syntax));
    }

    #[test]
    fn the_nearest_number_comes_with_a_range_error() {
        assert_eq!(
            parse_int(b"9223372036854775808", 10),
            Err(NumberError::Range(i64::MAX))
        );
        assert_eq!(
            parse_int(b"-9223372036854775809", 10),
            Err(NumberError::Range(i64::MIN))
        );
        // The digits beyond the range are not looked at.
        assert_eq!(
            parse_int(b"-99999999999999999999x", 10),
            Err(NumberError::Range(i64::MIN))
        );
        assert_eq!(parse_uint(b"18446744073709551615", 10), Ok(u64::MAX));
        assert_eq!(
            parse_uint(b"18446744073709551616", 10),
            Err(NumberError::Range(u64::MAX))
        );
    }

    #[test]
    fn errors_read_as_in_go() {
        let error = parse_int(b"a\"b", 0).unwrap_err();
        assert_eq!(
            error.text("ParseInt", b"a\"b"),
            br#"strconv.ParseInt: parsing "a\"b": invalid syntax"#
        );
        let error = parse_float(b"1e999").unwrap_err();
        assert_eq!(
            error.text("ParseFloat", b"1e999"),
            br#"strconv.ParseFloat: parsing "1e999": value out of range"#
        );
    }
}
