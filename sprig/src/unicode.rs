//! Case, numbers and punctuation as Go's `unicode` package knows them: Unicode 15, one character for one. The
//! engine itself knows letters and digits, [`sealed_template::unicode`].

use std::sync::LazyLock;

use regex_syntax::hir::{Class, ClassUnicodeRange, Hir, HirKind};

/// A set of characters.
pub(crate) struct Category(LazyLock<Vec<ClassUnicodeRange>>);

/// Upper case, `Lu`.
pub(crate) static UPPER: Category = Category(LazyLock::new(|| ranges(r"\p{Lu}")));
/// Lower case, `Ll`.
pub(crate) static LOWER: Category = Category(LazyLock::new(|| ranges(r"\p{Ll}")));
/// Title case, `Lt`.
pub(crate) static TITLE: Category = Category(LazyLock::new(|| ranges(r"\p{Lt}")));
/// Numbers, `N`.
pub(crate) static NUMBER: Category = Category(LazyLock::new(|| ranges(r"\p{N}")));
/// Punctuation, `P`.
pub(crate) static PUNCTUATION: Category = Category(LazyLock::new(|| ranges(r"\p{P}")));
/// Everything that Unicode 15 knows.
static ASSIGNED: Category = Category(LazyLock::new(|| ranges(r"\p{any}")));

impl Category {
    /// Whether `char` is in the set.
    pub(crate) fn contains(&self, char: char) -> bool {
        let ranges = &self.0;
        let after = ranges.partition_point(|range| range.start() <= char);
        let last = after.checked_sub(1).and_then(|index| ranges.get(index));
        last.is_some_and(|range| char <= range.end())
    }
}

/// What is in a class of a regular expression and was in Unicode 15 already.
fn ranges(class: &str) -> Vec<ClassUnicodeRange> {
    let kind = regex_syntax::parse(&format!(r"[{class}&&\p{{age=15.0}}]")).map(Hir::into_kind);
    match kind {
        Ok(HirKind::Class(Class::Unicode(class))) => class.ranges().to_vec(),
        _ => Vec::new(),
    }
}

/// Upper case. A character whose upper case is several, as `ß`, stays what it is.
pub(crate) fn to_upper(char: char) -> char {
    let upper = match char {
        // Greek with iota below: full mapping writes the iota beside the letter, simple mapping does not.
        '\u{1F80}'..='\u{1F87}' | '\u{1F90}'..='\u{1F97}' | '\u{1FA0}'..='\u{1FA7}' => {
            offset(char, 8)
        }
        '\u{1FB3}' | '\u{1FC3}' | '\u{1FF3}' => offset(char, 9),
        _ => only(char.to_uppercase()).unwrap_or(char),
    };
    if_known(char, upper)
}

/// Lower case.
pub(crate) fn to_lower(char: char) -> char {
    // Only `İ` has a lower case of two characters: an `i` and a dot above.
    let lower = only(char.to_lowercase()).unwrap_or('i');
    if_known(char, lower)
}

/// Title case: upper case, but for letters that are two in one, and for Georgian, which has none.
pub(crate) fn to_title(char: char) -> char {
    match char {
        '\u{1C4}'..='\u{1C6}' => '\u{1C5}',
        '\u{1C7}'..='\u{1C9}' => '\u{1C8}',
        '\u{1CA}'..='\u{1CC}' => '\u{1CB}',
        '\u{1F1}'..='\u{1F3}' => '\u{1F2}',
        '\u{10D0}'..='\u{10FF}' => char,
        _ => to_upper(char),
    }
}

fn only(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let first = chars.next();
    first.filter(|_| chars.next().is_none())
}

fn offset(char: char, distance: u32) -> char {
    let number = u32::from(char).saturating_add(distance);
    char::from_u32(number).unwrap_or(char)
}

/// `other`, unless Unicode 15 does not know one of the two.
fn if_known(char: char, other: char) -> char {
    let is_known = |char: char| char.is_ascii() || ASSIGNED.contains(char);
    if is_known(char) && is_known(other) {
        other
    } else {
        char
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FNV-1a over what `tell` says of every character.
    fn digest(tell: impl Fn(char) -> u32) -> u64 {
        let bytes = ('\0'..=char::MAX).flat_map(|char| tell(char).to_be_bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        })
    }

    /// The digests were computed by Go 1.26 from its own tables.
    #[test]
    fn every_character_is_what_go_says() {
        let is = |category: &'static Category| digest(|char| category.contains(char).into());
        let becomes = |map: fn(char) -> char| digest(|char| map(char).into());
        for (name, digest, go) in [
            ("IsUpper", is(&UPPER), 0xfa73_4914_a50b_0222),
            ("IsLower", is(&LOWER), 0xddf3_4a1c_e243_69c2),
            ("IsTitle", is(&TITLE), 0xe495_e7c8_cbe3_4242),
            ("IsNumber", is(&NUMBER), 0x5fc4_3ec4_80da_4112),
            ("IsPunct", is(&PUNCTUATION), 0x5630_1201_78a5_b295),
            (
                "IsSpace",
                digest(|char| char.is_whitespace().into()),
                0x658f_1858_979c_3c02,
            ),
            ("ToUpper", becomes(to_upper), 0x7c1e_c260_4fc9_475d),
            ("ToLower", becomes(to_lower), 0x5fa2_060f_d21d_83a0),
            ("ToTitle", becomes(to_title), 0x0f5d_a39b_3465_9f09),
        ] {
            assert_eq!(digest, go, "{name}");
        }
    }
}
