//! `seal completion SHELL`: a script that teaches a shell the verbs and flags, generated from their tables.

mod bash;
mod fish;
mod powershell;
mod zsh;

use sealed_pflag::{Flag, Matches};

use super::grammar::{self, Command};
use super::{Verb, call};
use crate::failure::Failure;
use crate::suggest;

const SYNOPSIS: &str = "\
Usage: seal completion bash|zsh|fish|powershell

Prints a script that completes verbs, flags and their values.

Examples: seal completion bash > ~/.local/share/bash-completion/completions/seal
          seal completion zsh > \"${fpath[1]}/_seal\"
          seal completion fish > ~/.config/fish/completions/seal.fish
          seal completion powershell >> $PROFILE

";

/// `seal completion`.
pub(super) const VERB: Verb = Verb {
    name: "completion",
    does: "print a script that completes verbs and flags in bash, zsh, fish or PowerShell",
    synopsis: SYNOPSIS,
    flags: Vec::<Flag>::new,
    variables: &[],
    run: |matches, _, streams| call::print(&script(matches)?, streams.stdout),
};

/// Makes the script of one shell of the verbs and of `seal` without one.
type Write = fn(&[Command], &Command) -> String;

const SHELLS: [(&str, Write); 4] = [
    ("bash", bash::script),
    ("zsh", zsh::script),
    ("fish", fish::script),
    ("powershell", powershell::script),
];

/// The shells there are scripts for.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    SHELLS.iter().map(|(name, _)| *name)
}

fn script(matches: &Matches) -> Result<String, Failure> {
    let list = names().collect::<Vec<_>>().join(", ");
    let name = match matches.positionals() {
        [name] => name,
        [] => {
            return Err(Failure::usage("no shell is given")
                .hint(format!("`seal completion SHELL`; the shells are {list}")));
        }
        [_, word, ..] => return Err(Failure::usage(format!("unexpected argument `{word}`"))),
    };
    let Some((_, write)) = SHELLS.iter().find(|(shell, _)| shell == name) else {
        let failure = Failure::usage(format!("there is no script for `{name}`"));
        return Err(match suggest::nearest(name, names()) {
            Some(near) => failure.hint(format!("did you mean `seal completion {near}`?")),
            None => failure.hint(format!("the shells are {list}")),
        });
    };
    Ok(write(&grammar::verbs(), &grammar::without_verb()))
}

/// The different first words of verbs, `help` included, each with the words that can follow it in a verb of two.
fn words(verbs: &[Command]) -> Vec<(&'static str, Vec<&'static str>)> {
    let mut words: Vec<(&str, Vec<&str>)> = Vec::new();
    for verb in verbs {
        let (first, second) = match verb.name.split_once(' ') {
            Some((first, second)) => (first, Some(second)),
            None => (verb.name, None),
        };
        match words.iter_mut().find(|(word, _)| *word == first) {
            Some((_, seconds)) => seconds.extend(second),
            None => words.push((first, second.into_iter().collect())),
        }
    }
    words.push(("help", Vec::new()));
    words
}

/// A text in single quotes, for shells where nothing is special between them but the quote itself.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
