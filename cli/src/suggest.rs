//! What somebody may have meant.

use std::path::Path;

use sealed_pflag::{Flag, ParseError, Table};

use crate::failure::Failure;
use crate::verbs;

/// The failure for a word that is no flag where only flags are understood.
pub(crate) fn unexpected_argument(word: &str, table: &Table) -> Failure {
    let failure = Failure::usage(format!("unexpected argument `{word}`"));
    if let Some(meant) = of_other_tools(word) {
        return failure.hint(format!("did you mean `{meant}`?"));
    }
    if let Some(verb) = nearest(word, verbs::first_words()) {
        return failure.hint(format!("did you mean `seal {verb}`? A verb comes first"));
    }
    match nearest_flag(word, table) {
        Some(flag) => failure.hint(format!("did you mean `--{flag}`?")),
        None if matches!(word, "true" | "false") => failure.hint(format!(
            "the value of a switch follows an equals sign: `--flag={word}`"
        )),
        None if !may_be_file(word) => failure.hint("`seal --help` lists the flags"),
        None => failure.hint(format!(
            "the input comes from standard input or `-f`: `seal -f {word}` or `seal < {word}`"
        )),
    }
}

/// The failure for a word where a verb is wanted.
pub(crate) fn unknown_verb(word: &str) -> Failure {
    let failure = Failure::usage(format!("there is no verb `{word}`"));
    let near = nearest(word, verbs::first_words());
    failure.hint(match (of_other_tools(word), near) {
        (Some(meant), _) => format!("did you mean `{meant}`?"),
        (None, Some(verb)) => format!("did you mean `seal help {verb}`?"),
        (None, None) => "`seal --help` lists them".to_owned(),
    })
}

/// What people call it who come from other tools.
pub(crate) fn of_other_tools(word: &str) -> Option<&'static str> {
    Some(match word {
        "encrypt" => "seal < secret.yaml",
        "decrypt" | "recover" => "seal unseal FILE --recovery-private-key KEY",
        "edit" => "seal set FILE KEY",
        "rotate" => "seal --re-encrypt < sealed.yaml",
        "validate" | "lint" => "seal verify FILE",
        _ => return None,
    })
}

/// A word that names no file and does not look like one is more likely another tool's verb.
fn may_be_file(word: &str) -> bool {
    word.contains(['.', '/', '\\']) || Path::new(word).exists()
}

/// The flag whose name is the closest to `word`, if any is close.
pub(crate) fn nearest_flag(word: &str, table: &Table) -> Option<&'static str> {
    let word = word.trim_start_matches('-');
    nearest(word, table.flags().map(Flag::name))
}

/// The next step after a command line that cannot be read; `list` shows what could have been typed.
pub(crate) fn after(error: &ParseError, table: &Table, list: &str) -> String {
    let meant = match error {
        ParseError::UnknownFlag { name } => {
            nearest_flag(name, table).map(|flag| format!("did you mean `--{flag}`?"))
        }
        ParseError::UnknownShorthand { bundle, .. } if bundle.len() > 1 => {
            Some(format!("a long flag has two dashes: `--{bundle}`"))
        }
        ParseError::InvalidValue { flag, value, .. } => table
            .flags()
            .find(|known| flag.ends_with(&format!("--{}", known.name())))
            .and_then(|known| nearest_value(value, known.choices()))
            .map(|near| format!("did you mean `{near}`?")),
        _ => None,
    };
    meant.unwrap_or_else(|| format!("`{list}` lists the flags"))
}

/// One value among a few is often known by its beginning.
fn nearest_value(typed: &str, values: &'static [&'static str]) -> Option<&'static str> {
    let typed = typed.to_ascii_lowercase();
    let begins = values
        .iter()
        .find(|value| !typed.is_empty() && value.starts_with(&typed));
    begins
        .copied()
        .or_else(|| nearest(&typed, values.iter().copied()))
}

/// The one among `names` that is the closest to `word`, if any is close.
pub(crate) fn nearest<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    names
        .map(|name| (distance(word, name), name))
        .filter(|(distance, name)| *distance <= name.len() / 4)
        .min()
        .map(|(_, name)| name)
}

/// How many characters must be inserted, removed, replaced or swapped with their neighbour to get from one word to the other
/// (optimal string alignment).
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let replaced = above[j] + usize::from(a != b);
            let mut least = replaced.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::table;
    use crate::name::Name;

    #[test]
    fn close_words_are_taken_for_flags_and_others_for_files() {
        let hint = |word: &str| unexpected_argument(word, &table(Name::Seal)).text(Name::Seal);
        assert!(hint("fetch-certs").contains("`--fetch-cert`"));
        assert!(hint("raw").contains("`--raw`"));
        assert!(hint("reencrypt").contains("`--re-encrypt`"));
        assert!(hint("secret.yaml").contains("`seal -f secret.yaml`"));
        assert!(hint("frobnicate").contains("`seal --help`"));
        assert!(hint("--cret").contains("`--cert`"));
        assert!(hint("tempalte").contains("`seal template`"));
        assert!(hint("false").contains("`--flag=false`"));
    }

    #[test]
    fn a_command_line_that_cannot_be_read_is_answered_with_what_was_meant() {
        let hint = |words: &[&str]| {
            let words = words.iter().map(|word| (*word).to_owned());
            let rejected = table(Name::Seal)
                .parse([], words)
                .expect_err("it cannot be read");
            after(&rejected.error, &table(Name::Seal), "seal --help")
        };
        assert_eq!(hint(&["--cret", "x"]), "did you mean `--cert`?");
        assert_eq!(hint(&["-cert"]), "a long flag has two dashes: `--cert`");
        assert_eq!(
            hint(&["--scope", "cluster"]),
            "did you mean `cluster-wide`?"
        );
        assert_eq!(hint(&["--scope", "Strict"]), "did you mean `strict`?");
        assert_eq!(hint(&["--scope", "stirct"]), "did you mean `strict`?");
        assert_eq!(hint(&["--zzz"]), "`seal --help` lists the flags");
    }

    #[test]
    fn distance_counts_edits() {
        for (from, to, edits) in [
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("abc", "axc", 1),
            ("cret", "cert", 1),
            ("abcd", "badc", 2),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(from, to), edits);
        }
    }
}
