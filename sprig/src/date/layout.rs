//! Layouts: what a date looks like, told by how Go's reference date looks,
//! `Mon Jan 2 15:04:05 MST 2006`.

/// One element of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    LongMonth,
    ShortMonth,
    Month(Padding),
    LongWeekday,
    ShortWeekday,
    Day(Padding),
    YearDay(Padding),
    Hour,
    Hour12(Padding),
    Minute(Padding),
    Second(Padding),
    LongYear,
    ShortYear,
    UpperPm,
    LowerPm,
    ZoneName,
    Offset(Offset),
    Fraction(Fraction),
}

/// What short numbers are filled up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Padding {
    None,
    Space,
    Zero,
}

/// How the offset of a zone is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    /// Whether UTC is written `Z`.
    pub(super) is_iso: bool,
    pub(super) has_colons: bool,
    pub(super) precision: Precision,
}

/// The last part of an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Precision {
    Hours,
    Minutes,
    Seconds,
}

/// How the fraction of a second is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fraction {
    /// `.` or `,`
    pub(super) separator: u8,
    pub(super) digits: usize,
    /// Whether zeros at the end are left out.
    pub(super) is_trimmed: bool,
}

/// Where the first element of a layout is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Split<'a> {
    /// Text that stands for itself.
    pub(super) literal: &'a [u8],
    /// The element with how it is written; none if there is only text.
    pub(super) element: Option<(Element, &'a [u8])>,
    pub(super) rest: &'a [u8],
}

/// Splits a layout at its first element.
pub(super) fn split(layout: &[u8]) -> Split<'_> {
    for at in 0..layout.len() {
        let Some((literal, tail)) = layout.split_at_checked(at) else {
            break;
        };
        if let Some((element, len)) = element(tail)
            && let Some((text, rest)) = tail.split_at_checked(len)
        {
            let element = Some((element, text));
            return Split {
                literal,
                element,
                rest,
            };
        }
    }
    Split {
        literal: layout,
        element: None,
        rest: b"",
    }
}

/// The element at the start of `text` and its length.
fn element(text: &[u8]) -> Option<(Element, usize)> {
    match text {
        [b'.' | b',', ..] => fraction(text),
        // An underscore, then the year.
        [b'_', b'2', b'0', b'0', b'6', ..] => None,
        [first, ..] if STARTS.contains(first) => {
            let (word, element) = WORDS.iter().find(|(word, element)| {
                text.strip_prefix(*word)
                    .is_some_and(|rest| !element.ends_before_letter() || !starts_lower(rest))
            })?;
            Some((*element, word.len()))
        }
        _ => None,
    }
}

impl Element {
    /// Whether it must not go on in lower case: `Month` has no `Mon` in it.
    fn ends_before_letter(self) -> bool {
        matches!(self, Self::ShortMonth | Self::ShortWeekday)
    }
}

fn starts_lower(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_lowercase)
}

/// `.000` or `.999`, as long as you like, unless another digit follows.
fn fraction(text: &[u8]) -> Option<(Element, usize)> {
    let [separator, digit @ (b'0' | b'9'), ..] = text else {
        return None;
    };
    let digits = text
        .iter()
        .skip(1)
        .take_while(|byte| *byte == digit)
        .count();
    let len = digits.saturating_add(1);
    if text.get(len).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let fraction = Fraction {
        separator: *separator,
        // Go keeps twelve bits of the number.
        digits: digits & 0xfff,
        is_trimmed: *digit == b'9',
    };
    Some((Element::Fraction(fraction), len))
}

const STARTS: &[u8] = b"JM012345_Pp-Z";

/// All other elements, each before those that it starts with.
const WORDS: &[(&[u8], Element)] = &[
    (b"January", Element::LongMonth),
    (b"Jan", Element::ShortMonth),
    (b"Monday", Element::LongWeekday),
    (b"Mon", Element::ShortWeekday),
    (b"MST", Element::ZoneName),
    (b"01", Element::Month(Padding::Zero)),
    (b"02", Element::Day(Padding::Zero)),
    (b"03", Element::Hour12(Padding::Zero)),
    (b"04", Element::Minute(Padding::Zero)),
    (b"05", Element::Second(Padding::Zero)),
    (b"06", Element::ShortYear),
    (b"002", Element::YearDay(Padding::Zero)),
    (b"15", Element::Hour),
    (b"1", Element::Month(Padding::None)),
    (b"2006", Element::LongYear),
    (b"2", Element::Day(Padding::None)),
    (b"_2", Element::Day(Padding::Space)),
    (b"__2", Element::YearDay(Padding::Space)),
    (b"3", Element::Hour12(Padding::None)),
    (b"4", Element::Minute(Padding::None)),
    (b"5", Element::Second(Padding::None)),
    (b"PM", Element::UpperPm),
    (b"pm", Element::LowerPm),
    (b"-070000", offset(false, false, Precision::Seconds)),
    (b"-07:00:00", offset(false, true, Precision::Seconds)),
    (b"-0700", offset(false, false, Precision::Minutes)),
    (b"-07:00", offset(false, true, Precision::Minutes)),
    (b"-07", offset(false, false, Precision::Hours)),
    (b"Z070000", offset(true, false, Precision::Seconds)),
    (b"Z07:00:00", offset(true, true, Precision::Seconds)),
    (b"Z0700", offset(true, false, Precision::Minutes)),
    (b"Z07:00", offset(true, true, Precision::Minutes)),
    (b"Z07", offset(true, false, Precision::Hours)),
];

const fn offset(is_iso: bool, has_colons: bool, precision: Precision) -> Element {
    Element::Offset(Offset {
        is_iso,
        has_colons,
        precision,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(mut layout: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        loop {
            let split = split(layout);
            let Some((_, text)) = split.element else {
                return found;
            };
            found.push(String::from_utf8_lossy(text).into_owned());
            layout = split.rest;
        }
    }

    #[test]
    fn the_longest_element_is_taken() {
        for (layout, expected) in [
            ("Monday Month Mon", &["Monday", "Mon"][..]),
            ("_2006 __2 _2", &["2006", "__2", "_2"]),
            ("__2006", &["__2", "06"]),
            ("2006010215", &["2006", "01", "02", "15"]),
            ("-07:00:00-07:00", &["-07:00:00", "-07:00"]),
            ("Z070000Z07000", &["Z070000", "Z0700"]),
            (".000.0001,99", &[".000", "01", ",99"]),
            ("0020 07", &["002"]),
        ] {
            assert_eq!(elements(layout.as_bytes()), expected, "{layout}");
        }
    }
}
