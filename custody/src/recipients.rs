//! Encrypting: to public keys, or to a passphrase.

use std::io::Write as _;
use std::panic::catch_unwind;

use age::armor::{ArmoredWriter, Format};
use age::secrecy::{ExposeSecret as _, SecretString};
use age::x25519::Recipient;

/// Nothing was encrypted.
#[derive(Debug, thiserror::Error)]
pub enum EncryptError {
    /// The recipients do not go together.
    #[error("cannot encrypt to these recipients")]
    Encrypt(#[from] age::EncryptError),
    /// Writing failed, though it writes to memory.
    #[error("cannot write the age file")]
    Write(#[from] std::io::Error),
}

/// One of several recipients cannot be used. `Display` completes a sentence that begins with where it stands, and does not
/// repeat it: a private key is easily pasted instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
#[non_exhaustive]
pub struct RecipientError {
    /// Which of them.
    pub index: usize,
    /// What is wrong with it.
    pub fault: RecipientFault,
}

/// What is wrong with a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecipientFault {
    /// It is a private key.
    #[error(
        "holds an age identity, which is private: it must be the recipient, which `age-keygen -y` prints of it"
    )]
    Identity,
    /// It is none, for this reason.
    #[error("must be an age recipient, which begins with age1: {0}")]
    Malformed(&'static str),
    /// Everybody could decrypt what is encrypted to it.
    #[error("must be another recipient: nothing can be encrypted to this one")]
    Void,
}

/// Whoever can decrypt. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipients(Vec<Recipient>);

impl Recipients {
    /// Reads public keys as `age-keygen` prints them; `None` when there are none.
    ///
    /// # Errors
    ///
    /// The first that cannot be used.
    pub fn parse<T: AsRef<str>>(items: &[T]) -> Result<Option<Self>, RecipientError> {
        let parsed = items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                recipient(item.as_ref().trim()).map_err(|fault| RecipientError { index, fault })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok((!parsed.is_empty()).then_some(Self(parsed)))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The age file of a text.
    ///
    /// # Errors
    ///
    /// When it cannot be encrypted; nothing is known that makes it so.
    pub fn encrypt(&self, text: &[u8]) -> Result<String, EncryptError> {
        let recipients = self
            .0
            .iter()
            .map(|recipient| recipient as &dyn age::Recipient);
        armored(age::Encryptor::with_recipients(recipients)?, text)
    }
}

/// The base-2 logarithm of the most work that a file may ask for before the passphrase is known to be right: 1 GiB of memory and
/// a few seconds. The `age` program writes 18.
const MAX_WORK_FACTOR: u8 = 20;

/// A secret that a person remembers.
pub struct Passphrase(SecretString);

impl Passphrase {
    /// What was typed; `None` when that is nothing.
    pub fn new(text: SecretString) -> Option<Self> {
        (!text.expose_secret().is_empty()).then_some(Self(text))
    }

    /// The age file of a text. It takes about a second, so that guessing takes long.
    ///
    /// # Errors
    ///
    /// When it cannot be encrypted; nothing is known that makes it so.
    pub fn encrypt(&self, text: &[u8]) -> Result<String, EncryptError> {
        let recipient = age::scrypt::Recipient::new(self.0.clone());
        let recipients = std::iter::once(&recipient as &dyn age::Recipient);
        armored(age::Encryptor::with_recipients(recipients)?, text)
    }

    pub(crate) fn identity(&self) -> age::scrypt::Identity {
        let mut identity = age::scrypt::Identity::new(self.0.clone());
        identity.set_max_work_factor(MAX_WORK_FACTOR);
        identity
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase")
    }
}

fn armored(encryptor: age::Encryptor, text: &[u8]) -> Result<String, EncryptError> {
    let armor = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
    let mut writer = encryptor.wrap_output(armor)?;
    writer.write_all(text)?;
    let file = writer.finish()?.finish()?;
    String::from_utf8(file)
        .map_err(|_| std::io::Error::from(std::io::ErrorKind::InvalidData).into())
}

fn recipient(text: &str) -> Result<Recipient, RecipientFault> {
    if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
        return Err(RecipientFault::Identity);
    }
    let recipient: Recipient = text.parse().map_err(RecipientFault::Malformed)?;
    // age panics over the few points that would make the encryption void; better at the start than at a renewal.
    let usable = catch_unwind(|| {
        let recipients = std::iter::once(&recipient as &dyn age::Recipient);
        age::Encryptor::with_recipients(recipients).is_ok()
    });
    if usable.unwrap_or(false) {
        Ok(recipient)
    } else {
        Err(RecipientFault::Void)
    }
}

#[cfg(test)]
mod tests {
    use age::x25519::Identity;

    use super::*;

    #[test]
    fn what_is_no_recipient_is_refused_and_not_repeated() {
        let private = Identity::generate();
        let private = private.to_string().expose_secret().to_owned();
        let x25519 = Identity::generate().to_public().to_string();
        for text in [
            "age1xyz",
            // All zeros, a point of small order: whatever is encrypted to it, everybody decrypts.
            "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z",
            "ssh-ed25519 AAAA",
            &private,
            &private.to_lowercase(),
            &x25519[..50],
            "",
        ] {
            let refused = Recipients::parse(&[x25519.clone(), text.to_owned()]).unwrap_err();
            assert_eq!(refused.index, 1);
            let shown = format!("{refused} {refused:?}");
            assert!(text.is_empty() || !shown.contains(text), "{shown}");
        }
        assert_eq!(Recipients::parse::<String>(&[]), Ok(None));
    }
}
