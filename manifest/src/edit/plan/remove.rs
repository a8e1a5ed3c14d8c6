//! Entries that are removed.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{Holder, Plan};
use crate::edit::source::{Entry, Place};
use crate::tree::NodeId;

impl Plan<'_, '_> {
    pub(super) fn remove_entries(
        &mut self,
        mapping: NodeId,
        holder: Holder,
        removed: &BTreeSet<Entry>,
    ) -> Option<()> {
        let source = self.source;
        let (entries, flow) = source.entries(mapping);
        let announced = |entry: &Entry| {
            let before = source.before(source.node(entry.key).span.start);
            !before.chars().all(|mark| matches!(mark, '-' | ' '))
        };
        if !flow && removed.iter().any(announced) {
            return None;
        }
        if entries.iter().all(|entry| removed.contains(entry)) {
            return self.empty(mapping, holder, &entries, flow);
        }
        let mut position = 0;
        while position < entries.len() {
            let run = entries[position..]
                .iter()
                .take_while(|entry| removed.contains(entry))
                .count();
            if run > 0 {
                self.remove_run(&entries, position..position + run, flow)?;
            }
            position += run.max(1);
        }
        Some(())
    }

    /// Removes entries that follow each other; at least one entry of the mapping is not among them.
    fn remove_run(&mut self, entries: &[Entry], run: Range<usize>, flow: bool) -> Option<()> {
        let source = self.source;
        let start = |entry: &Entry| source.node(entry.key).span.start;
        let first = start(&entries[run.start]);
        let next = entries.get(run.end).map(start);
        if flow {
            let range = if let Some(next) = next {
                first..next
            } else {
                let kept = entries.get(run.start.checked_sub(1)?)?;
                let last = entries.get(run.end - 1)?;
                source.end_of_entry(*kept).content..source.end_of_entry(*last).content
            };
            self.patch(range, String::new());
            return Some(());
        }
        if !source.before(first).trim().is_empty() {
            // The first entry of an item of a list shares the line with the dash.
            let next = next?;
            self.patch(first..next, String::new());
            return Some(());
        }
        for entry in &entries[run] {
            let at = start(entry);
            self.patch(
                source.line_start(at)..source.end_of_entry(*entry).lines,
                String::new(),
            );
        }
        Some(())
    }

    /// Leaves `{}` of a mapping.
    fn empty(
        &mut self,
        mapping: NodeId,
        holder: Holder,
        entries: &[Entry],
        flow: bool,
    ) -> Option<()> {
        let source = self.source;
        let span = source.node(mapping).span.clone();
        match holder {
            _ if flow => self.patch(span.start + 1..span.end - 1, String::new()),
            Holder::Entry { entry, .. } => {
                let Place::Below { colon, lines } = source.place(entry)? else {
                    return None;
                };
                self.patch(colon..colon, " {}".to_owned());
                self.patch(lines, String::new());
            }
            Holder::Document | Holder::Item => {
                let start = source.node(entries.first()?.key).span.start;
                let end = source.end_of_entry(*entries.last()?).content;
                self.patch(start..end, "{}".to_owned());
            }
        }
        Some(())
    }
}
