//! Integers as text.

use crate::buffer::Buffer;

/// Appends `number` in `base`, which is 2 to 36: Go's `strconv.AppendInt`.
pub fn append_int(out: &mut Buffer, number: i64, base: u32) {
    if number < 0 {
        out.push(b'-');
    }
    append_uint(out, number.unsigned_abs(), base);
}

/// Appends `number` in `base`, which is 2 to 36: Go's `strconv.AppendUint`.
pub fn append_uint(out: &mut Buffer, number: u64, base: u32) {
    out.extend_from_slice(Digits::new(number, base).as_bytes());
}

/// The digits of a number, in lower case.
pub(crate) struct Digits {
    /// Room for a number in base 2.
    buffer: [u8; 64],
    start: usize,
}

impl Digits {
    pub(crate) fn new(mut number: u64, base: u32) -> Self {
        let base = base.clamp(2, 36);
        let mut buffer = [b'0'; 64];
        let mut start = buffer.len();
        for (index, slot) in buffer.iter_mut().enumerate().rev() {
            *slot = digit(number.checked_rem(base.into()).unwrap_or_default());
            start = index;
            number = number.checked_div(base.into()).unwrap_or_default();
            if number == 0 {
                break;
            }
        }
        Self { buffer, start }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }
}

fn digit(value: u64) -> u8 {
    b"0123456789abcdefghijklmnopqrstuvwxyz"
        .get(usize::try_from(value).unwrap_or_default())
        .copied()
        .unwrap_or(b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(number: i64, base: u32) -> String {
        let mut out = Buffer::new();
        append_int(&mut out, number, base);
        String::from_utf8(out.into_vec()).unwrap()
    }

    #[test]
    fn every_base_has_its_digits() {
        assert_eq!(int(0, 10), "0");
        assert_eq!(int(-255, 16), "-ff");
        assert_eq!(int(35, 36), "z");
        assert_eq!(int(i64::MAX, 8), "777777777777777777777");
    }

    #[test]
    fn the_least_integer_has_room() {
        assert_eq!(int(i64::MIN, 10), "-9223372036854775808");
        assert_eq!(int(i64::MIN, 2), format!("-1{}", "0".repeat(63)));
    }
}
