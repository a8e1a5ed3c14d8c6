//! Growing texts of which nothing stays behind.

use std::fmt;
use std::ops::{Deref, DerefMut};

use zeroize::Zeroize as _;

/// Bytes that are appended to, such as what a template prints.
///
/// They may be decrypted secrets. A `Vec` leaves a copy in freed memory whenever it moves to grow; this wipes the
/// memory that it leaves, and all of it when it is dropped. `Debug` shows only how many bytes there are.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Buffer(Vec<u8>);

impl Buffer {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty buffer that does not move before it holds more than `bytes` bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Appends a byte.
    pub fn push(&mut self, byte: u8) {
        self.reserve(1);
        self.0.push(byte);
    }

    /// Appends bytes.
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// Appends `byte` so many times.
    pub fn repeat(&mut self, byte: u8, times: usize) {
        self.reserve(times);
        self.0.resize(self.0.len().saturating_add(times), byte);
    }

    /// How many bytes of memory it takes.
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }

    /// The bytes, to be wiped by whoever takes them.
    pub fn into_vec(mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }

    fn reserve(&mut self, bytes: usize) {
        let needed = self.0.len().saturating_add(bytes);
        if needed > self.0.capacity() {
            self.grow(needed);
        }
    }

    #[cold]
    fn grow(&mut self, needed: usize) {
        let capacity = needed.max(self.0.capacity().saturating_mul(2));
        let mut larger = Vec::with_capacity(capacity);
        larger.extend_from_slice(&self.0);
        self.0.zeroize();
        self.0 = larger;
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl From<Vec<u8>> for Buffer {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Extend<u8> for Buffer {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        for byte in bytes {
            self.push(byte);
        }
    }
}

impl<'a> Extend<&'a u8> for Buffer {
    fn extend<I: IntoIterator<Item = &'a u8>>(&mut self, bytes: I) {
        self.extend(bytes.into_iter().copied());
    }
}

impl PartialEq<&[u8]> for Buffer {
    fn eq(&self, other: &&[u8]) -> bool {
        self.0 == *other
    }
}

impl<const LEN: usize> PartialEq<&[u8; LEN]> for Buffer {
    fn eq(&self, other: &&[u8; LEN]) -> bool {
        self.0 == *other
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_was_appended_however_often_it_moved() {
        let mut buffer = Buffer::with_capacity(2);
        let mut expected = Vec::new();
        for number in 0..100_u8 {
            buffer.push(number);
            buffer.extend_from_slice(&[number; 3]);
            buffer.repeat(number, 2);
            expected.extend([number; 6]);
        }
        assert_eq!(*buffer, *expected);
        assert!(buffer.capacity() < 3 * expected.len());
        assert_eq!(buffer.into_vec(), expected);
    }
}
