//! Times in the form of a layout.

use super::calendar::{Civil, MONTHS, WEEKDAYS};
use super::layout::{Element, Fraction, Offset, Padding, Precision, split};
use super::location::Zone;
use super::time::Time;

/// `time` in the form of `layout`.
pub(super) fn format(time: &Time, layout: &[u8]) -> Vec<u8> {
    let (zone, civil) = time.local();
    let mut text = Vec::with_capacity(layout.len().saturating_add(10));
    let mut layout = layout;
    while !layout.is_empty() {
        let split = split(layout);
        text.extend(split.literal);
        if let Some((element, _)) = split.element {
            match element {
                Element::Fraction(fraction) => {
                    push_fraction(&mut text, time.nanoseconds(), fraction);
                }
                Element::Offset(form) => push_offset(&mut text, zone.offset, form),
                Element::ZoneName => push_zone_name(&mut text, &zone),
                element => push_civil(&mut text, &civil, element),
            }
        }
        layout = split.rest;
    }
    text
}

fn push_civil(text: &mut Vec<u8>, civil: &Civil, element: Element) {
    let hour12 = match civil.hour % 12 {
        0 => 12,
        hour => hour,
    };
    let is_afternoon = civil.hour >= 12;
    match element {
        Element::LongMonth => text.extend(month_name(civil.month).bytes()),
        Element::ShortMonth => text.extend(month_name(civil.month).bytes().take(3)),
        Element::Month(padding) => push_number(text, civil.month, 2, padding),
        Element::LongWeekday => text.extend(weekday_name(civil.weekday).bytes()),
        Element::ShortWeekday => text.extend(weekday_name(civil.weekday).bytes().take(3)),
        Element::Day(padding) => push_number(text, civil.day, 2, padding),
        Element::YearDay(padding) => push_number(text, civil.year_day, 3, padding),
        Element::Hour => push_number(text, civil.hour, 2, Padding::Zero),
        Element::Hour12(padding) => push_number(text, hour12, 2, padding),
        Element::Minute(padding) => push_number(text, civil.minute, 2, padding),
        Element::Second(padding) => push_number(text, civil.second, 2, padding),
        Element::LongYear => push_number(text, civil.year, 4, Padding::Zero),
        Element::ShortYear => push_number(text, civil.year.wrapping_abs() % 100, 2, Padding::Zero),
        Element::UpperPm => text.extend(if is_afternoon { b"PM" } else { b"AM" }),
        Element::LowerPm => text.extend(if is_afternoon { b"pm" } else { b"am" }),
        Element::ZoneName | Element::Offset(_) | Element::Fraction(_) => {}
    }
}

/// Adds a number of at least `width` digits. A sign does not count as one.
fn push_number(text: &mut Vec<u8>, number: i64, width: usize, padding: Padding) {
    let digits = number.unsigned_abs();
    let digits = match padding {
        Padding::None => digits.to_string(),
        Padding::Space => format!("{digits:width$}"),
        Padding::Zero => format!("{digits:0width$}"),
    };
    if number < 0 {
        text.push(b'-');
    }
    text.extend(digits.bytes());
}

fn push_fraction(text: &mut Vec<u8>, nanoseconds: u32, fraction: Fraction) {
    let digits = format!("{nanoseconds:09}");
    let digits = digits.get(..fraction.digits).unwrap_or(&digits);
    if fraction.is_trimmed {
        let digits = digits.trim_end_matches('0');
        if !digits.is_empty() {
            text.push(fraction.separator);
            text.extend(digits.bytes());
        }
    } else {
        text.push(fraction.separator);
        text.extend(digits.bytes());
    }
}

fn push_offset(text: &mut Vec<u8>, offset: i64, form: Offset) {
    if form.is_iso && offset == 0 {
        text.push(b'Z');
        return;
    }
    let separator: &[u8] = if form.has_colons { b":" } else { b"" };
    // Less than a minute west of Greenwich counts as east.
    text.push(if offset / 60 < 0 { b'-' } else { b'+' });
    let minutes = offset.wrapping_abs() / 60;
    push_number(text, minutes / 60, 2, Padding::Zero);
    if form.precision >= Precision::Minutes {
        text.extend(separator);
        push_number(text, minutes % 60, 2, Padding::Zero);
    }
    if form.precision == Precision::Seconds {
        text.extend(separator);
        let seconds = if offset / 60 < 0 {
            offset.wrapping_abs()
        } else {
            offset
        };
        push_number(text, seconds % 60, 2, Padding::Zero);
    }
}

/// Adds the name of a zone or, if it has none, its offset.
fn push_zone_name(text: &mut Vec<u8>, zone: &Zone<'_>) {
    if zone.name.is_empty() {
        let numeric = Offset {
            is_iso: false,
            has_colons: false,
            precision: Precision::Minutes,
        };
        push_offset(text, zone.offset, numeric);
    } else {
        text.extend(zone.name.bytes());
    }
}

/// The name of a month from 1 to 12.
pub(super) fn month_name(month: i64) -> &'static str {
    name(&MONTHS, month.wrapping_sub(1))
}

/// The name of a day of the week from 0 to 6.
fn weekday_name(weekday: i64) -> &'static str {
    name(&WEEKDAYS, weekday)
}

fn name(names: &[&'static str], index: i64) -> &'static str {
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    names.get(index).copied().unwrap_or_default()
}
