//! The stack of variables.

use crate::operand::Operand;

/// Variables in order of declaration. Looking one up goes from the top down, so that the last one declared
/// hides others of its name.
pub(super) struct Variables<'t> {
    stack: Vec<(&'t [u8], Operand)>,
    /// Where those of the template begin that is being executed: it sees none of its caller's.
    base: usize,
}

/// A height of the stack.
#[derive(Clone, Copy)]
pub(super) struct Mark(usize);

/// The caller's part of the stack.
#[derive(Clone, Copy)]
pub(super) struct Caller {
    base: usize,
    mark: Mark,
}

impl<'t> Variables<'t> {
    pub(super) fn new() -> Self {
        Self {
            stack: Vec::new(),
            base: 0,
        }
    }

    pub(super) fn declare(&mut self, name: &'t [u8], value: Operand) {
        self.stack.push((name, value));
    }

    pub(super) fn mark(&self) -> Mark {
        Mark(self.stack.len())
    }

    /// Forgets what was declared since the mark was taken.
    pub(super) fn release(&mut self, Mark(len): Mark) {
        self.stack.truncate(len);
    }

    /// About how many there are that the template can see.
    pub(super) fn count(&self) -> u64 {
        u64::try_from(self.stack.len().saturating_sub(self.base)).unwrap_or(u64::MAX)
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&Operand> {
        let own = self.stack.get(self.base..)?;
        own.iter()
            .rfind(|(declared, _)| *declared == name)
            .map(|(_, value)| value)
    }

    /// Gives a declared variable another value; whether there is one.
    pub(super) fn assign(&mut self, name: &[u8], value: Operand) -> bool {
        let own = self.stack.get_mut(self.base..).unwrap_or_default();
        let Some((_, slot)) = own.iter_mut().rfind(|(declared, _)| *declared == name) else {
            return false;
        };
        *slot = value;
        true
    }

    /// Gives the variable that was declared last, or `depth` before it, another value.
    pub(super) fn set_top(&mut self, depth: usize, value: Operand) {
        if let Some((_, slot)) = self.stack.iter_mut().rev().nth(depth) {
            *slot = value;
        }
    }

    /// Begins a template that is called with `dot`.
    pub(super) fn enter(&mut self, dot: Operand) -> Caller {
        let mark = self.mark();
        let base = std::mem::replace(&mut self.base, self.stack.len());
        self.declare(b"$", dot);
        Caller { base, mark }
    }

    /// Ends it.
    pub(super) fn leave(&mut self, caller: Caller) {
        self.release(caller.mark);
        self.base = caller.base;
    }
}
