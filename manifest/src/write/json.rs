//! JSON as Go's `json.MarshalIndent` writes it.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter};

/// Writes JSON with two spaces of indentation, fields in the order in which `value` gives them, `<`, `>`, `&`
/// and the line separators U+2028 and U+2029 escaped as Go does, and one line feed at the end.
///
/// # Panics
///
/// If `value` cannot be JSON: a map whose keys are not text, or a `Serialize` that fails.
pub fn to_json(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, GoFormatter::default());
    value
        .serialize(&mut serializer)
        .expect("a value with text keys serializes into memory");
    bytes.push(b'\n');
    String::from_utf8(bytes).expect("the serializer writes UTF-8")
}

/// Indentation by `serde_json`, plus Go's protection of text that ends up in HTML.
#[derive(Default)]
struct GoFormatter {
    pretty: PrettyFormatter<'static>,
}

impl GoFormatter {
    fn escape(character: char) -> Option<&'static [u8]> {
        Some(match character {
            '<' => b"\\u003c",
            '>' => b"\\u003e",
            '&' => b"\\u0026",
            '\u{2028}' => b"\\u2028",
            '\u{2029}' => b"\\u2029",
            _ => return None,
        })
    }
}

impl Formatter for GoFormatter {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut written = 0;
        for (at, character) in fragment.char_indices() {
            if let Some(escape) = Self::escape(character) {
                writer.write_all(&fragment.as_bytes()[written..at])?;
                writer.write_all(escape)?;
                written = at + character.len_utf8();
            }
        }
        writer.write_all(&fragment.as_bytes()[written..])
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.pretty.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.pretty.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_keep_the_order_of_the_struct() {
        #[derive(Serialize)]
        struct Object {
            kind: &'static str,
            #[serde(rename = "apiVersion")]
            api_version: &'static str,
            items: Vec<u8>,
            empty: Vec<u8>,
        }
        let object = Object {
            kind: "K",
            api_version: "v1",
            items: vec![1, 2],
            empty: vec![],
        };
        let text = "{\n  \"kind\": \"K\",\n  \"apiVersion\": \"v1\",\n  \"items\": [\n    1,\n    2\n  ],\n  \"empty\": []\n}\n";
        assert_eq!(to_json(&object), text);
    }

    #[test]
    fn html_is_escaped_and_other_text_is_not() {
        assert_eq!(
            to_json(&json!("a<b>&é☃\u{2028}\u{2029}\u{7f}\"\\\t\u{1}")),
            "\"a\\u003cb\\u003e\\u0026é☃\\u2028\\u2029\u{7f}\\\"\\\\\\t\\u0001\"\n"
        );
    }

    #[test]
    fn an_empty_object_stays_on_its_line() {
        assert_eq!(to_json(&json!({"a": {}})), "{\n  \"a\": {}\n}\n");
    }
}
