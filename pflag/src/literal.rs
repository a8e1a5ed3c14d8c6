//! Go's literals: booleans, numbers, quoted strings, and the errors of its package strconv.

use std::fmt::Write as _;

/// Reads a boolean.
pub(crate) fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(invalid("ParseBool", text)),
    }
}

/// Reads a signed integer.
pub(crate) fn parse_int(text: &str) -> Result<i64, String> {
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = magnitude(unsigned).ok_or_else(|| invalid("ParseInt", text))?;
    let value = i128::try_from(magnitude).unwrap_or(i128::MAX);
    i64::try_from(if negative { -value } else { value }).map_err(|_| out_of_range("ParseInt", text))
}

/// Reads an unsigned integer, which has no sign at all.
pub(crate) fn parse_uint(text: &str) -> Result<u64, String> {
    let magnitude = magnitude(text).ok_or_else(|| invalid("ParseUint", text))?;
    u64::try_from(magnitude).map_err(|_| out_of_range("ParseUint", text))
}

/// The value of an integer literal of Go; too large ones saturate.
fn magnitude(text: &str) -> Option<u128> {
    let lower = text.to_ascii_lowercase();
    let (radix, digits) = if let Some(digits) = lower.strip_prefix("0x") {
        (16, digits)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (2, digits)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        (8, digits)
    } else if let Some(digits) = lower.strip_prefix('0').filter(|digits| !digits.is_empty()) {
        (8, digits)
    } else {
        (10, lower.as_str())
    };
    // An underscore separates digits, and may follow the prefix.
    let prefixed = radix != 10;
    if digits.is_empty()
        || digits.ends_with('_')
        || digits.contains("__")
        || (digits.starts_with('_') && !prefixed)
    {
        return None;
    }
    let mut value = 0_u128;
    for digit in digits.chars().filter(|c| *c != '_') {
        value = value
            .saturating_mul(radix)
            .saturating_add(digit.to_digit(radix.try_into().ok()?)?.into());
    }
    Some(value)
}

/// Reads a decimal floating-point number, or `inf`, `infinity`, `nan`.
pub(crate) fn parse_float32(text: &str) -> Result<f32, String> {
    let value: f32 = text.parse().map_err(|_| invalid("ParseFloat", text))?;
    if value.is_infinite() && text.contains(|c: char| c.is_ascii_digit()) {
        return Err(out_of_range("ParseFloat", text));
    }
    Ok(value)
}

fn invalid(function: &str, text: &str) -> String {
    format!(
        "strconv.{function}: parsing {}: invalid syntax",
        quote(text)
    )
}

fn out_of_range(function: &str, text: &str) -> String {
    format!(
        "strconv.{function}: parsing {}: value out of range",
        quote(text)
    )
}

/// A text in double quotes, escaped as Go's `%q` does.
pub fn quote(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        escape(&mut quoted, c, '"');
    }
    quoted.push('"');
    quoted
}

/// A character in single quotes, escaped as Go's `%q` does.
pub(crate) fn quote_char(c: char) -> String {
    let mut quoted = String::from('\'');
    escape(&mut quoted, c, '\'');
    quoted.push('\'');
    quoted
}

fn escape(quoted: &mut String, c: char, delimiter: char) {
    let written = match c {
        '\u{7}' => write!(quoted, "\\a"),
        '\u{8}' => write!(quoted, "\\b"),
        '\u{b}' => write!(quoted, "\\v"),
        '\u{c}' => write!(quoted, "\\f"),
        '\n' => write!(quoted, "\\n"),
        '\r' => write!(quoted, "\\r"),
        '\t' => write!(quoted, "\\t"),
        '\\' => write!(quoted, "\\\\"),
        c if c == delimiter => write!(quoted, "\\{c}"),
        ' '..='~' => write!(quoted, "{c}"),
        '\0'..='\u{7f}' => write!(quoted, "\\x{:02x}", u32::from(c)),
        c if is_printable(c) => write!(quoted, "{c}"),
        '\u{80}'..='\u{ffff}' => write!(quoted, "\\u{:04x}", u32::from(c)),
        c => write!(quoted, "\\U{:08x}", u32::from(c)),
    };
    written.expect("writing into a String cannot fail");
}

/// Outside ASCII: Go counts letters, marks, numbers and symbols as printable, but no kind of blank and no format character.
fn is_printable(c: char) -> bool {
    // Behind another letter, or `escape_debug` would also escape marks.
    !c.is_whitespace() && ['a', c].iter().collect::<String>().escape_debug().count() == 2
}
