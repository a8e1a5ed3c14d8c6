//! `html`, `js`, `urlquery`.

use crate::buffer::Buffer;
use crate::context::Context;
use crate::error::CallError;
use crate::function::Rest;
use crate::str::Str;
use crate::value::Value;
use crate::{fmt, unicode, utf8};

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Escapes what HTML gives a meaning; a zero byte becomes U+FFFD.
pub(super) fn html(context: &mut Context<'_>, arguments: Rest<Value>) -> Result<Str, CallError> {
    let text = joined(context, arguments)?;
    let escape = |byte: &u8| -> Option<&[u8]> {
        Some(match byte {
            0 => "\u{FFFD}".as_bytes(),
            b'"' => b"&#34;",
            b'\'' => b"&#39;",
            b'&' => b"&amp;",
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            _ => return None,
        })
    };
    if text.iter().all(|byte| escape(byte).is_none()) {
        return Ok(text);
    }
    let grown = text.iter().map(|byte| escape(byte).map_or(1, <[u8]>::len));
    let len = grown.sum();
    context.charge(len)?;
    let mut escaped = Buffer::with_capacity(len);
    for byte in text.iter() {
        match escape(byte) {
            Some(entity) => escaped.extend_from_slice(entity),
            None => escaped.push(*byte),
        }
    }
    Ok(escaped.into())
}

/// Escapes for a string in JavaScript.
pub(super) fn js(context: &mut Context<'_>, arguments: Rest<Value>) -> Result<Str, CallError> {
    let text = joined(context, arguments)?;
    if text.iter().copied().all(is_plain_in_js) {
        return Ok(text);
    }
    // `\u003C` for one byte is the worst.
    context.charge(text.len().saturating_mul(6))?;
    let mut escaped = Buffer::with_capacity(text.len());
    for (char, bytes) in utf8::runes(&text) {
        match char {
            '\\' => escaped.extend_from_slice(br"\\"),
            '\'' => escaped.extend_from_slice(br"\'"),
            '"' => escaped.extend_from_slice(br#"\""#),
            '<' | '>' | '&' | '=' | '\0'..' ' => code_point(&mut escaped, char),
            _ if char.is_ascii() || unicode::is_print(char) => escaped.extend_from_slice(bytes),
            _ => code_point(&mut escaped, char),
        }
    }
    Ok(escaped.into())
}

fn is_plain_in_js(byte: u8) -> bool {
    matches!(byte, b' '..=0x7F) && !matches!(byte, b'\\' | b'\'' | b'"' | b'<' | b'>' | b'&' | b'=')
}

/// `\u00E9`; beyond U+FFFF with more digits, as Go does, though JavaScript does not read it.
fn code_point(out: &mut Buffer, char: char) {
    out.extend(format!("\\u{:04X}", u32::from(char)).bytes());
}

/// Escapes for the query of a URL.
pub(super) fn urlquery(
    context: &mut Context<'_>,
    arguments: Rest<Value>,
) -> Result<Str, CallError> {
    let text = joined(context, arguments)?;
    if text.iter().copied().all(is_plain_in_query) {
        return Ok(text);
    }
    context.charge(text.len().saturating_mul(3))?;
    let mut escaped = Buffer::with_capacity(text.len());
    for &byte in text.iter() {
        match byte {
            b' ' => escaped.push(b'+'),
            _ if is_plain_in_query(byte) => escaped.push(byte),
            _ => {
                escaped.push(b'%');
                let digits = [byte >> 4, byte & 0xF];
                escaped.extend(
                    digits
                        .iter()
                        .filter_map(|digit| HEX.get(usize::from(*digit))),
                );
            }
        }
    }
    Ok(escaped.into())
}

fn is_plain_in_query(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

/// The arguments as `print` prints them, only that nil is `<no value>`.
fn joined(context: &mut Context<'_>, arguments: Rest<Value>) -> Result<Str, CallError> {
    let mut values = arguments.0;
    if let [Value::String(text)] = &values[..] {
        return Ok(text.clone());
    }
    for value in &mut values {
        if matches!(value, Value::Nil) {
            *value = Value::string("<no value>");
        }
    }
    fmt::print(context, &values).map(Str::from)
}

#[cfg(test)]
mod tests {
    use crate::testing::assert_renders;

    #[test]
    fn bytes_that_are_not_utf_8_pass() {
        assert_renders(&[
            (r#"{{html "<\xff\x00"}}"#, "&lt;\\xff\u{FFFD}"),
            (r#"{{js "\xff="}}"#, r"\xff\u003D"),
            (r#"{{urlquery "\xff "}}"#, "%FF+"),
        ]);
    }

    #[test]
    fn javascript_spells_out_what_cannot_be_printed() {
        assert_renders(&[
            (
                r#"{{js "a\x01\u00ad\u2028\x7f"}}"#,
                "a\\u0001\\u00AD\\u2028\x7f",
            ),
            (r#"{{js "\U000E0001é世"}}"#, r"\uE0001é世"),
            (r#"{{js "'\"\\<>&"}}"#, r#"\'\"\\\u003C\u003E\u0026"#),
        ]);
    }

    #[test]
    fn nothing_is_escaped_as_it_prints() {
        assert_renders(&[
            (
                "{{html nil .nil 1 2 `a` `b`}}",
                "&lt;no value&gt;&lt;no value&gt;1 2ab",
            ),
            ("{{urlquery .none}}", "%3Cno+value%3E"),
        ]);
    }
}
