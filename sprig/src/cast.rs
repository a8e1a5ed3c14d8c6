//! Conversions between Go types as `spf13/cast` makes them: what cannot be converted is zero.

use sealed_template::strconv::{parse_float, parse_int};
use sealed_template::{IntType, Value};

/// `cast.ToInt64`: integers wrap around, floats and numbers in strings lose their fraction, if it is zero.
pub(crate) fn to_int64(value: &Value) -> i64 {
    match value {
        Value::Bool(bool) => i64::from(*bool),
        Value::Int(_, number) => *number,
        Value::Uint(_, number) => number.cast_signed(),
        Value::Float(number) => truncate(*number),
        Value::String(text) => parse_int(without_zero_fraction(text), 0).unwrap_or(0),
        Value::Object(_) => named_int(value).unwrap_or(0),
        _ => 0,
    }
}

/// `cast.ToInt`, for a Go `int` as wide as that of the machines upstream runs on.
pub(crate) fn to_int(value: &Value) -> isize {
    isize::try_from(to_int64(value)).unwrap_or(isize::MAX)
}

/// `cast.ToFloat64`.
#[expect(
    clippy::cast_precision_loss,
    reason = "the nearest float is what Go converts to"
)]
pub(crate) fn to_float64(value: &Value) -> f64 {
    match value {
        Value::Bool(bool) => f64::from(u8::from(*bool)),
        Value::Int(_, number) => *number as f64,
        Value::Uint(_, number) => *number as f64,
        Value::Float(number) => *number,
        Value::String(text) => parse_float(text).unwrap_or(0.0),
        Value::Object(_) => named_int(value).map_or(0.0, |number| number as f64),
        _ => 0.0,
    }
}

/// Go's conversion of a `float64` to an `int64`, as amd64 does it: what is out of range becomes the least.
#[expect(
    clippy::cast_possible_truncation,
    reason = "cutting off the fraction is the purpose, and the range is checked"
)]
pub(crate) fn truncate(number: f64) -> i64 {
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    if (-BOUND..BOUND).contains(&number) {
        number as i64
    } else {
        i64::MIN
    }
}

/// Months and weekdays, the named types that `cast` knows, are the ones with an `int` underneath; a duration
/// is an `int64` and counts as zero.
fn named_int(value: &Value) -> Option<i64> {
    match value.underlying() {
        Value::Int(IntType::Int, number) => Some(number),
        _ => None,
    }
}

/// `8.00` is `8`; `8.` and `8.50` are as they are.
fn without_zero_fraction(text: &[u8]) -> &[u8] {
    let zeros = text.iter().rev().take_while(|byte| **byte == b'0').count();
    let whole = text.get(..text.len().saturating_sub(zeros));
    match whole.and_then(<[u8]>::split_last) {
        Some((b'.', whole)) if zeros > 0 => whole,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use sealed_template::UintType;

    use super::*;

    #[test]
    fn strings_are_literals_that_may_end_in_a_zero_fraction() {
        for (text, number) in [
            ("8", 8),
            ("-8.00", -8),
            ("8.", 0),
            ("8.50", 0),
            (".0", 0),
            ("0", 0),
            ("010", 8),
            ("08", 0),
            ("0x1F", 31),
            ("0b101", 5),
            ("1_000", 1000),
            (" 1", 0),
            ("9223372036854775808", 0),
            ("", 0),
        ] {
            assert_eq!(to_int64(&text.into()), number, "{text}");
        }
    }

    #[test]
    fn numbers_are_converted_as_the_processor_does_it() {
        assert_eq!(to_int64(&Value::Uint(UintType::Uint64, u64::MAX)), -1);
        assert_eq!(to_int64(&Value::Float(-1.9)), -1);
        assert_eq!(to_int64(&Value::Float(f64::NAN)), i64::MIN);
        assert_eq!(to_int64(&Value::Float(9.3e18)), i64::MIN);
    }

    #[test]
    fn what_is_no_number_is_zero() {
        for value in [
            Value::Nil,
            Value::Complex(1.0, 0.0),
            Value::List(sealed_template::List::of_any(vec![Value::int(1)])),
        ] {
            assert_eq!(to_int64(&value), 0);
            assert_eq!(to_float64(&value).to_bits(), 0);
        }
    }
}
