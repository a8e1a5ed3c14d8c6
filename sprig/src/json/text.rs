//! Strings and numbers as JSON.

use sealed_template::strconv::{Notation, append_float, format_float};
use sealed_template::{Buffer, utf8};

/// Writes a string between quotes. What is not UTF-8 becomes U+FFFD.
pub(super) fn write_string(out: &mut Buffer, text: &[u8], escapes_html: bool) {
    out.push(b'"');
    for (char, bytes) in utf8::runes(text) {
        match char {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            // JavaScript takes the last two for the ends of lines.
            '\0'..' ' | '\u{2028}' | '\u{2029}' => write_escape(out, char),
            '<' | '>' | '&' if escapes_html => write_escape(out, char),
            char::REPLACEMENT_CHARACTER if bytes.len() == 1 => write_escape(out, char),
            _ => out.extend_from_slice(bytes),
        }
    }
    out.push(b'"');
}

/// Writes what a method made: JSON without needless blanks.
pub(super) fn write_marshaled(out: &mut Buffer, json: &[u8], escapes_html: bool) {
    for (char, bytes) in utf8::runes(json) {
        match char {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' if escapes_html => write_escape(out, char),
            _ => out.extend_from_slice(bytes),
        }
    }
}

/// Writes a number as JavaScript does, except for -0. The error is the name of what JSON has no number for.
pub(super) fn write_float(out: &mut Buffer, number: f64) -> Result<(), String> {
    if !number.is_finite() {
        return Err(format_float(number, Notation::General, None));
    }
    let magnitude = number.abs();
    if magnitude == 0.0 || (1e-6..1e21).contains(&magnitude) {
        append_float(out, number, Notation::Fixed, None);
    } else {
        let text = format_float(number, Notation::Exponent, None);
        // JavaScript does not pad the exponent.
        out.extend_from_slice(text.replace("e-0", "e-").as_bytes());
    }
    Ok(())
}

fn write_escape(out: &mut Buffer, char: char) {
    out.extend_from_slice(b"\\u");
    for shift in [12, 8, 4, 0] {
        let digit = char::from_digit(u32::from(char) >> shift & 0xF, 16);
        utf8::push(out, digit.unwrap_or('0'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Buffer)) -> String {
        let mut out = Buffer::new();
        write(&mut out);
        String::from_utf8(out.into_vec()).expect("UTF-8")
    }

    #[test]
    fn strings_are_escaped_for_html_if_so_wished() {
        let text = b"<a href=\"&\">\\/\n\x01\x7f\xff\xe2\x80\xa8";
        assert_eq!(
            written(|out| write_string(out, text, true)),
            "\"\\u003ca href=\\\"\\u0026\\\"\\u003e\\\\/\\n\\u0001\x7f\\ufffd\\u2028\""
        );
        assert_eq!(
            written(|out| write_string(out, text, false)),
            "\"<a href=\\\"&\\\">\\\\/\\n\\u0001\x7f\\ufffd\\u2028\""
        );
    }

    #[test]
    fn numbers_have_an_exponent_where_javascript_gives_them_one() {
        for (number, text) in [
            (100.0, "100"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (0.000_001, "0.000001"),
            (0.000_000_1, "1e-7"),
            (1.5e-10, "1.5e-10"),
            (-0.0, "-0"),
        ] {
            assert_eq!(
                written(|out| write_float(out, number).expect("finite")),
                text
            );
        }
        assert_eq!(
            write_float(&mut Buffer::new(), f64::NAN),
            Err("NaN".to_owned())
        );
        let infinite = write_float(&mut Buffer::new(), f64::NEG_INFINITY);
        assert_eq!(infinite, Err("-Inf".to_owned()));
    }
}
