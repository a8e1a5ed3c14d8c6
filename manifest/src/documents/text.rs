//! Text read from the stream, of which documents are cut off at the front.

use std::ops::Deref;

/// A text that gives away its beginning without moving the rest: a line may hold a hundred thousand objects.
#[derive(Debug, Default)]
pub(super) struct Text {
    bytes: Vec<u8>,
    /// Where what is left begins.
    from: usize,
}

impl Text {
    /// To append to. Forgets first what has been given away, so that it costs no memory.
    pub(super) fn growing(&mut self) -> &mut Vec<u8> {
        self.bytes.drain(..self.from);
        self.from = 0;
        &mut self.bytes
    }

    /// Cuts off the first `at` bytes and leaves the rest.
    pub(super) fn take(&mut self, at: usize) -> Vec<u8> {
        if at >= self.len() {
            return std::mem::take(self).into_bytes();
        }
        let taken = self[..at].to_vec();
        self.from += at;
        taken
    }

    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        std::mem::take(self.growing())
    }
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(self.from..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_stays_where_it_is() {
        let mut text = Text::default();
        text.growing().extend_from_slice(b"{}{}{}\n");
        let place = text.as_ptr();
        for taken in 1..=3 {
            assert_eq!(text.take(2), b"{}");
            assert_eq!(text.as_ptr(), place.wrapping_add(2 * taken));
        }
        assert_eq!(*text, *b"\n");
    }

    #[test]
    fn what_was_given_away_does_not_come_back() {
        let mut text = Text::default();
        text.growing().extend_from_slice(b"abc");
        assert_eq!(text.take(1), b"a");
        text.growing().push(b'd');
        assert_eq!(*text, *b"bcd");
        assert_eq!(text.growing().len(), 3);
        assert_eq!(text.take(3), b"bcd");
        assert!(text.is_empty() && text.into_bytes().is_empty());
    }
}
