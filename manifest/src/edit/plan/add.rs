//! New entries of mappings.

use serde_json::{Map, Value};

use super::{Holder, Plan};
use crate::edit::flow::FlowStyle;
use crate::edit::source::Entry;
use crate::tree::NodeId;
use crate::write::yaml::BlockWriter;

impl Plan<'_, '_> {
    pub(super) fn add_entries(
        &mut self,
        mapping: NodeId,
        holder: Holder,
        added: Vec<(String, Value)>,
    ) -> Option<()> {
        let (entries, flow) = self.source.entries(mapping);
        let Some(&last) = entries.last() else {
            return self.fill_empty(mapping, holder, added);
        };
        if flow {
            return self.add_between_braces(&entries, &added);
        }
        let column = self
            .source
            .column(self.source.node(entries[0].key).span.start);
        let mut writer = BlockWriter::between(self.source.step);
        for (key, value) in &added {
            writer.out.extend(std::iter::repeat_n(' ', column));
            writer.entry(key, value, column);
        }
        let at = self.source.end_of_entry(last).lines;
        self.add_lines(at, &writer.out, column);
        Some(())
    }

    /// Fills `{}`.
    fn fill_empty(
        &mut self,
        mapping: NodeId,
        holder: Holder,
        added: Vec<(String, Value)>,
    ) -> Option<()> {
        let source = self.source;
        let map: Map<_, _> = added.into_iter().collect();
        match holder {
            Holder::Entry { entry, flow: false } if !source.json => {
                self.replace(entry, false, &Value::Object(map))
            }
            Holder::Document if !source.json && self.begins_line(mapping) => {
                let mut writer = BlockWriter::between(source.step);
                writer.mapping(&map, 0, false);
                let text = self.with_line_ends(writer.out.trim_end_matches('\n'));
                self.patch(source.node(mapping).span.clone(), text);
                Some(())
            }
            _ => {
                let span = source.node(mapping).span.clone();
                let text = self.flow_style(span.start).value(&Value::Object(map));
                self.patch(span, text);
                Some(())
            }
        }
    }

    fn begins_line(&self, id: NodeId) -> bool {
        let at = self.source.node(id).span.start;
        self.source.before(at).is_empty()
    }

    fn add_between_braces(&mut self, entries: &[Entry], added: &[(String, Value)]) -> Option<()> {
        let source = self.source;
        let (first, last) = (entries.first()?, entries.last()?);
        let first_key = source.node(first.key).span.start;
        let style = self.flow_style(source.node(last.key).span.start);
        let end = source.end_of_entry(*last).content;
        let between = if let [.., before, last] = entries {
            let gap = source.end_of_entry(*before).content..source.node(last.key).span.start;
            source.text.get(gap).unwrap_or_default().to_owned()
        } else {
            let brace = source.text[..first_key].rfind('{')?;
            format!(",{}", &source.text[brace + 1..first_key])
        };
        let blank = between.replacen(',', "", 1).trim().is_empty() && between.contains(',');
        let separator = match blank {
            true if between.contains('\n') => between,
            _ if style.compact => ",".to_owned(),
            _ => ", ".to_owned(),
        };
        let mut text = String::new();
        for (key, value) in added {
            text.push_str(&separator);
            text.push_str(&self.with_line_ends(&style.entry(key, value)));
        }
        self.patch(end..end, text);
        Some(())
    }

    /// How the surroundings of a place between braces are written.
    pub(super) fn flow_style(&self, at: usize) -> FlowStyle {
        let source = self.source;
        let first = source.tree.root().and_then(|root| source.first_entry(root));
        let gap = first.and_then(|entry| source.text[source.colon(entry.key)?..].chars().next());
        let first_key = first.map(|entry| source.node(entry.key).span.start);
        let lines = source.json
            && first_key.is_some_and(|at| {
                source.before(at).trim().is_empty() && at > 0 && source.line_start(at) > 0
            });
        FlowStyle {
            json: source.json,
            compact: source.json && gap.is_some_and(|gap| !gap.is_whitespace()),
            lines: lines.then(|| (source.indent_of_line(at).to_owned(), source.json_step())),
        }
    }
}
