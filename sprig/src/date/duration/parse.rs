//! Durations as people write them: `1h30m`, `-1.5h`, `300ms`.

use super::Duration;
use crate::date::digits::{leading_number, without_sign};
use crate::date::quote::quote;

/// Why a text is no duration.
#[derive(Clone, Copy, Debug)]
enum Fault<'a> {
    Invalid,
    MissingUnit,
    UnknownUnit(&'a [u8]),
}

impl Duration {
    /// A duration from its text; otherwise Go's error text.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Vec<u8>> {
        parse(text).map_err(|fault| fault.message(text))
    }
}

impl Fault<'_> {
    fn message(self, text: &[u8]) -> Vec<u8> {
        let problem = match self {
            Self::Invalid => b"invalid duration".to_vec(),
            Self::MissingUnit => b"missing unit in duration".to_vec(),
            Self::UnknownUnit(unit) => [b"unknown unit ", &*quote(unit), b" in duration"].concat(),
        };
        [b"time: ", &*problem, b" ", &*quote(text)].concat()
    }
}

fn parse(text: &[u8]) -> Result<Duration, Fault<'_>> {
    let (is_negative, mut rest) = without_sign(text);
    match rest {
        b"0" => return Ok(Duration(0)),
        b"" => return Err(Fault::Invalid),
        _ => {}
    }
    let mut total = 0_u64;
    while !rest.is_empty() {
        let (part, after) = part(rest)?;
        // Go overlooks that twice 2^63 is 0.
        total = total.wrapping_add(part);
        if total > i64::MIN.unsigned_abs() {
            return Err(Fault::Invalid);
        }
        rest = after;
    }
    if is_negative {
        Ok(Duration(0_i64.wrapping_sub_unsigned(total)))
    } else {
        i64::try_from(total)
            .map(Duration)
            .map_err(|_| Fault::Invalid)
    }
}

/// One number with its unit, in nanoseconds, and what follows it.
fn part(text: &[u8]) -> Result<(u64, &[u8]), Fault<'_>> {
    let (whole, after_whole) = leading_number(text).ok_or(Fault::Invalid)?;
    let (fraction, after) = match after_whole {
        [b'.', digits @ ..] => Fraction::leading(digits),
        _ => (Fraction::default(), after_whole),
    };
    let has_digits = after_whole.len() < text.len() || fraction.has_digits;
    if !has_digits {
        return Err(Fault::Invalid);
    }
    let end = after
        .iter()
        .position(|byte| matches!(byte, b'.' | b'0'..=b'9'))
        .unwrap_or(after.len());
    let (name, rest) = after.split_at_checked(end).unwrap_or((after, b""));
    if name.is_empty() {
        return Err(Fault::MissingUnit);
    }
    let unit = unit(name).ok_or(Fault::UnknownUnit(name))?;
    let number = whole.checked_mul(unit).ok_or(Fault::Invalid)?;
    let number = number.saturating_add(fraction.of(unit));
    if number > i64::MIN.unsigned_abs() {
        return Err(Fault::Invalid);
    }
    Ok((number, rest))
}

fn unit(name: &[u8]) -> Option<u64> {
    Some(match name {
        b"ns" => 1,
        // With the micro sign or the letter mu.
        b"us" | b"\xc2\xb5s" | b"\xce\xbcs" => 1_000,
        b"ms" => 1_000_000,
        b"s" => 1_000_000_000,
        b"m" => 60_000_000_000,
        b"h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// What stands after the point: `digits / scale`.
struct Fraction {
    digits: u64,
    scale: f64,
    has_digits: bool,
}

impl Default for Fraction {
    fn default() -> Self {
        Self {
            digits: 0,
            scale: 1.0,
            has_digits: false,
        }
    }
}

impl Fraction {
    /// The digits at the start of `text`, as many as count, and what follows all of them.
    fn leading(text: &[u8]) -> (Self, &[u8]) {
        let end = text
            .iter()
            .position(|byte| !byte.is_ascii_digit())
            .unwrap_or(text.len());
        let (digits, rest) = text.split_at_checked(end).unwrap_or((text, b""));
        let mut fraction = Self {
            has_digits: !digits.is_empty(),
            ..Self::default()
        };
        for digit in digits {
            let longer = fraction
                .digits
                .checked_mul(10)
                .and_then(|digits| digits.checked_add((digit & 0xf).into()))
                .filter(|digits| *digits <= i64::MIN.unsigned_abs());
            let Some(longer) = longer else { break };
            fraction.digits = longer;
            fraction.scale *= 10.0;
        }
        (fraction, rest)
    }

    /// The fraction of `unit`, in the floating-point steps that Go takes.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "Go rounds here too; the result is below the unit"
    )]
    fn of(&self, unit: u64) -> u64 {
        (self.digits as f64 * (unit as f64 / self.scale)) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up() {
        for (text, nanoseconds) in [
            ("0", 0),
            ("-0", 0),
            ("1h30m10s5ms", 5_410_005_000_000),
            ("-1.5h", -5_400_000_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("3µs", 3_000),
            ("3μs", 3_000),
            ("-9223372036854775808ns", i64::MIN),
            ("9223372036854775807ns", i64::MAX),
            ("0.3333333333333333333h", 1_200_000_000_000),
        ] {
            assert_eq!(
                Duration::parse(text.as_bytes()),
                Ok(Duration(nanoseconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn faults_are_told_in_the_words_of_go() {
        for (text, message) in [
            ("", r#"time: invalid duration """#),
            ("-", r#"time: invalid duration "-""#),
            (".s", r#"time: invalid duration ".s""#),
            ("5", r#"time: missing unit in duration "5""#),
            ("1d", r#"time: unknown unit "d" in duration "1d""#),
            (
                "1é",
                r#"time: unknown unit "\xc3\xa9" in duration "1\xc3\xa9""#,
            ),
            (
                "9223372036854775808ns",
                r#"time: invalid duration "9223372036854775808ns""#,
            ),
            ("3000000h", r#"time: invalid duration "3000000h""#),
        ] {
            let message = message.as_bytes().to_vec();
            assert_eq!(Duration::parse(text.as_bytes()), Err(message), "{text}");
        }
    }
}
