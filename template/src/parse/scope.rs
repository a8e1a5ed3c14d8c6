//! What a template text or a definition in it has for itself while it is read.

use std::collections::BTreeMap;

/// The state of one definition.
#[derive(Debug)]
pub(super) struct Scope<'t> {
    /// Around how many bodies of `range` the place is.
    pub(super) ranges: usize,
    /// Where the action starts that is being read.
    pub(super) action: Option<usize>,
    /// Where the item starts that was read last: on its line are the errors of this definition.
    pub(super) latest: usize,
    /// All variables in the order of their declarations.
    variables: Vec<&'t [u8]>,
    /// How many variables there are of each name.
    declared: BTreeMap<&'t [u8], usize>,
}

impl<'t> Scope<'t> {
    /// With no variable but `$`.
    pub(super) fn new(latest: usize) -> Self {
        let mut scope = Self {
            ranges: 0,
            action: None,
            latest,
            variables: Vec::new(),
            declared: BTreeMap::new(),
        };
        scope.declare(b"$");
        scope
    }

    pub(super) fn declare(&mut self, variable: &'t [u8]) {
        self.variables.push(variable);
        let count = self.declared.entry(variable).or_default();
        *count = count.saturating_add(1);
    }

    pub(super) fn is_declared(&self, variable: &[u8]) -> bool {
        self.declared.contains_key(variable)
    }

    /// How many variables there are, for [`forget_from`](Self::forget_from).
    pub(super) fn variable_count(&self) -> usize {
        self.variables.len()
    }

    /// Leaves only the first `count` variables.
    pub(super) fn forget_from(&mut self, count: usize) {
        for variable in self.variables.drain(count..) {
            match self.declared.get_mut(variable) {
                Some(count) if *count > 1 => *count = count.saturating_sub(1),
                _ => {
                    self.declared.remove(variable);
                }
            }
        }
    }
}
