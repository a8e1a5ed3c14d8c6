//! Executes a tree: Go's semantics, under limits.
//!
//! Errors show the node that was evaluated last, so [`Executor::node`] moves exactly when Go's does.

mod argument;
mod call;
mod evaluate;
mod fault;
mod range;
mod variables;

use std::collections::BTreeSet;

use crate::buffer::Buffer;
use crate::context::Context;
use crate::error::ExecError;
use crate::function::Entry;
use crate::limits::Limit;
#[cfg(doc)]
use crate::limits::Limits;
use crate::operand::Operand;
use crate::stack;
use crate::str::Str;
use crate::template::Rendered;
use crate::tree::{Branch, Kind, NodeId, Tree};
use crate::value::{Map, Value};
use crate::{CallError, Reason, fmt};
use variables::Variables;

type Result<T> = std::result::Result<T, ExecError>;

/// How the execution of a node ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

/// An execution.
pub(crate) struct Executor<'t, 'c> {
    tree: &'t Tree,
    /// The functions that the nodes of the tree name, by number of the node.
    functions: &'t [Option<&'t Entry>],
    context: Context<'c>,
    output: Buffer,
    variables: Variables<'t>,
    /// The template that is being executed.
    name: &'t Str,
    /// The dot it began with, where that is a map.
    root: Option<Map>,
    /// The fields that were asked of it in vain.
    missing: BTreeSet<&'t [u8]>,
    /// Where it is, for errors.
    node: NodeId,
    /// How many templates have called each other.
    depth: usize,
    /// How many more blocks, parentheses and calls may be inside each other: the stack is memory too.
    nesting_left: usize,
}

/// How many blocks and parentheses may be around each of the calls that [`Limits::recursion`] allows.
const NESTING_PER_CALL: usize = 8;

impl<'t, 'c> Executor<'t, 'c> {
    pub(crate) fn new(
        tree: &'t Tree,
        functions: &'t [Option<&'t Entry>],
        context: Context<'c>,
    ) -> Self {
        let limits = context.limits();
        let calls = limits.recursion.saturating_mul(NESTING_PER_CALL);
        Self {
            nesting_left: limits.parse_depth.saturating_add(calls),
            tree,
            functions,
            context,
            // Most templates are text around a few values.
            output: Buffer::with_capacity(tree.text.len()),
            variables: Variables::new(),
            name: &tree.name,
            root: None,
            missing: BTreeSet::new(),
            node: NodeId(0),
            depth: 0,
        }
    }

    /// Executes the template of the tree's own name.
    pub(crate) fn run(mut self, root: Value) -> Result<Rendered> {
        let name = &self.tree.name;
        let Some(&body) = self.tree.bodies.get(name) else {
            let text = [
                &fault::quoted(name),
                &b" is an incomplete or empty template"[..],
            ]
            .concat();
            return Err(self.fault(Reason::NoSuchTemplate, text));
        };
        if let Value::Map(map) = &root {
            self.root = Some(map.clone());
        }
        let dot = Operand::from_value(root);
        self.variables.declare(b"$", dot.clone());
        self.walk(&dot, body)?;
        Ok(Rendered {
            output: self.output,
            is_deterministic: self.context.is_deterministic(),
            missing: self.missing.into_iter().map(Str::from).collect(),
        })
    }

    /// Goes to a node, which costs a step.
    fn step(&mut self, id: NodeId) -> Result<()> {
        self.node = id;
        self.context.spend(1).map_err(|error| self.failed(&error))
    }

    /// Runs `work` one level deeper in the tree, on a stack that has room for it.
    fn nested<R>(&mut self, work: impl FnOnce(&mut Self) -> Result<R>) -> Result<R> {
        let Some(left) = self.nesting_left.checked_sub(1) else {
            return Err(self.failed(&CallError::limit(Limit::Recursion)));
        };
        let before = std::mem::replace(&mut self.nesting_left, left);
        let result = stack::with_room(|| work(self));
        self.nesting_left = before;
        result
    }

    fn walk(&mut self, dot: &Operand, id: NodeId) -> Result<Flow> {
        self.step(id)?;
        let tree = self.tree;
        match &tree.node(id).kind {
            Kind::List(nodes) => return self.nested(|this| this.walk_all(dot, nodes)),
            Kind::Text(span) => self.write(tree.slice(*span))?,
            Kind::Action(pipeline) => {
                let value = self.pipeline(dot, *pipeline)?;
                if self.parts(*pipeline).variables.is_empty() {
                    self.print(id, &value)?;
                }
            }
            Kind::If(branch) => return self.walk_if(dot, branch),
            Kind::With(branch) => return self.walk_with(dot, branch),
            Kind::Range(branch) => return self.walk_range(dot, branch),
            Kind::Template { name, pipeline } => self.walk_template(dot, name, *pipeline)?,
            Kind::Break => return Ok(Flow::Break),
            Kind::Continue => return Ok(Flow::Continue),
            _ => return Err(self.fault(Reason::Unusable, "unknown node")),
        }
        Ok(Flow::Next)
    }

    fn walk_all(&mut self, dot: &Operand, nodes: &[NodeId]) -> Result<Flow> {
        for &node in nodes {
            let flow = self.walk(dot, node)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn walk_if(&mut self, dot: &Operand, branch: &'t Branch) -> Result<Flow> {
        let mark = self.variables.mark();
        let value = self.pipeline(dot, branch.pipeline)?;
        let flow = if value.value().is_true() {
            self.walk(dot, branch.body)?
        } else {
            self.walk_otherwise(dot, branch)?
        };
        self.variables.release(mark);
        Ok(flow)
    }

    fn walk_with(&mut self, dot: &Operand, branch: &'t Branch) -> Result<Flow> {
        let mark = self.variables.mark();
        let value = self.pipeline(dot, branch.pipeline)?;
        let flow = if value.value().is_true() {
            self.walk(&value, branch.body)?
        } else {
            self.walk_otherwise(dot, branch)?
        };
        self.variables.release(mark);
        Ok(flow)
    }

    fn walk_otherwise(&mut self, dot: &Operand, branch: &Branch) -> Result<Flow> {
        branch
            .otherwise
            .map_or(Ok(Flow::Next), |otherwise| self.walk(dot, otherwise))
    }

    fn walk_template(&mut self, dot: &Operand, name: &Str, pipeline: Option<NodeId>) -> Result<()> {
        let tree = self.tree;
        let Some((name, &body)) = tree.bodies.get_key_value(name) else {
            let text = [b"template ", &fault::quoted(name)[..], b" not defined"].concat();
            return Err(self.fault(Reason::NoSuchTemplate, text));
        };
        let limit = self.context.limits().recursion;
        if self.depth >= limit {
            let text = format!("exceeded maximum template depth ({limit})");
            return Err(self.fault(Reason::Limit(Limit::Recursion), text));
        }
        let dot = match pipeline {
            Some(pipeline) => self.pipeline(dot, pipeline)?,
            None => Operand::Invalid,
        };
        let caller = (self.name, self.node, self.depth);
        (self.name, self.depth) = (name, self.depth.saturating_add(1));
        let variables = self.variables.enter(dot.clone());
        self.walk(&dot, body)?;
        self.variables.leave(variables);
        (self.name, self.node, self.depth) = caller;
        Ok(())
    }

    /// Prints the value of the action `id`.
    fn print(&mut self, id: NodeId, operand: &Operand) -> Result<()> {
        self.node = id;
        match operand {
            Operand::Invalid => self.write(b"<no value>"),
            Operand::Concrete(Value::String(text)) | Operand::Interface(Value::String(text)) => {
                self.write(text)
            }
            Operand::Concrete(value) | Operand::Interface(value) => {
                let before = self.output.len();
                fmt::write_value(&mut self.context, &mut self.output, value)
                    .map_err(|error| self.failed(&error))?;
                self.account(self.output.len().saturating_sub(before))
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.account(bytes.len())?;
        self.output.extend_from_slice(bytes);
        Ok(())
    }

    /// Accounts for output.
    fn account(&mut self, bytes: usize) -> Result<()> {
        self.context
            .charge_output(bytes)
            .map_err(|error| self.failed(&error))
    }
}
