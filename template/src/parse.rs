//! From a text to a tree.
//!
//! A text that is no template must be refused with the same message, and for the first of several reasons, as
//! Go does it. So which item is looked at when, and which line a message names, is part of the grammar here.

mod block;
mod constant;
mod definition;
mod item;
mod lex;
mod pipeline;
mod scan;
mod scope;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::definition::Body;
use self::item::{Fault, Item, ItemKind};
use self::lex::Lexer;
use self::scope::Scope;
use crate::error::ParseError;
use crate::function::{Entry, Functions};
use crate::limits::Budget;
use crate::str::Str;
use crate::strconv;
use crate::tree::{Kind, Node, NodeId, Number, Span, Tree};

/// Bytes for a node in the table, whose room doubles when it is full, beside the function that it names and its
/// number in the node above.
const NODE_FOOTPRINT: usize =
    2 * (size_of::<Node>() + size_of::<Option<&Entry>>() + size_of::<NodeId>());

/// Reads a template text. `name` is the template that the text itself defines.
pub(crate) fn parse(
    name: &str,
    text: Str,
    functions: &Functions,
    budget: &mut Budget,
) -> Result<Tree, ParseError> {
    let is_function = |name: &[u8]| functions.entry(name).is_some();
    let mut parser = Parser {
        name,
        text: &text,
        functions,
        depth_left: budget.limits.parse_depth,
        budget,
        lexer: Lexer::new(&text, is_function),
        pending: Vec::new(),
        scope: Scope::new(0),
        nodes: Vec::new(),
        bodies: BTreeMap::new(),
    };
    parser.charge(text.len())?;
    let list = parser.whole()?;
    parser.define(name.into(), list)?;
    let Parser { nodes, bodies, .. } = parser;
    let bodies = bodies.into_iter().map(|(name, body)| (name, body.list));
    let bodies = bodies.collect();
    Ok(Tree {
        name: name.into(),
        text,
        nodes,
        bodies,
    })
}

/// Most of the functions that read something are named after what they read.
struct Parser<'t> {
    name: &'t str,
    text: &'t [u8],
    functions: &'t Functions,
    budget: &'t mut Budget,
    /// How much deeper things may nest.
    depth_left: usize,
    lexer: Lexer<'t>,
    /// Items that were read and put back, the next one last.
    pending: Vec<Item<'t>>,
    scope: Scope<'t>,
    nodes: Vec<Node>,
    bodies: BTreeMap<Str, Body>,
}

impl<'t> Parser<'t> {
    fn next(&mut self) -> Item<'t> {
        self.pending.pop().unwrap_or_else(|| {
            let item = self.lexer.next();
            self.scope.latest = item.offset;
            item
        })
    }

    fn put_back(&mut self, item: Item<'t>) {
        self.pending.push(item);
    }

    fn peek(&mut self) -> Item<'t> {
        let item = self.next();
        self.put_back(item);
        item
    }

    fn next_non_space(&mut self) -> Item<'t> {
        loop {
            let item = self.next();
            if item.kind != ItemKind::Space {
                return item;
            }
        }
    }

    /// Spaces before the item are gone afterwards.
    fn peek_non_space(&mut self) -> Item<'t> {
        let item = self.next_non_space();
        self.put_back(item);
        item
    }

    fn expect(&mut self, kind: ItemKind, context: &str) -> Result<Item<'t>, ParseError> {
        let item = self.next_non_space();
        if item.kind == kind {
            Ok(item)
        } else {
            Err(self.unexpected(item, context))
        }
    }

    fn add(&mut self, offset: usize, kind: Kind) -> Result<NodeId, ParseError> {
        let inside = match &kind {
            Kind::Number(_) => size_of::<Number>(),
            Kind::String { text, .. } => text.footprint(),
            Kind::Template { name, .. } => name.footprint(),
            _ => 0,
        };
        self.charge(NODE_FOOTPRINT.saturating_add(inside))?;
        // More nodes than that would need a text of gigabytes; they would read as nil.
        let id = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.nodes.push(Node { offset, kind });
        Ok(NodeId(id))
    }

    /// Accounts for `bytes` of memory: a text of a megabyte makes a tree of a hundred.
    fn charge(&mut self, bytes: usize) -> Result<(), ParseError> {
        self.budget.charge(bytes).map_err(|limit| ParseError {
            limit: Some(limit),
            ..self.error(limit.to_string())
        })
    }

    fn kind(&self, id: NodeId) -> Option<&Kind> {
        let node = self.nodes.get(usize::try_from(id.0).ok()?)?;
        Some(&node.kind)
    }

    /// Goes one level deeper, on a stack that has room for it.
    fn nested<R>(
        &mut self,
        message: &str,
        work: impl FnOnce(&mut Self) -> Result<R, ParseError>,
    ) -> Result<R, ParseError> {
        let Some(left) = self.depth_left.checked_sub(1) else {
            return Err(self.error(message));
        };
        self.depth_left = left;
        let result = crate::stack::with_room(|| work(self));
        self.depth_left = left.saturating_add(1);
        result
    }

    fn error(&self, message: impl Into<Vec<u8>>) -> ParseError {
        ParseError {
            limit: None,
            name: self.name.to_owned(),
            line: self.line(self.scope.latest),
            message: message.into(),
        }
    }

    fn unexpected(&self, item: Item<'t>, context: &str) -> ParseError {
        let mut message = item.describe();
        let ItemKind::Error(fault) = item.kind else {
            return self.error([b"unexpected ", &*message, b" in ", context.as_bytes()].concat());
        };
        let start = self.scope.action.map(|offset| self.line(offset));
        if let Some(line) = start.filter(|line| *line != self.line(item.offset)) {
            let in_action = match fault {
                Fault::UnclosedAction => "",
                _ => " in action",
            };
            let start = format!("{in_action} started at {}:{line}", self.name);
            message.extend_from_slice(start.as_bytes());
        }
        self.error(message)
    }

    fn line(&self, offset: usize) -> usize {
        let before = self.text.get(..offset).unwrap_or_default();
        before.split(|byte| *byte == b'\n').count()
    }
}

/// A message with a text in quotes.
fn quoting(before: &str, text: &[u8], after: &str) -> Vec<u8> {
    let mut message = before.as_bytes().to_vec();
    message.extend_from_slice(&strconv::quote(text));
    message.extend_from_slice(after.as_bytes());
    message
}

impl Item<'_> {
    fn span(&self) -> Span {
        Span {
            start: self.offset,
            end: self.offset.saturating_add(self.text.len()),
        }
    }
}
