//! Classes of characters as Go 1.26 knows them, which is by Unicode 15.
//!
//! The tables are those of `regex-syntax`. They are of a later Unicode, so what was assigned since is taken out
//! of them; besides, one character changed its category.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind};

/// A class that has a name.
#[derive(Debug)]
pub(super) struct Property {
    pub(super) class: ClassUnicode,
    /// Whether characters join it when case is ignored.
    pub(super) folds: bool,
}

/// The class of a name in `\p{…}`.
pub(super) fn property(name: &[u8]) -> Option<Property> {
    let canonical = canonical(name);
    let mut name = canonical.as_str();
    if let Ok(index) = ALIASES.binary_search_by_key(&name, |(alias, _)| alias) {
        name = ALIASES.get(index)?.1;
    }
    let class = if CATEGORIES.contains(&name) {
        category(name)
    } else if SCRIPTS.contains(&name) {
        known(&format!(r"\p{{sc={name}}}"))
    } else {
        return None;
    };
    // Go has no table of what differs from a cased letter only in case.
    let folds = name != "LC";
    Some(Property { class, folds })
}

/// The name with one capital in front, and without what separates words.
fn canonical(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    let mut letters = name.chars().filter(|char| !"_- ".contains(*char));
    let first = letters.next().map(|char| char.to_ascii_uppercase());
    let others = letters.map(|char| char.to_ascii_lowercase());
    first.into_iter().chain(others).collect()
}

fn category(name: &str) -> ClassUnicode {
    let gc = |name: &str| known(&format!(r"\p{{gc={name}}}"));
    // AHOM CONSONANT SIGN MEDIAL RA, which was no spacing mark yet.
    let changed = ClassUnicode::new(range(0x1171E, 0x1171E));
    match name {
        "Any" => ClassUnicode::new(range(0, char::MAX.into())),
        "Ascii" => ClassUnicode::new(range(0, 0x7F)),
        "Assigned" => ASSIGNED.clone(),
        "C" => union(category("Cn"), &known(r"[\p{Cc}\p{Cf}\p{Co}]")),
        "Cn" => {
            let mut class = ASSIGNED.clone();
            class.negate();
            class
        }
        // Surrogates are in no text.
        "Cs" => ClassUnicode::empty(),
        "LC" => known(r"[\p{Lu}\p{Ll}\p{Lt}]"),
        "Mc" => {
            let mut class = gc(name);
            class.difference(&changed);
            class
        }
        "Mn" => union(gc(name), &changed),
        _ => gc(name),
    }
}

fn union(mut class: ClassUnicode, other: &ClassUnicode) -> ClassUnicode {
    class.union(other);
    class
}

/// All characters that are assigned.
static ASSIGNED: LazyLock<ClassUnicode> = LazyLock::new(|| {
    let mut assigned = read(r"\p{age=15.0}");
    // Those that never will be have an age too.
    let planes =
        (0..=0x10_u32).filter_map(|plane| range((plane << 16) | 0xFFFE, (plane << 16) | 0xFFFF));
    let never = planes.chain(range(0xFDD0, 0xFDEF));
    assigned.difference(&ClassUnicode::new(never));
    assigned
});

/// What of a class is assigned.
fn known(class: &str) -> ClassUnicode {
    let mut class = read(class);
    class.intersect(&ASSIGNED);
    class
}

fn read(class: &str) -> ClassUnicode {
    match regex_syntax::parse(class).map(Hir::into_kind) {
        Ok(HirKind::Class(Class::Unicode(class))) => class,
        // A class of one character.
        Ok(HirKind::Literal(literal)) => {
            let text = String::from_utf8_lossy(&literal.0);
            ClassUnicode::new(text.chars().map(|char| ClassUnicodeRange::new(char, char)))
        }
        _ => ClassUnicode::empty(),
    }
}

/// The characters from one number to another, without surrogates; none if there are no others.
pub(super) fn range(low: u32, high: u32) -> Option<ClassUnicodeRange> {
    let low = char::from_u32(low).unwrap_or('\u{E000}');
    let high = char::from_u32(high).unwrap_or('\u{D7FF}');
    (low <= high).then(|| ClassUnicodeRange::new(low, high))
}

/// A character and all that differ from it only in case.
pub(super) fn fold_char(char: char) -> ClassUnicode {
    let mut class = ClassUnicode::new([ClassUnicodeRange::new(char, char)]);
    fold(&mut class);
    class
}

/// Adds all characters that differ only in case from one of the class.
pub(super) fn fold(class: &mut ClassUnicode) {
    if class.is_ascii() {
        class.case_fold_simple();
        return;
    }
    let mut folded = class.clone();
    folded.intersect(&CASED);
    folded.case_fold_simple();
    folded.intersect(&ASSIGNED);
    class.union(&folded);
}

/// Where characters stand that differ from others only in case.
static CASED: LazyLock<ClassUnicode> = LazyLock::new(|| {
    let mut cased = ClassUnicode::new([ClassUnicodeRange::new('A', '\u{1E943}')]);
    cased.intersect(&ASSIGNED);
    cased
});

/// About how many steps it takes to fold a class.
pub(super) fn fold_steps(class: &ClassUnicode) -> u64 {
    /// Characters that are looked at in one step.
    const CHARS: usize = 16;
    let ranges = class.ranges().iter();
    let chars = ranges.fold(0_usize, |sum, range| sum.saturating_add(range.len()));
    u64::try_from(chars.div_ceil(CHARS)).unwrap_or(u64::MAX)
}

const CATEGORIES: &[&str] = &[
    "Any", "Ascii", "Assigned", "C", "Cc", "Cf", "Cn", "Co", "Cs", "L", "LC", "Ll", "Lm", "Lo",
    "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi",
    "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs",
];

/// The scripts with names of one word. Go looks names up without underscores in a table that has them, so
/// that it finds no others.
#[rustfmt::skip]
const SCRIPTS: &[&str] = &[
    "Adlam", "Ahom", "Arabic", "Armenian", "Avestan", "Balinese", "Bamum", "Batak", "Bengali",
    "Bhaiksuki", "Bopomofo", "Brahmi", "Braille", "Buginese", "Buhid", "Carian", "Chakma", "Cham",
    "Cherokee", "Chorasmian", "Common", "Coptic", "Cuneiform", "Cypriot", "Cyrillic", "Deseret",
    "Devanagari", "Dogra", "Duployan", "Elbasan", "Elymaic", "Ethiopic", "Georgian", "Glagolitic",
    "Gothic", "Grantha", "Greek", "Gujarati", "Gurmukhi", "Han", "Hangul", "Hanunoo", "Hatran", "Hebrew",
    "Hiragana", "Inherited", "Javanese", "Kaithi", "Kannada", "Katakana", "Kawi", "Kharoshthi", "Khmer",
    "Khojki", "Khudawadi", "Lao", "Latin", "Lepcha", "Limbu", "Lisu", "Lycian", "Lydian", "Mahajani",
    "Makasar", "Malayalam", "Mandaic", "Manichaean", "Marchen", "Medefaidrin", "Miao", "Modi",
    "Mongolian", "Mro", "Multani", "Myanmar", "Nabataean", "Nandinagari", "Newa", "Nko", "Nushu",
    "Ogham", "Oriya", "Osage", "Osmanya", "Palmyrene", "Phoenician", "Rejang", "Runic", "Samaritan",
    "Saurashtra", "Sharada", "Shavian", "Siddham", "Sinhala", "Sogdian", "Soyombo", "Sundanese",
    "Syriac", "Tagalog", "Tagbanwa", "Takri", "Tamil", "Tangsa", "Tangut", "Telugu", "Thaana", "Thai",
    "Tibetan", "Tifinagh", "Tirhuta", "Toto", "Ugaritic", "Vai", "Vithkuqi", "Wancho", "Yezidi", "Yi",
];

/// Other names of categories, in order.
const ALIASES: &[(&str, &str)] = &[
    ("Casedletter", "LC"),
    ("Closepunctuation", "Pe"),
    ("Cntrl", "Cc"),
    ("Combiningmark", "M"),
    ("Connectorpunctuation", "Pc"),
    ("Control", "Cc"),
    ("Currencysymbol", "Sc"),
    ("Dashpunctuation", "Pd"),
    ("Decimalnumber", "Nd"),
    ("Digit", "Nd"),
    ("Enclosingmark", "Me"),
    ("Finalpunctuation", "Pf"),
    ("Format", "Cf"),
    ("Initialpunctuation", "Pi"),
    ("Lc", "LC"),
    ("Letter", "L"),
    ("Letternumber", "Nl"),
    ("Lineseparator", "Zl"),
    ("Lowercaseletter", "Ll"),
    ("Mark", "M"),
    ("Mathsymbol", "Sm"),
    ("Modifierletter", "Lm"),
    ("Modifiersymbol", "Sk"),
    ("Nonspacingmark", "Mn"),
    ("Number", "N"),
    ("Openpunctuation", "Ps"),
    ("Other", "C"),
    ("Otherletter", "Lo"),
    ("Othernumber", "No"),
    ("Otherpunctuation", "Po"),
    ("Othersymbol", "So"),
    ("Paragraphseparator", "Zp"),
    ("Privateuse", "Co"),
    ("Punct", "P"),
    ("Punctuation", "P"),
    ("Separator", "Z"),
    ("Spaceseparator", "Zs"),
    ("Spacingmark", "Mc"),
    ("Surrogate", "Cs"),
    ("Symbol", "S"),
    ("Titlecaseletter", "Lt"),
    ("Unassigned", "Cn"),
    ("Uppercaseletter", "Lu"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// FNV-1a over the ranges of all classes that have a name.
    fn digest(change: impl Fn(&mut Property)) -> u64 {
        let names = CATEGORIES.iter().chain(SCRIPTS);
        let classes = names.map(|name| {
            let mut property = property(name.as_bytes()).expect("a class");
            change(&mut property);
            property.class
        });
        let ends = classes.flat_map(|class| {
            let ranges = class.ranges().iter();
            let ends = ranges.flat_map(|range| [range.start(), range.end()]);
            let mut ends: Vec<_> = ends.map(u32::from).collect();
            // Nothing lies between these two.
            if let Some(gap) = ends.windows(2).position(|ends| ends == [0xD7FF, 0xE000]) {
                ends.drain(gap..gap + 2);
            }
            ends
        });
        let bytes = ends.flat_map(u32::to_be_bytes);
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        })
    }

    /// The digests were computed by Go 1.26 from its own tables.
    #[test]
    fn every_class_is_what_go_says() {
        assert_eq!(digest(|_| ()), 0x6a02_222b_2517_4604);
        let fold = |property: &mut Property| {
            if property.folds {
                fold(&mut property.class);
            }
        };
        assert_eq!(digest(fold), 0x6aea_bf78_de71_db06);
    }

    #[test]
    fn names_are_taken_as_go_takes_them() {
        for name in ["Lu", "lu", "Uppercase_Letter", "UPPERCASE-letter", "l u"] {
            let class = property(name.as_bytes()).expect("a class").class;
            assert_eq!(class, known(r"\p{Lu}"), "{name}");
        }
        for name in ["", "^Lu", "Old_Italic", "Alphabetic", "Zyyy", "Lé"] {
            assert!(property(name.as_bytes()).is_none(), "{name}");
        }
    }

    #[test]
    fn other_names_are_in_order() {
        assert!(ALIASES.is_sorted());
    }

    #[test]
    fn case_is_that_of_unicode_15() {
        let chars = |char| {
            let class = fold_char(char);
            let ranges = class.ranges().iter();
            ranges
                .flat_map(|range| range.start()..=range.end())
                .collect::<String>()
        };
        assert_eq!(chars('k'), "Kk\u{212A}");
        assert_eq!(chars('Σ'), "Σςσ");
        assert_eq!(chars('ß'), "ßẞ");
        assert_eq!(chars('1'), "1");
        // The capital is of Unicode 16.
        assert_eq!(chars('\u{264}'), "\u{264}");
        assert_eq!(chars('\u{A7CB}'), "\u{A7CB}");
    }
}
