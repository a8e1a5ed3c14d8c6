//! Rounding and comparing floating-point numbers bit for bit as Go's `math` does.

use std::cmp::Ordering;

/// Sprig's `round`: up if the fraction that is left is at least `on`, which it never is below zero.
pub(super) fn round(number: f64, places: isize, on: f64) -> f64 {
    let power = power_of_ten(places);
    let digits = power * number;
    let rounded = if fraction(digits) >= on {
        digits.ceil()
    } else {
        digits.floor()
    };
    rounded / power
}

/// The greatest: positive infinity above NaN, NaN above all else, 0 above -0.
pub(super) fn greatest(numbers: impl Iterator<Item = f64>) -> f64 {
    let greater = |a: f64, b: f64| match a.total_cmp(&b) {
        _ if a == f64::INFINITY || b == f64::INFINITY => f64::INFINITY,
        _ if a.is_nan() || b.is_nan() => f64::NAN,
        Ordering::Less => b,
        _ => a,
    };
    numbers.reduce(greater).unwrap_or(f64::NAN)
}

/// What is behind the point; NaN for infinities.
fn fraction(number: f64) -> f64 {
    number - number.trunc()
}

/// `10^exponent` with the errors in the last bit that Go's `math.Pow` makes: squares of a fraction between a
/// half and one, whose powers of two are counted apart.
fn power_of_ten(exponent: isize) -> f64 {
    /// Past this power of two the result is infinite or zero.
    const OVERFLOW: i32 = 1 << 12;

    match exponent {
        0 => return 1.0,
        1 => return 10.0,
        _ => {}
    }
    let (mut square, mut square_exponent) = (0.625_f64, 4_i32);
    let (mut power, mut power_exponent) = (1.0_f64, 0_i32);
    let mut bits = exponent.unsigned_abs();
    while bits != 0 {
        if square_exponent > OVERFLOW {
            power_exponent = power_exponent.saturating_add(square_exponent);
            break;
        }
        if bits & 1 == 1 {
            power *= square;
            power_exponent = power_exponent.saturating_add(square_exponent);
        }
        square *= square;
        square_exponent = square_exponent.saturating_mul(2);
        if square < 0.5 {
            square += square;
            square_exponent = square_exponent.saturating_sub(1);
        }
        bits >>= 1;
    }
    if exponent < 0 {
        power = 1.0 / power;
        power_exponent = power_exponent.saturating_neg();
    }
    times_power_of_two(power, power_exponent)
}

/// `number * 2^exponent`, rounded at most once, for a `number` near one.
fn times_power_of_two(number: f64, exponent: i32) -> f64 {
    let exponent = exponent.clamp(-2_000, 2_000);
    let first = exponent.clamp(-1_000, 1_000);
    number * power_of_two(first) * power_of_two(exponent.saturating_sub(first))
}

/// Exact for -1022 to 1023.
fn power_of_two(exponent: i32) -> f64 {
    let biased = u64::try_from(exponent.saturating_add(1023)).unwrap_or(0);
    f64::from_bits(biased << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_ten_are_go_s() {
        for (exponent, power) in [
            (0, 1.0),
            (1, 10.0),
            (2, 100.0),
            (-2, 0.01),
            (22, 1e22),
            (308, 1.000_000_000_000_000_6e308),
            (309, f64::INFINITY),
            (-308, 9.999_999_999_999_994e-309),
            (-330, 0.0),
            (isize::MAX, f64::INFINITY),
            (isize::MIN, 0.0),
        ] {
            let found = power_of_ten(exponent);
            assert_eq!(
                found.to_bits(),
                f64::to_bits(power),
                "10^{exponent}: {found:e}"
            );
        }
    }

    #[test]
    fn round_takes_negative_numbers_down() {
        for (number, places, on, rounded) in [
            (2.5, 0, 0.5, 3.0),
            (2.49, 0, 0.5, 2.0),
            (-2.1, 0, 0.5, -3.0),
            (123.5555, 3, 0.5, 123.556),
            (1.3, 0, 0.3, 2.0),
            (155.0, -1, 0.5, 160.0),
        ] {
            assert_eq!(round(number, places, on).to_bits(), f64::to_bits(rounded));
        }
        assert!(round(1.0, isize::MIN, 0.5).is_nan());
    }

    #[test]
    fn the_maximum_of_positive_infinity_and_nan_is_infinity() {
        let greatest = |a, b| greatest([a, b].into_iter());
        assert!(greatest(f64::NAN, f64::INFINITY).is_infinite());
        assert!(greatest(f64::NAN, 1.0).is_nan());
        assert!(greatest(-0.0, 0.0).is_sign_positive());
    }
}
