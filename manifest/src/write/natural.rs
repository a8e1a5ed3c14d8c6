//! The order of keys in written YAML.

use std::cmp::Ordering;
use std::iter::Peekable;
use std::str::Chars;

/// A piece of a key; the order of the variants is the order of the pieces.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Mark(char),
    /// Digits compare as a number (shorter is smaller once leading zeros are gone), then by leading zeros.
    Number {
        length: usize,
        digits: String,
        zeros: usize,
    },
    Letter(char),
}

/// Compares keys as people do: digit runs as numbers, everything else character by character, letters last.
///
/// Go's YAML library sorts in this order, except that its own comparison contradicts itself where a digit run
/// meets a letter (`1a` < `2` < `12` < `1a`), which no sorting can honour.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    pieces(left).cmp(pieces(right))
}

fn pieces(key: &str) -> impl Iterator<Item = Piece> {
    let mut rest = key.chars().peekable();
    std::iter::from_fn(move || {
        let first = *rest.peek()?;
        if first.is_ascii_digit() {
            return Some(number(&mut rest));
        }
        rest.next();
        Some(if first.is_alphabetic() {
            Piece::Letter(first)
        } else {
            Piece::Mark(first)
        })
    })
}

fn number(rest: &mut Peekable<Chars<'_>>) -> Piece {
    let mut zeros = 0;
    let mut digits = String::new();
    while let Some(digit) = rest.next_if(char::is_ascii_digit) {
        if digit == '0' && digits.is_empty() {
            zeros += 1;
        } else {
            digits.push(digit);
        }
    }
    Piece::Number {
        length: digits.len(),
        digits,
        zeros,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_naturally() {
        let wanted = [
            "", "-", "_x", "2", "02", "10", "B", "a", "a-b", "a.b", "a0", "a2", "a02", "a10",
            "a10b", "aa", "z", "é",
        ];
        let mut keys = wanted;
        keys.reverse();
        keys.sort_by(|left, right| compare(left, right));
        assert_eq!(keys, wanted);
    }

    #[test]
    fn numbers_of_any_length_compare() {
        let large = "9".repeat(40);
        let larger = format!("1{}", "0".repeat(40));
        assert_eq!(compare(&large, &larger), Ordering::Less);
        assert_eq!(compare("1a", "12"), Ordering::Less);
    }
}
