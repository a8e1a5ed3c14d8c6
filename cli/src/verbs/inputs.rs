//! The SealedSecrets that a verb looks at: files that the command line names, or standard input.

use std::path::{Path, PathBuf};

use sealed_pflag::{Flag, Matches};

use crate::environment::Environment;
use crate::failure::Failure;

/// Files in their order; none is standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Inputs(Vec<Option<PathBuf>>);

/// Another way to name a file, which is that of `seal` without a verb.
pub(super) fn flag() -> Flag {
    Flag::string_array("secret-file", "Input file, same as FILE; may be repeated").short('f')
}

/// The failure where standard input is asked for more than once.
pub(super) fn stdin_twice() -> Failure {
    Failure::usage("standard input can be read once").hint("name `-` once at most")
}

impl Inputs {
    /// What the command line of `verb` says; `-`, or nothing, is standard input.
    pub(super) fn of(
        matches: &Matches,
        environment: &Environment,
        verb: &str,
    ) -> Result<Self, Failure> {
        let words = matches.list("secret-file").iter();
        let mut inputs: Vec<Option<PathBuf>> = words
            .chain(matches.positionals())
            .map(|word| (word != "-").then(|| PathBuf::from(word)))
            .collect();
        if inputs.is_empty() {
            if environment.stdin_is_terminal {
                return Err(Failure::usage("no SealedSecret is given")
                    .hint(format!("`seal {verb} FILE`, or `… | seal {verb}`")));
            }
            inputs.push(None);
        }
        if inputs.iter().filter(|path| path.is_none()).count() > 1 {
            return Err(stdin_twice());
        }
        Ok(Self(inputs))
    }

    /// One after the other.
    pub(super) fn iter(&self) -> impl Iterator<Item = Option<&Path>> {
        self.0.iter().map(Option::as_deref)
    }

    /// What they are, for messages.
    pub(super) fn shown(&self) -> String {
        let shown = self.iter().map(|path| match path {
            Some(path) => path.display().to_string(),
            None => "stdin".to_owned(),
        });
        shown.collect::<Vec<_>>().join(", ")
    }
}
