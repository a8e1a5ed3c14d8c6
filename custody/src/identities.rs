//! Decrypting: with identities, or with a passphrase.

use std::io::{BufReader, Read as _};

use age::armor::ArmoredReader;
use age::{DecryptError, Decryptor, IdentityFile};
use zeroize::Zeroizing;

use crate::Passphrase;

const ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
const BINARY: &[u8] = b"age-encryption.org/v1\n";

/// What an age file asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// One of the identities it was encrypted to.
    Identity,
    /// The passphrase.
    Passphrase,
}

/// Why an age file did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is cut off, changed, or was never whole.
    #[error("the age file is damaged")]
    Damaged(#[source] DecryptError),
    /// Its passphrase would take this machine much longer than a passphrase should.
    #[error("the age file asks for too much work: it was not made by a program that means well")]
    ExcessiveWork,
    /// It was encrypted to others.
    #[error("none of the identities opens it")]
    NoMatch,
    /// The passphrase is another.
    #[error("the passphrase does not open it")]
    WrongPassphrase,
}

/// These are no identities.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Nothing but comments.
    #[error("holds no identity: one begins with AGE-SECRET-KEY-1")]
    Empty,
    /// A line that is none.
    #[error("line {line} is no identity that can be used: one begins with AGE-SECRET-KEY-1")]
    Line {
        /// Its number, from 1.
        line: usize,
    },
}

/// The private keys of recipients.
#[derive(Default)]
pub struct Identities(Vec<Box<dyn age::Identity + Send + Sync>>);

impl Identities {
    /// Adds those of a file as `age-keygen` writes it: one a line, and comments.
    ///
    /// # Errors
    ///
    /// A line that is no identity, or none at all. The line is not repeated.
    pub fn add(&mut self, text: &[u8]) -> Result<(), IdentityError> {
        let mut found = Vec::new();
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let unusable = || IdentityError::Line {
                line: index.saturating_add(1),
            };
            let file = IdentityFile::from_buffer(line).map_err(|_| unusable())?;
            found.extend(file.into_identities().map_err(|_| unusable())?);
        }
        if found.is_empty() {
            return Err(IdentityError::Empty);
        }
        self.0.extend(found);
        Ok(())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is in an age file.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn decrypt(&self, file: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        decrypt(
            file,
            self.0.iter().map(|one| one.as_ref() as &dyn age::Identity),
        )
    }
}

impl Passphrase {
    /// What is in an age file.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn decrypt(&self, file: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let identity = self.identity();
        let file = decrypt(file, std::iter::once(&identity as &dyn age::Identity));
        file.map_err(|error| match error {
            OpenError::NoMatch
            | OpenError::Damaged(
                DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed,
            ) => OpenError::WrongPassphrase,
            error => error,
        })
    }
}

/// What a file asks for, if it is an age file.
pub fn protection(file: &[u8]) -> Option<Protection> {
    let file = file.trim_ascii_start();
    if !file.starts_with(ARMOR) && !file.starts_with(BINARY) {
        return None;
    }
    let is_scrypt = Decryptor::new_buffered(BufReader::new(ArmoredReader::new(file)))
        .is_ok_and(|decryptor| decryptor.is_scrypt());
    Some(if is_scrypt {
        Protection::Passphrase
    } else {
        Protection::Identity
    })
}

fn decrypt<'i>(
    file: &[u8],
    identities: impl Iterator<Item = &'i dyn age::Identity>,
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let armor = BufReader::new(ArmoredReader::new(file.trim_ascii_start()));
    let decryptor = Decryptor::new_buffered(armor).map_err(OpenError::of)?;
    let mut reader = decryptor.decrypt(identities).map_err(OpenError::of)?;
    // The plaintext is shorter than the file, so the vector never moves and leaves no copy behind.
    let mut text = Zeroizing::new(Vec::with_capacity(file.len()));
    reader
        .read_to_end(&mut text)
        .map_err(|error| OpenError::Damaged(DecryptError::Io(error)))?;
    Ok(text)
}

impl OpenError {
    fn of(error: DecryptError) -> Self {
        match error {
            DecryptError::NoMatchingKeys => Self::NoMatch,
            DecryptError::ExcessiveWork { .. } => Self::ExcessiveWork,
            error => Self::Damaged(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use age::secrecy::{ExposeSecret as _, SecretString};
    use age::x25519::Identity;

    use super::*;
    use crate::Recipients;

    fn identities(of: &Identity) -> Identities {
        let mut identities = Identities::default();
        let text = format!("# made today\r\n{}\r\n", of.to_string().expose_secret());
        identities.add(text.as_bytes()).unwrap();
        identities
    }

    #[test]
    fn each_recipient_and_nobody_else_decrypts() {
        let [a, b, stranger] = [(); 3].map(|()| Identity::generate());
        let recipients = [&a, &b].map(|identity| identity.to_public().to_string());
        let file = Recipients::parse(&recipients)
            .unwrap()
            .unwrap()
            .encrypt(b"hunter2")
            .unwrap();
        assert!(file.as_bytes().starts_with(ARMOR), "{file}");
        assert_eq!(protection(file.as_bytes()), Some(Protection::Identity));
        for identity in [&a, &b] {
            let text = identities(identity).decrypt(file.as_bytes()).unwrap();
            assert_eq!(text.as_slice(), b"hunter2");
        }
        let refused = identities(&stranger).decrypt(file.as_bytes());
        assert!(matches!(refused, Err(OpenError::NoMatch)));
        let cut = identities(&a).decrypt(&file.as_bytes()[..file.len() / 2]);
        assert!(matches!(cut, Err(OpenError::Damaged(_))), "{cut:?}");
    }

    #[test]
    fn the_passphrase_and_no_other_decrypts() {
        let passphrase = |text: &str| Passphrase::new(SecretString::from(text)).unwrap();
        let file = passphrase("correct horse").encrypt(b"hunter2").unwrap();
        assert_eq!(protection(file.as_bytes()), Some(Protection::Passphrase));
        let text = passphrase("correct horse")
            .decrypt(file.as_bytes())
            .unwrap();
        assert_eq!(text.as_slice(), b"hunter2");
        let refused = passphrase("battery staple").decrypt(file.as_bytes());
        assert!(matches!(refused, Err(OpenError::WrongPassphrase)));
        assert!(Passphrase::new(SecretString::from("")).is_none());
    }

    #[test]
    fn the_work_that_a_file_asks_for_has_an_end() {
        let passphrase = Passphrase::new(SecretString::from("correct horse")).unwrap();
        let mut recipient = age::scrypt::Recipient::new(SecretString::from("correct horse"));
        recipient.set_work_factor(10);
        let file = age::encrypt(&recipient, b"hunter2").unwrap();
        assert_eq!(passphrase.decrypt(&file).unwrap().as_slice(), b"hunter2");
        // The factor stands in the first line, and what it costs is paid before anything is checked.
        let line = file.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let end = line + file[line..].iter().position(|byte| *byte == b'\n').unwrap();
        let stanza = std::str::from_utf8(&file[line..end]).unwrap();
        let greedy = stanza.replace(" 10", " 21");
        assert_ne!(greedy, stanza);
        let greedy = [&file[..line], greedy.as_bytes(), &file[end..]].concat();
        let refused = passphrase.decrypt(&greedy);
        assert!(
            matches!(refused, Err(OpenError::ExcessiveWork)),
            "{refused:?}"
        );
    }

    #[test]
    fn what_is_no_identity_is_told_by_its_line_alone() {
        let mut identities = Identities::default();
        let refused = identities.add(b"# none\n\nhunter2\n").unwrap_err();
        assert_eq!(refused, IdentityError::Line { line: 3 });
        assert_eq!(identities.add(b"# none\n"), Err(IdentityError::Empty));
        assert!(identities.is_empty());
        assert_eq!(protection(b"-----BEGIN RSA PRIVATE KEY-----"), None);
    }
}
