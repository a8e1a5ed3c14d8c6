//! Floating-point numbers as text.

use crate::buffer::Buffer;

/// How a floating-point number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// Go's `b`: the mantissa as an integer, and a power of two: `4503599627370496p-52`.
    Binary,
    /// Go's `e`: `1.5e+00`.
    Exponent,
    /// Go's `f`: `1.5`.
    Fixed,
    /// Go's `g`: as `e` where the exponent is small or large, else as `f`.
    General,
    /// Go's `x`: a hexadecimal fraction, and a power of two: `0x1.8p+00`.
    Hexadecimal,
}

/// A double has no more significant digits than this, so all further ones are zeros.
const MOST_DIGITS: usize = 767;

/// Nor more decimals than this.
const MOST_DECIMALS: usize = 1074;

/// `number` as text: Go's `strconv.FormatFloat` for 64 bits.
///
/// Without `precision`, it has the fewest digits that tell it from its neighbours. With it, the text is as
/// long as that says: whoever takes it from a template charges for it first.
pub fn format_float(number: f64, notation: Notation, precision: Option<usize>) -> String {
    let magnitude = number.abs();
    let mut text = match notation {
        _ if number.is_nan() => return "NaN".to_owned(),
        _ if number.is_infinite() => "Inf".to_owned(),
        Notation::Binary => binary(magnitude),
        Notation::Exponent => exponent(magnitude, precision),
        Notation::Fixed => fixed(magnitude, precision),
        Notation::General => general(magnitude, precision),
        Notation::Hexadecimal => hexadecimal(magnitude, precision),
    };
    if number.is_sign_negative() {
        text.insert(0, '-');
    } else if number.is_infinite() {
        text.insert(0, '+');
    }
    text
}

/// Appends what [`format_float`] returns.
pub fn append_float(out: &mut Buffer, number: f64, notation: Notation, precision: Option<usize>) {
    out.extend_from_slice(format_float(number, notation, precision).as_bytes());
}

fn exponent(number: f64, precision: Option<usize>) -> String {
    let Some(precision) = precision else {
        return Decimal::shortest(number).scientific();
    };
    let exact = precision.min(MOST_DIGITS);
    let text = format!("{number:.exact$e}");
    let (mantissa, exponent) = split_exponent(&text);
    let zeros = "0".repeat(precision.saturating_sub(exact));
    format!("{mantissa}{zeros}e{exponent:+03}")
}

fn fixed(number: f64, precision: Option<usize>) -> String {
    let Some(precision) = precision else {
        return Decimal::shortest(number).positional();
    };
    let exact = precision.min(MOST_DECIMALS);
    let zeros = "0".repeat(precision.saturating_sub(exact));
    format!("{number:.exact$}{zeros}")
}

fn general(number: f64, precision: Option<usize>) -> String {
    let (decimal, large) = match precision {
        None => (Decimal::shortest(number), 6),
        Some(precision) => {
            let most = precision.max(1);
            let decimal = Decimal::rounded(number, most);
            let is_integer = usize::try_from(decimal.exponent)
                .is_ok_and(|exponent| exponent >= decimal.digits.len());
            let large = if is_integer {
                most
            } else {
                most.min(decimal.digits.len())
            };
            (decimal, large)
        }
    };
    let is_large = usize::try_from(decimal.exponent).is_ok_and(|exponent| exponent >= large);
    if is_large || decimal.exponent < -4 {
        decimal.scientific()
    } else {
        decimal.positional()
    }
}

/// A number as `0.DIGITS * 10^(exponent + 1)`, without zeros at the end of the digits.
struct Decimal {
    digits: String,
    exponent: i32,
}

impl Decimal {
    /// The fewest digits that tell `number` from its neighbours; of those the nearest; of two equally near
    /// ones the even one.
    fn shortest(number: f64) -> Self {
        let text = format!("{number:e}");
        let shortest = Self::parse(&text);
        // Rust takes the larger one of two.
        let nearest = Self::rounded(number, shortest.digits.len());
        if nearest.scientific().parse() == Ok(number) {
            nearest
        } else {
            shortest
        }
    }

    /// No more than `count` digits.
    fn rounded(number: f64, count: usize) -> Self {
        let decimals = count.saturating_sub(1).min(MOST_DIGITS);
        Self::parse(&format!("{number:.decimals$e}"))
    }

    fn parse(text: &str) -> Self {
        let (mantissa, exponent) = split_exponent(text);
        let digits = mantissa.replace('.', "");
        Self {
            digits: digits.trim_end_matches('0').to_owned(),
            exponent,
        }
    }

    fn scientific(&self) -> String {
        let exponent = self.exponent;
        match self.digits.split_at_checked(1) {
            None => format!("0e{exponent:+03}"),
            Some((first, "")) => format!("{first}e{exponent:+03}"),
            Some((first, rest)) => format!("{first}.{rest}e{exponent:+03}"),
        }
    }

    fn positional(&self) -> String {
        let digits = &self.digits;
        let Ok(exponent) = usize::try_from(self.exponent) else {
            let zeros = self.exponent.unsigned_abs().saturating_sub(1);
            return format!("0.{}{digits}", "0".repeat(zeros as usize));
        };
        let len = exponent.saturating_add(1);
        match digits.split_at_checked(len) {
            Some((whole, fraction)) if !fraction.is_empty() => format!("{whole}.{fraction}"),
            _ => format!("{digits:0<len$}"),
        }
    }
}

/// Splits what Rust writes with `e`.
fn split_exponent(text: &str) -> (&str, i32) {
    match text.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, exponent.parse().unwrap_or_default()),
        None => (text, 0),
    }
}

fn binary(number: f64) -> String {
    let (mantissa, exponent) = parts(number);
    format!("{mantissa}p{exponent:+}")
}

fn hexadecimal(number: f64, precision: Option<usize>) -> String {
    /// The fraction has fifteen digits, above which there is the leading one.
    const ONE: u64 = 1 << 60;
    let (mut mantissa, mut exponent) = parts(number);
    if mantissa == 0 {
        exponent = 0;
    } else {
        let shift = mantissa.leading_zeros().saturating_sub(3);
        mantissa = mantissa.wrapping_shl(shift);
        exponent = exponent.saturating_add(60).saturating_sub_unsigned(shift);
    }
    if let Some(digits) = precision.and_then(|precision| u32::try_from(precision).ok())
        && digits < 15
    {
        let unit = ONE.wrapping_shr(digits.saturating_mul(4));
        let rest = mantissa & unit.wrapping_sub(1);
        let half = unit >> 1;
        mantissa = mantissa.wrapping_sub(rest);
        if rest > half || rest == half && mantissa & unit != 0 {
            mantissa = mantissa.wrapping_add(unit);
        }
        if mantissa >= ONE << 1 {
            mantissa >>= 1;
            exponent = exponent.saturating_add(1);
        }
    }
    let fraction = format!("{:015x}", mantissa & (ONE - 1));
    let fraction = match precision {
        None => fraction.trim_end_matches('0').to_owned(),
        Some(precision) => {
            let kept = fraction.chars().chain(std::iter::repeat('0'));
            kept.take(precision).collect()
        }
    };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("0x{}{point}{fraction}p{exponent:+03}", mantissa / ONE)
}

/// The integers of which a number that is not negative is made: `mantissa * 2^exponent`.
fn parts(number: f64) -> (u64, i32) {
    /// Bits of the fraction.
    const FRACTION: u32 = 52;
    let bits = number.to_bits();
    let fraction = bits & ((1 << FRACTION) - 1);
    let exponent = i32::try_from(bits >> FRACTION).unwrap_or_default();
    let (mantissa, exponent) = match exponent {
        0 => (fraction, 1),
        _ => (fraction | 1 << FRACTION, exponent),
    };
    (mantissa, exponent.saturating_sub(1023 + 52))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn assert_formats(notation: Notation, cases: &[(f64, Option<usize>, &str)]) {
        for &(number, precision, expected) in cases {
            let text = format_float(number, notation, precision);
            assert_eq!(text, expected, "{number:e} {notation:?} {precision:?}");
        }
    }

    #[test]
    fn the_exponent_has_a_sign_and_two_digits() {
        assert_formats(
            Notation::Exponent,
            &[
                (0.0, None, "0e+00"),
                (-1.5e-7, None, "-1.5e-07"),
                (1e100, Some(2), "1.00e+100"),
                (2.5, Some(0), "2e+00"),
            ],
        );
    }

    #[test]
    fn fixed_numbers_have_no_exponent() {
        assert_formats(
            Notation::Fixed,
            &[
                (-0.0, None, "-0"),
                (1e21, None, "1000000000000000000000"),
                (0.000_001_5, None, "0.0000015"),
                (1.005, Some(2), "1.00"),
                (0.5, Some(0), "0"),
            ],
        );
    }

    #[test]
    fn general_numbers_have_an_exponent_when_it_is_small_or_large() {
        assert_formats(
            Notation::General,
            &[
                (0.0, None, "0"),
                (100_000.0, None, "100000"),
                (1_000_000.0, None, "1e+06"),
                (0.0001, None, "0.0001"),
                (0.00001, None, "1e-05"),
                (123_456_789.0, Some(4), "1.235e+08"),
                (100.0, Some(3), "100"),
                (100.0, Some(2), "1e+02"),
                (99.97, Some(3), "100"),
                (1e20, Some(30), "100000000000000000000"),
                (0.0, Some(0), "0"),
            ],
        );
    }

    #[test]
    fn powers_of_two_are_exact() {
        assert_formats(Notation::Binary, &[(1.0, None, "4503599627370496p-52")]);
        assert_formats(
            Notation::Hexadecimal,
            &[
                (0.0, None, "0x0p+00"),
                (-1.5, None, "-0x1.8p+00"),
                (5e-324, None, "0x1p-1074"),
                (1.999, Some(1), "0x1.0p+01"),
                (1.5, Some(0), "0x1p+01"),
                (1.0, Some(16), "0x1.0000000000000000p+00"),
            ],
        );
    }

    #[test]
    fn of_two_shortest_forms_the_even_one_is_taken() {
        let number = f64::powi(2.0, -25);
        assert_formats(
            Notation::Exponent,
            &[(number, None, "2.9802322387695312e-08")],
        );
        assert_eq!(format!("{number:e}"), "2.9802322387695313e-8");
    }

    #[test]
    fn what_is_no_number_has_no_digits() {
        assert_formats(
            Notation::Hexadecimal,
            &[
                (f64::INFINITY, None, "+Inf"),
                (f64::NEG_INFINITY, Some(3), "-Inf"),
                (-f64::NAN, None, "NaN"),
            ],
        );
    }

    #[test]
    fn precision_goes_beyond_what_rust_formats() {
        for notation in [Notation::Exponent, Notation::Fixed, Notation::Hexadecimal] {
            let text = format_float(5e-324, notation, Some(1_000_000));
            assert!(text.len() > 1_000_000, "{notation:?}");
        }
        assert_eq!(
            format_float(0.1, Notation::General, Some(1_000_000)).len(),
            57
        );
    }

    proptest! {
        #[test]
        fn the_shortest_form_is_read_back(number in proptest::num::f64::ANY) {
            prop_assume!(!number.is_nan());
            for notation in [Notation::Exponent, Notation::Fixed, Notation::General] {
                let text = format_float(number, notation, None);
                prop_assert_eq!(text.parse(), Ok(number), "{}", text);
            }
        }
    }
}
