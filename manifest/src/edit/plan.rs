//! From changes of a value to changes of its text.

mod add;
mod remove;
mod replace;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde_json::{Map, Value};
use serde_saphyr::granit_parser::ScalarStyle;

use super::error::EditErrorKind;
use super::source::{Entry, Source};
use super::{Action, Change};
use crate::scalar::{Scalar, guess};
use crate::tree::{Content, NodeId};

/// A piece of text in the place of another.
#[derive(Debug)]
pub(super) struct Patch {
    pub(super) range: Range<usize>,
    pub(super) text: String,
    /// The indentation of lines that are added.
    pub(super) indent: usize,
}

/// Which of the changes cannot be made, where and why.
#[derive(Debug)]
pub(super) struct PlanFault {
    pub(super) change: usize,
    pub(super) at: usize,
    pub(super) kind: EditErrorKind,
}

/// What holds a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Holder {
    Document,
    Entry { entry: Entry, flow: bool },
    Item,
}

/// Where a path leads.
enum Reached {
    Entry {
        mapping: NodeId,
        holder: Holder,
        entry: Entry,
    },
    /// The mapping lacks this step of the path.
    Missing {
        mapping: NodeId,
        holder: Holder,
        step: usize,
    },
    /// The entry is null, and would have to be a mapping.
    Null {
        entry: Entry,
        flow: bool,
        step: usize,
    },
}

/// The patches for changes that do not meet: all of them removals, or none.
pub(super) fn patches(
    source: &Source<'_>,
    value: &Value,
    changes: &[&Change],
) -> Result<Vec<Patch>, PlanFault> {
    let mut plan = Plan {
        source,
        patches: Vec::new(),
        added: BTreeMap::new(),
        filled: BTreeMap::new(),
        removed: BTreeMap::new(),
    };
    for (position, change) in changes.iter().enumerate() {
        plan.take(value, change).map_err(|(at, kind)| PlanFault {
            change: position,
            at,
            kind,
        })?;
    }
    plan.finish().map_err(|at| PlanFault {
        change: 0,
        at,
        kind: EditErrorKind::Unsupported,
    })
}

struct Plan<'s, 't> {
    source: &'s Source<'t>,
    patches: Vec<Patch>,
    /// New entries by mapping, in the order of the changes.
    added: BTreeMap<(NodeId, Holder), Vec<(String, Value)>>,
    /// New contents of entries that are null.
    filled: BTreeMap<(Entry, bool), Map<String, Value>>,
    removed: BTreeMap<(NodeId, Holder), BTreeSet<Entry>>,
}

impl Plan<'_, '_> {
    fn take(&mut self, value: &Value, change: &Change) -> Result<(), (usize, EditErrorKind)> {
        let reached = self.walk(&change.path)?;
        match (&change.action, reached) {
            (Action::Insert(_), Reached::Entry { entry, .. }) => Err((
                self.source.node(entry.key).span.start,
                EditErrorKind::Present,
            )),
            (Action::Replace(new) | Action::Set(new), Reached::Entry { mapping, entry, .. }) => {
                if at_path(value, &change.path) == Some(new) {
                    return Ok(());
                }
                let flow = self.source.is_flow(mapping);
                let at = self.source.node(entry.key).span.start;
                self.replace(entry, flow, new)
                    .ok_or((at, EditErrorKind::Unsupported))
            }
            (
                Action::Remove,
                Reached::Entry {
                    mapping, holder, ..
                },
            ) => {
                let name = change.path.last().map_or("", String::as_str);
                let entries = self.source.find(mapping, name);
                self.removed
                    .entry((mapping, holder))
                    .or_default()
                    .extend(entries);
                Ok(())
            }
            (Action::Replace(_) | Action::Remove, _) => Err((0, EditErrorKind::Absent)),
            (
                Action::Insert(new) | Action::Set(new),
                Reached::Missing {
                    mapping,
                    holder,
                    step,
                },
            ) => {
                let (name, rest) = (&change.path[step], &change.path[step + 1..]);
                let added = self.added.entry((mapping, holder)).or_default();
                let position = added.iter().position(|(key, _)| key == name);
                let position = position.unwrap_or_else(|| {
                    added.push((name.clone(), Value::Null));
                    added.len() - 1
                });
                put(&mut added[position].1, rest, new);
                Ok(())
            }
            (Action::Insert(new) | Action::Set(new), Reached::Null { entry, flow, step }) => {
                let map = self.filled.entry((entry, flow)).or_default();
                let inner = map.entry(change.path[step].clone()).or_insert(Value::Null);
                put(inner, &change.path[step + 1..], new);
                Ok(())
            }
        }
    }

    fn walk(&self, path: &[String]) -> Result<Reached, (usize, EditErrorKind)> {
        let source = self.source;
        let Some(mut node) = source.tree.root() else {
            return Err((0, EditErrorKind::Absent));
        };
        let mut holder = Holder::Document;
        for (step, name) in path.iter().enumerate() {
            let at = source.node(node).span.start;
            let through = || path[step.saturating_sub(1)].clone();
            match &source.node(node).content {
                Content::Mapping { flow, .. } => {
                    let Some(&entry) = source.find(node, name).last() else {
                        return Ok(Reached::Missing {
                            mapping: node,
                            holder,
                            step,
                        });
                    };
                    if step + 1 == path.len() {
                        return Ok(Reached::Entry {
                            mapping: node,
                            holder,
                            entry,
                        });
                    }
                    if self.is_null(entry.value) {
                        return Ok(Reached::Null {
                            entry,
                            flow: *flow,
                            step: step + 1,
                        });
                    }
                    holder = Holder::Entry { entry, flow: *flow };
                    node = entry.value;
                }
                Content::Sequence { items, .. } => {
                    let item = name
                        .parse()
                        .ok()
                        .and_then(|position: usize| items.get(position));
                    node = *item.ok_or((at, EditErrorKind::Absent))?;
                    holder = Holder::Item;
                }
                Content::Alias(_) => return Err((at, EditErrorKind::Shared { step: through() })),
                Content::Scalar { .. } => {
                    return Err((at, EditErrorKind::NotAMapping { step: through() }));
                }
            }
        }
        // Only an empty path, or one that ends at an item of a list.
        let step = path.last().cloned().unwrap_or_default();
        Err((
            source.node(node).span.start,
            EditErrorKind::NotAMapping { step },
        ))
    }

    fn is_null(&self, id: NodeId) -> bool {
        match &self.source.node(id).content {
            Content::Scalar {
                text,
                style: ScalarStyle::Plain,
            } => guess(text.as_ref().into()) == Scalar::Null,
            _ => false,
        }
    }

    fn finish(mut self) -> Result<Vec<Patch>, usize> {
        for ((mapping, holder), entries) in std::mem::take(&mut self.added) {
            let at = self.source.node(mapping).span.start;
            self.add_entries(mapping, holder, entries).ok_or(at)?;
        }
        for ((entry, flow), map) in std::mem::take(&mut self.filled) {
            let at = self.source.node(entry.key).span.start;
            self.replace(entry, flow, &Value::Object(map)).ok_or(at)?;
        }
        for ((mapping, holder), entries) in std::mem::take(&mut self.removed) {
            let at = self.source.node(mapping).span.start;
            self.remove_entries(mapping, holder, &entries).ok_or(at)?;
        }
        Ok(self.patches)
    }

    fn patch(&mut self, range: Range<usize>, text: String) {
        self.patches.push(Patch {
            range,
            text,
            indent: 0,
        });
    }

    /// Adds whole lines where a line begins, or at the end of the text.
    fn add_lines(&mut self, at: usize, lines: &str, indent: usize) {
        let text = self.with_line_ends(lines);
        let unfinished = at == self.source.text.len() && !self.source.text.ends_with('\n');
        let text = if unfinished {
            format!("{}{text}", self.source.line_end)
        } else {
            text
        };
        self.patches.push(Patch {
            range: at..at,
            text,
            indent,
        });
    }

    fn with_line_ends(&self, text: &str) -> String {
        if self.source.line_end == "\n" {
            text.to_owned()
        } else {
            text.replace('\n', self.source.line_end)
        }
    }
}

/// The value at a path.
fn at_path<'v>(value: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, step| match value {
        Value::Object(map) => map.get(step),
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    })
}

/// Puts a value at a path of mappings that are made as needed.
fn put(place: &mut Value, path: &[String], new: &Value) {
    let place = path.iter().fold(place, |place, step| {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        match place {
            Value::Object(map) => map.entry(step.clone()).or_insert(Value::Null),
            other => other,
        }
    });
    *place = new.clone();
}
