//! Texts, actions, and the actions that have bodies.

use super::Parser;
use super::item::ItemKind;
use crate::error::ParseError;
use crate::tree::{Branch, Kind, NodeId};

/// One of those that stand side by side.
pub(super) enum Element {
    Node(NodeId),
    Terminator(Terminator),
}

/// What ends a body.
#[derive(Clone, Copy)]
pub(super) enum Terminator {
    /// `{{else}}`, or `{{else` with an `if` or `with` behind it that is still to be read; and where.
    Else(usize),
    /// `{{end}}`
    End,
}

impl Terminator {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Else(_) => "{{else}}",
            Self::End => "{{end}}",
        }
    }
}

/// The actions that have bodies.
#[derive(Clone, Copy)]
enum Control {
    If,
    Range,
    With,
}

impl Control {
    fn keyword(self) -> &'static str {
        match self {
            Self::If => "if",
            Self::Range => "range",
            Self::With => "with",
        }
    }

    /// What may follow `else` directly, and belongs to the same `end` then.
    fn continues_as(self) -> Option<ItemKind> {
        match self {
            Self::If => Some(ItemKind::If),
            Self::Range => None,
            Self::With => Some(ItemKind::With),
        }
    }
}

impl Parser<'_> {
    /// Everything up to an `end` or `else`.
    pub(super) fn body(&mut self) -> Result<(NodeId, Terminator), ParseError> {
        let offset = self.peek_non_space().offset;
        let mut nodes = Vec::new();
        while self.peek_non_space().kind != ItemKind::Eof {
            match self.element()? {
                Element::Node(node) => nodes.push(node),
                Element::Terminator(terminator) => {
                    return Ok((self.add(offset, Kind::List(nodes))?, terminator));
                }
            }
        }
        Err(self.error("unexpected EOF"))
    }

    pub(super) fn element(&mut self) -> Result<Element, ParseError> {
        let item = self.next_non_space();
        match item.kind {
            ItemKind::Text => {
                let text = self.add(item.offset, Kind::Text(item.span()))?;
                Ok(Element::Node(text))
            }
            ItemKind::LeftDelimiter => {
                self.scope.action = Some(item.offset);
                let element = self.action()?;
                self.scope.action = None;
                Ok(element)
            }
            _ => Err(self.unexpected(item, "input")),
        }
    }

    /// Behind `{{`.
    fn action(&mut self) -> Result<Element, ParseError> {
        let item = self.next_non_space();
        let node = match item.kind {
            ItemKind::Block => self.block()?,
            ItemKind::Break => self.jump(item.offset, Kind::Break, "{{break}}")?,
            ItemKind::Continue => self.jump(item.offset, Kind::Continue, "{{continue}}")?,
            ItemKind::Else => return self.else_action().map(Element::Terminator),
            ItemKind::End => {
                self.expect(ItemKind::RightDelimiter, "end")?;
                return Ok(Element::Terminator(Terminator::End));
            }
            ItemKind::If => self.control(Control::If)?,
            ItemKind::Range => self.control(Control::Range)?,
            ItemKind::Template => self.template()?,
            ItemKind::With => self.control(Control::With)?,
            _ => {
                self.put_back(item);
                let pipeline = self.pipeline("command", ItemKind::RightDelimiter)?;
                self.add(item.offset, Kind::Action(pipeline))?
            }
        };
        Ok(Element::Node(node))
    }

    /// Behind `{{break` or `{{continue`.
    fn jump(&mut self, offset: usize, kind: Kind, text: &str) -> Result<NodeId, ParseError> {
        self.expect(ItemKind::RightDelimiter, text)?;
        if self.scope.ranges == 0 {
            return Err(self.error([text, " outside {{range}}"].concat()));
        }
        self.add(offset, kind)
    }

    /// Behind `{{else`.
    fn else_action(&mut self) -> Result<Terminator, ParseError> {
        let item = self.peek_non_space();
        if !matches!(item.kind, ItemKind::If | ItemKind::With) {
            self.expect(ItemKind::RightDelimiter, "else")?;
        }
        Ok(Terminator::Else(item.offset))
    }

    /// Behind the keyword. Variables of the pipeline and the bodies end with it.
    fn control(&mut self, control: Control) -> Result<NodeId, ParseError> {
        self.nested("max block depth exceeded", |parser| {
            let variables = parser.scope.variable_count();
            let node = parser.branch(control)?;
            parser.scope.forget_from(variables);
            Ok(node)
        })
    }

    fn branch(&mut self, control: Control) -> Result<NodeId, ParseError> {
        let offset = self.peek_non_space().offset;
        let pipeline = self.pipeline(control.keyword(), ItemKind::RightDelimiter)?;
        let ranges = self.scope.ranges;
        if matches!(control, Control::Range) {
            self.scope.ranges = ranges.saturating_add(1);
        }
        let (body, terminator) = self.body()?;
        self.scope.ranges = ranges;
        let otherwise = match terminator {
            Terminator::Else(offset) => Some(self.otherwise(control, offset)?),
            Terminator::End => None,
        };
        let branch = Branch {
            pipeline,
            body,
            otherwise,
        };
        self.add(
            offset,
            match control {
                Control::If => Kind::If(branch),
                Control::Range => Kind::Range(branch),
                Control::With => Kind::With(branch),
            },
        )
    }

    /// Behind `{{else}}`, or in the middle of `{{else if …}}`, which is like `{{else}}{{if …}}` with an
    /// `{{end}}` that serves both.
    fn otherwise(&mut self, control: Control, offset: usize) -> Result<NodeId, ParseError> {
        let kind = self.peek().kind;
        if control.continues_as() == Some(kind) {
            self.next();
            let nested = self.control(control)?;
            return self.add(offset, Kind::List(vec![nested]));
        }
        let (body, terminator) = self.body()?;
        match terminator {
            Terminator::End => Ok(body),
            Terminator::Else(_) => {
                let message = ["expected end; found ", terminator.text()].concat();
                Err(self.error(message))
            }
        }
    }
}
