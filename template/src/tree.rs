//! The tree of a parsed template.
//!
//! All nodes of a text stand in one table and refer to each other by number, so that a tree of any depth is
//! dropped without recursion.

mod text;

use std::collections::BTreeMap;

pub(crate) use text::Position;

use crate::str::Str;

/// Everything that one template text defines.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The name given to the text, which errors show.
    pub(crate) name: Str,
    /// The text.
    pub(crate) text: Str,
    /// All nodes.
    pub(crate) nodes: Vec<Node>,
    /// The body of each template, a [`Kind::List`], by name: the text itself under `name`, unless it is
    /// blank and something else is defined under that name, and every `define` and `block`.
    pub(crate) bodies: BTreeMap<Str, NodeId>,
}

/// The number of a node in its table. Nodes are numbered in the order in which they are complete: a node comes
/// after those that it refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeId(pub(crate) u32);

/// A part of the template text, as byte offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

/// A node and where it stands.
#[derive(Debug)]
pub(crate) struct Node {
    /// Where Go says that the node is: a byte offset into the text. Error positions are made of it.
    pub(crate) offset: usize,
    pub(crate) kind: Kind,
}

/// What a node is.
#[derive(Debug)]
pub(crate) enum Kind {
    // What is executed.
    /// Nodes in sequence.
    List(Vec<NodeId>),
    /// Text to copy.
    Text(Span),
    /// `{{pipeline}}`
    Action(NodeId),
    /// `{{if pipeline}}`
    If(Branch),
    /// `{{with pipeline}}`
    With(Branch),
    /// `{{range pipeline}}`
    Range(Branch),
    /// `{{template "name" pipeline}}`; `{{block …}}` becomes one too.
    Template { name: Str, pipeline: Option<NodeId> },
    /// `{{break}}`
    Break,
    /// `{{continue}}`
    Continue,

    // What is evaluated.
    /// Commands, each given the value of the one before it.
    Pipeline(Pipeline),
    /// A function, field, variable or value with its arguments; never empty.
    Command(Vec<NodeId>),
    /// `.A.B`: see [`Tree::names`].
    Field(Span),
    /// `$x.A.B`: the variable with its dollar sign, and the fields, which may be none.
    Variable { name: Span, fields: Span },
    /// `(pipeline).A.B`: a node, and the fields.
    Chain(NodeId, Span),
    /// The name of a function.
    Identifier(Span),
    /// `.`
    Dot,
    /// `nil`
    Nil,
    /// `true`, `false`
    Bool(bool),
    /// A number or character constant.
    Number(Box<Number>),
    /// A string constant: as it was written, and what it means.
    String { quoted: Span, text: Str },
}

/// `if`, `with` or `range`.
#[derive(Debug)]
pub(crate) struct Branch {
    /// A [`Kind::Pipeline`].
    pub(crate) pipeline: NodeId,
    /// A [`Kind::List`].
    pub(crate) body: NodeId,
    /// A [`Kind::List`].
    pub(crate) otherwise: Option<NodeId>,
}

/// A pipeline.
#[derive(Debug)]
pub(crate) struct Pipeline {
    /// Whether the variables are assigned (`=`) instead of declared (`:=`).
    pub(crate) is_assignment: bool,
    /// The names of the variables, with their dollar signs.
    pub(crate) variables: Vec<Span>,
    /// [`Kind::Command`]s; never empty.
    pub(crate) commands: Vec<NodeId>,
}

/// A numeric constant, in each type that can hold it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Number {
    pub(crate) text: Span,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<(f64, f64)>,
}

impl Tree {
    /// The node of a number that the parser gave out.
    pub(crate) fn node(&self, id: NodeId) -> &Node {
        const NOTHING: &Node = &Node {
            offset: 0,
            kind: Kind::Nil,
        };
        let index = usize::try_from(id.0).unwrap_or(usize::MAX);
        debug_assert!(index < self.nodes.len(), "a node of another tree");
        self.nodes.get(index).unwrap_or(NOTHING)
    }

    /// The bytes of a part of the text.
    pub(crate) fn slice(&self, span: Span) -> &[u8] {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// The names in `.A.B`; none in an empty part.
    pub(crate) fn names(&self, fields: Span) -> impl DoubleEndedIterator<Item = &[u8]> {
        let path = self.slice(fields).strip_prefix(b".");
        path.into_iter()
            .flat_map(|path| path.split(|byte| *byte == b'.'))
    }
}
