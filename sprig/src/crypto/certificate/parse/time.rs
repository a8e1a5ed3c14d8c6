//! Times in certificates.

use jiff::civil::DateTime;
use sealed_template::CallError;

use super::x509;
use crate::crypto::der::{Reader, tag};

/// Whether these are two times.
pub(super) fn check_validity(mut times: Reader<'_>) -> Result<(), CallError> {
    for _ in 0..2 {
        let (tag, year_len, kind) = if times.is_next(tag::UTC_TIME) {
            (tag::UTC_TIME, 2, "UTCTime")
        } else if times.is_next(tag::GENERALIZED_TIME) {
            (tag::GENERALIZED_TIME, 4, "GeneralizedTime")
        } else {
            return Err(x509("unsupported time format"));
        };
        let is_time = match times.element(tag) {
            Ok(time) => read(time.contents, year_len).is_some(),
            Err(_) => false,
        };
        if !is_time {
            return Err(x509(&format!("malformed {kind}")));
        }
    }
    Ok(())
}

/// Reads `YYYYMMDDHHMMSSZ` with so many digits for the year. With two, the seconds may be missing. Instead of
/// the Z there may be a difference from UTC, which is passed over.
fn read(text: &[u8], year_len: usize) -> Option<DateTime> {
    let text = std::str::from_utf8(text).ok()?;
    let (date, zone) = text.split_at_checked(text.find(|char: char| !char.is_ascii_digit())?)?;
    let (year, mut rest) = date.split_at_checked(year_len)?;
    let mut fields = [0_i8; 5];
    for (index, field) in fields.iter_mut().enumerate() {
        if index == 4 && year_len == 2 && rest.is_empty() {
            break;
        }
        let (pair, others) = rest.split_at_checked(2)?;
        *field = pair.parse().ok()?;
        rest = others;
    }
    if !rest.is_empty() || !is_zone(zone.as_bytes()) {
        return None;
    }
    // Two digits are of this century or the last one, which have the same leap years there.
    let century = if year_len == 2 { 2000_i16 } else { 0 };
    let year = century.checked_add(year.parse().ok()?)?;
    let [month, day, hour, minute, second] = fields;
    DateTime::new(year, month, day, hour, minute, second, 0).ok()
}

/// `Z`, or a difference of hours and minutes that is not zero.
fn is_zone(text: &[u8]) -> bool {
    match text {
        b"Z" => true,
        [b'+' | b'-', difference @ ..] => {
            difference.len() == 4
                && difference.iter().all(u8::is_ascii_digit)
                && difference != b"0000"
                && (&b"0000"[..]..=b"2459").contains(&difference)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_that_go_takes() {
        for (text, year_len, is_time) in [
            ("500101000000Z", 2, true),
            ("5001010000Z", 2, true),
            ("000229000000Z", 2, true),
            ("010229000000Z", 2, false),
            ("20500101000000Z", 4, true),
            ("205001010000Z", 4, false),
            ("500101000000+0130", 2, true),
            ("500101000000+0000", 2, false),
            ("500101000000", 2, false),
            ("500101000060Z", 2, false),
            ("5001010000000Z", 2, false),
        ] {
            assert_eq!(read(text.as_bytes(), year_len).is_some(), is_time, "{text}");
        }
    }
}
