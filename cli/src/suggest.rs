//! What somebody may have meant.

use std::path::Path;

use sealed_pflag::{Flag, Table};

use crate::failure::Failure;
use crate::verbs;

/// The failure for a word that is no flag where only flags are understood.
pub(crate) fn unexpected_argument(word: &str, table: &Table) -> Failure {
    let failure = Failure::usage(format!("unexpected argument `{word}`"));
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

/// A word that names no file and does not look like one is more likely another tool's verb.
fn may_be_file(word: &str) -> bool {
    word.contains(['.', '/', '\\']) || Path::new(word).exists()
}

/// The flag whose name is the closest to `word`, if any is close.
pub(crate) fn nearest_flag(word: &str, table: &Table) -> Option<&'static str> {
    let word = word.trim_start_matches('-');
    nearest(word, table.flags().map(Flag::name))
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
        let hint = |word: &str| unexpected_argument(word, &table()).text(Name::Seal);
        assert!(hint("fetch-certs").contains("`--fetch-cert`"));
        assert!(hint("raw").contains("`--raw`"));
        assert!(hint("reencrypt").contains("`--re-encrypt`"));
        assert!(hint("secret.yaml").contains("`seal -f secret.yaml`"));
        assert!(hint("create").contains("`seal --help`"));
        assert!(hint("--cret").contains("`--cert`"));
        assert!(hint("tempalte").contains("`seal template`"));
        assert!(hint("false").contains("`--flag=false`"));
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
