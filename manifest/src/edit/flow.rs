//! Values between braces: JSON, and YAML in flow style.

use serde_json::{Map, Value};

use crate::write::scalar::{self, Context, Style};
use crate::write::yaml::word;

/// How values between braces are written.
#[derive(Clone, Debug)]
pub(super) struct FlowStyle {
    pub(super) json: bool,
    /// No blanks behind colons and commas.
    pub(super) compact: bool,
    /// An entry a line: the indentation of the line on which the value begins, and what each level adds.
    pub(super) lines: Option<(String, String)>,
}

impl FlowStyle {
    /// Writes a value.
    pub(super) fn value(&self, value: &Value) -> String {
        match value {
            Value::Object(map) if !map.is_empty() => self.object(map),
            Value::Array(items) if !items.is_empty() => {
                let items: Vec<_> = items.iter().map(|item| self.inner().value(item)).collect();
                self.enclose('[', &items, ']')
            }
            Value::String(text) => self.text(text),
            value => word(value),
        }
    }

    fn object(&self, map: &Map<String, Value>) -> String {
        let entries: Vec<_> = map
            .iter()
            .map(|(key, value)| self.inner().entry(key, value))
            .collect();
        self.enclose('{', &entries, '}')
    }

    /// Writes `key: value`.
    pub(super) fn entry(&self, key: &str, value: &Value) -> String {
        let gap = if self.json && self.compact { "" } else { " " };
        format!("{}:{gap}{}", self.text(key), self.value(value))
    }

    fn text(&self, text: &str) -> String {
        if self.json {
            return Value::from(text).to_string();
        }
        let mut out = String::new();
        let style = scalar::style(text, Context::Flow);
        scalar::write(&mut out, text, style, 0, Context::Flow);
        out
    }

    fn inner(&self) -> Self {
        let deeper = |(indent, step): &(String, String)| (format!("{indent}{step}"), step.clone());
        Self {
            lines: self.lines.as_ref().map(deeper),
            ..*self
        }
    }

    fn enclose(&self, open: char, parts: &[String], close: char) -> String {
        if let Some((indent, step)) = &self.lines {
            let parts = parts.join(&format!(",\n{indent}{step}"));
            return format!("{open}\n{indent}{step}{parts}\n{indent}{close}");
        }
        let parts = parts.join(if self.compact { "," } else { ", " });
        format!("{open}{parts}{close}")
    }
}

/// A text in the quotes it had before, if they can hold it.
pub(super) fn in_same_quotes(text: &str, quotes: Option<Style>) -> String {
    let mut out = String::new();
    let wanted = match quotes {
        Some(Style::SingleQuoted) if scalar::fits_single_quotes(text) => Style::SingleQuoted,
        Some(Style::SingleQuoted | Style::DoubleQuoted) => Style::DoubleQuoted,
        _ => scalar::style(text, Context::Line),
    };
    scalar::write(&mut out, text, wanted, 0, Context::Line);
    out
}
