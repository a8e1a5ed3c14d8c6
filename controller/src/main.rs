//! The controller's binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    let program = arguments.next().unwrap_or_else(|| "controller".to_owned());
    // Ours have ASCII names; a value that is not UTF-8 is refused by its flag or of no importance.
    let environment = std::env::vars_os().filter_map(|(name, value)| {
        Some((
            name.into_string().ok()?,
            value.to_string_lossy().into_owned(),
        ))
    });
    sealed_controller::program::main(&program, environment, arguments)
}
