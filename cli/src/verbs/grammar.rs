//! Everything that can be typed, as the tables of verbs and flags have it: for completion and for the manual.

use sealed_pflag::{Flag, Table};

use super::{ALL, Verb, completion, explain};
use crate::args;

/// A verb, or `seal` without one.
pub(super) struct Command {
    /// The words behind `seal`; none for `seal` without a verb.
    pub(super) name: &'static str,
    /// What it does in a few words.
    pub(super) does: &'static str,
    /// Its flags, without the hidden ones.
    pub(super) flags: Vec<Flag>,
    /// What its arguments are, if not files.
    pub(super) arguments: Vec<String>,
}

/// The verbs, in the order of lists.
pub(super) fn verbs() -> Vec<Command> {
    ALL.iter().map(|verb| Command::of(verb)).collect()
}

/// `seal` without a verb.
pub(super) fn without_verb() -> Command {
    Command {
        name: "",
        does: "",
        flags: listed(&args::effective_table()),
        arguments: Vec::new(),
    }
}

impl Command {
    fn of(verb: &Verb) -> Self {
        let arguments = match verb.name {
            "completion" => completion::names().map(str::to_owned).collect(),
            "explain" => explain::entries()
                .into_iter()
                .map(|entry| entry.code)
                .collect(),
            _ => Vec::new(),
        };
        Self {
            name: verb.name,
            does: verb.does,
            flags: listed(&verb.table()),
            arguments,
        }
    }
}

/// `--name`, and `-n` where there is one.
pub(super) fn spellings(flag: &Flag) -> Vec<String> {
    let short = flag.letter().map(|letter| format!("-{letter}"));
    std::iter::once(format!("--{}", flag.name()))
        .chain(short)
        .collect()
}

fn listed(table: &Table) -> Vec<Flag> {
    table
        .flags()
        .filter(|flag| !flag.is_hidden())
        .cloned()
        .collect()
}
