//! `seal`: makes Secrets safe to keep in Git. Called as `kubeseal`, it is a drop-in for that tool.

use std::process::ExitCode;

fn main() -> ExitCode {
    sealed_cli::main(None)
}
