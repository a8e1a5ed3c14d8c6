//! Durations as Go writes them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

const SECOND: i64 = 1_000_000_000;

/// The units with their nanoseconds; both signs for micro are accepted.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A span of time in nanoseconds, possibly negative, read and written as Go's `time.Duration`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct GoDuration(i64);

impl GoDuration {
    /// A number of nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// A number of seconds.
    pub const fn from_secs(seconds: i32) -> Self {
        Self(seconds as i64 * SECOND)
    }

    /// A number of hours; 2,562,047 of them fit, and more become that many.
    pub const fn from_hours(hours: i32) -> Self {
        Self((hours as i64).saturating_mul(3600 * SECOND))
    }

    /// In nanoseconds.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// As the standard type, unless it is negative.
    pub fn to_std(self) -> Option<Duration> {
        u64::try_from(self.0).ok().map(Duration::from_nanos)
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let (unit, size, digits) = match nanos {
            0 => return f.write_str("0s"),
            1..1_000 => ("ns", 1, 0),
            1_000..1_000_000 => ("\u{b5}s", 1_000, 3),
            1_000_000..1_000_000_000 => ("ms", 1_000_000, 6),
            _ => ("s", 1_000_000_000, 9),
        };
        let mut whole = nanos / size;
        if unit == "s" {
            let (hours, minutes) = (whole / 3600, whole / 60 % 60);
            if hours > 0 {
                write!(f, "{hours}h")?;
            }
            if whole >= 60 {
                write!(f, "{minutes}m")?;
            }
            whole %= 60;
        }
        write!(f, "{whole}")?;
        let fraction = nanos % size;
        if fraction != 0 {
            let text = format!("{fraction:0digits$}");
            write!(f, ".{}", text.trim_end_matches('0'))?;
        }
        f.write_str(unit)
    }
}

/// Why a text is no duration; the texts are Go's.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DurationError {
    /// Nothing that looks like one, or too long for 292 years.
    #[error("time: invalid duration {}", quote(.0))]
    Invalid(String),
    /// A number stands alone.
    #[error("time: missing unit in duration {}", quote(.0))]
    MissingUnit(String),
    /// The unit is none of `ns`, `us`, `ms`, `s`, `m`, `h`.
    #[error("time: unknown unit {} in duration {}", quote(.0), quote(.1))]
    UnknownUnit(String, String),
}

impl FromStr for GoDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let invalid = || DurationError::Invalid(text.to_owned());
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let limit = 1_u64 << 63;
        let mut total = 0_u64;
        while !rest.is_empty() {
            let (whole, after) = digits(rest);
            let (fraction, after) = match after.strip_prefix('.') {
                Some(after) => digits(after),
                None => ("", after),
            };
            if whole.is_empty() && fraction.is_empty() {
                return Err(invalid());
            }
            let end = after
                .find(|c: char| c == '.' || c.is_ascii_digit())
                .unwrap_or(after.len());
            let (name, after) = after.split_at(end);
            if name.is_empty() {
                return Err(DurationError::MissingUnit(text.to_owned()));
            }
            let Some((_, unit)) = UNITS.iter().find(|(unit, _)| *unit == name) else {
                return Err(DurationError::UnknownUnit(name.to_owned(), text.to_owned()));
            };
            total = nanos(whole, fraction, *unit)
                .and_then(|part| total.checked_add(part))
                .filter(|total| *total <= limit)
                .ok_or_else(invalid)?;
            rest = after;
        }
        if negative {
            // Also right for 2^63, the one value that has no positive counterpart.
            return Ok(Self(0_i64.wrapping_sub_unsigned(total)));
        }
        i64::try_from(total).map(Self).map_err(|_| invalid())
    }
}

/// Splits after the leading digits.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len()),
    )
}

/// `whole.fraction` units, unless they are far too many.
fn nanos(whole: &str, fraction: &str, unit: u64) -> Option<u64> {
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    whole
        .checked_mul(unit)?
        .checked_add(fraction_nanos(fraction, unit))
}

/// `0.fraction` units. Go computes this in floating point, and its rounding shows: a third of an hour is `20m0s`.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the result is below one hour in nanoseconds and never negative"
)]
fn fraction_nanos(fraction: &str, unit: u64) -> u64 {
    let (mut numerator, mut scale) = (0_u64, 1.0_f64);
    for digit in fraction.bytes() {
        // Further digits cannot matter.
        if numerator > i64::MAX as u64 / 10 {
            break;
        }
        numerator = numerator * 10 + u64::from(digit - b'0');
        scale *= 10.0;
    }
    (numerator as f64 * (unit as f64 / scale)) as u64
}

/// Go's package time has its own, simpler quoting: every byte outside ASCII is escaped.
fn quote(text: &str) -> String {
    let mut quoted = String::from('"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b' '..=b'\x7f' => quoted.push(char::from(byte)),
            _ => quoted.extend(['\\', 'x', hex(byte >> 4), hex(byte & 15)]),
        }
    }
    quoted.push('"');
    quoted
}

fn hex(digit: u8) -> char {
    char::from_digit(digit.into(), 16).expect("four bits are a hexadecimal digit")
}
