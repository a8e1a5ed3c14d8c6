//! Asking a person at the terminal for what must not be seen: neither on the screen nor in the list of processes.

#[cfg(unix)]
mod echo;

use std::io::ErrorKind;

use sealed_api::Code;
use zeroize::Zeroizing;

use crate::failure::{Failure, io_cause, one_line};

/// Asks for a secret twice: nobody sees what is typed, and once it is sealed nobody can look it up.
pub(crate) fn twice(what: &str) -> Result<Zeroizing<String>, Failure> {
    let first = once(&format!("{what}: "))?;
    if first.is_empty() {
        return Err(Failure::new(
            Code::MalformedInput,
            format!("nothing was typed for `{what}`"),
        ));
    }
    if *once(&format!("{what}, once more: "))? == *first {
        Ok(first)
    } else {
        Err(Failure::new(
            Code::MalformedInput,
            format!("two different texts were typed for `{what}`"),
        ))
    }
}

/// Asks for a secret. The terminal is asked, whatever standard input is.
pub(crate) fn once(question: &str) -> Result<Zeroizing<String>, Failure> {
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
        _ => Failure::new(
            Code::UnreadableFile,
            format!("cannot ask at the terminal: {}", io_cause(&error)),
        )
        .hint("where there is none, values come from standard input or files"),
    })
}
