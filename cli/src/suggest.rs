//! What somebody may have meant.

use sealed_pflag::Table;

use crate::failure::Failure;

/// The failure for a word that is no flag where only flags are understood.
pub(crate) fn unexpected_argument(word: &str, table: &Table) -> Failure {
    let failure = Failure::usage(format!("unexpected argument `{word}`"));
    match nearest_flag(word, table) {
        Some(flag) => failure.hint(format!("did you mean `--{flag}`?")),
        None if matches!(word, "true" | "false") => failure.hint(format!(
            "the value of a switch follows an equals sign: `--flag={word}`"
        )),
        None => failure.hint(format!(
            "the input comes from standard input or `-f`: `seal -f {word}` or `seal < {word}`"
        )),
    }
}

/// The flag whose name is the closest to `word`, if any is close.
pub(crate) fn nearest_flag(word: &str, table: &Table) -> Option<&'static str> {
    let word = word.trim_start_matches('-');
    table
        .flags()
        .map(|flag| (distance(word, flag.name()), flag.name()))
        .filter(|(distance, name)| *distance <= name.len() / 4)
        .min()
        .map(|(_, name)| name)
}

/// How many characters must be inserted, removed or replaced to get from one word to the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
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
        assert!(hint("false").contains("`--flag=false`"));
    }

    #[test]
    fn distance_counts_edits() {
        for (from, to, edits) in [
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("abc", "axc", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(from, to), edits);
        }
    }
}
