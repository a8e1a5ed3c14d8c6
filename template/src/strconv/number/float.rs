//! Reading floating-point numbers.

use super::{NumberError, split_sign, underscores_are_between_digits};

/// More digits of an exponent are not looked at: the number is zero or infinite either way.
const EXPONENT_ENOUGH: i64 = 10_000;

/// Go's `strconv.ParseFloat` for 64 bits: decimal and hexadecimal numbers with underscores between digits,
/// `inf`, `infinity` and `nan` in any case.
///
/// # Errors
///
/// What Go's function of the package `strconv` refuses, with the number it returns all the same.
pub fn parse_float(text: &[u8]) -> Result<f64, NumberError<f64>> {
    let (is_negative, unsigned) = split_sign(text);
    if text.eq_ignore_ascii_case(b"nan") {
        return Ok(f64::NAN);
    }
    let signed = |magnitude: f64| if is_negative { -magnitude } else { magnitude };
    if unsigned.eq_ignore_ascii_case(b"inf") || unsigned.eq_ignore_ascii_case(b"infinity") {
        return Ok(signed(f64::INFINITY));
    }
    if !underscores_are_between_digits(unsigned) {
        return Err(NumberError::Syntax);
    }
    let digits: Vec<u8> = unsigned
        .iter()
        .copied()
        .filter(|byte| *byte != b'_')
        .collect();
    let magnitude = match digits.as_slice() {
        [b'0', b'x' | b'X', digits @ ..] => hexadecimal(digits),
        digits => decimal(digits),
    };
    match magnitude.map(signed) {
        None => Err(NumberError::Syntax),
        Some(infinite) if infinite.is_infinite() => Err(NumberError::Range(infinite)),
        Some(number) => Ok(number),
    }
}

fn decimal(text: &[u8]) -> Option<f64> {
    // Keeps from the standard library the words that it would read.
    let is_number = text
        .iter()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'))
        && !matches!(text.first(), Some(b'+' | b'-'));
    let text = is_number.then(|| std::str::from_utf8(text).ok())??;
    text.parse().ok()
}

/// What follows `0x`: digits with at most one point, and an exponent.
fn hexadecimal(text: &[u8]) -> Option<f64> {
    let end = text.iter().position(|byte| matches!(byte, b'p' | b'P'))?;
    let (digits, exponent) = text.split_at_checked(end)?;
    let mut exponent = decimal_exponent(exponent.get(1..)?)?;

    let mut mantissa = 0u64;
    let mut is_behind_point = false;
    let mut has_digits = false;
    for byte in digits {
        if *byte == b'.' && !is_behind_point {
            is_behind_point = true;
            continue;
        }
        let digit = u64::from(char::from(*byte).to_digit(16)?);
        has_digits = true;
        let is_full = mantissa >> 60 != 0;
        if is_full {
            // It only matters whether anything but zeros follows.
            mantissa |= u64::from(digit != 0);
        } else {
            mantissa = mantissa << 4 | digit;
        }
        exponent = exponent.saturating_add(match (is_full, is_behind_point) {
            (true, false) => 4,
            (false, true) => -4,
            _ => 0,
        });
    }
    has_digits.then(|| scaled(mantissa, exponent))
}

fn decimal_exponent(text: &[u8]) -> Option<i64> {
    let (is_negative, digits) = split_sign(text);
    if digits.is_empty() {
        return None;
    }
    let mut exponent = 0i64;
    for byte in digits {
        let digit = i64::from(char::from(*byte).to_digit(10)?);
        if exponent < EXPONENT_ENOUGH {
            exponent = exponent.saturating_mul(10).saturating_add(digit);
        }
    }
    Some(if is_negative {
        exponent.saturating_neg()
    } else {
        exponent
    })
}

/// `mantissa * 2^exponent`, rounded once, to even.
fn scaled(mantissa: u64, exponent: i64) -> f64 {
    /// Bits of a mantissa that is stored, and the exponent of the smallest number that has all of them.
    const STORED: i64 = 52;
    const SMALLEST: i64 = -1022;

    let leading = mantissa.leading_zeros();
    let Some(mantissa) = mantissa.checked_shl(leading) else {
        return 0.0;
    };
    // The number is 1.… times two to this.
    let exponent = exponent
        .saturating_add(63)
        .saturating_sub(i64::from(leading));
    if exponent > 1023 {
        return f64::INFINITY;
    }
    let missing = SMALLEST.saturating_sub(exponent).max(0);
    let dropped = missing.saturating_add(63 - STORED);
    let Some(dropped) = u32::try_from(dropped).ok().filter(|dropped| *dropped <= 64) else {
        return 0.0;
    };
    // In 128 bits, nothing is lost by shifting.
    let wide = u128::from(mantissa) << 64 >> dropped;
    let (kept, rest) = (wide >> 64, wide & u128::from(u64::MAX));
    let half = 1 << 63;
    let is_up = rest > half || rest == half && kept & 1 == 1;
    let kept = u64::try_from(kept)
        .unwrap_or(u64::MAX)
        .saturating_add(u64::from(is_up));
    // `kept` has the bit that is not stored, worth one in the exponent; a carry goes where it belongs.
    let biased = exponent.saturating_sub(SMALLEST).max(0);
    let biased = u64::try_from(biased).unwrap_or(0) << STORED;
    f64::from_bits(biased.saturating_add(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_numbers_are_rounded_correctly() {
        for (text, number) in [
            ("1", 1.0),
            ("+1.5e3", 1500.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("1_2.5_0e1_0", 12.5e10),
            ("08", 8.0),
            ("0.1", 0.1),
            ("2.2250738585072011e-308", 2.225_073_858_507_201e-308),
            ("1e-400", 0.0),
        ] {
            assert_eq!(parse_float(text.as_bytes()), Ok(number), "{text}");
        }
        assert!(parse_float(b"-0").unwrap().is_sign_negative());
        assert!(parse_float(b"NaN").unwrap().is_nan());
        assert_eq!(parse_float(b"-Inf"), Ok(f64::NEG_INFINITY));
        assert_eq!(parse_float(b"+INFINITY"), Ok(f64::INFINITY));
        assert_eq!(
            parse_float(b"-1e309"),
            Err(NumberError::Range(f64::NEG_INFINITY))
        );
    }

    #[test]
    fn hexadecimal_numbers_are_rounded_to_even() {
        for (text, number) in [
            ("0x1p0", 1.0),
            ("0x1.8p1", 3.0),
            ("0X.8P+0", 0.5),
            ("0x_1p-2", 0.25),
            ("0x1.fffffffffffff8p0", 2.0),
            ("0x1.00000000000008p0", 1.0),
            ("0x1.0000000000000801p0", 1.000_000_000_000_000_2),
            (
                "0x1.000000000000080000000000000001p0",
                1.000_000_000_000_000_2,
            ),
            ("0x1.00000000000018p0", 1.000_000_000_000_000_4),
            ("0x1p-1074", 5e-324),
            ("0x1p-1075", 0.0),
            ("0x1.8p-1075", 5e-324),
            ("0x1p-1022", f64::MIN_POSITIVE),
            ("0x0.fffffffffffff8p-1022", f64::MIN_POSITIVE),
            ("0x1.fffffffffffffp1023", f64::MAX),
            ("0x10000000000000000000p0", 75_557_863_725_914_323_419_136.0),
            ("0x0p99999999999999999999", 0.0),
            ("0x1p-99999999999999999999", 0.0),
        ] {
            assert_eq!(parse_float(text.as_bytes()), Ok(number), "{text}");
        }
        for text in [
            "0x1p1024",
            "0x1.fffffffffffff8p1023",
            "0x1p99999999999999999999",
        ] {
            assert_eq!(
                parse_float(text.as_bytes()),
                Err(NumberError::Range(f64::INFINITY)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "+",
            ".",
            "e1",
            "1e",
            "1e+",
            "1.2.3",
            "1 ",
            " 1",
            "++1",
            "+-1",
            "+nan",
            "infi",
            "inf1",
            "0x",
            "0x1",
            "0xp1",
            "0x.p1",
            "0x1p",
            "0x1p+",
            "0x1.2.3p1",
            "1p1",
            "1_",
            "_1",
            "1__0",
            "1_.5",
            "1._5",
            "1e_5",
            "0x1p1e1",
            "1e5.",
            "é",
        ] {
            assert_eq!(
                parse_float(text.as_bytes()),
                Err(NumberError::Syntax),
                "{text}"
            );
        }
    }
}
