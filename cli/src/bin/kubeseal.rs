//! `kubeseal`: the drop-in for the existing tool of that name.

use std::process::ExitCode;

use sealed_cli::Name;

fn main() -> ExitCode {
    sealed_cli::main(Some(Name::Kubeseal))
}
