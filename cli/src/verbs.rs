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

    /// The names of all verbs.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().map(|(_, name, _)| *name)
    }

    /// The verb that a command line calls, and the words that are for it; `help VERB` asks for its help.
    pub(crate) fn called(words: &[String]) -> Option<(Self, Vec<String>)> {
        match words {
            [help, verb] if help == "help" => Some((Self::of(verb)?, vec!["--help".to_owned()])),
            [verb, words @ ..] => Some((Self::of(verb)?, words.to_vec())),
            [] => None,
        }
    }

    fn of(word: &str) -> Option<Self> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_comes_first_or_behind_help() {
        let called = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            Verb::called(&words).map(|(_, words)| words.join(" "))
        };
        assert_eq!(called("template a b").as_deref(), Some("a b"));
        assert_eq!(called("help template").as_deref(), Some("--help"));
        assert_eq!(called("help"), None);
        assert_eq!(called("-f template"), None);
    }
}
