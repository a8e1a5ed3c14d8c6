//! The streams of a process, as arguments.

use std::io::{Read, Write};

use crate::failure::{Failure, one_line, printable};
use crate::name::Name;

/// Standard input, output and error.
pub(crate) struct Streams<'a> {
    /// Where input comes from that no file is named for.
    pub(crate) stdin: &'a mut dyn Read,
    /// For data.
    pub(crate) stdout: &'a mut dyn Write,
    /// For talk.
    pub(crate) stderr: &'a mut dyn Write,
}

/// Messages to the user that are no failure.
pub(crate) struct Talk<'a>(pub &'a mut dyn Write);

impl Talk<'_> {
    /// Says one line. That nobody can read it is no reason to stop.
    pub(crate) fn say(&mut self, line: &str) {
        drop(writeln!(self.0, "{}", one_line(line)));
    }

    /// Writes over the line that the cursor is in. Only for a terminal.
    pub(crate) fn replace(&mut self, line: &str) {
        drop(write!(self.0, "\r\u{1b}[K{}", printable(line)));
        drop(self.0.flush());
    }

    /// Tells a failure that does not stop the work.
    pub(crate) fn tell(&mut self, failure: &Failure) {
        drop(self.0.write_all(failure.text(Name::Seal).as_bytes()));
    }
}
