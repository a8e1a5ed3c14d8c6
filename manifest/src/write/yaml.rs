//! YAML in block style, as Go's `sigs.k8s.io/yaml` writes it.

use serde::Serialize;
use serde_json::{Map, Value};

use super::natural;
use super::scalar::{self, Context};
use crate::float;

/// Longer keys are written with `?`: readers look no more than 1024 characters ahead for the colon.
const LONGEST_SIMPLE_KEY: usize = 1000;

/// Writes YAML with two spaces of indentation, keys in natural order, list items not indented below their
/// key, and one line feed at the end. There is no `---` before it.
///
/// Text is quoted where a reader of YAML 1.1 or 1.2 could take it for something else; text of several lines
/// becomes a literal block; text without blanks, such as base64, is never wrapped.
///
/// # Panics
///
/// If `value` cannot be JSON: a map whose keys are not text, or a `Serialize` that fails.
pub fn to_yaml(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).expect("a value with text keys serializes into memory");
    let mut writer = BlockWriter::new();
    match &value {
        Value::Object(map) if !map.is_empty() => writer.mapping(map, 0, false),
        Value::Array(items) if !items.is_empty() => writer.sequence(items, 0, false),
        scalar => writer.leaf(scalar, 0),
    }
    writer.out
}

/// Writes block style.
pub(crate) struct BlockWriter {
    pub(crate) out: String,
    /// By how much a mapping is indented below its key.
    step: usize,
    /// Whether other text follows, whose blank lines a block with `+` would take for its own.
    followed: bool,
}

impl BlockWriter {
    /// For a text of its own.
    fn new() -> Self {
        Self {
            out: String::new(),
            step: 2,
            followed: false,
        }
    }

    /// For lines that are put into another text.
    pub(crate) fn between(step: usize) -> Self {
        Self {
            out: String::new(),
            step,
            followed: true,
        }
    }

    fn indentation(&mut self, indent: usize) {
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    /// Writes the entries of a mapping; `inline`: the first one continues the line.
    pub(crate) fn mapping(&mut self, map: &Map<String, Value>, indent: usize, inline: bool) {
        let mut entries: Vec<_> = map.iter().collect();
        entries.sort_by(|(left, _), (right, _)| natural::compare(left, right));
        for (position, (key, value)) in entries.into_iter().enumerate() {
            if position > 0 || !inline {
                self.indentation(indent);
            }
            self.entry(key, value, indent);
        }
    }

    /// Writes one entry of a mapping, without the indentation before its key.
    pub(crate) fn entry(&mut self, key: &str, value: &Value, indent: usize) {
        let start = self.out.len();
        let style = scalar::style(key, Context::Line);
        scalar::write(&mut self.out, key, style, 0, Context::Line);
        let explicit = self.out.len() - start > LONGEST_SIMPLE_KEY;
        if explicit {
            self.out.insert_str(start, "? ");
            self.out.push('\n');
            self.indentation(indent);
        }
        self.out.push(':');
        match value {
            Value::Object(map) if !map.is_empty() => {
                self.out.push('\n');
                self.mapping(map, indent + self.step, false);
            }
            Value::Array(items) if !items.is_empty() => {
                self.out.push('\n');
                self.sequence(
                    items,
                    if explicit { indent + self.step } else { indent },
                    false,
                );
            }
            value => {
                self.out.push(' ');
                self.leaf(value, indent);
            }
        }
    }

    pub(crate) fn sequence(&mut self, items: &[Value], indent: usize, inline: bool) {
        for (position, item) in items.iter().enumerate() {
            if position > 0 || !inline {
                self.indentation(indent);
            }
            self.out.push_str("- ");
            match item {
                Value::Object(map) if !map.is_empty() => self.mapping(map, indent + 2, true),
                Value::Array(items) if !items.is_empty() => self.sequence(items, indent + 2, true),
                item => self.leaf(item, indent),
            }
        }
    }

    /// Writes what stands behind a key or a dash in one piece, with its line end.
    fn leaf(&mut self, value: &Value, indent: usize) {
        if let Value::String(text) = value {
            let context = if self.followed && (text == "\n" || text.ends_with("\n\n")) {
                Context::Line
            } else {
                Context::Value
            };
            let style = scalar::style(text, context);
            scalar::write(&mut self.out, text, style, indent + 2, Context::Value);
            if style == scalar::Style::Literal {
                return;
            }
        } else {
            self.out.push_str(&word(value));
        }
        self.out.push('\n');
    }
}

/// What is neither text nor a collection with something in it.
pub(crate) fn word(value: &Value) -> String {
    match value {
        Value::Array(_) => "[]".to_owned(),
        Value::Object(_) => "{}".to_owned(),
        Value::Number(number) if number.is_f64() => {
            float::yaml(number.as_f64().unwrap_or_default())
        }
        value => value.to_string(),
    }
}
