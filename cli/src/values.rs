//! The values that a person gives one by one, to be sealed without a Secret written down first: where they come from, and what
//! they are called.

mod env_file;
mod generate;
mod sources;
mod ssh_key;
mod tls_pair;

use std::collections::BTreeMap;

use sealed_api::Code;
use zeroize::Zeroizing;

pub(crate) use self::generate::{HELP as GENERATE_HELP, Recipe};
pub(crate) use self::sources::{Source, Supply};
pub(crate) use self::tls_pair::check_pair;

use crate::failure::Failure;
use crate::object_name;

/// One value. Overwritten when it is dropped.
pub(crate) type Plaintext = Zeroizing<Vec<u8>>;

/// Values by the keys that they have in the Secret.
#[derive(Default)]
pub(crate) struct Items(BTreeMap<String, Plaintext>);

impl Items {
    /// Adds a value under a key that is not taken.
    pub(crate) fn add(&mut self, key: &str, value: Plaintext) -> Result<(), Failure> {
        object_name::check_data_key(key)?;
        match self.0.insert(key.to_owned(), value) {
            None => Ok(()),
            Some(_) => {
                Err(Failure::usage(format!("two values for `{key}`")).hint("leave out one of them"))
            }
        }
    }

    /// The value of a key.
    pub(crate) fn value(&self, key: &str) -> Option<&[u8]> {
        self.0.get(key).map(|value| value.as_slice())
    }

    /// Takes a value out.
    pub(crate) fn take(&mut self, key: &str) -> Option<Plaintext> {
        self.0.remove(key)
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keys and values, sorted by key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let all = self.0.iter();
        all.map(|(key, value)| (key.as_str(), value.as_slice()))
    }
}

/// The two halves of `KEY=REST`. Without the text itself in the message: it may be a value.
pub(crate) fn pair<'a>(
    given: &'a str,
    flag: &str,
    form: &str,
) -> Result<(&'a str, &'a str), Failure> {
    match given.split_once('=') {
        Some((key, rest)) if !key.is_empty() => Ok((key, rest)),
        _ => Err(Failure::usage(format!("{flag} takes {form}"))),
    }
}

/// A text that has to be UTF-8 and is not.
fn not_text(shown: &str, line: usize) -> Failure {
    Failure::new(
        Code::MalformedInput,
        format!("{shown}: line {line} is not UTF-8 text"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Name;

    #[test]
    fn a_key_is_taken_once_and_must_be_one() {
        let mut items = Items::default();
        let mut told = |key: &str| {
            let added = items.add(key, Plaintext::default());
            added.err().map(|failure| failure.text(Name::Seal))
        };
        assert_eq!(told("tls.key"), None);
        assert!(told("tls.key").is_some_and(|text| text.contains("two values for `tls.key`")));
        for key in ["", ".", "..", "..a", "a b", "a/b", "é", &"a".repeat(254)] {
            assert!(
                told(key).is_some_and(|text| text.starts_with("error[bad-name]")),
                "{key}"
            );
        }
    }
}
