//! Other values for entries.

use serde_json::Value;
use serde_saphyr::granit_parser::ScalarStyle;

use super::Plan;
use crate::edit::flow::in_same_quotes;
use crate::edit::source::{Entry, Place};
use crate::tree::{Content, NodeId};
use crate::write::scalar::Style;
use crate::write::yaml::{BlockWriter, word};

impl Plan<'_, '_> {
    /// Puts another value where the value of an entry stands. None if that cannot be done.
    pub(super) fn replace(&mut self, entry: Entry, flow: bool, new: &Value) -> Option<()> {
        let source = self.source;
        let place = source.place(entry)?;
        let is_collection = match new {
            Value::Object(map) => !map.is_empty(),
            Value::Array(items) => !items.is_empty(),
            _ => false,
        };
        if is_collection && !flow && !source.json {
            return self.replace_with_lines(entry, place, new);
        }
        let text = if flow || source.json {
            self.flow_style(source.node(entry.key).span.start)
                .value(new)
        } else if let Value::String(text) = new {
            in_same_quotes(text, self.quotes(entry.value))
        } else {
            word(new)
        };
        match place {
            Place::Nothing { at } => self.patch(at..at, format!(" {text}")),
            Place::Inline { range } => self.patch(range, text),
            Place::Block { header, body } => {
                self.patch(header, text);
                self.patch(body, String::new());
            }
            Place::Below { colon, lines } => {
                self.patch(colon..colon, format!(" {text}"));
                self.patch(lines, String::new());
            }
        }
        Some(())
    }

    fn quotes(&self, id: NodeId) -> Option<Style> {
        match &self.source.node(id).content {
            Content::Scalar {
                style: ScalarStyle::SingleQuoted,
                ..
            } => Some(Style::SingleQuoted),
            Content::Scalar {
                style: ScalarStyle::DoubleQuoted,
                ..
            } => Some(Style::DoubleQuoted),
            _ => None,
        }
    }

    /// Puts a mapping or a list in block style below the key.
    fn replace_with_lines(&mut self, entry: Entry, place: Place, new: &Value) -> Option<()> {
        let source = self.source;
        let colon = source.colon(entry.key)?;
        let column = source.column(source.node(entry.key).span.start);
        let mut writer = BlockWriter::between(source.step);
        let indent = match new {
            Value::Object(map) => {
                writer.mapping(map, column + source.step, false);
                column + source.step
            }
            Value::Array(items) => {
                writer.sequence(items, column, false);
                column
            }
            _ => return None,
        };
        let (removed, at) = match place {
            Place::Nothing { at } => (at..at, source.next_line(at)),
            Place::Inline { range } => (colon..range.end, source.next_line(range.end)),
            Place::Block { header, body } => {
                self.patch(body.clone(), String::new());
                (colon..header.end, body.end)
            }
            Place::Below { lines, .. } => (lines.clone(), source.next_line(lines.end)),
        };
        self.patch(removed, String::new());
        self.add_lines(at, &writer.out, indent);
        Some(())
    }
}
