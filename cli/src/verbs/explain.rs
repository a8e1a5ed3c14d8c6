//! `seal explain CODE`: what a code means and what to do about it.
//!
//! The text is that of the page `docs/errors.md`, which is part of the program: what a person reads there and here cannot
//! differ.

use std::path::Path;

use sealed_manifest::Format;
use sealed_pflag::{Flag, Matches};
use serde::Serialize;

use super::{Verb, call};
use crate::failure::Failure;
use crate::output::serialize;
use crate::suggest;

/// The error index.
const PAGE: &str = include_str!("../../../docs/errors.md");
/// What begins its table of codes, and that of the reasons of failed templates.
const TABLES: [&str; 2] = [
    "| code | what it means | what to do |",
    "| reason | what it means | what to do |",
];

const SYNOPSIS: &str = "\
Usage: seal explain [CODE] [flags]

Tells what a code means, and what to do: `wrong-key` as `seal` prints it, `WrongKey` as the controller writes it into a
condition, or the reason of a failed template. Without CODE it lists them all.

Examples: seal explain wrong-key
          seal explain WrongKey
          seal explain --json

JSON: a list of code, meaning, remedy

";

/// `seal explain`.
pub(super) const VERB: Verb = Verb {
    name: "explain",
    does: "tell what an error code means and what to do about it",
    synopsis: SYNOPSIS,
    flags,
    variables: &[],
    run: |matches, _, streams| call::print(&explained(matches)?, streams.stdout),
};

fn flags() -> Vec<Flag> {
    vec![Flag::bool("json", false, "Print as JSON")]
}

/// A row of the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Entry {
    /// As `seal` prints it.
    pub(super) code: String,
    meaning: String,
    remedy: String,
}

fn explained(matches: &Matches) -> Result<String, Failure> {
    let entries = match matches.positionals() {
        [] => entries(),
        [code] => vec![find(code)?],
        [_, word, ..] => {
            return Err(Failure::usage(format!("unexpected argument `{word}`"))
                .hint("one code at a time, or none for a list of all"));
        }
    };
    Ok(match (matches.bool("json"), entries.as_slice()) {
        (true, entries) => serialize(&entries, Format::Json),
        (false, [one]) => format!("{}: {}\n\n{}\n", one.code, one.meaning, one.remedy),
        (false, entries) => {
            let lines = entries.iter();
            let lines = lines.map(|entry| format!("{:<20} {}", entry.code, entry.meaning));
            lines.collect::<Vec<_>>().join("\n") + "\n"
        }
    })
}

/// Every row of the index, in the order of the page.
pub(super) fn entries() -> Vec<Entry> {
    TABLES.iter().flat_map(|heading| rows(heading)).collect()
}

fn rows(heading: &str) -> impl Iterator<Item = Entry> {
    let table = PAGE
        .lines()
        .skip_while(move |line| *line != heading)
        .skip(2);
    table.map_while(|line| {
        let row = line.strip_prefix("| ")?.strip_suffix(" |")?;
        // A bar within a cell is written `\|`.
        let row = row.replace("\\|", "\u{1}");
        let mut cells = row
            .split(" | ")
            .map(|cell| plain(&cell.replace('\u{1}', "|")));
        Some(Entry {
            code: cells.next()?.trim_matches('`').to_owned(),
            meaning: cells.next()?,
            remedy: cells.next()?,
        })
    })
}

/// A text without Markdown's emphasis and links: what they are put on stays.
fn plain(text: &str) -> String {
    let text = text.replace("**", "");
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, link)) = rest.split_once('[') {
        plain.push_str(before);
        let parts = link
            .split_once("](")
            .and_then(|(words, rest)| Some((words, rest.split_once(')')?.1)));
        if let Some((words, after)) = parts {
            plain.push_str(words);
            rest = after;
        } else {
            plain.push('[');
            rest = link;
        }
    }
    plain.push_str(rest);
    plain
}

fn find(word: &str) -> Result<Entry, Failure> {
    let code = normal(word);
    let mut entries = entries();
    if let Some(at) = entries.iter().position(|entry| entry.code == code) {
        return Ok(entries.swap_remove(at));
    }
    let failure = Failure::usage(format!("there is no code `{word}`"));
    let near = suggest::nearest(&code, entries.iter().map(|entry| entry.code.as_str()));
    Err(match near {
        Some(near) => failure.hint(format!("did you mean `seal explain {near}`?")),
        None if Path::new(word).exists() => failure.hint(format!(
            "`seal inspect {word}` tells what is wrong with a SealedSecret"
        )),
        None => failure.hint("`seal explain` lists them all"),
    })
}

/// `error[wrong-key]`, `WrongKey` and `wrong-key` are one code.
fn normal(word: &str) -> String {
    let word = word
        .trim_end_matches(':')
        .trim_start_matches("error")
        .trim_start_matches("problem")
        .trim_matches(['[', ']']);
    let mut code = String::with_capacity(word.len() + 4);
    for c in word.chars() {
        if c.is_ascii_uppercase() && !code.is_empty() {
            code.push('-');
        }
        code.push(c.to_ascii_lowercase());
    }
    code
}

#[cfg(test)]
mod tests {
    use sealed_api::Code;

    use super::*;
    use crate::name::Name;

    #[test]
    fn every_code_is_explained_with_its_own_meaning() {
        for code in Code::ALL {
            for form in [
                code.as_str().to_owned(),
                code.reason().to_owned(),
                format!("error[{code}]:"),
            ] {
                let entry = find(&form).unwrap_or_else(|failure| panic!("{form}: {failure:?}"));
                assert_eq!(entry.code, code.as_str());
                assert_eq!(entry.meaning, code.meaning());
                assert!(!entry.remedy.is_empty(), "{code}");
            }
        }
    }

    #[test]
    fn explanations_are_plain_text() {
        for entry in entries() {
            let text = format!("{} {}", entry.meaning, entry.remedy);
            let marks = ["](", "\\|", "**", "(below)"];
            assert!(!marks.iter().any(|mark| text.contains(mark)), "{text}");
        }
        assert_eq!(plain("a [b](c#d) [e] f"), "a b [e] f");
    }

    #[test]
    fn reasons_of_templates_are_explained_too() {
        assert!(find("argument-count").is_ok_and(|entry| entry.remedy.contains('|')));
    }

    #[test]
    fn a_misspelt_code_is_answered_with_the_nearest() {
        let text = |word| find(word).unwrap_err().text(Name::Seal);
        assert!(text("wrong-kex").contains("`seal explain wrong-key`"));
        assert!(text("zzz").contains("lists them all"));
        assert!(text("Cargo.toml").contains("`seal inspect Cargo.toml`"));
    }
}
