//! Nodes as the text that error messages show.

use crate::buffer::Buffer;

use super::{Branch, Kind, NodeId, Pipeline, Tree};

/// A place in a template text as Go's messages give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// From 1.
    pub(crate) line: usize,
    /// In bytes, from 0.
    pub(crate) column: usize,
}

impl Tree {
    /// Where a node stands.
    pub(crate) fn position(&self, id: NodeId) -> Position {
        let before = self.text.get(..self.node(id).offset).unwrap_or_default();
        let mut lines = before.split(|byte| *byte == b'\n');
        Position {
            line: lines.clone().count(),
            column: lines.next_back().map_or(0, <[u8]>::len),
        }
    }

    /// A node as a template text that means the same, in the form that Go gives it.
    pub(crate) fn print(&self, id: NodeId) -> Buffer {
        let mut out = Buffer::new();
        self.print_into(&mut out, id);
        out
    }

    fn print_into(&self, out: &mut Buffer, id: NodeId) {
        crate::stack::with_room(|| match &self.node(id).kind {
            Kind::List(nodes) => nodes.iter().for_each(|node| self.print_into(out, *node)),
            Kind::Text(span)
            | Kind::Field(span)
            | Kind::Identifier(span)
            | Kind::String { quoted: span, .. } => out.extend_from_slice(self.slice(*span)),
            Kind::Action(pipeline) => {
                out.extend_from_slice(b"{{");
                self.print_into(out, *pipeline);
                out.extend_from_slice(b"}}");
            }
            Kind::If(branch) => self.print_branch(out, b"if", branch),
            Kind::With(branch) => self.print_branch(out, b"with", branch),
            Kind::Range(branch) => self.print_branch(out, b"range", branch),
            Kind::Template { name, pipeline } => {
                out.extend_from_slice(b"{{template ");
                crate::strconv::append_quote(out, name);
                if let Some(pipeline) = pipeline {
                    out.push(b' ');
                    self.print_into(out, *pipeline);
                }
                out.extend_from_slice(b"}}");
            }
            Kind::Break => out.extend_from_slice(b"{{break}}"),
            Kind::Continue => out.extend_from_slice(b"{{continue}}"),
            Kind::Pipeline(pipeline) => self.print_pipeline(out, pipeline),
            Kind::Command(arguments) => self.print_command(out, arguments),
            Kind::Variable { name, fields } => {
                out.extend_from_slice(self.slice(*name));
                out.extend_from_slice(self.slice(*fields));
            }
            Kind::Chain(node, fields) => {
                self.print_operand(out, *node);
                out.extend_from_slice(self.slice(*fields));
            }
            Kind::Dot => out.push(b'.'),
            Kind::Nil => out.extend_from_slice(b"nil"),
            Kind::Bool(true) => out.extend_from_slice(b"true"),
            Kind::Bool(false) => out.extend_from_slice(b"false"),
            Kind::Number(number) => out.extend_from_slice(self.slice(number.text)),
        });
    }

    fn print_branch(&self, out: &mut Buffer, keyword: &[u8], branch: &Branch) {
        out.extend_from_slice(b"{{");
        out.extend_from_slice(keyword);
        out.push(b' ');
        self.print_into(out, branch.pipeline);
        out.extend_from_slice(b"}}");
        self.print_into(out, branch.body);
        if let Some(otherwise) = branch.otherwise {
            out.extend_from_slice(b"{{else}}");
            self.print_into(out, otherwise);
        }
        out.extend_from_slice(b"{{end}}");
    }

    fn print_pipeline(&self, out: &mut Buffer, pipeline: &Pipeline) {
        for (index, variable) in pipeline.variables.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b", ");
            }
            out.extend_from_slice(self.slice(*variable));
        }
        if !pipeline.variables.is_empty() {
            let sign: &[u8] = if pipeline.is_assignment {
                b" = "
            } else {
                b" := "
            };
            out.extend_from_slice(sign);
        }
        for (index, command) in pipeline.commands.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b" | ");
            }
            self.print_into(out, *command);
        }
    }

    fn print_command(&self, out: &mut Buffer, arguments: &[NodeId]) {
        for (index, argument) in arguments.iter().enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            self.print_operand(out, *argument);
        }
    }

    /// A pipeline that stands for a value is in parentheses.
    fn print_operand(&self, out: &mut Buffer, id: NodeId) {
        let is_pipeline = matches!(self.node(id).kind, Kind::Pipeline(_));
        if is_pipeline {
            out.push(b'(');
        }
        self.print_into(out, id);
        if is_pipeline {
            out.push(b')');
        }
    }
}
