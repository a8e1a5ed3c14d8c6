//! Where keys come from, and what that says of them.

use sealed_custody::Protection;

/// Where a text comes from.
#[derive(Clone, Copy)]
pub(super) struct Source<'s> {
    /// For messages.
    pub(super) shown: &'s str,
    /// Whether the command line names the file.
    pub(super) named: bool,
    /// Whether everything in it is meant as a key, marked or not.
    pub(super) is_meant: bool,
    /// See [`KeySecret`](super::KeySecret).
    pub(super) is_vouched: bool,
}

impl<'s> Source<'s> {
    /// A cluster: whoever may write its key Secrets decides what it seals for anyway.
    pub(super) fn cluster(shown: &'s str) -> Self {
        Self {
            shown,
            named: false,
            is_meant: true,
            is_vouched: true,
        }
    }

    /// A file. `named` tells whether the command line names it.
    pub(super) fn file(shown: &'s str, named: bool) -> Self {
        Self {
            shown,
            named,
            is_meant: named,
            is_vouched: named,
        }
    }

    /// What is in it, encrypted: it was put there as a key, by whoever could encrypt it.
    pub(super) fn inside(self, protection: Option<Protection>) -> Self {
        Self {
            is_meant: true,
            is_vouched: self.is_vouched && protection == Some(Protection::Passphrase),
            ..self
        }
    }
}
