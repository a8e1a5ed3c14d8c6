//! Decimal digits at the start of texts.

/// The number that the digits at the start of `text` make, 0 without any, and what follows them; none if
/// it is above 2^63.
pub(super) fn leading_number(text: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    let mut rest = text;
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        number = number
            .checked_mul(10)?
            .checked_add((digit & 0xf).into())
            .filter(|number| *number <= i64::MIN.unsigned_abs())?;
        rest = after;
    }
    Some((number, rest))
}

/// Whether there is a minus sign at the start of `text`, and what follows that or a plus sign.
pub(super) fn without_sign(text: &[u8]) -> (bool, &[u8]) {
    match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix(b"+").unwrap_or(text)),
    }
}

/// The number that all of `text` is, with a sign or without; 0 if it is empty.
pub(super) fn signed_number(text: &[u8]) -> Option<i64> {
    let (is_negative, digits) = without_sign(text);
    let (number, rest) = leading_number(digits)?;
    let number = number.cast_signed();
    rest.is_empty().then_some(if is_negative {
        number.wrapping_neg()
    } else {
        number
    })
}

/// The number that one or two digits at the start of `text` make, or exactly two, and what follows them.
pub(super) fn two_digits(text: &[u8], exactly: bool) -> Option<(i64, &[u8])> {
    up_to_digits(text, 2, exactly)
}

/// The same with up to three digits.
pub(super) fn three_digits(text: &[u8], exactly: bool) -> Option<(i64, &[u8])> {
    up_to_digits(text, 3, exactly)
}

fn up_to_digits(text: &[u8], most: usize, exactly: bool) -> Option<(i64, &[u8])> {
    let count = text
        .iter()
        .take(most)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if count == 0 || exactly && count != most {
        return None;
    }
    let (digits, rest) = text.split_at_checked(count)?;
    Some((signed_number(digits)?, rest))
}
