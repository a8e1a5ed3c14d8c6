//! Templates by name.

use super::block::{Element, Terminator};
use super::item::ItemKind;
use super::scope::Scope;
use super::{Parser, quoting};
use crate::error::ParseError;
use crate::str::Str;
use crate::tree::{Kind, NodeId};

/// The body of a template.
pub(super) struct Body {
    /// A [`Kind::List`].
    pub(super) list: NodeId,
    /// Whether there is nothing in it but space.
    is_blank: bool,
}

impl<'t> Parser<'t> {
    /// The whole text. Only on this level does `define` mean something.
    pub(super) fn whole(&mut self) -> Result<NodeId, ParseError> {
        let offset = self.peek().offset;
        let mut nodes = Vec::new();
        while self.peek().kind != ItemKind::Eof {
            if self.peek().kind == ItemKind::LeftDelimiter {
                let delimiter = self.next();
                let item = self.next_non_space();
                if item.kind == ItemKind::Define {
                    self.definition()?;
                    continue;
                }
                self.put_back(item);
                self.put_back(delimiter);
            }
            match self.element()? {
                Element::Node(node) => nodes.push(node),
                Element::Terminator(terminator) => {
                    return Err(self.error(["unexpected ", terminator.text()].concat()));
                }
            }
        }
        self.add(offset, Kind::List(nodes))
    }

    /// Behind `{{define`.
    fn definition(&mut self) -> Result<(), ParseError> {
        const CONTEXT: &str = "define clause";
        let outer = self.enter();
        let (name, _) = self.template_name(CONTEXT)?;
        self.expect(ItemKind::RightDelimiter, CONTEXT)?;
        let (body, terminator) = self.body()?;
        if matches!(terminator, Terminator::Else(_)) {
            return Err(self.not_the_end(terminator, CONTEXT));
        }
        self.define(name, body)?;
        self.scope = outer;
        Ok(())
    }

    /// Behind `{{block`: a definition, and a call of it.
    pub(super) fn block(&mut self) -> Result<NodeId, ParseError> {
        const CONTEXT: &str = "block clause";
        let (name, offset) = self.template_name(CONTEXT)?;
        let pipeline = self.pipeline(CONTEXT, ItemKind::RightDelimiter)?;
        self.nested("max block depth exceeded", |parser| {
            let outer = parser.enter();
            let (body, terminator) = parser.body()?;
            if matches!(terminator, Terminator::Else(_)) {
                // This is an error of the template around the block, and on the line where that one was left.
                parser.scope = outer;
                return Err(parser.not_the_end(terminator, CONTEXT));
            }
            parser.define(name.clone(), body)?;
            parser.scope = outer;
            Ok(())
        })?;
        let pipeline = Some(pipeline);
        self.add(offset, Kind::Template { name, pipeline })
    }

    /// Behind `{{template`.
    pub(super) fn template(&mut self) -> Result<NodeId, ParseError> {
        const CONTEXT: &str = "template clause";
        let (name, offset) = self.template_name(CONTEXT)?;
        let item = self.next_non_space();
        let pipeline = if item.kind == ItemKind::RightDelimiter {
            None
        } else {
            self.put_back(item);
            Some(self.pipeline(CONTEXT, ItemKind::RightDelimiter)?)
        };
        self.add(offset, Kind::Template { name, pipeline })
    }

    /// The name of a template, and where it stands.
    fn template_name(&mut self, context: &str) -> Result<(Str, usize), ParseError> {
        let item = self.next_non_space();
        if !matches!(item.kind, ItemKind::String | ItemKind::RawString) {
            return Err(self.unexpected(item, context));
        }
        Ok((self.unquote(item)?, item.offset))
    }

    /// Begins a scope, and gives back the one around it.
    fn enter(&mut self) -> Scope<'t> {
        let inner = Scope::new(self.scope.latest);
        std::mem::replace(&mut self.scope, inner)
    }

    fn not_the_end(&self, terminator: Terminator, context: &str) -> ParseError {
        self.error(["unexpected ", terminator.text(), " in ", context].concat())
    }

    /// Gives a template a body. A blank one counts only until there is another.
    pub(super) fn define(&mut self, name: Str, list: NodeId) -> Result<(), ParseError> {
        let is_blank = self.is_blank(list);
        let old = self.bodies.get(&name);
        if old.is_none_or(|old| old.is_blank) {
            self.bodies.insert(name, Body { list, is_blank });
        } else if !is_blank {
            let message = quoting("template: multiple definition of template ", &name, "");
            return Err(self.error(message));
        }
        Ok(())
    }

    fn is_blank(&self, list: NodeId) -> bool {
        let Some(Kind::List(nodes)) = self.kind(list) else {
            return false;
        };
        nodes.iter().all(|node| match self.kind(*node) {
            Some(Kind::Text(span)) => {
                let text = self.text.get(span.start..span.end).unwrap_or_default();
                str::from_utf8(text).is_ok_and(|text| text.trim().is_empty())
            }
            _ => false,
        })
    }
}
