//! Every recorded value opens, or fails, as it did in upstream.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failing helper of a test fails the test"
)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::{is_lenient, list, read, read_json, text};
use jiff::Timestamp;
use sealed_crypto::{
    KeyOrder, Keyring, Label, PrivateKey, PrivateKeyError, SealedValue, SealedValueError,
    SealingKey, base64,
};
use serde_json::Value;

/// The key of a vector file. `None` for one refused as too small, which every vector that names it
/// allows.
fn load_key(file: &str) -> Option<Arc<SealingKey>> {
    match PrivateKey::from_pem(&read(file)) {
        Ok(key) => Some(Arc::new(SealingKey::new(key, None, Timestamp::UNIX_EPOCH))),
        Err(PrivateKeyError::TooSmall { .. }) => None,
        Err(error) => panic!("{file}: {error}"),
    }
}

/// What our reading of a value gives, in the words of the vectors.
fn unseal(case: &Value, keyring: &Keyring) -> Result<Vec<u8>, String> {
    let scope = text(case, "scope").parse().expect("a scope");
    let label = Label::for_scope(scope, text(case, "namespace"), text(case, "name"))
        .map_err(|_| "no key could decrypt secret".to_owned())?;
    let value = SealedValue::from_base64(text(case, "sealed")).map_err(|error| match error {
        SealedValueError::Base64(error) => error.to_string(),
        _ => "no key could decrypt secret".to_owned(),
    })?;
    keyring
        .unseal(&label, &value, &KeyOrder::default())
        .map(|opened| opened.plaintext.expose().to_vec())
        .map_err(|error| error.to_string())
}

fn run(file: &str) -> usize {
    let vectors = read_json(file);
    let mut keys: BTreeMap<String, Option<Arc<SealingKey>>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in list(&vectors, "values") {
        let also = list(case, "also_keys")
            .iter()
            .map(|key| key.as_str().unwrap());
        let held = std::iter::once(text(case, "key"))
            .chain(also)
            .filter_map(|file| {
                let key = keys
                    .entry(file.to_owned())
                    .or_insert_with(|| load_key(file));
                key.clone()
            });
        let got = unseal(case, &Keyring::new(held));
        let as_recorded = match text(case, "expect") {
            "ok" => {
                let recorded = base64::decode(text(case, "plaintext_b64").as_bytes()).unwrap();
                match &got {
                    Ok(plaintext) => *plaintext == recorded,
                    Err(_) => is_lenient(case),
                }
            }
            "error" => got.as_ref().err().map(String::as_str) == Some(text(case, "error")),
            other => panic!("unknown verdict {other}"),
        };
        if !as_recorded {
            wrong.push(format!(
                "{} ({}): {got:?}",
                text(case, "id"),
                text(case, "why")
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    list(&vectors, "values").len()
}

#[test]
fn recorded_values_open_or_fail_as_recorded() {
    assert!(run("values.json") > 300);
}

#[test]
fn a_large_value_opens() {
    assert_eq!(run("values_large.json"), 1);
}

/// Not required of a replacement, but what this crate promises.
#[test]
fn lenient_values_open_where_only_the_encoding_is_odd() {
    let vectors = read_json("values.json");
    for case in list(&vectors, "values") {
        let group = text(case, "group");
        if is_lenient(case) && ["session_key", "length_prefix"].contains(&group) {
            let key = load_key(text(case, "key"));
            let got = unseal(case, &Keyring::new(key));
            assert!(got.is_ok(), "{}: {got:?}", text(case, "id"));
        }
    }
}
