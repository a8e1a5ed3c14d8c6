//! What `seal` does besides the jobs of the existing tool: `seal VERB …`, a module each.
//!
//! `kubeseal` knows no verbs: there a word that is no flag is passed over, as it always was.

mod template;

use std::process::ExitCode;

use crate::environment::Environment;
use crate::io::Streams;

/// A verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Render templates.
    Template,
}

impl Verb {
    /// Every verb with what it does, for the list in the help.
    pub(crate) const ALL: [(Self, &'static str, &'static str); 1] = [(
        Self::Template,
        "template",
        "render the templates of a SealedSecret, to see what the Secret will be",
    )];

    /// The verb that a command line begins with.
    pub(crate) fn of(word: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        all.find(|(_, name, _)| *name == word)
            .map(|(verb, ..)| *verb)
    }

    /// Does what `words`, the rest of the command line, asks for.
    pub(crate) fn run(
        self,
        words: Vec<String>,
        environment: &Environment,
        streams: Streams<'_>,
    ) -> ExitCode {
        match self {
            Self::Template => template::main(words, environment, streams),
        }
    }
}
