//! Functions for arithmetic.

mod decimal;
mod round;
mod sequences;

use sealed_template::strconv::{NumberError, parse_int};
use sealed_template::{CallError, Context, Functions, Rest, Str, Value, fmt};

use crate::cast::{to_float64, to_int, to_int64};
use decimal::Decimal;

pub(crate) fn register(functions: &mut Functions) {
    functions
        .add("int", |value: Value| to_int(&value))
        .add("int64", |value: Value| to_int64(&value))
        .add("float64", |value: Value| to_float64(&value))
        .add("atoi", |text: Str| atoi(&text))
        .add("toDecimal", from_octal);
    functions
        .add("add", |terms: Rest<Value>| sum(&terms))
        .add("add1", |value: Value| to_int64(&value).wrapping_add(1))
        .add("sub", |a: Value, b: Value| {
            to_int64(&a).wrapping_sub(to_int64(&b))
        })
        .add("mul", |first: Value, rest: Rest<Value>| {
            fold(&first, &rest, i64::wrapping_mul)
        })
        .add("div", |a: Value, b: Value| {
            divide(&a, &b, i64::wrapping_div)
        })
        .add("mod", |a: Value, b: Value| {
            divide(&a, &b, i64::wrapping_rem)
        });
    for name in ["max", "biggest"] {
        functions.add(name, |first: Value, rest: Rest<Value>| {
            fold(&first, &rest, i64::max)
        });
    }
    functions.add("min", |first: Value, rest: Rest<Value>| {
        fold(&first, &rest, i64::min)
    });
    functions
        .add("addf", |context: &mut Context<'_>, terms: Rest<Value>| {
            exactly(context, &Value::Float(0.0), &terms, Decimal::add)
        })
        .add("add1f", |context: &mut Context<'_>, value: Value| {
            exactly(context, &value, &Rest(vec![Value::int(1)]), Decimal::add)
        })
        .add("subf", decimal_function(Decimal::subtract))
        .add("mulf", decimal_function(Decimal::multiply))
        .add("divf", decimal_function(Decimal::divide));
    functions
        .add("maxf", |first: Value, rest: Rest<Value>| {
            round::greatest(floats(&first, &rest))
        })
        .add("minf", |first: Value, rest: Rest<Value>| {
            -round::greatest(floats(&first, &rest).map(|number| -number))
        })
        .add("ceil", |value: Value| to_float64(&value).ceil())
        .add("floor", |value: Value| to_float64(&value).floor())
        .add("round", |value: Value, places: isize, on: Rest<f64>| {
            let Rest(on) = on;
            round::round(
                to_float64(&value),
                places,
                on.first().copied().unwrap_or(0.5),
            )
        });
    functions
        .add("until", sequences::until)
        .add("untilStep", sequences::until_step)
        .add("seq", sequences::seq);
}

/// `strconv.Atoi` without its error: a number out of range is the nearest within.
fn atoi(text: &[u8]) -> isize {
    match parse_int(text, 10) {
        Ok(number) | Err(NumberError::Range(number)) => to_int(&Value::int64(number)),
        Err(NumberError::Syntax) => 0,
    }
}

/// What a value is when the digits that it prints as are read as octal ones, zero if they cannot be.
fn from_octal(context: &mut Context<'_>, value: Value) -> Result<i64, CallError> {
    let text = fmt::print(context, &[value])?;
    Ok(parse_int(&text, 8).unwrap_or(0))
}

fn sum(Rest(terms): &Rest<Value>) -> i64 {
    terms.iter().map(to_int64).fold(0, i64::wrapping_add)
}

fn fold(first: &Value, Rest(rest): &Rest<Value>, operation: fn(i64, i64) -> i64) -> i64 {
    rest.iter().map(to_int64).fold(to_int64(first), operation)
}

fn divide(a: &Value, b: &Value, operation: fn(i64, i64) -> i64) -> Result<i64, CallError> {
    match to_int64(b) {
        0 => Err(CallError::new("runtime error: integer divide by zero")),
        divisor => Ok(operation(to_int64(a), divisor)),
    }
}

fn floats<'a>(first: &'a Value, Rest(rest): &'a Rest<Value>) -> impl Iterator<Item = f64> {
    std::iter::once(first).chain(rest).map(to_float64)
}

/// An operation of two decimals.
type Operation = fn(&Decimal, &Decimal, &mut Context<'_>) -> Result<Decimal, CallError>;

fn decimal_function(
    operation: Operation,
) -> impl Fn(&mut Context<'_>, Value, Rest<Value>) -> Result<f64, CallError> {
    move |context, first, rest| exactly(context, &first, &rest, operation)
}

/// Computes with decimals, so that a tenth is a tenth: only the result is rounded to a `float64`.
fn exactly(
    context: &mut Context<'_>,
    first: &Value,
    Rest(rest): &Rest<Value>,
    operation: Operation,
) -> Result<f64, CallError> {
    let mut result = Decimal::new(to_float64(first))?;
    for value in rest {
        result = operation(&result, &Decimal::new(to_float64(value))?, context)?;
    }
    result.to_float(context)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::with_context;

    #[test]
    fn atoi_stops_at_the_ends_of_the_range() {
        for (text, number) in [
            ("12", 12),
            ("-012", -12),
            ("+5", 5),
            ("1_0", 0),
            (" 1", 0),
            ("-", 0),
            ("9223372036854775808", isize::MAX),
            ("-99999999999999999999", isize::MIN),
        ] {
            assert_eq!(atoi(text.as_bytes()), number, "{text}");
        }
    }

    #[test]
    fn to_decimal_reads_the_digits_that_would_be_printed() {
        for (value, number) in [
            (Value::int(755), 493),
            (Value::Float(755.0), 493),
            (Value::Float(1e6), 0),
            ("0777".into(), 511),
            ("-10".into(), -8),
            ("0o7".into(), 0),
            ("8".into(), 0),
            (Value::Bool(true), 0),
        ] {
            let found = with_context(|context| from_octal(context, value));
            assert_eq!(found, Ok(number));
        }
    }

    #[test]
    fn div_and_mod_of_the_least_number_by_minus_one_wrap_around() {
        let least = Value::int64(i64::MIN);
        let minus_one = Value::int(-1);
        assert_eq!(divide(&least, &minus_one, i64::wrapping_div), Ok(i64::MIN));
        assert_eq!(divide(&least, &minus_one, i64::wrapping_rem), Ok(0));
    }
}
