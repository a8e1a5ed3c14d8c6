//! Times from texts in the form of a layout.

mod zone;

use super::calendar::{MONTHS, WEEKDAYS, days_in, month_and_day};
use super::digits::{signed_number, three_digits, two_digits};
use super::layout::{Element, Fraction, Padding, split};
use super::location::Location;
use super::quote::quote;
use super::time::Time;

/// The local time that `value` tells in the form of `layout`; otherwise Go's error text.
pub(super) fn parse(layout: &[u8], value: &[u8]) -> Result<Time, Vec<u8>> {
    let mut found = Found::default();
    found
        .read(layout, value)
        .and_then(|()| found.into_time().map_err(Fault::Range))
        .map_err(|fault| fault.message(layout, value))
}

/// Why a text is no time.
enum Fault<'a> {
    /// The text at a place is not what the layout has there.
    Mismatch { value: &'a [u8], layout: &'a [u8] },
    /// Something follows.
    ExtraText(&'a [u8]),
    /// There is no such time. With what is said about it.
    Range(&'static str),
}

impl Fault<'_> {
    fn message(&self, layout: &[u8], value: &[u8]) -> Vec<u8> {
        let start = [b"parsing time ", &*quote(value)].concat();
        match self {
            Self::Mismatch {
                value: part,
                layout: element,
            } => [
                &*start,
                b" as ",
                &*quote(layout),
                b": cannot parse ",
                &*quote(part),
                b" as ",
                &*quote(element),
            ]
            .concat(),
            Self::ExtraText(text) => [&*start, b": extra text: ", &*quote(text)].concat(),
            Self::Range(problem) => [&*start, b": ", problem.as_bytes()].concat(),
        }
    }
}

/// Why an element cannot be read.
enum Bad {
    /// It is not there.
    Value,
    /// It is out of range. With what is said about it.
    Range(&'static str),
}

/// What is left after an element.
type Rest<'a> = Result<&'a [u8], Bad>;

/// What a text has told so far.
#[derive(Default)]
struct Found {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    is_am: bool,
    is_pm: bool,
    minute: i64,
    second: i64,
    nanoseconds: i64,
    is_utc: bool,
    offset: Option<i64>,
    zone_name: Option<String>,
}

impl Found {
    fn read<'a>(&mut self, mut layout: &'a [u8], mut value: &'a [u8]) -> Result<(), Fault<'a>> {
        loop {
            let split = split(layout);
            value = skip(value, split.literal).map_err(|value| Fault::Mismatch {
                value,
                layout: split.literal,
            })?;
            let Some((element, text)) = split.element else {
                break;
            };
            layout = split.rest;
            value = self
                .element(element, layout, value)
                .map_err(|bad| match bad {
                    Bad::Value => Fault::Mismatch {
                        value,
                        layout: text,
                    },
                    Bad::Range(problem) => Fault::Range(problem),
                })?;
        }
        if value.is_empty() {
            Ok(())
        } else {
            Err(Fault::ExtraText(value))
        }
    }

    /// Reads an element at the start of `value`. `layout` is what follows it there.
    fn element<'a>(&mut self, element: Element, layout: &[u8], value: &'a [u8]) -> Rest<'a> {
        match element {
            Element::LongMonth | Element::ShortMonth => {
                let (index, rest) = name(&MONTHS, element == Element::ShortMonth, value)?;
                self.month = Some(index.wrapping_add(1));
                Ok(rest)
            }
            Element::LongWeekday | Element::ShortWeekday => {
                Ok(name(&WEEKDAYS, element == Element::ShortWeekday, value)?.1)
            }
            Element::LongYear | Element::ShortYear => self.year(element, value),
            Element::Month(padding) => {
                let range = (1, 12, "month out of range");
                let (month, rest) = number(value, padding, range)?;
                self.month = Some(month);
                Ok(rest)
            }
            Element::Day(padding) => {
                let value = skip_spaces(value, padding, 1);
                let (day, rest) = two_digits(value, padding == Padding::Zero).ok_or(Bad::Value)?;
                self.day = Some(day);
                Ok(rest)
            }
            Element::YearDay(padding) => {
                let value = skip_spaces(value, padding, 2);
                let (day, rest) =
                    three_digits(value, padding == Padding::Zero).ok_or(Bad::Value)?;
                self.year_day = Some(day);
                Ok(rest)
            }
            Element::Hour => {
                let rest;
                (self.hour, rest) = number(value, Padding::None, (0, 23, "hour out of range"))?;
                Ok(rest)
            }
            Element::Hour12(padding) => {
                let rest;
                (self.hour, rest) = number(value, padding, (0, 12, "hour out of range"))?;
                Ok(rest)
            }
            Element::Minute(padding) => {
                let rest;
                (self.minute, rest) = number(value, padding, (0, 59, "minute out of range"))?;
                Ok(rest)
            }
            Element::Second(padding) => self.second(padding, layout, value),
            Element::UpperPm => self.half_of_day(value, b"AM", b"PM"),
            Element::LowerPm => self.half_of_day(value, b"am", b"pm"),
            Element::Fraction(fraction) => self.fraction(fraction, value),
            Element::Offset(form) => {
                if form.is_iso
                    && let Some(rest) = value.strip_prefix(b"Z")
                {
                    self.is_utc = true;
                    return Ok(rest);
                }
                let (offset, rest) = zone::offset(value, form)?;
                self.offset = Some(offset);
                Ok(rest)
            }
            Element::ZoneName => {
                if let Some(rest) = value.strip_prefix(b"UTC") {
                    self.is_utc = true;
                    return Ok(rest);
                }
                let (name, rest) = zone::name(value).ok_or(Bad::Value)?;
                self.zone_name = Some(name);
                Ok(rest)
            }
        }
    }

    fn year<'a>(&mut self, element: Element, value: &'a [u8]) -> Rest<'a> {
        if element == Element::LongYear {
            let (digits, rest) = value.split_at_checked(4).ok_or(Bad::Value)?;
            // A sign is allowed in two digits, but not in four.
            if !digits.starts_with(b"-") && !digits.starts_with(b"+") {
                self.year = signed_number(digits).ok_or(Bad::Value)?;
                return Ok(rest);
            }
            return Err(Bad::Value);
        }
        let (digits, rest) = value.split_at_checked(2).ok_or(Bad::Value)?;
        let year = signed_number(digits).ok_or(Bad::Value)?;
        self.year = year.wrapping_add(if year >= 69 { 1_900 } else { 2_000 });
        Ok(rest)
    }

    /// Reads seconds and, if the layout has no fraction, one that may follow.
    fn second<'a>(&mut self, padding: Padding, layout: &[u8], value: &'a [u8]) -> Rest<'a> {
        let rest;
        (self.second, rest) = number(value, padding, (0, 59, "second out of range"))?;
        if !matches!(rest, [b'.' | b',', b'0'..=b'9', ..])
            || matches!(split(layout).element, Some((Element::Fraction(_), _)))
        {
            return Ok(rest);
        }
        self.any_fraction(rest)
    }

    fn fraction<'a>(&mut self, fraction: Fraction, value: &'a [u8]) -> Rest<'a> {
        if !fraction.is_trimmed {
            let len = fraction.digits.saturating_add(1);
            let (text, rest) = value.split_at_checked(len).ok_or(Bad::Value)?;
            self.nanoseconds = nanoseconds(text)?;
            return Ok(rest);
        }
        if matches!(value, [b'.' | b',', b'0'..=b'9', ..]) {
            self.any_fraction(value)
        } else {
            Ok(value)
        }
    }

    /// Reads a separator and all digits that follow.
    fn any_fraction<'a>(&mut self, value: &'a [u8]) -> Rest<'a> {
        let digits = value
            .iter()
            .skip(1)
            .take_while(|byte| byte.is_ascii_digit());
        let len = digits.count().saturating_add(1);
        let (text, rest) = value.split_at_checked(len).ok_or(Bad::Value)?;
        self.nanoseconds = nanoseconds(text)?;
        Ok(rest)
    }

    fn half_of_day<'a>(&mut self, value: &'a [u8], am: &[u8], pm: &[u8]) -> Rest<'a> {
        let (half, rest) = value.split_at_checked(2).ok_or(Bad::Value)?;
        if half != am && half != pm {
            return Err(Bad::Value);
        }
        self.is_am |= half == am;
        self.is_pm |= half == pm;
        Ok(rest)
    }

    /// The time of all that was told, or what is wrong with it.
    fn into_time(mut self) -> Result<Time, &'static str> {
        if self.is_pm && self.hour < 12 {
            self.hour = self.hour.wrapping_add(12);
        } else if self.is_am && self.hour == 12 {
            self.hour = 0;
        }
        let (month, day) = self.month_and_day()?;
        if day < 1 || day > days_in(month, self.year) {
            return Err("day out of range");
        }
        let second = self
            .hour
            .wrapping_mul(3_600)
            .wrapping_add(self.minute.wrapping_mul(60))
            .wrapping_add(self.second);
        let nanoseconds = u32::try_from(self.nanoseconds).unwrap_or_default();
        let date = (self.year, month, day);
        let at = |location| Time::at(date, second, nanoseconds, location);
        if self.is_utc {
            return Ok(at(Location::Utc));
        }
        // Go takes this one offset for none.
        if let Some(offset) = self.offset.filter(|offset| *offset != -1) {
            let mut time = at(Location::Utc);
            time.add_seconds(offset.wrapping_neg());
            let name = self.zone_name.unwrap_or_default();
            let is_local = offset == 0 && name.is_empty();
            return Ok(time.at_location(if is_local {
                Location::Local
            } else {
                Location::fixed(&name, offset)
            }));
        }
        if let Some(name) = self.zone_name {
            let offset = zone::offset_of_name(&name);
            return Ok(at(Location::Utc).at_location(Location::fixed(&name, offset)));
        }
        Ok(at(Location::Local))
    }

    /// Month and day, which the day of the year may tell too.
    fn month_and_day(&self) -> Result<(i64, i64), &'static str> {
        let Some(year_day) = self.year_day else {
            return Ok((self.month.unwrap_or(1), self.day.unwrap_or(1)));
        };
        let (month, day) = month_and_day(year_day, self.year).ok_or("day-of-year out of range")?;
        if self.month.is_some_and(|told| told != month) {
            return Err("day-of-year does not match month");
        }
        if self.day.is_some_and(|told| told != day) {
            return Err("day-of-year does not match day");
        }
        Ok((month, day))
    }
}

/// What follows `literal` at the start of `value`, any number of spaces being as good as any other;
/// otherwise where they differ.
fn skip<'a>(mut value: &'a [u8], mut literal: &[u8]) -> Result<&'a [u8], &'a [u8]> {
    while let [first, rest @ ..] = literal {
        if *first == b' ' {
            if value.first().is_some_and(|byte| *byte != b' ') {
                return Err(value);
            }
            literal = after_spaces(literal);
            value = after_spaces(value);
        } else {
            value = value.strip_prefix(&[*first]).ok_or(value)?;
            literal = rest;
        }
    }
    Ok(value)
}

fn after_spaces(mut text: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] = text {
        text = rest;
    }
    text
}

/// What follows at most `count` spaces, if the layout allows any.
fn skip_spaces(mut value: &[u8], padding: Padding, count: usize) -> &[u8] {
    for _ in 0..count {
        value = match value {
            [b' ', rest @ ..] if padding == Padding::Space => rest,
            value => value,
        };
    }
    value
}

/// The index of the name at the start of `value`, in upper or lower case.
fn name<'a>(names: &[&str], is_short: bool, value: &'a [u8]) -> Result<(i64, &'a [u8]), Bad> {
    for (index, name) in (0..).zip(names) {
        let len = if is_short { 3 } else { name.len() };
        let name = name.as_bytes().get(..len).unwrap_or_default();
        if let Some((start, rest)) = value.split_at_checked(len)
            && start.eq_ignore_ascii_case(name)
        {
            return Ok((index, rest));
        }
    }
    Err(Bad::Value)
}

/// A number of two digits, or one if the layout allows that.
fn number<'a>(
    value: &'a [u8],
    padding: Padding,
    (least, most, problem): (i64, i64, &'static str),
) -> Result<(i64, &'a [u8]), Bad> {
    let (number, rest) = two_digits(value, padding == Padding::Zero).ok_or(Bad::Value)?;
    if (least..=most).contains(&number) {
        Ok((number, rest))
    } else {
        Err(Bad::Range(problem))
    }
}

/// The nanoseconds of a fraction, separator included, of which nine digits count.
fn nanoseconds(text: &[u8]) -> Result<i64, Bad> {
    let [b'.' | b',', digits @ ..] = text else {
        return Err(Bad::Value);
    };
    let digits = digits.get(..9).unwrap_or(digits);
    let number = signed_number(digits).ok_or(Bad::Value)?;
    if number < 0 {
        return Err(Bad::Range("fractional second out of range"));
    }
    let missing = 9_usize.saturating_sub(digits.len());
    Ok((0..missing).fold(number, |number, _| number.wrapping_mul(10)))
}
