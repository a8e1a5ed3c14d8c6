//! Asking a person at the terminal whether to go on.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};

use sealed_api::Code;

use crate::failure::{Failure, io_cause, printable};

/// The terminal of the process, wherever its streams lead: standard input may be the Secret.
const TERMINAL: (&str, &str) = if cfg!(windows) {
    ("CONIN$", "CONOUT$")
} else {
    ("/dev/tty", "/dev/tty")
};

/// Asks `question`; only `yes` is yes.
pub(crate) fn agrees(question: &str) -> Result<bool, Failure> {
    ask(question)
        .map(|answer| answer == "yes")
        .map_err(|error| {
            Failure::new(
                Code::UnreadableFile,
                format!("cannot ask at the terminal: {}", io_cause(&error)),
            )
        })
}

fn ask(question: &str) -> io::Result<String> {
    let (input, output) = TERMINAL;
    let mut output = OpenOptions::new().write(true).open(output)?;
    write!(output, "{} ", printable(question))?;
    output.flush()?;
    let mut answer = String::new();
    BufReader::new(File::open(input)?).read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}
