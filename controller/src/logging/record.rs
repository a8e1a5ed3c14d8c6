//! One log record and its two spellings, as Go's `log/slog` handlers write them.

use std::fmt::{Debug, Write};

use jiff::Timestamp;
use sealed_pflag::quote;
use tracing::Level;
use tracing::field::{Field, Visit};

/// The message and the attributes of one event, in the order they were given.
#[derive(Default)]
pub(super) struct Record {
    message: String,
    attributes: Vec<(&'static str, Value)>,
}

enum Value {
    Text(String),
    /// A number or a bool: the same characters in text and JSON.
    Plain(String),
}

impl Record {
    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::Text(text) | Value::Plain(text)) => self.message = text,
            (name, value) => self.attributes.push((name, value)),
        }
    }

    /// `time=… level=… msg=… key=value`, milliseconds, values quoted where Go quotes them.
    pub(super) fn to_text(&self, time: Timestamp, level: Level) -> String {
        let mut line = format!(
            "time={} level={} msg=",
            time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ"),
            name_of(level)
        );
        push_text(&mut line, &self.message);
        for (name, value) in &self.attributes {
            line.push(' ');
            push_text(&mut line, name);
            line.push('=');
            match value {
                Value::Text(text) => push_text(&mut line, text),
                Value::Plain(text) => line.push_str(text),
            }
        }
        line.push('\n');
        line
    }

    /// One JSON object, nanoseconds, no HTML escapes.
    pub(super) fn to_json(&self, time: Timestamp, level: Level) -> String {
        let mut line = format!(
            "{{\"time\":\"{time}\",\"level\":\"{}\",\"msg\":",
            name_of(level)
        );
        push_json(&mut line, &self.message);
        for (name, value) in &self.attributes {
            line.push(',');
            push_json(&mut line, name);
            line.push(':');
            match value {
                Value::Text(text) => push_json(&mut line, text),
                Value::Plain(text) => line.push_str(text),
            }
        }
        line.push_str("}\n");
        line
    }
}

impl Visit for Record {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::Text(value.to_owned()));
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Value::Plain(value.to_string()));
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Value::Plain(value.to_string()));
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Value::Plain(value.to_string()));
    }
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, Value::Text(value.to_string()));
    }
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, Value::Text(format!("{value:?}")));
    }
}

fn name_of(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARN",
        Level::INFO => "INFO",
        Level::DEBUG => "DEBUG",
        Level::TRACE => "DEBUG-4",
    }
}

fn push_text(line: &mut String, text: &str) {
    let quoted = quote(text);
    // Go's rule: space, `=`, `"` and what does not print call for quotes; a backslash alone does not, though Go escapes
    // it inside them.
    let backslashes = text.bytes().filter(|b| *b == b'\\').count();
    let plain = quoted.len() == text.len() + backslashes + 2;
    if plain && !text.is_empty() && !text.contains([' ', '=']) {
        line.push_str(text);
    } else {
        line.push_str(&quoted);
    }
}

/// slog's JSON string: shortest escapes for quotes, backslash and line ends, `\u00XX` for other control characters.
fn push_json(line: &mut String, text: &str) {
    line.push('"');
    for c in text.chars() {
        match c {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            // Valid JSON, but not valid JavaScript: Go escapes the two line separators.
            c if c < ' ' || matches!(c, '\u{2028}' | '\u{2029}') => {
                write!(line, "\\u{:04x}", u32::from(c)).expect("writing to a String never fails");
            }
            c => line.push(c),
        }
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> String {
        let mut line = String::new();
        push_text(&mut line, value);
        line
    }

    #[test]
    fn text_values_are_quoted_where_go_quotes_them() {
        for (value, written) in [
            ("plain", "plain"),
            ("ns/name", "ns/name"),
            (r"a\b", r"a\b"),
            ("", r#""""#),
            ("a b", r#""a b""#),
            ("a=b", r#""a=b""#),
            ("a\"b", r#""a\"b""#),
            ("two\nlines", r#""two\nlines""#),
            ("bell\u{7}\u{1b}[31m", r#""bell\a\x1b[31m""#),
            ("del\u{7f}", r#""del\x7f""#),
            ("é\u{301}", "é\u{301}"),
            ("nbsp\u{a0}", r#""nbsp\u00a0""#),
            ("rtl\u{202e}", r#""rtl\u202e""#),
            ("tag\u{e0001}", r#""tag\U000e0001""#),
        ] {
            assert_eq!(text(value), written);
        }
    }

    #[test]
    fn json_strings_escape_control_characters_only() {
        let mut line = String::new();
        push_json(&mut line, "<a>&\u{8}\u{2028}\t");
        assert_eq!(line, "\"<a>&\\u0008\\u2028\\t\"");
    }
}
