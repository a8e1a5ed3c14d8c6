//! Floating-point numbers as text.

use std::fmt::Write as _;

/// The decimal digits of a finite number and the place of its point: `0.DIGITS × 10^point`.
struct Decimal {
    negative: bool,
    digits: String,
    point: i32,
}

impl Decimal {
    /// The shortest digits that read back as the same number, in 32 or in 64 bits.
    fn shortest(scientific: &str) -> Self {
        let (negative, rest) = match scientific.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, scientific),
        };
        let (mantissa, exponent) = rest.split_once('e').unwrap_or((rest, "0"));
        let digits = mantissa.replace('.', "");
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let point = if digits == "0" { 0 } else { exponent + 1 };
        Self {
            negative,
            digits,
            point,
        }
    }

    fn sign(&self) -> &'static str {
        if self.negative { "-" } else { "" }
    }

    /// `ddd.ddd`, without an exponent.
    fn plain(&self) -> String {
        let length = i32::try_from(self.digits.len()).unwrap_or(i32::MAX);
        let sign = self.sign();
        if self.digits == "0" {
            return format!("{sign}0");
        }
        if self.point <= 0 {
            let zeros = usize::try_from(-self.point).unwrap_or(0);
            return format!("{sign}0.{}{}", "0".repeat(zeros), self.digits);
        }
        if self.point >= length {
            let zeros = usize::try_from(self.point - length).unwrap_or(0);
            return format!("{sign}{}{}", self.digits, "0".repeat(zeros));
        }
        let (whole, fraction) = self
            .digits
            .split_at(usize::try_from(self.point).unwrap_or(0));
        format!("{sign}{whole}.{fraction}")
    }

    /// `d.ddde±XX` with at least `width` digits of exponent.
    fn scientific(&self, width: usize) -> String {
        let exponent = self.point - 1;
        let (first, rest) = self.digits.split_at(1);
        let mut text = format!("{}{first}", self.sign());
        if !rest.is_empty() {
            text.push('.');
            text.push_str(rest);
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        let exponent = exponent.unsigned_abs();
        write!(text, "e{sign}{exponent:0width$}").expect("writing to a String cannot fail");
        text
    }

    fn exponent(&self) -> i32 {
        self.point - 1
    }

    /// Go's format `g` at shortest precision.
    fn general(&self) -> String {
        if self.digits == "0" || (-4..6).contains(&self.exponent()) {
            self.plain()
        } else {
            self.scientific(2)
        }
    }
}

/// `strconv.FormatFloat(number, 'g', -1, 32)`: what Go makes of a float where text or a key is wanted.
pub(crate) fn general_32(number: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "Go rounds to 32 bits here; keys must be the same"
    )]
    let number = number as f32;
    if number.is_finite() {
        Decimal::shortest(&format!("{number:e}")).general()
    } else {
        non_finite(number.is_nan(), number < 0.0).to_owned()
    }
}

/// A float as every reader of YAML and JSON takes it for one: always with a point, and with a sign in the
/// exponent, without which YAML 1.1 sees text.
pub(crate) fn yaml(number: f64) -> String {
    if !number.is_finite() {
        return non_finite(number.is_nan(), number < 0.0).to_owned();
    }
    let decimal = Decimal::shortest(&format!("{number:e}"));
    if (-5..16).contains(&decimal.exponent()) {
        let mut text = decimal.plain();
        if !text.contains('.') {
            text.push_str(".0");
        }
        return text;
    }
    let text = decimal.scientific(2);
    if text.contains('.') {
        text
    } else {
        text.replacen('e', ".0e", 1)
    }
}

fn non_finite(nan: bool, negative: bool) -> &'static str {
    match (nan, negative) {
        (true, _) => ".nan",
        (false, true) => "-.inf",
        (false, false) => ".inf",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_32_bit_floats() {
        for (number, text) in [
            (1.5, "1.5"),
            (1.0, "1"),
            (0.0, "0"),
            (-0.0, "-0"),
            (1e20, "1e+20"),
            (123_456.0, "123456"),
            (1_234_567.0, "1.234567e+06"),
            (123_456_789.123, "1.2345679e+08"),
            (1e-7, "1e-07"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (0.300_000_000_000_000_04, "0.3"),
            (1e300, ".inf"),
            (f64::NAN, ".nan"),
        ] {
            assert_eq!(general_32(number), text);
        }
    }

    #[test]
    fn written_floats_read_back_as_floats() {
        for (number, text) in [
            (2.718_281_828_459_05e2, "271.828182845905"),
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1.0e+16"),
            (1.5e300, "1.5e+300"),
            (1e-7, "1.0e-07"),
            (f64::INFINITY, ".inf"),
        ] {
            assert_eq!(yaml(number), text);
        }
    }
}
