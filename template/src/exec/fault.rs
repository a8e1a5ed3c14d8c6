//! Errors as Go words them.

use std::borrow::Cow;

use super::Executor;
use crate::buffer::Buffer;
use crate::error::{CallError, ExecError, PrivateError, Reason};
use crate::str::Str;
use crate::tree::Position;

impl Executor<'_, '_> {
    /// The error that ends the execution at the node where it is.
    pub(super) fn fault(&self, reason: Reason, message: impl Into<Str>) -> ExecError {
        let message = CallError::new(message);
        let Position { line, column } = self.tree.position(self.node);
        let mut text = Buffer::from(b"template: ".to_vec());
        text.extend_from_slice(&self.tree.name);
        text.extend_from_slice(format!(":{line}:{column}: executing ").as_bytes());
        text.extend_from_slice(&quoted(self.name));
        text.extend_from_slice(b" at <");
        text.extend_from_slice(&self.tree.print(self.node));
        text.extend_from_slice(b">: ");
        text.extend_from_slice(message.text());
        ExecError {
            reason,
            is_deterministic: self.context.is_deterministic(),
            private: PrivateError {
                text: text.into(),
                line,
                column,
            },
        }
    }

    /// The error of what the executor itself does with a value: a bound that was passed.
    pub(super) fn failed(&self, error: &CallError) -> ExecError {
        self.fault(error.reason(), error.text())
    }
}

/// A name in Go's quotes.
pub(super) fn quoted(name: &[u8]) -> Buffer {
    crate::strconv::quote(name)
}

/// A name for an error text. What the grammar takes for a name is UTF-8.
pub(super) fn shown(name: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(name)
}
