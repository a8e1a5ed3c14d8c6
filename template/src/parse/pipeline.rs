//! Pipelines and what they consist of.

use super::item::{Item, ItemKind};
use super::{Parser, constant, quoting};
use crate::error::ParseError;
use crate::str::Str;
use crate::strconv;
use crate::tree::{Kind, Node, NodeId, Pipeline, Span};

impl<'t> Parser<'t> {
    /// A pipeline and the `end` behind it. `context` says in messages what it belongs to.
    pub(super) fn pipeline(&mut self, context: &str, end: ItemKind) -> Result<NodeId, ParseError> {
        let node = self.pipeline_node(context, end)?;
        self.add(node.offset, node.kind)
    }

    fn pipeline_node(&mut self, context: &str, end: ItemKind) -> Result<Node, ParseError> {
        let offset = self.peek_non_space().offset;
        let mut pipeline = self.declarations(context)?;
        loop {
            let item = self.next_non_space();
            if item.kind == end {
                break;
            }
            if !starts_command(item.kind) {
                return Err(self.unexpected(item, context));
            }
            self.put_back(item);
            let command = self.command()?;
            pipeline.commands.push(command);
        }
        if pipeline.commands.is_empty() {
            return Err(self.error(["missing value for ", context].concat()));
        }
        self.expect_executable(&pipeline.commands)?;
        let kind = Kind::Pipeline(pipeline);
        Ok(Node { offset, kind })
    }

    /// The variables that a pipeline sets, and a pipeline with those and no commands.
    ///
    /// Only what follows a variable tells whether it is set or used, and only `range` sets two.
    fn declarations(&mut self, context: &str) -> Result<Pipeline, ParseError> {
        let mut pipeline = Pipeline {
            is_assignment: false,
            variables: Vec::new(),
            commands: Vec::new(),
        };
        while self.peek_non_space().kind == ItemKind::Variable {
            let variable = self.next();
            let behind = self.peek();
            let item = self.peek_non_space();
            let is_list = item.kind == ItemKind::Char && item.text == b",";
            if !is_list && !matches!(item.kind, ItemKind::Assign | ItemKind::Declare) {
                if behind.kind == ItemKind::Space {
                    self.put_back(behind);
                }
                self.put_back(variable);
                break;
            }
            self.next();
            pipeline.variables.push(variable.span());
            self.scope.declare(variable.text);
            if !is_list {
                pipeline.is_assignment = item.kind == ItemKind::Assign;
                break;
            }
            if context != "range" || pipeline.variables.len() > 1 {
                return Err(self.error(["too many declarations in ", context].concat()));
            }
            if !matches!(
                self.peek_non_space().kind,
                ItemKind::Variable | ItemKind::RightDelimiter | ItemKind::RightParen
            ) {
                return Err(self.error("range can only initialize variables"));
            }
        }
        Ok(pipeline)
    }

    /// Only the first command may be something that takes no argument.
    fn expect_executable(&self, commands: &[NodeId]) -> Result<(), ParseError> {
        for (stage, command) in (1..).zip(commands).skip(1) {
            let Some(Kind::Command(arguments)) = self.kind(*command) else {
                continue;
            };
            let first = arguments.first().and_then(|first| self.kind(*first));
            if first.is_some_and(is_value) {
                let message = format!("non executable command in pipeline stage {stage}");
                return Err(self.error(message));
            }
        }
        Ok(())
    }

    /// Operands with spaces between them, and the `|` behind it if there is one.
    fn command(&mut self) -> Result<NodeId, ParseError> {
        let offset = self.peek_non_space().offset;
        let mut operands = Vec::new();
        loop {
            if let Some(operand) = self.operand()? {
                operands.push(operand);
            }
            let item = self.next();
            match item.kind {
                ItemKind::Space => continue,
                ItemKind::RightDelimiter | ItemKind::RightParen => self.put_back(item),
                ItemKind::Pipe => {}
                _ => return Err(self.unexpected(item, "operand")),
            }
            break;
        }
        if operands.is_empty() {
            return Err(self.error("empty command"));
        }
        self.add(offset, Kind::Command(operands))
    }

    /// A term and the fields asked of it; none if there is no term.
    fn operand(&mut self) -> Result<Option<NodeId>, ParseError> {
        let item = self.next_non_space();
        let Some(term) = self.term(item)? else {
            self.put_back(item);
            return Ok(None);
        };
        let node = self.with_fields(item, term)?;
        self.add(node.offset, node.kind).map(Some)
    }

    /// `term`, which starts with `item`, with the fields behind it. Where there are any Go says that all of it
    /// is where they are.
    fn with_fields(&mut self, item: Item<'t>, term: Node) -> Result<Node, ParseError> {
        let first = self.peek();
        if first.kind != ItemKind::Field {
            return Ok(term);
        }
        let mut fields = first.span();
        while self.peek().kind == ItemKind::Field {
            fields.end = self.next().span().end;
        }
        let kind = match term.kind {
            Kind::Field(Span { start, .. }) => Kind::Field(Span {
                start,
                end: fields.end,
            }),
            Kind::Variable { name, .. } => Kind::Variable { name, fields },
            kind if is_value(&kind) => {
                return Err(self.error(quoting("unexpected . after term ", item.text, "")));
            }
            kind => Kind::Chain(self.add(term.offset, kind)?, fields),
        };
        Ok(Node {
            offset: fields.start,
            kind,
        })
    }

    /// What starts with `item`; none if that is not the start of a term.
    fn term(&mut self, item: Item<'t>) -> Result<Option<Node>, ParseError> {
        let kind = match item.kind {
            ItemKind::Identifier if self.functions.entry(item.text).is_some() => {
                Kind::Identifier(item.span())
            }
            ItemKind::Identifier => {
                return Err(self.error(quoting("function ", item.text, " not defined")));
            }
            ItemKind::Dot => Kind::Dot,
            ItemKind::Nil => Kind::Nil,
            ItemKind::Variable => self.variable(item)?,
            ItemKind::Field => Kind::Field(item.span()),
            ItemKind::Bool => Kind::Bool(item.text == b"true"),
            ItemKind::CharConstant | ItemKind::Complex | ItemKind::Number => {
                let number = constant::number(item).map_err(|message| self.error(message))?;
                Kind::Number(Box::new(number))
            }
            ItemKind::LeftParen => {
                let pipeline = self.nested("max expression depth exceeded", |parser| {
                    parser.pipeline_node("parenthesized pipeline", ItemKind::RightParen)
                });
                return pipeline.map(Some);
            }
            ItemKind::String | ItemKind::RawString => {
                let text = self.unquote(item)?;
                let quoted = item.span();
                Kind::String { quoted, text }
            }
            _ => return Ok(None),
        };
        Ok(Some(Node {
            offset: item.offset,
            kind,
        }))
    }

    fn variable(&self, item: Item<'t>) -> Result<Kind, ParseError> {
        if !self.scope.is_declared(item.text) {
            return Err(self.error(quoting("undefined variable ", item.text, "")));
        }
        let name = item.span();
        let fields = Span {
            start: name.end,
            end: name.end,
        };
        Ok(Kind::Variable { name, fields })
    }

    /// What a string constant means.
    pub(super) fn unquote(&self, item: Item<'t>) -> Result<Str, ParseError> {
        match strconv::unquote(item.text) {
            Some(text) => Ok(text.into()),
            None => Err(self.error("invalid syntax")),
        }
    }
}

/// Whether a command can start with an item.
fn starts_command(kind: ItemKind) -> bool {
    matches!(
        kind,
        ItemKind::Bool
            | ItemKind::CharConstant
            | ItemKind::Complex
            | ItemKind::Dot
            | ItemKind::Field
            | ItemKind::Identifier
            | ItemKind::LeftParen
            | ItemKind::Nil
            | ItemKind::Number
            | ItemKind::RawString
            | ItemKind::String
            | ItemKind::Variable
    )
}

/// Whether a node is what it is, whatever the data.
fn is_value(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Bool(_) | Kind::Dot | Kind::Nil | Kind::Number(_) | Kind::String { .. }
    )
}
