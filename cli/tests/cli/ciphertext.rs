//! Ciphertexts in texts: they differ from run to run, so they are matched by what opens them.

use std::sync::Arc;

use jiff::Timestamp;
use sealed_crypto::{KeyOrder, Keyring, Label, PrivateKey, Scope, SealedValue, SealingKey};

/// What stands for a fresh ciphertext in an expected text.
pub(crate) const TOKEN: &str = "<CIPHERTEXT>";

/// Shorter runs of base64 are no ciphertext of a 2048-bit key.
const SHORTEST: usize = 300;

/// `text` with every ciphertext that `known` does not list replaced by [`TOKEN`].
pub(crate) fn masked(text: &str, known: &[&str]) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_base64) {
        let end = rest[start..]
            .find(|c| !is_base64(c))
            .map_or(rest.len(), |length| start + length);
        let run = &rest[start..end];
        masked.push_str(&rest[..start]);
        masked.push_str(if run.len() >= SHORTEST && !known.contains(&run) {
            TOKEN
        } else {
            run
        });
        rest = &rest[end..];
    }
    masked + rest
}

fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')
}

/// Opens a ciphertext with one key.
pub(crate) fn open(
    text: &str,
    key: &[u8],
    scope: &str,
    namespace: &str,
    name: &str,
) -> Option<Vec<u8>> {
    let scope: Scope = scope.parse().expect("a scope");
    let label = Label::for_scope(scope, namespace, name).expect("a place");
    let key = PrivateKey::from_pem(key).expect("a fixture");
    let keyring = Keyring::new([Arc::new(SealingKey::new(key, None, Timestamp::UNIX_EPOCH))]);
    let value = SealedValue::from_base64(text).ok()?;
    let opened = keyring.unseal(&label, &value, &KeyOrder::default()).ok()?;
    Some(opened.plaintext.expose().to_vec())
}
