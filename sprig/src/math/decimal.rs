//! Decimal numbers of any length, with the arithmetic of `shopspring/decimal`.

use num_bigint::{BigInt, Sign};
use sealed_template::strconv::{Notation, format_float};
use sealed_template::{CallError, Context};

/// Digits behind the point of a quotient that is not exact.
const PRECISION: i64 = 16;

/// `digits * 10^exponent`.
#[derive(Clone, Debug)]
pub(super) struct Decimal {
    digits: BigInt,
    exponent: i64,
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "integers of any length do not overflow, and exponents stay below the number of arguments times 400"
)]
impl Decimal {
    /// The decimal with the fewest digits that is nearest to `number`.
    pub(super) fn new(number: f64) -> Result<Self, CallError> {
        let scientific = format_float(number, Notation::Exponent, None);
        if !number.is_finite() {
            return Err(CallError::new(format!(
                "Cannot create a Decimal from {scientific}"
            )));
        }
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: i64 = format!("{whole}{fraction}").parse().unwrap_or(0);
        let exponent: i64 = exponent.parse().unwrap_or(0);
        let places = i64::try_from(fraction.len()).unwrap_or(0);
        Ok(Self {
            digits: digits.into(),
            exponent: exponent - places,
        })
    }

    pub(super) fn add(&self, other: &Self, context: &mut Context<'_>) -> Result<Self, CallError> {
        let exponent = self.exponent.min(other.exponent);
        let digits = self.scaled(exponent, context)? + other.scaled(exponent, context)?;
        Ok(Self { digits, exponent })
    }

    pub(super) fn subtract(
        &self,
        other: &Self,
        context: &mut Context<'_>,
    ) -> Result<Self, CallError> {
        self.add(&other.negated(), context)
    }

    pub(super) fn multiply(
        &self,
        other: &Self,
        context: &mut Context<'_>,
    ) -> Result<Self, CallError> {
        pay(context, self.length().saturating_add(other.length()))?;
        Ok(Self {
            digits: &self.digits * &other.digits,
            exponent: self.exponent + other.exponent,
        })
    }

    /// The quotient to [`PRECISION`] digits behind the point, halves rounded away from zero.
    pub(super) fn divide(
        &self,
        other: &Self,
        context: &mut Context<'_>,
    ) -> Result<Self, CallError> {
        if other.digits.sign() == Sign::NoSign {
            return Err(CallError::new("decimal division by 0"));
        }
        let dividend = self.scaled(self.exponent.min(other.exponent - PRECISION), context)?;
        let divisor = other.scaled(other.exponent.min(self.exponent + PRECISION), context)?;
        pay(context, length(&dividend))?;
        let mut digits = &dividend / &divisor;
        let remainder = &dividend - &digits * &divisor;
        if remainder.magnitude() * 2_u8 >= *divisor.magnitude() {
            let is_negative = dividend.sign() != divisor.sign();
            digits += if is_negative { -1 } else { 1 };
        }
        Ok(Self {
            digits,
            exponent: -PRECISION,
        })
    }

    /// The nearest `float64`, which is infinite where there is none.
    pub(super) fn to_float(&self, context: &mut Context<'_>) -> Result<f64, CallError> {
        pay(context, self.length())?;
        let text = format!("{}e{}", self.digits, self.exponent);
        Ok(text.parse().unwrap_or(f64::NAN))
    }

    fn negated(&self) -> Self {
        Self {
            digits: -&self.digits,
            exponent: self.exponent,
        }
    }

    /// The digits as they are with a smaller exponent.
    fn scaled(&self, exponent: i64, context: &mut Context<'_>) -> Result<BigInt, CallError> {
        let zeros = u32::try_from(self.exponent - exponent).unwrap_or(0);
        pay(context, self.length().saturating_add(zeros.into()))?;
        Ok(&self.digits * BigInt::from(10).pow(zeros))
    }

    fn length(&self) -> u64 {
        length(&self.digits)
    }
}

/// About how many digits a number has.
fn length(number: &BigInt) -> u64 {
    number.bits() / 3
}

/// Accounts for an operation whose largest operand or result has `digits`: the time it takes grows with the
/// square of them, though slowly.
fn pay(context: &mut Context<'_>, digits: u64) -> Result<(), CallError> {
    let hundreds = digits / 400;
    context.spend(hundreds.saturating_mul(hundreds).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use sealed_template::Limit;

    use super::*;
    use crate::testing::with_context;

    fn compute(
        operation: fn(&Decimal, &Decimal, &mut Context<'_>) -> Result<Decimal, CallError>,
        a: f64,
        b: f64,
    ) -> Result<f64, CallError> {
        with_context(|context| {
            operation(&Decimal::new(a)?, &Decimal::new(b)?, context)?.to_float(context)
        })
    }

    #[test]
    fn a_tenth_and_two_tenths_are_three_tenths() {
        assert_eq!(compute(Decimal::add, 0.1, 0.2), Ok(0.3));
        assert_eq!(compute(Decimal::multiply, 1.1, 1.1), Ok(1.21));
        assert_eq!(compute(Decimal::subtract, 0.3, 0.1), Ok(0.2));
    }

    #[test]
    fn of_two_shortest_decimals_the_even_one_is_meant() {
        // Exactly ….25, so as near to ….2 as to ….3.
        let found = compute(Decimal::add, 1_870_629_149_791_785.2, -635.6192);
        assert_eq!(found, Ok(1_870_629_149_791_149.5));
    }

    #[test]
    fn quotients_are_rounded_at_the_sixteenth_digit() {
        assert_eq!(
            compute(Decimal::divide, 2.0, 3.0),
            Ok(0.666_666_666_666_666_7)
        );
        assert_eq!(
            compute(Decimal::divide, -2.0, 3.0),
            Ok(-0.666_666_666_666_666_7)
        );
        assert_eq!(compute(Decimal::divide, 1.0, 1e20), Ok(0.0));
        assert_eq!(compute(Decimal::divide, 0.5, 1e16), Ok(1e-16));
        assert_eq!(compute(Decimal::divide, 1e300, 1e-300), Ok(f64::INFINITY));
    }

    #[test]
    fn no_division_by_zero() {
        let error = CallError::new("decimal division by 0");
        assert_eq!(compute(Decimal::divide, 1.0, -0.0), Err(error));
    }

    #[test]
    fn infinities_are_refused() {
        let error = CallError::new("Cannot create a Decimal from -Inf");
        assert_eq!(compute(Decimal::add, 1.0, f64::NEG_INFINITY), Err(error));
    }

    #[test]
    fn long_products_use_up_the_steps() {
        with_context(|context| {
            let factor = Decimal::new(1.234_567_890_123_456_7e300).expect("finite");
            let mut product = Ok(factor.clone());
            while let Ok(longer) = product {
                product = longer.multiply(&factor, context);
            }
            let error = product.expect_err("an endless product");
            assert_eq!(error.passed_limit(), Some(Limit::Steps));
        });
    }
}
