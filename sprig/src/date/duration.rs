//! `time.Duration`.

mod parse;

use std::fmt::Write as _;
use std::sync::LazyLock;

use sealed_template::{
    Function, IntType, Kind, Members, Named, NamedType, Object, Str, Type, Value,
};

use crate::methods::callable;

/// A `time.Duration`, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Duration(pub(crate) i64);

pub(crate) const SECOND: Duration = Duration(1_000_000_000);
const MINUTE: Duration = Duration(60 * SECOND.0);
const HOUR: Duration = Duration(60 * MINUTE.0);

impl Duration {
    /// Go's text: `1h2m3.5s`, below a second with a smaller unit.
    pub(crate) fn text(self) -> String {
        let nanoseconds = self.0.unsigned_abs();
        let mut text = String::from(if self.0 < 0 { "-" } else { "" });
        match nanoseconds {
            0 => text.push_str("0s"),
            1..1_000 => push_decimal(&mut text, nanoseconds, 0, "ns"),
            1_000..1_000_000 => push_decimal(&mut text, nanoseconds, 3, "µs"),
            1_000_000..1_000_000_000 => push_decimal(&mut text, nanoseconds, 6, "ms"),
            _ => {
                let minutes = nanoseconds / 60_000_000_000;
                if minutes >= 60 {
                    push_decimal(&mut text, minutes / 60, 0, "h");
                }
                if minutes > 0 {
                    push_decimal(&mut text, minutes % 60, 0, "m");
                }
                push_decimal(&mut text, nanoseconds % 60_000_000_000, 9, "s");
            }
        }
        text
    }

    /// To the nearest multiple of `unit`, halves away from zero, up to the largest duration there is.
    /// Unchanged unless `unit` is positive.
    pub(crate) fn round(self, unit: Self) -> Self {
        let Some(rest) = self.rest(unit) else {
            return self;
        };
        let truncated = self.0.saturating_sub(rest);
        if is_less_than_half(rest.unsigned_abs(), unit) {
            Self(truncated)
        } else if self.0 < 0 {
            Self(truncated.saturating_sub(unit.0))
        } else {
            Self(truncated.saturating_add(unit.0))
        }
    }

    /// Towards zero, to a multiple of `unit`. Unchanged unless `unit` is positive.
    fn truncate(self, unit: Self) -> Self {
        Self(self.0.saturating_sub(self.rest(unit).unwrap_or(0)))
    }

    fn rest(self, unit: Self) -> Option<i64> {
        if unit.0 <= 0 {
            return None;
        }
        self.0.checked_rem(unit.0)
    }

    /// The number of `unit`s. Whole ones and the rest are converted each for itself, so that the result
    /// is never above a whole number that the duration is below.
    fn in_units(self, unit: Self) -> f64 {
        let whole = self.0.checked_div(unit.0).unwrap_or_default();
        let rest = self.rest(unit).unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "Go rounds here too")]
        let number = whole as f64 + rest as f64 / unit.0 as f64;
        number
    }
}

/// Whether `rest` is nearer to zero than to `unit`.
pub(super) fn is_less_than_half(rest: u64, unit: Duration) -> bool {
    rest.saturating_mul(2) < unit.0.unsigned_abs()
}

/// Adds `number / 10^places`, without zeros at the end.
fn push_decimal(text: &mut String, number: u64, places: u32, unit: &str) {
    let one = 10_u64.saturating_pow(places);
    let whole = number.checked_div(one).unwrap_or_default();
    let fraction = number.checked_rem(one).unwrap_or_default();
    let width = usize::try_from(places).unwrap_or_default();
    let fraction = match fraction {
        0 => String::new(),
        _ => format!(".{fraction:0width$}"),
    };
    // Writing to a string cannot fail.
    let _ = write!(text, "{whole}{}{unit}", fraction.trim_end_matches('0'));
}

impl Named for Duration {
    const NAMED: &'static NamedType = &NamedType {
        name: "time.Duration",
        kind: Kind::Int(IntType::Int64),
    };

    fn from_number(number: &Value) -> Option<Self> {
        match number {
            Value::Int(_, number) => Some(Self(*number)),
            _ => None,
        }
    }
}

impl Object for Duration {
    fn type_of(&self) -> Type {
        Type::Named(Self::NAMED)
    }

    fn methods(&self) -> &'static Members {
        static MEMBERS: LazyLock<Members> = LazyLock::new(members);
        &MEMBERS
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::int64(self.0))
    }

    fn with_number(&self, number: i64) -> Option<Value> {
        Some(Value::object(Self(number)))
    }

    fn text(&self) -> Option<Str> {
        Some((*self).text().into())
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.downcast_ref() == Some(self)
    }
}

fn members() -> Members {
    let methods = callable([
        (
            "Abs",
            Function::new(|this: Duration| Duration(this.0.saturating_abs())),
        ),
        ("Hours", Function::new(|this: Duration| this.in_units(HOUR))),
        (
            "Microseconds",
            Function::new(|this: Duration| this.0 / 1_000),
        ),
        (
            "Milliseconds",
            Function::new(|this: Duration| this.0 / 1_000_000),
        ),
        (
            "Minutes",
            Function::new(|this: Duration| this.in_units(MINUTE)),
        ),
        ("Nanoseconds", Function::new(|this: Duration| this.0)),
        ("Round", Function::new(Duration::round)),
        (
            "Seconds",
            Function::new(|this: Duration| this.in_units(SECOND)),
        ),
        (
            "String",
            Function::new(|this: Duration| Str::from(this.text())),
        ),
        ("Truncate", Function::new(Duration::truncate)),
    ]);
    methods.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_fits_the_length() {
        for (nanoseconds, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (2_200_000, "2.2ms"),
            (3_300_000_000, "3.3s"),
            (4 * 60 * 1_000_000_000 + 5_001_000_000, "4m5.001s"),
            (5 * 3_600 * 1_000_000_000, "5h0m0s"),
            (i64::MAX, "2562047h47m16.854775807s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ] {
            assert_eq!(Duration(nanoseconds).text(), text);
        }
    }

    #[test]
    fn rounding_stops_at_the_ends() {
        assert_eq!(Duration(15).round(Duration(10)), Duration(20));
        assert_eq!(Duration(-15).round(Duration(10)), Duration(-20));
        assert_eq!(Duration(-14).round(Duration(10)), Duration(-10));
        assert_eq!(Duration(7).round(Duration(-10)), Duration(7));
        assert_eq!(Duration(i64::MAX).round(HOUR), Duration(i64::MAX));
        assert_eq!(Duration(i64::MIN).round(HOUR), Duration(i64::MIN));
    }
}
