//! Asking a person at the terminal for what must not be seen: neither on the screen nor in the list of processes.

#[cfg(unix)]
mod echo;

use std::io::ErrorKind;

use sealed_api::Code;
use zeroize::Zeroizing;

use crate::failure::{Failure, io_cause, one_line};

/// The terminal of a person, or that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Terminal {
    /// Nobody can be asked, even if the process could find a terminal: its streams belong to another program.
    Absent,
    /// A person can be asked there, whatever standard input is.
    Present,
}

impl Terminal {
    /// Asks for a secret twice: nobody sees what is typed, and once it is sealed nobody can look it up.
    pub(crate) fn ask_twice(self, what: &str) -> Result<Zeroizing<String>, Failure> {
        let first = self.ask(&format!("{what}: "))?;
        if first.is_empty() {
            return Err(Failure::new(
                Code::MalformedInput,
                format!("nothing was typed for `{what}`"),
            ));
        }
        if *self.ask(&format!("{what}, once more: "))? == *first {
            Ok(first)
        } else {
            Err(Failure::new(
                Code::MalformedInput,
                format!("two different texts were typed for `{what}`"),
            ))
        }
    }

    /// Asks for a secret.
    pub(crate) fn ask(self, question: &str) -> Result<Zeroizing<String>, Failure> {
        if self == Self::Absent {
            return Err(cannot_ask("none of the streams is one"));
        }
        #[cfg(unix)]
        let kept = echo::Kept::of_terminal();
        // It names files, and it is written to the terminal as it is.
        let answer = rpassword::prompt_password(one_line(question)).map(Zeroizing::new);
        #[cfg(unix)]
        if let (Err(error), Some(kept)) = (&answer, kept)
            && error.kind() == ErrorKind::Interrupted
        {
            kept.end();
        }
        answer.map_err(|error| match error.kind() {
            ErrorKind::Interrupted => Failure::new(Code::UnreadableFile, "interrupted"),
            _ => cannot_ask(&io_cause(&error)),
        })
    }
}

fn cannot_ask(cause: &str) -> Failure {
    Failure::new(
        Code::UnreadableFile,
        format!("cannot ask at the terminal: {cause}"),
    )
    .hint("where there is none, values come from standard input or files")
}
