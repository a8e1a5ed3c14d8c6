//! The framing of a sealed value: a length, the wrapped key, the ciphertext.

use std::fmt;

use crate::base64::{self, Base64Error};
use crate::primitives::TAG_LEN;

/// Bytes of the length prefix.
const PREFIX_LEN: usize = 2;

/// One sealed value whose framing is sound. Whether it opens is another question.
///
/// `Display` writes canonical base64.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedValue {
    bytes: Vec<u8>,
    /// Invariant: `PREFIX_LEN + wrapped_key_len + TAG_LEN <= bytes.len()`.
    wrapped_key_len: usize,
}

impl SealedValue {
    /// Reads the binary form.
    ///
    /// # Errors
    /// Bytes that cannot be a sealed value whatever the key: too few, or a length prefix that
    /// leaves no room for the authentication tag.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, FormatError> {
        let Some((prefix, rest)) = bytes.split_first_chunk::<PREFIX_LEN>() else {
            return Err(FormatError::TooShort { len: bytes.len() });
        };
        let wrapped_key_len = usize::from(u16::from_be_bytes(*prefix));
        if wrapped_key_len == 0 {
            return Err(FormatError::NoWrappedKey);
        }
        if rest.len() < wrapped_key_len.saturating_add(TAG_LEN) {
            return Err(FormatError::Truncated {
                wrapped_key_len,
                present: rest.len(),
            });
        }
        Ok(Self {
            bytes,
            wrapped_key_len,
        })
    }

    /// Reads the text form, with the leniency of [`base64::decode`].
    ///
    /// # Errors
    /// Text that is not base64, or bytes that [`Self::from_bytes`] refuses.
    pub fn from_base64(text: &str) -> Result<Self, SealedValueError> {
        Ok(Self::from_bytes(base64::decode(text.as_bytes())?)?)
    }

    /// Puts the two parts together.
    ///
    /// # Errors
    /// A wrapped key whose length does not fit the prefix.
    pub(crate) fn from_parts(wrapped_key: &[u8], ciphertext: &[u8]) -> Result<Self, FormatError> {
        let prefix = u16::try_from(wrapped_key.len()).map_err(|_| FormatError::Truncated {
            wrapped_key_len: wrapped_key.len(),
            present: usize::from(u16::MAX),
        })?;
        Self::from_bytes([&prefix.to_be_bytes(), wrapped_key, ciphertext].concat())
    }

    /// The binary form.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bytes of the wrapped key. Honest writers make it the modulus size of the sealing key, so it
    /// tells the key's size before anything is tried.
    pub fn wrapped_key_len(&self) -> usize {
        self.wrapped_key_len
    }

    /// W of the format.
    pub(crate) fn wrapped_key(&self) -> &[u8] {
        self.parts().0
    }

    /// C of the format: ciphertext and tag.
    pub(crate) fn ciphertext(&self) -> &[u8] {
        self.parts().1
    }

    fn parts(&self) -> (&[u8], &[u8]) {
        self.bytes
            .get(PREFIX_LEN..)
            .and_then(|rest| rest.split_at_checked(self.wrapped_key_len))
            .expect("the constructor checked the lengths")
    }
}

impl fmt::Display for SealedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64::encode(&self.bytes))
    }
}

impl fmt::Debug for SealedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedValue")
            .field("wrapped_key_len", &self.wrapped_key_len)
            .field("len", &self.bytes.len())
            .finish()
    }
}

/// The bytes cannot be a sealed value, whatever the key.
///
/// Only lengths are looked at, so the reason tells an outsider nothing that the value does not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The length prefix is zero.
    #[error("not a sealed value: its length prefix leaves no wrapped key")]
    NoWrappedKey,
    /// Not even a length prefix.
    #[error("not a sealed value: {len} bytes are too short to hold one")]
    TooShort {
        /// Bytes present.
        len: usize,
    },
    /// The wrapped key and an authentication tag do not fit the bytes present.
    #[error(
        "sealed value is truncated: its length prefix announces a wrapped key of {wrapped_key_len} bytes \
         and at least {TAG_LEN} more must follow, but only {present} bytes follow the prefix"
    )]
    Truncated {
        /// What the prefix says.
        wrapped_key_len: usize,
        /// Bytes after the prefix.
        present: usize,
    },
}

/// The text is not a sealed value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealedValueError {
    /// It is not base64.
    #[error(transparent)]
    Base64(#[from] Base64Error),
    /// It is base64 of something else.
    #[error(transparent)]
    Format(#[from] FormatError),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_that_cannot_be_are_refused() {
        let value = |prefix: u16, rest: usize| {
            SealedValue::from_bytes([&prefix.to_be_bytes()[..], &vec![0; rest]].concat())
        };
        assert_eq!(
            SealedValue::from_bytes(vec![1]),
            Err(FormatError::TooShort { len: 1 })
        );
        assert_eq!(value(0, 300), Err(FormatError::NoWrappedKey));
        assert_eq!(
            value(256, 271),
            Err(FormatError::Truncated {
                wrapped_key_len: 256,
                present: 271
            })
        );
        assert!(value(0xffff, 271).is_err());
        let shortest = value(256, 272).unwrap();
        assert_eq!(shortest.wrapped_key().len(), 256);
        assert_eq!(shortest.ciphertext().len(), 16);
    }

    proptest! {
        #[test]
        fn writing_undoes_reading(bytes in proptest::collection::vec(any::<u8>(), 0..64), prefix in 0..40_u16) {
            let bytes = [&prefix.to_be_bytes()[..], &bytes].concat();
            if let Ok(value) = SealedValue::from_bytes(bytes.clone()) {
                prop_assert_eq!(value.as_bytes(), &bytes);
                prop_assert_eq!(&SealedValue::from_base64(&value.to_string()).unwrap(), &value);
                prop_assert_eq!(
                    SealedValue::from_parts(value.wrapped_key(), value.ciphertext()).unwrap(),
                    value
                );
            }
        }
    }
}
