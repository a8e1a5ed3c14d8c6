//! A command line that begins with a verb: found, read, run, and its end told to the process.

use std::fmt::Write as _;
use std::process::ExitCode;

use sealed_pflag::{Matches, ParseError};

use super::{ALL, Outcome, Verb};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::Streams;
use crate::name::Name;
use crate::output::Output;
use crate::suggest;

/// What the first words of a command line call.
pub(crate) enum Call {
    /// A verb, with the words that are for it.
    Verb(&'static Verb, Vec<String>),
    /// A family of verbs, with the word that names none of them, if there is one.
    Family(&'static str, Option<String>),
    /// Help about a word that is none.
    Unknown(String),
}

impl Call {
    /// The verb that `words` begin with; `help VERB` asks for its help.
    pub(crate) fn of(words: &[String]) -> Option<Self> {
        let (words, help) = match words {
            [help, words @ ..] if help == "help" => (words, true),
            words => (words, false),
        };
        let [first, rest @ ..] = words else {
            return None;
        };
        let own = |rest: &[String]| {
            if help {
                vec!["--help".to_owned()]
            } else {
                rest.to_vec()
            }
        };
        let mut all = ALL.iter().copied();
        if let Some(verb) = all.find(|verb| verb.name == first.as_str()) {
            return Some(Self::Verb(verb, own(rest)));
        }
        let Some(family) = families().find(|family| family == first) else {
            return help.then(|| Self::Unknown(first.clone()));
        };
        let second = rest.first().filter(|word| !word.starts_with('-'));
        let member = second.and_then(|second| {
            members(family).find(|verb| verb.name.split(' ').next_back() == Some(second.as_str()))
        });
        Some(match member {
            Some(verb) => Self::Verb(verb, own(rest.get(1..).unwrap_or_default())),
            None => Self::Family(family, second.cloned()),
        })
    }

    /// Does what was called.
    pub(crate) fn run(self, environment: &Environment, streams: Streams<'_>) -> ExitCode {
        let Streams {
            stdin,
            stdout,
            stderr,
        } = streams;
        let streams = Streams {
            stdin,
            stdout,
            stderr: &mut *stderr,
        };
        let done = match self {
            Self::Verb(verb, words) => run(verb, words, environment, streams),
            Self::Family(family, None) => print(&family_help(family), streams.stdout),
            Self::Family(family, Some(word)) => Err(no_member(family, &word)),
            Self::Unknown(word) => Err(suggest::unknown_verb(&word)),
        };
        match done {
            Ok(outcome) => outcome.exit_code(),
            Err(failure) => {
                // That nobody can read it is no reason to do anything else.
                drop(stderr.write_all(failure.text(Name::Seal).as_bytes()));
                failure.exit_code(Name::Seal)
            }
        }
    }
}

fn run(
    verb: &Verb,
    words: Vec<String>,
    environment: &Environment,
    streams: Streams<'_>,
) -> Result<Outcome, Failure> {
    match read(verb, words, environment)? {
        Some(matches) => (verb.run)(&matches, environment, streams),
        None => print(&verb.help(), streams.stdout),
    }
}

/// What was typed for `verb`; nothing where its help was asked for.
pub(super) fn read(
    verb: &Verb,
    words: Vec<String>,
    environment: &Environment,
) -> Result<Option<Matches>, Failure> {
    let variables = verb.variables.iter().filter_map(|name| {
        let value = environment.variable(name)?;
        Some(((*name).to_owned(), value.to_owned()))
    });
    let matches = match verb.table().parse(variables, words) {
        Ok(matches) => matches,
        Err(rejected) => {
            return match rejected.error {
                ParseError::Help => Ok(None),
                error => Err(misused(verb, &error)),
            };
        }
    };
    if matches.bool("help") {
        return Ok(None);
    }
    match matches.environment_faults().first() {
        Some(fault) => Err(Failure::usage(fault.to_string())),
        None => Ok(Some(matches)),
    }
}

/// Prints a text, which is all that was asked for.
pub(super) fn print(text: &str, stdout: &mut dyn std::io::Write) -> Result<Outcome, Failure> {
    let mut output = Output::stdout(stdout);
    output.write(text.as_bytes())?;
    output.commit()?;
    Ok(Outcome::Done)
}

fn misused(verb: &Verb, error: &ParseError) -> Failure {
    let list = format!("seal {} --help", verb.name);
    Failure::usage(error.to_string()).hint(suggest::after(error, &verb.table(), &list))
}

/// First words of verbs of two words.
pub(crate) fn families() -> impl Iterator<Item = &'static str> {
    let mut last = None;
    ALL.iter().filter_map(move |verb| {
        let (family, _) = verb.name.split_once(' ')?;
        (last.replace(family) != Some(family)).then_some(family)
    })
}

/// The verbs of a family.
pub(crate) fn members(family: &str) -> impl Iterator<Item = &'static Verb> {
    ALL.iter().copied().filter(move |verb| {
        verb.name
            .split_once(' ')
            .is_some_and(|(first, _)| first == family)
    })
}

fn family_help(family: &str) -> String {
    let mut text = format!("Usage: seal {family} VERB\n\n");
    for verb in members(family) {
        writeln!(text, "  seal {:<30} {}", verb.name, verb.does)
            .expect("writing into a String cannot fail");
    }
    write!(text, "\n`seal help {family} VERB` shows the flags.\n")
        .expect("writing into a String cannot fail");
    text
}

fn no_member(family: &str, word: &str) -> Failure {
    let failure = Failure::usage(format!("`seal {family}` has no verb `{word}`"));
    let names = members(family).filter_map(|verb| verb.name.split(' ').next_back());
    failure.hint(match suggest::nearest(word, names) {
        Some(near) => format!("did you mean `seal {family} {near}`?"),
        None if word == "secret" => format!("the kind comes next: `seal {family} generic NAME`"),
        None => format!("`seal {family}` lists them"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_comes_first_or_behind_help() {
        let called = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            match Call::of(&words)? {
                Call::Verb(_, words) => Some(words.join(" ")),
                Call::Family(..) | Call::Unknown(_) => None,
            }
        };
        assert_eq!(called("template a b").as_deref(), Some("a b"));
        assert_eq!(called("help template").as_deref(), Some("--help"));
        assert_eq!(called("help"), None);
        let words = ["help", "tempalte"].map(str::to_owned);
        assert!(matches!(Call::of(&words), Some(Call::Unknown(word)) if word == "tempalte"));
        assert_eq!(called("-f template"), None);
    }

    #[test]
    fn the_help_of_every_verb_shows_usage_and_examples() {
        for verb in ALL {
            let help = verb.help();
            assert!(
                help.starts_with(&format!("Usage: seal {} ", verb.name)),
                "{help}"
            );
            assert!(help.contains("\nExamples: seal "), "{help}");
            assert!(help.contains("--help"), "{help}");
        }
    }
}
