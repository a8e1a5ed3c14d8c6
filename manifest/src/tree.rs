//! The nodes of one YAML document with their places in the text.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use serde_saphyr::granit_parser::{
    ErrorKind, Event, Options, Parser, ScalarStyle, ScanError, Span, StructureStyle,
};

use crate::error::ReadErrorKind;
use crate::scalar::Tag;

/// Deeper documents are refused: they are read by recursion, here and in whoever uses the value.
pub(crate) const MAX_DEPTH: usize = 200;

/// What is wrong, and at which byte of the text.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) kind: ReadErrorKind,
    pub(crate) at: usize,
    /// Quoted text goes on too far to the left, which older readers accept.
    pub(crate) hanging: bool,
}

impl Fault {
    pub(crate) fn new(kind: ReadErrorKind, at: usize) -> Self {
        Self {
            kind,
            at,
            hanging: false,
        }
    }

    fn of(error: &ScanError) -> Self {
        let message = error.info();
        Self {
            kind: ReadErrorKind::Yaml { message },
            at: error.marker().byte_offset().unwrap_or(0),
            hanging: *error.kind() == ErrorKind::InvalidQuotedScalarIndent,
        }
    }
}

/// The place of a node in its [`Tree`].
pub(crate) type NodeId = usize;

/// One document. A later node may be an alias of an earlier one, which makes it a graph.
#[derive(Debug)]
pub(crate) struct Tree<'t> {
    nodes: Vec<Node<'t>>,
    root: Option<NodeId>,
}

/// A value as written.
#[derive(Debug)]
pub(crate) struct Node<'t> {
    pub(crate) content: Content<'t>,
    pub(crate) tag: Tag,
    /// Where it stands, without its tag and anchor. For a block collection the end is that of its last item.
    pub(crate) span: Range<usize>,
}

/// What kind of value.
#[derive(Debug)]
pub(crate) enum Content<'t> {
    Alias(NodeId),
    Mapping {
        entries: Vec<(NodeId, NodeId)>,
        flow: bool,
    },
    Scalar {
        text: Cow<'t, str>,
        style: ScalarStyle,
    },
    Sequence {
        items: Vec<NodeId>,
        flow: bool,
    },
}

impl<'t> Tree<'t> {
    /// Parses a text that holds at most one document, of `max_nodes` at most.
    pub(crate) fn parse(text: &'t str, max_nodes: usize) -> Result<Self, Fault> {
        refuse_control_characters(text)?;
        let mut options = Options::default();
        options.set_emit_comments(false);
        let mut builder = Builder::new(text);
        for event in Parser::new_from_str_with_options(text, options) {
            let (event, span) = event.map_err(|error| Fault::of(&error))?;
            builder.take(event, &span)?;
            if builder.nodes.len() > max_nodes {
                let at = span.byte_range().map_or(0, |range| range.start);
                let kind = ReadErrorKind::NodeLimit { limit: max_nodes };
                return Err(Fault::new(kind, at));
            }
        }
        Ok(Self {
            nodes: builder.nodes,
            root: builder.root,
        })
    }

    /// The outermost value, if there is any.
    pub(crate) fn root(&self) -> Option<NodeId> {
        self.root
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node<'t> {
        &self.nodes[id]
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }
}

/// A collection whose end has not been seen.
struct Open {
    id: NodeId,
    /// The key of a mapping that waits for its value.
    key: Option<NodeId>,
}

struct Builder<'t> {
    text: &'t str,
    nodes: Vec<Node<'t>>,
    root: Option<NodeId>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, NodeId>,
    documents: usize,
}

impl<'t> Builder<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            nodes: Vec::new(),
            root: None,
            open: Vec::new(),
            anchors: BTreeMap::new(),
            documents: 0,
        }
    }

    fn take(&mut self, event: Event<'t>, span: &Span) -> Result<(), Fault> {
        let range = span.byte_range().unwrap_or(0..0);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Fault::new(ReadErrorKind::SecondDocument, range.start));
                }
            }
            Event::Alias(anchor) => {
                let target = *self
                    .anchors
                    .get(&anchor)
                    .expect("the parser reports an alias only after its anchor");
                self.add(Content::Alias(target), Tag::None, 0, range);
            }
            Event::Scalar(text, style, anchor, tag) => {
                let tag = Tag::of(tag.as_deref());
                self.refuse_long_key(&range)?;
                let text = self.without_invented_line_end(text, style, &range);
                self.add(Content::Scalar { text, style }, tag, anchor, range);
            }
            Event::SequenceStart(style, anchor, tag) => {
                let flow = style == StructureStyle::Flow;
                let tag = Tag::of(tag.as_deref());
                let id = self.add(
                    Content::Sequence {
                        items: Vec::new(),
                        flow,
                    },
                    tag,
                    anchor,
                    range,
                );
                self.enter(id)?;
            }
            Event::MappingStart(style, anchor, tag) => {
                let flow = style == StructureStyle::Flow;
                let tag = Tag::of(tag.as_deref());
                let id = self.add(
                    Content::Mapping {
                        entries: Vec::new(),
                        flow,
                    },
                    tag,
                    anchor,
                    range,
                );
                self.enter(id)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.leave(range.end),
            // Positions and marks that say nothing about the value.
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, content: Content<'t>, tag: Tag, anchor: usize, span: Range<usize>) -> NodeId {
        let id = self.nodes.len();
        self.nodes.push(Node { content, tag, span });
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        match self.open.last_mut() {
            None => self.root = Some(id),
            Some(parent) => match &mut self.nodes[parent.id].content {
                Content::Sequence { items, .. } => items.push(id),
                Content::Mapping { entries, .. } => match parent.key.take() {
                    Some(key) => entries.push((key, id)),
                    None => parent.key = Some(id),
                },
                Content::Alias(_) | Content::Scalar { .. } => {}
            },
        }
        id
    }

    /// A block that ends with the text, not with a line end, has no line end in its value. The parser gives it
    /// one; Go's does not, and in a password it would matter.
    fn without_invented_line_end(
        &self,
        text: Cow<'t, str>,
        style: ScalarStyle,
        span: &Range<usize>,
    ) -> Cow<'t, str> {
        let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        if !is_block || span.end != self.text.len() || self.text.ends_with(['\n', '\r']) {
            return text;
        }
        if text.bytes().all(|byte| byte == b'\n') {
            // Nothing but line ends, kept by `+`: those behind the header.
            let header = self.text.trim_end().len();
            let line_ends = self.text[header..].matches('\n').count().saturating_sub(1);
            return Cow::Owned("\n".repeat(line_ends.min(text.len())));
        }
        // A last line of blanks is content as far as it reaches beyond the indentation.
        let line = self.text.rfind(['\n', '\r']).map_or(0, |end| end + 1);
        let first = self.text[..span.start]
            .rfind(['\n', '\r'])
            .map_or(0, |end| end + 1);
        let last = &self.text[line..];
        let has_content = !last.trim_matches(' ').is_empty() || last.len() > span.start - first;
        match text.strip_suffix('\n') {
            Some(shorter) if has_content => Cow::Owned(shorter.to_owned()),
            _ => text,
        }
    }

    /// In braces, `a` and `b: 1` on two lines are one key to YAML 1.2 and an error to YAML 1.1. The error is
    /// better: the key would be what somebody wrote as a comment, or would lack a comma.
    fn refuse_long_key(&self, span: &Range<usize>) -> Result<(), Fault> {
        let Some(Open { id, key: None }) = self.open.last() else {
            return Ok(());
        };
        let in_braces = matches!(self.nodes[*id].content, Content::Mapping { flow: true, .. });
        let lines = self.text.get(span.clone()).unwrap_or_default();
        let announced = self.text[..span.start].trim_end().ends_with('?');
        if in_braces && lines.contains('\n') && !announced {
            let message = "a key in braces goes on over several lines".to_owned();
            return Err(Fault::new(ReadErrorKind::Yaml { message }, span.start));
        }
        Ok(())
    }

    fn enter(&mut self, id: NodeId) -> Result<(), Fault> {
        self.open.push(Open { id, key: None });
        if self.open.len() > MAX_DEPTH {
            let at = self.nodes[id].span.start;
            return Err(Fault::new(ReadErrorKind::Nesting { limit: MAX_DEPTH }, at));
        }
        Ok(())
    }

    fn leave(&mut self, end: usize) {
        let Some(Open { id, .. }) = self.open.pop() else {
            return;
        };
        // A block collection has no closing mark: the parser sees its end only at what follows.
        let last = match &self.nodes[id].content {
            Content::Sequence { items, flow: false } => items.last().copied(),
            Content::Mapping {
                entries,
                flow: false,
            } => entries.last().map(|&(_, value)| value),
            _ => None,
        };
        self.nodes[id].span.end = last.map_or(end, |last| self.nodes[last].span.end);
    }
}

/// The parser takes NUL for the end of the text; Go's refuses all of these.
fn refuse_control_characters(text: &str) -> Result<(), Fault> {
    let suspicious = |byte: &u8| matches!(byte, 0..=8 | 11 | 12 | 14..=31 | 0x7F | 0xC2 | 0xEF);
    if !text.as_bytes().iter().any(suspicious) {
        return Ok(());
    }
    let allowed = |character: char| {
        matches!(character,
            '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{FFFD}' | '\u{10000}'..)
    };
    match text
        .char_indices()
        .find(|&(_, character)| !allowed(character))
    {
        Some((at, character)) => Err(Fault::new(
            ReadErrorKind::ControlCharacter { character },
            at,
        )),
        None => Ok(()),
    }
}
