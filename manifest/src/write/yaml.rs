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
    let mut out = String::new();
    match &value {
        Value::Object(map) if !map.is_empty() => mapping(&mut out, map, 0, false),
        Value::Array(items) if !items.is_empty() => sequence(&mut out, items, 0, false),
        scalar => leaf(&mut out, scalar, 0),
    }
    out
}

fn indentation(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// Writes the entries of a mapping; `inline`: the first one continues the line.
pub(super) fn mapping(out: &mut String, map: &Map<String, Value>, indent: usize, inline: bool) {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by(|(left, _), (right, _)| natural::compare(left, right));
    for (position, (key, value)) in entries.into_iter().enumerate() {
        if position > 0 || !inline {
            indentation(out, indent);
        }
        let start = out.len();
        self::key(out, key);
        let explicit = out.len() - start > LONGEST_SIMPLE_KEY;
        if explicit {
            out.insert_str(start, "? ");
            out.push('\n');
            indentation(out, indent);
        }
        out.push(':');
        match value {
            Value::Object(map) if !map.is_empty() => {
                out.push('\n');
                mapping(out, map, indent + 2, false);
            }
            Value::Array(items) if !items.is_empty() => {
                out.push('\n');
                sequence(
                    out,
                    items,
                    if explicit { indent + 2 } else { indent },
                    false,
                );
            }
            value => {
                out.push(' ');
                leaf(out, value, indent);
            }
        }
    }
}

fn sequence(out: &mut String, items: &[Value], indent: usize, inline: bool) {
    for (position, item) in items.iter().enumerate() {
        if position > 0 || !inline {
            indentation(out, indent);
        }
        out.push_str("- ");
        match item {
            Value::Object(map) if !map.is_empty() => mapping(out, map, indent + 2, true),
            Value::Array(items) if !items.is_empty() => sequence(out, items, indent + 2, true),
            item => leaf(out, item, indent),
        }
    }
}

/// Writes a key.
pub(super) fn key(out: &mut String, key: &str) {
    let style = scalar::style(key, Context::Key);
    scalar::write(out, key, style, 0, Context::Key);
}

/// Writes what stands behind a key or a dash in one piece, with its line end.
pub(super) fn leaf(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::String(text) => {
            let style = scalar::style(text, Context::Value);
            scalar::write(out, text, style, indent + 2, Context::Value);
            if style == scalar::Style::Literal {
                return;
            }
        }
        value => out.push_str(&word(value)),
    }
    out.push('\n');
}

/// What is neither text nor a collection with something in it.
pub(super) fn word(value: &Value) -> String {
    match value {
        Value::Array(_) => "[]".to_owned(),
        Value::Object(_) => "{}".to_owned(),
        Value::Number(number) if number.is_f64() => {
            float::yaml(number.as_f64().unwrap_or_default())
        }
        value => value.to_string(),
    }
}
