//! Files of tests/vectors.

use std::path::PathBuf;
use std::sync::Arc;

use sealed_crypto::{Certificate, Keyring, PrivateKey, SealingKey};
use sealed_manifest::{Document, Documents};
use serde::de::DeserializeOwned;
use serde_json::Value;

fn path(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "tests", "vectors", file]
        .iter()
        .collect()
}

pub(super) fn read(file: &str) -> Vec<u8> {
    std::fs::read(path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

pub(super) fn index<T: DeserializeOwned>(file: &str, list: &str) -> Vec<T> {
    let mut index: Value = serde_json::from_slice(&read(file)).unwrap();
    let entries: Vec<T> = serde_json::from_value(index[list].take()).unwrap();
    assert!(!entries.is_empty(), "{file} lists nothing");
    entries
}

pub(super) fn keyring<'a>(files: impl IntoIterator<Item = &'a String>) -> Keyring {
    Keyring::new(files.into_iter().map(|file| {
        let key = PrivateKey::from_pem(&read(file)).unwrap();
        Arc::new(SealingKey::new(key, None, jiff::Timestamp::UNIX_EPOCH))
    }))
}

/// The certificate, if the file exists and holds a usable one.
pub(super) fn certificate(file: &str) -> Option<Certificate> {
    let text = std::fs::read(path(file)).ok()?;
    Certificate::from_pem(&text).ok()
}

pub(super) fn documents(text: &[u8]) -> Result<Vec<Document>, String> {
    Documents::new(text, "vector")
        .map(|document| document.map_err(|error| error.to_string()))
        .collect()
}

/// Objects as JSON, so that an empty value and an absent one are written in one way only.
pub(super) fn canonical(mut secret: Value) -> Value {
    let empty =
        |value: &Value| value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
    if let Some(data) = secret.get_mut("data").and_then(Value::as_object_mut) {
        data.values_mut()
            .filter(|value| value.is_null())
            .for_each(|value| *value = Value::String(String::new()));
    }
    if let Some(object) = secret.as_object_mut() {
        object.retain(|_, value| !empty(value));
    }
    if let Some(metadata) = secret.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|_, value| !empty(value));
    }
    secret
}
