//! From when until when a certificate holds.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::Offset;
use sealed_template::CallError;
use zeroize::Zeroizing;

use crate::crypto::der::{element, sequence, tag};

/// Two moments, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    not_before: i64,
    not_after: i64,
}

const NANOSECONDS: i128 = 1_000_000_000;
const NANOSECONDS_PER_DAY: i64 = 86_400_000_000_000;

impl Validity {
    /// From now for so many days, whose nanoseconds wrap as they do in Go.
    pub(super) fn from_now(now: SystemTime, days: isize) -> Self {
        let now = match now.duration_since(UNIX_EPOCH) {
            Ok(since) => i128::try_from(since.as_nanos()).unwrap_or(i128::MAX),
            Err(before) => {
                i128::try_from(before.duration().as_nanos()).map_or(i128::MIN, i128::saturating_neg)
            }
        };
        let days = i64::try_from(days).unwrap_or(i64::MAX);
        let span = NANOSECONDS_PER_DAY.wrapping_mul(days);
        let seconds = |time: i128| i64::try_from(time.div_euclid(NANOSECONDS)).unwrap_or(i64::MAX);
        Self {
            not_before: seconds(now),
            not_after: seconds(now.saturating_add(span.into())),
        }
    }

    pub(super) fn to_der(self) -> Result<Zeroizing<Vec<u8>>, CallError> {
        Ok(sequence(&[&time(self.not_before)?, &time(self.not_after)?]))
    }
}

/// With two digits for the years 1950 to 2049, with four for all others.
fn time(seconds: i64) -> Result<Zeroizing<Vec<u8>>, CallError> {
    let error =
        || CallError::new("asn1: structure error: cannot represent time as GeneralizedTime");
    let timestamp = Timestamp::from_second(seconds).map_err(|_| error())?;
    let time = Offset::UTC.to_datetime(timestamp);
    let year = u16::try_from(time.year()).map_err(|_| error())?;
    let (tag, year) = if (1950..2050).contains(&year) {
        (tag::UTC_TIME, format!("{:02}", year % 100))
    } else {
        (tag::GENERALIZED_TIME, format!("{year:04}"))
    };
    let (month, day) = (time.month(), time.day());
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    let text = format!("{year}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    Ok(element(tag, &[text.as_bytes()]))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn days_wrap_as_nanoseconds_do_in_go() {
        let now = UNIX_EPOCH + Duration::from_millis(1_700_000_000_600);
        let span = |days| Validity::from_now(now, days).not_after - 1_700_000_000;
        assert_eq!(span(0), 0);
        assert_eq!(span(-1), -86_400);
        assert_eq!(span(106_751), 106_751 * 86_400);
        // 2^64 nanoseconds less, of which the fraction takes away another second.
        assert_eq!(span(106_752), 106_752 * 86_400 - 18_446_744_074);
        assert_eq!(span(isize::MIN), 0);
    }

    #[test]
    fn years_have_two_digits_where_they_can() {
        for (seconds, text) in [
            (-631_152_001, "\x18\x0f19491231235959Z"),
            (-631_152_000, "\x17\x0d500101000000Z"),
            (2_524_607_999, "\x17\x0d491231235959Z"),
            (2_524_608_000, "\x18\x0f20500101000000Z"),
        ] {
            assert_eq!(time(seconds).unwrap().as_slice(), text.as_bytes());
        }
    }
}
