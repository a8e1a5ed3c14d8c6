//! What `seal` does besides the jobs of the existing tool: `seal VERB …`, a module each.
//!
//! `kubeseal` knows no verbs: there a word that is no flag is passed over, as it always was.

mod call;
mod cert;
mod completion;
mod create;
mod doctor;
mod explain;
mod grammar;
mod inputs;
mod inspect;
mod items;
mod keys;
mod man;
mod single;
mod template;
mod unseal;
mod value;
mod verify;

pub(crate) use self::call::Call;

use std::process::ExitCode;

use sealed_pflag::{Matches, Table};

use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::Streams;

/// A verb: how it is called and what it does.
pub(crate) struct Verb {
    /// One word, or two where the first is a family: `keys backup`.
    pub(crate) name: &'static str,
    /// What it does in a few words, for lists of verbs.
    pub(crate) does: &'static str,
    /// The head of its help: a line of usage, what it does, examples.
    pub(crate) synopsis: &'static str,
    /// The flags besides `--help`, which every verb has.
    pub(crate) flags: fn() -> Vec<sealed_pflag::Flag>,
    /// The `SEALED_SECRETS_…` variables that count. The others are meant for other calls.
    pub(crate) variables: &'static [&'static str],
    /// Does what the command line asks for.
    pub(crate) run: fn(&Matches, &Environment, Streams<'_>) -> Result<Outcome, Failure>,
}

/// How a verb that did not fail ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// What was asked for is done.
    Done,
    /// It is, and what was looked at has problems, which are told.
    Problems,
    /// There was nothing to change where a change was asked for.
    Unchanged,
}

impl Outcome {
    /// What the process ends with. 1 and 2 are failures.
    fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::Problems => 3,
            Self::Unchanged => 4,
        })
    }
}

/// Every verb, in the order of lists.
pub(crate) const ALL: &[&Verb] = &[
    &create::GENERIC,
    &create::TLS,
    &create::DOCKER_REGISTRY,
    &create::BASIC_AUTH,
    &create::SSH_AUTH,
    &value::VERB,
    &items::SET,
    &items::UNSET,
    &cert::VERB,
    &inspect::VERB,
    &unseal::VERB,
    &verify::VERB,
    &template::VERB,
    &keys::status::VERB,
    &keys::list::VERB,
    &keys::renew::VERB,
    &keys::retire::VERB,
    &keys::compromise::VERB,
    &keys::backup::VERB,
    &keys::export::VERB,
    &keys::restore::VERB,
    &keys::verify::VERB,
    &doctor::VERB,
    &explain::VERB,
    &completion::VERB,
    &man::VERB,
];

/// The words that a command line with a verb can begin with.
pub(crate) fn first_words() -> impl Iterator<Item = &'static str> {
    ALL.iter().filter_map(|verb| verb.name.split(' ').next())
}

impl Verb {
    /// Its flags, and the variables that stand for them.
    pub(crate) fn table(&self) -> Table {
        let mut flags = (self.flags)();
        flags.push(sealed_pflag::Flag::bool("help", false, "Print this help").short('h'));
        Table::new(flags).env_prefix("SEALED_SECRETS_")
    }

    /// What `--help` prints.
    pub(crate) fn help(&self) -> String {
        format!("{}{}", self.synopsis, self.table().usage())
    }
}
