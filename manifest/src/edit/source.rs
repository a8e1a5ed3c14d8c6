//! Where things stand in the text of a document.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_saphyr::granit_parser::ScalarStyle;

use crate::convert;
use crate::scalar::Tag;
use crate::tree::{Content, Fault, Node, NodeId, Tree};

/// A document as text and as nodes.
pub(super) struct Source<'t> {
    pub(super) text: &'t str,
    pub(super) tree: Tree<'t>,
    pub(super) json: bool,
    /// What ends a line here.
    pub(super) line_end: &'static str,
    /// By how much mappings are indented.
    pub(super) step: usize,
    /// The entries of each mapping by their names, merge keys left out.
    names: BTreeMap<NodeId, BTreeMap<String, Vec<Entry>>>,
}

/// An entry of a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) key: NodeId,
    pub(super) value: NodeId,
}

/// Where the value of an entry stands.
#[derive(Debug)]
pub(super) enum Place {
    /// Nowhere: nothing follows the colon, which ends here.
    Nothing { at: usize },
    /// In one piece, its tag and anchor included.
    Inline { range: Range<usize> },
    /// `|` or `>` with what belongs to it, and whole lines.
    Block {
        header: Range<usize>,
        body: Range<usize>,
    },
    /// A collection in block style: from the end of the colon's line to its own last character.
    Below { colon: usize, lines: Range<usize> },
}

/// The end of a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    /// Behind its last character.
    pub(super) content: usize,
    /// Where the next line begins that does not belong to it.
    pub(super) lines: usize,
}

impl<'t> Source<'t> {
    pub(super) fn new(text: &'t str, json: bool) -> Result<Self, Fault> {
        let mut source = Self {
            text,
            tree: Tree::parse(text, usize::MAX)?,
            json,
            line_end: if text.contains("\r\n") { "\r\n" } else { "\n" },
            step: 2,
            names: BTreeMap::new(),
        };
        source.step = source.find_step().unwrap_or(2);
        source.names = source.names();
        Ok(source)
    }

    pub(super) fn node(&self, id: NodeId) -> &Node<'t> {
        self.tree.node(id)
    }

    /// The entries of a mapping, and whether it is in flow style.
    pub(super) fn entries(&self, mapping: NodeId) -> (Vec<Entry>, bool) {
        match &self.node(mapping).content {
            Content::Mapping { entries, flow } => {
                let entry = |&(key, value)| Entry { key, value };
                (entries.iter().map(entry).collect(), *flow)
            }
            _ => (Vec::new(), false),
        }
    }

    pub(super) fn first_entry(&self, mapping: NodeId) -> Option<Entry> {
        match &self.node(mapping).content {
            Content::Mapping { entries, .. } => {
                let &(key, value) = entries.first()?;
                Some(Entry { key, value })
            }
            _ => None,
        }
    }

    pub(super) fn is_flow(&self, mapping: NodeId) -> bool {
        matches!(
            self.node(mapping).content,
            Content::Mapping { flow: true, .. }
        )
    }

    /// The entries of a mapping that have a name; the last of them counts.
    pub(super) fn find(&self, mapping: NodeId, name: &str) -> &[Entry] {
        let entries = self.names.get(&mapping).and_then(|names| names.get(name));
        entries.map_or(&[], Vec::as_slice)
    }

    fn names(&self) -> BTreeMap<NodeId, BTreeMap<String, Vec<Entry>>> {
        let mut names: BTreeMap<_, BTreeMap<String, Vec<Entry>>> = BTreeMap::new();
        for mapping in 0..self.tree.len() {
            for entry in self.entries(mapping).0 {
                if convert::is_merge(&self.tree, entry.key) {
                    continue;
                }
                if let Ok(name) = convert::key_text(&self.tree, entry.key) {
                    let names = names.entry(mapping).or_default();
                    names.entry(name.into_owned()).or_default().push(entry);
                }
            }
        }
        names
    }

    pub(super) fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |end| end + 1)
    }

    /// Where the characters of a line end.
    pub(super) fn end_of_line(&self, at: usize) -> usize {
        let rest = &self.text[at..];
        let end = rest.find('\n').unwrap_or(rest.len());
        at + rest[..end].strip_suffix('\r').unwrap_or(&rest[..end]).len()
    }

    pub(super) fn next_line(&self, at: usize) -> usize {
        self.text[at..]
            .find('\n')
            .map_or(self.text.len(), |end| at + end + 1)
    }

    pub(super) fn column(&self, at: usize) -> usize {
        self.text[self.line_start(at)..at].chars().count()
    }

    /// What stands on a line before a place.
    pub(super) fn before(&self, at: usize) -> &'t str {
        &self.text[self.line_start(at)..at]
    }

    /// Where the colon behind a key ends.
    pub(super) fn colon(&self, key: NodeId) -> Option<usize> {
        let end = self.node(key).span.end;
        let rest = &self.text[end..];
        let blanks = rest.len() - rest.trim_start().len();
        rest[blanks..].starts_with(':').then_some(end + blanks + 1)
    }

    pub(super) fn place(&self, entry: Entry) -> Option<Place> {
        let colon = self.colon(entry.key)?;
        let node = self.node(entry.value);
        if is_nothing(node) {
            let rest = self.text[colon..].trim_start_matches([' ', '\t', '\r', '\n']);
            let on_line = self.text[colon..self.end_of_line(colon)].trim_start();
            let nothing =
                on_line.is_empty() || on_line.starts_with('#') || rest.starts_with([',', '}']);
            return (node.tag == Tag::None && nothing).then_some(Place::Nothing { at: colon });
        }
        let start = self.skip_comments(colon, node.span.start);
        match &node.content {
            Content::Scalar {
                style: ScalarStyle::Literal | ScalarStyle::Folded,
                ..
            } => self.block(start, node),
            Content::Mapping { flow: false, .. } | Content::Sequence { flow: false, .. } => {
                let tied = self.text[start..node.span.start].contains(['&', '!']);
                (!tied).then(|| Place::Below {
                    colon,
                    lines: self.end_of_line(colon)..self.end(entry.value).content,
                })
            }
            _ => Some(Place::Inline {
                range: start..node.span.end,
            }),
        }
    }

    /// A block whose tag, anchor or header begins at `start`.
    fn block(&self, start: usize, node: &Node<'_>) -> Option<Place> {
        let mut header = start;
        while self.text[header..].starts_with(['!', '&']) {
            let rest = &self.text[header..];
            let token = rest.find([' ', '\t', '\n'])?;
            header += token + (rest[token..].len() - rest[token..].trim_start().len());
        }
        let marks = self.text[header..].strip_prefix(['|', '>'])?;
        let length = marks.len()
            - marks
                .trim_start_matches(|mark: char| {
                    mark == '+' || mark == '-' || mark.is_ascii_digit()
                })
                .len();
        let header_end = header + 1 + length;
        let body = self.next_line(header_end);
        let last = self.last_line_of_block(node, body).unwrap_or(body);
        Some(Place::Block {
            header: start..header_end,
            body: body..last,
        })
    }

    /// Where the line behind the last line of a block begins that is not blank; none if all of them are.
    fn last_line_of_block(&self, node: &Node<'_>, body: usize) -> Option<usize> {
        let raw = self.text.get(body..node.span.end)?;
        let content = raw.trim_end();
        (!content.is_empty()).then(|| self.next_line(body + content.len()))
    }

    /// From `at` over blanks, line ends and comments, but not beyond `until`.
    fn skip_comments(&self, mut at: usize, until: usize) -> usize {
        while at < until {
            let rest = &self.text[at..until];
            let blanks = rest.len() - rest.trim_start().len();
            at += blanks;
            if !rest[blanks..].starts_with('#') {
                break;
            }
            at = self.end_of_line(at).min(until);
        }
        at
    }

    /// The end of an entry.
    pub(super) fn end_of_entry(&self, entry: Entry) -> End {
        if is_nothing(self.node(entry.value)) {
            let at = self
                .colon(entry.key)
                .unwrap_or_else(|| self.node(entry.key).span.end);
            return self.end_at(at);
        }
        self.end(entry.value)
    }

    fn end_at(&self, content: usize) -> End {
        End {
            content,
            lines: self.next_line(content),
        }
    }

    fn end(&self, id: NodeId) -> End {
        let node = self.node(id);
        match &node.content {
            Content::Scalar {
                text,
                style: ScalarStyle::Literal | ScalarStyle::Folded,
            } => self.end_of_block(node, text),
            Content::Mapping {
                entries,
                flow: false,
            } => match entries.last() {
                Some(&(key, value)) => self.end_of_entry(Entry { key, value }),
                None => self.end_at(node.span.end),
            },
            Content::Sequence { items, flow: false } => match items.last() {
                Some(&item) => self.end(item),
                None => self.end_at(node.span.end),
            },
            _ => self.end_at(node.span.end),
        }
    }

    fn end_of_block(&self, node: &Node<'_>, value: &str) -> End {
        let raw = &self.text[..node.span.end];
        let content = raw.trim_end().len();
        let content = self.end_of_line(content);
        // Blank lines at the end that are part of the value belong to `|+`.
        let keeps = value.ends_with("\n\n")
            || (!value.is_empty() && value.bytes().all(|byte| byte == b'\n'));
        let lines = if keeps {
            raw.rfind('\n').map_or(0, |end| end + 1)
        } else {
            self.next_line(content)
        };
        End { content, lines }
    }

    /// How far a mapping in block style is indented below its key, where the text first shows it.
    fn find_step(&self) -> Option<usize> {
        let column = |mapping: NodeId| match &self.node(mapping).content {
            Content::Mapping {
                entries,
                flow: false,
            } => Some(self.column(self.node(entries.first()?.0).span.start)),
            _ => None,
        };
        (0..self.tree.len()).find_map(|mapping| {
            let outer = column(mapping)?;
            let (entries, _) = self.entries(mapping);
            let step = |entry: &Entry| column(entry.value)?.checked_sub(outer);
            entries
                .iter()
                .find_map(|entry| step(entry).filter(|&step| step > 0))
        })
    }

    /// The blanks by which JSON is indented: those before the first key, as far as the brace has none.
    pub(super) fn json_step(&self) -> String {
        let root = self
            .tree
            .root()
            .map_or(0, |root| self.node(root).span.start);
        let outer = self.indent_of_line(root);
        let first = self.tree.root().and_then(|root| self.first_entry(root));
        first
            .and_then(|entry| {
                let before = self.before(self.node(entry.key).span.start);
                before.strip_prefix(outer)
            })
            .filter(|step| !step.is_empty() && step.trim().is_empty())
            .unwrap_or("  ")
            .to_owned()
    }

    /// The blanks with which the line of a place begins.
    pub(super) fn indent_of_line(&self, at: usize) -> &'t str {
        let line = &self.text[self.line_start(at)..];
        &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
    }
}

/// Whether nothing is written where the node stands.
pub(super) fn is_nothing(node: &Node<'_>) -> bool {
    let plain = matches!(
        node.content,
        Content::Scalar {
            style: ScalarStyle::Plain,
            ..
        }
    );
    plain && node.span.is_empty()
}
