//! Zones in texts: offsets like `+01:00` and names like `CET`.

use super::{Bad, two_digits};
use crate::date::digits::{leading_number, signed_number};
use crate::date::layout::{Offset, Precision};

/// The offset at the start of `value`, in seconds, and what follows it.
pub(super) fn offset(value: &[u8], form: Offset) -> Result<(i64, &[u8]), Bad> {
    let (sign, mut rest) = value.split_first().ok_or(Bad::Value)?;
    let mut parts: [&[u8]; 3] = [b"00"; 3];
    let count = match form.precision {
        Precision::Hours => 1,
        Precision::Minutes => 2,
        Precision::Seconds => 3,
    };
    for (index, part) in parts.iter_mut().take(count).enumerate() {
        if index > 0 && form.has_colons {
            rest = rest.strip_prefix(b":").ok_or(Bad::Value)?;
        }
        (*part, rest) = rest.split_at_checked(2).ok_or(Bad::Value)?;
    }
    let mut total = 0_i64;
    let mut bad = match sign {
        b'+' | b'-' => None,
        _ => Some(Bad::Value),
    };
    for (part, (most, problem)) in parts.into_iter().zip([
        (24, "time zone offset hour out of range"),
        (60, "time zone offset minute out of range"),
        (60, "time zone offset second out of range"),
    ]) {
        let Some((number, _)) = two_digits(part, true) else {
            bad.get_or_insert(Bad::Value);
            break;
        };
        if number > most {
            bad = Some(Bad::Range(problem));
        }
        total = total.wrapping_mul(60).wrapping_add(number);
    }
    match bad {
        Some(bad) => Err(bad),
        None if *sign == b'-' => Ok((total.wrapping_neg(), rest)),
        None => Ok((total, rest)),
    }
}

/// What looks like the name of a zone at the start of `value`, and what follows it.
pub(super) fn name(value: &[u8]) -> Option<(String, &[u8])> {
    let (name, rest) = value.split_at_checked(name_len(value)?)?;
    Some((std::str::from_utf8(name).ok()?.to_owned(), rest))
}

fn name_len(value: &[u8]) -> Option<usize> {
    let capitals = match value {
        [] | [_] | [_, _] => return None,
        // The only ones with a letter in lower case.
        [b'C', b'h', b'S', b'T', ..] | [b'M', b'e', b'S', b'T', ..] => return Some(4),
        [b'G', b'M', b'T', rest @ ..] => {
            return Some(signed_hours_len(rest).unwrap_or(0).saturating_add(3));
        }
        [b'+' | b'-', ..] => return signed_hours_len(value),
        _ => value
            .iter()
            .take_while(|byte| byte.is_ascii_uppercase())
            .count(),
    };
    match (capitals, value) {
        (3, _) => Some(3),
        (4, [_, _, _, b'T', ..] | [b'W', b'I', b'T', b'A', ..]) => Some(4),
        (5, [_, _, _, _, b'T', ..]) => Some(5),
        _ => None,
    }
}

/// The length of a sign and a number up to 23.
fn signed_hours_len(value: &[u8]) -> Option<usize> {
    let (b'+' | b'-', digits) = value.split_first()? else {
        return None;
    };
    let (hours, rest) = leading_number(digits)?;
    (rest.len() < digits.len() && hours <= 23).then(|| value.len().saturating_sub(rest.len()))
}

/// The offset of a zone of that name: only that of `GMT+1` and the like is known.
pub(super) fn offset_of_name(name: &str) -> i64 {
    let hours = name.strip_prefix("GMT").unwrap_or_default();
    signed_number(hours.as_bytes())
        .unwrap_or_default()
        .wrapping_mul(3_600)
}
