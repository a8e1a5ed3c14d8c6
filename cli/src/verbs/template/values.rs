//! The values that templates get: given on the command line, opened, or made up.

use std::path::PathBuf;

use sealed_api::{SealedItems, SealedSecret, UnsealFailure, Values};
use sealed_crypto::{KeyOrder, Keyring};

use crate::failure::Failure;
use crate::faults;
use crate::io::Talk;
use crate::name::Name;
use crate::prompt::Terminal;
use crate::recovery_keys;
use crate::sealed_input::Found;
use crate::suggest;
use crate::unlock::{Unlock, UnlockArguments};

/// Where the values come from that the command line does not give.
pub(super) struct Opener {
    /// Empty if no keys were asked for: then values are made up.
    keyring: Keyring,
}

/// The values of one object.
pub(super) struct Gathered {
    /// All of them.
    pub(super) values: Values,
    /// The keys of those that are made up.
    pub(super) made_up: Vec<String>,
}

impl Opener {
    /// Reads the files with private keys. That keys were asked for and none can be used is an error: made-up
    /// values would pass for the sealed ones.
    pub(super) fn load(
        files: &[PathBuf],
        unlock: &UnlockArguments,
        terminal: Terminal,
        talk: &mut Talk<'_>,
    ) -> Result<Self, Failure> {
        let mut unlock = Unlock::load(unlock, terminal)?;
        let keyring = recovery_keys::load(files, Name::Seal, &mut unlock, talk)?;
        if keyring.is_empty() && !files.is_empty() {
            return Err(faults::no_key());
        }
        Ok(Self { keyring })
    }

    /// The keys that open values; none where those are made up.
    pub(super) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// A value for every item of `object`.
    pub(super) fn values(
        &self,
        object: &SealedSecret,
        given: &Values,
    ) -> Result<Gathered, UnsealFailure> {
        let mut gathered = Gathered {
            values: Values::new(),
            made_up: Vec::new(),
        };
        let mut order = KeyOrder::default();
        let mut unopened = Vec::new();
        for item in SealedItems::of(object, false)?.items {
            let Some(key) = item.key().map(str::to_owned) else {
                continue;
            };
            if let Some(value) = given.get(&key) {
                gathered.values.insert(key, value.clone());
                continue;
            }
            if self.keyring.is_empty() {
                let value = made_up(&key).into_bytes();
                gathered.values.insert(key.clone(), value.into());
                gathered.made_up.push(key);
                continue;
            }
            let opened = item.open(&self.keyring, &order);
            opened.opened_with().inspect(|key| order.prefer(*key));
            match opened.plaintext() {
                Some(plaintext) => {
                    gathered.values.insert(key, plaintext.to_vec().into());
                }
                None => unopened.push(opened),
            }
        }
        if unopened.is_empty() {
            Ok(gathered)
        } else {
            Err(UnsealFailure::of_items(unopened))
        }
    }
}

/// The name of an item as a value that shows where it ends up, and that escaping for URLs, JSON or a shell leaves as
/// it is: `tls.key` is `TLS_KEY`.
fn made_up(key: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    key.chars().map(plain).collect()
}

/// A value for an item that none of the objects has is a misspelt name.
pub(super) fn refuse_unknown(given: &Values, found: &[Found], origin: &str) -> Result<(), Failure> {
    let items = || {
        let all = found.iter().map(|one| &one.sealed.spec.encrypted_data);
        all.flat_map(|items| items.keys().map(String::as_str))
    };
    let is_unknown = |key: &&String| !items().any(|item| item == key.as_str());
    let Some(key) = given.keys().find(is_unknown) else {
        return Ok(());
    };
    let failure = Failure::usage(format!(
        "{origin}: a value for `{key}`, which is no sealed item"
    ));
    if let Some(meant) = suggest::nearest(key, items()) {
        return Err(failure.hint(format!("did you mean `{meant}`?")));
    }
    let mut names: Vec<String> = items().map(|item| format!("`{item}`")).collect();
    names.sort();
    names.dedup();
    Err(if names.is_empty() {
        failure.hint("it has no sealed items")
    } else {
        failure.hint(format!("the sealed items are {}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_up_needs_no_escaping() {
        assert_eq!(made_up("password"), "PASSWORD");
        assert_eq!(made_up("tls.key"), "TLS_KEY");
        assert_eq!(made_up("db-user2"), "DB_USER2");
    }
}
