//! Scalars where text is wanted: the text Go makes of them (compat/cli.md §7).

use serde_json::Number;

/// The number would reach the Secret with other digits than the author wrote.
pub(super) struct Lossy;

/// Integers keep their digits. A number with a fraction or exponent is printed by the existing tool with
/// the precision of 32 bits, shortest form: `1.50` becomes `1.5`, `1e21` becomes `1e+21`. Where that changes
/// the value (`3.14159265358979` would become `3.1415927`), this refuses: a password must not change silently.
/// The same holds for whole numbers too large for an integer, whose last digits the reader has lost already.
pub(super) fn number_as_text(number: &Number) -> Result<String, Lossy> {
    if number.is_i64() || number.is_u64() {
        return Ok(number.to_string());
    }
    let exact = number.as_f64().ok_or(Lossy)?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the loss is what is looked for"
    )]
    let single = exact as f32;
    let text = shortest(single);
    // Compared as what a reader of the text would get, so that equality is meant exactly.
    if exact.abs() >= MAX_EXACT_WHOLE || text.parse() != Ok(exact) {
        return Err(Lossy);
    }
    Ok(text)
}

/// 2^53: from here on a 64-bit float no longer tells neighbouring whole numbers apart.
const MAX_EXACT_WHOLE: f64 = 9_007_199_254_740_992.0;

/// Go's `strconv.FormatFloat(f, 'g', -1, 32)`: shortest digits that read back as the same 32-bit number,
/// exponent form below 1e-4 and from 1e6 on.
fn shortest(value: f32) -> String {
    let scientific = format!("{value:e}"); // shortest digits, as `-1.25e-7`
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific; // infinity or not a number: not reachable from JSON
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> Option<String> {
        let number: Number = serde_json::from_str(json).unwrap();
        number_as_text(&number).ok()
    }

    #[test]
    fn numbers_are_printed_as_go_prints_them() {
        // Recorded in vectors/seal_cases.json, seal_scalars_002 and _003, where no digit is lost.
        for (json, want) in [
            ("8080", "8080"),
            ("-1", "-1"),
            ("9223372036854775808", "9223372036854775808"),
            ("18446744073709551615", "18446744073709551615"),
            ("1.50", "1.5"),
            ("1.0", "1"),
            ("-0.5", "-0.5"),
            ("1e3", "1000"),
            ("1.5e3", "1500"),
            ("0.1", "0.1"),
            ("1e-7", "1e-07"),
            ("2.5e6", "2.5e+06"),
        ] {
            assert_eq!(text(json).as_deref(), Some(want), "{json}");
        }
    }

    #[test]
    fn a_number_that_would_lose_digits_is_refused() {
        for json in [
            "3.14159265358979",
            "123456789.123",
            "0.30000000000000004",
            "1e300",
            "18446744073709551616",
            "123456789012345678901234567890",
            "100000000000000000000001",
        ] {
            assert_eq!(text(json), None, "{json}");
        }
    }
}
