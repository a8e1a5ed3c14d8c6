//! Templates: parsed once, rendered many times.

use std::collections::BTreeSet;
use std::fmt;

use crate::buffer::Buffer;
use crate::context::Context;
use crate::environment::Environment;
use crate::error::{ExecError, ParseError};
use crate::exec::Executor;
use crate::function::{Entry, Functions};
use crate::limits::Budget;
use crate::parse;
use crate::str::Str;
use crate::tree::{Kind, Tree};
use crate::value::Value;

/// A parsed template, bound to the functions that it calls.
#[derive(Debug)]
pub struct Template<'f> {
    tree: Tree,
    /// The functions that the nodes of the tree name, by number of the node.
    functions: Vec<Option<&'f Entry>>,
}

/// What a template made of its data.
pub struct Rendered {
    /// The text, which need not be UTF-8.
    pub output: Buffer,
    /// Whether the same template and data always give the same output: false if clock or randomness were
    /// used.
    pub is_deterministic: bool,
    /// The fields that were asked of the root in vain, where it is a map: such a field prints `<no value>`, and
    /// is more often a misspelt name than meant. Fields alone, as they stand in the text: a name that `index`
    /// was given may be a value.
    pub missing: BTreeSet<Str>,
}

impl<'f> Template<'f> {
    /// Parses `text` as the template `name`: so errors call it, and so `template` actions can. As in Go, a text
    /// that is blank but for `define` actions may define `name` itself, which then is what renders.
    ///
    /// What the tree takes is drawn from `budget`, which [rendering](Self::render) can go on with.
    ///
    /// # Errors
    ///
    /// Go's message with its line, where the text is no template; or the bound that it passed.
    pub fn parse(
        name: &str,
        text: impl Into<Str>,
        functions: &'f Functions,
        budget: &mut Budget,
    ) -> Result<Self, ParseError> {
        let tree = parse::parse(name, text.into(), functions, budget)?;
        let named = |node: &crate::tree::Node| match node.kind {
            Kind::Identifier(name) => functions.entry(tree.slice(name)),
            _ => None,
        };
        Ok(Self {
            functions: tree.nodes.iter().map(named).collect(),
            tree,
        })
    }

    /// Executes the template with `root` as its dot and its `$`.
    ///
    /// Maps within `root` that functions wrote lists or maps to are empty afterwards.
    ///
    /// # Errors
    ///
    /// Go's account of what stopped it, or the bound that it passed. What was printed until then is gone.
    pub fn render(
        &self,
        root: Value,
        environment: &dyn Environment,
        budget: &mut Budget,
    ) -> Result<Rendered, ExecError> {
        let context = Context::new(environment, budget);
        let executor = Executor::new(&self.tree, &self.functions, context);
        executor.run(root)
    }
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rendered({} bytes)", self.output.len())
    }
}
