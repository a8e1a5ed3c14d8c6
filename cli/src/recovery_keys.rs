//! The private keys of `--recovery-private-key`: PEM files, and backups of the controller's key Secrets.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use sealed_api::{Code, names};
use sealed_crypto::{Keyring, PrivateKey, PrivateKeyError, SealingKey, base64};
use sealed_manifest::Documents;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::input::read_file;
use crate::io::Talk;
use crate::name::Name;

/// Reads every key of every file. What cannot be used is told and passed over: in a disaster every key counts.
///
/// As `kubeseal` less is used, because more would open what the existing tool does not: of a PEM file the first key, and no
/// backup with an entry that is no RSA key.
pub(crate) fn load(files: &[PathBuf], name: Name, talk: &mut Talk<'_>) -> Result<Keyring, Failure> {
    let mut keys = Vec::new();
    for file in files {
        let found = read(file, name, talk)?;
        if found.is_empty() {
            talk.say(&format!(
                "warning: `{}` holds no private key that can be used",
                file.display()
            ));
        }
        keys.extend(found);
    }
    // Which key is newer does not show in a file, so the order on the command line is the order of trials.
    let keys = keys
        .into_iter()
        .map(|key| Arc::new(SealingKey::new(key, None, Timestamp::UNIX_EPOCH)));
    Ok(Keyring::new(keys))
}

fn read(file: &Path, name: Name, talk: &mut Talk<'_>) -> Result<Vec<PrivateKey>, Failure> {
    let bytes = Zeroizing::new(read_file(file)?);
    let shown = file.display().to_string();
    let labelled = count_key_blocks(&bytes);
    if labelled == 0 {
        return from_backup(&bytes, &shown, name, talk);
    }
    let read = match name {
        Name::Kubeseal => PrivateKey::from_pem(&bytes).map(|key| vec![key]),
        Name::Seal => PrivateKey::all_from_pem(&bytes),
    };
    match read {
        Ok(keys) => {
            if keys.len() < labelled {
                let unused = labelled - keys.len();
                talk.say(&format!(
                    "warning: {unused} of {labelled} private keys in `{shown}` are not used"
                ));
            }
            Ok(keys)
        }
        Err(error) => {
            talk.say(&format!("warning: `{shown}`: {error}"));
            Ok(Vec::new())
        }
    }
}

/// How many PEM blocks begin at the start of a line and call themselves a private key.
fn count_key_blocks(bytes: &[u8]) -> usize {
    bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| {
            line.starts_with(b"-----BEGIN ") && line.trim_ascii_end().ends_with(b"PRIVATE KEY-----")
        })
        .count()
}

/// Key Secrets as YAML or JSON: one, several documents, or a List.
fn from_backup(
    bytes: &[u8],
    shown: &str,
    name: Name,
    talk: &mut Talk<'_>,
) -> Result<Vec<PrivateKey>, Failure> {
    let mut keys = Vec::new();
    for document in Documents::new(bytes, shown) {
        let Ok(document) = document else {
            // Not a backup at all, or one that ends in the middle: what was found counts.
            talk.say(&format!(
                "warning: `{shown}` cannot be read to its end as YAML or JSON"
            ));
            break;
        };
        for entry in entries(document.into_value(), name) {
            match key_of(&entry) {
                Ok(found) => keys.extend(found),
                Err(failure) if name == Name::Kubeseal => return Err(failure.at(shown)),
                Err(failure) => talk.say(&format!(
                    "warning: `{shown}`: {}: {}",
                    called(&entry),
                    failure.words(name)
                )),
            }
        }
    }
    Ok(keys)
}

/// The Secrets of a List, or the one Secret. A List may lack its kind: that is how a plain dump of the API's answer looks.
fn entries(mut value: Value, name: Name) -> Vec<Value> {
    let is_object = value.is_object();
    let is_list = match value.get("kind").and_then(Value::as_str) {
        Some(names::secret::LIST_KIND) => true,
        Some(names::secret::SECRET_LIST_KIND) => name == Name::Seal,
        Some(_) => false,
        None => value.get("items").is_some(),
    };
    if is_list {
        return match value.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        };
    }
    if is_object { vec![value] } else { Vec::new() }
}

fn called(entry: &Value) -> String {
    let name = entry
        .get("metadata")
        .and_then(|metadata| metadata.get("name"))
        .and_then(Value::as_str);
    name.map_or_else(
        || "a Secret without a name".to_owned(),
        |name| format!("Secret {name}"),
    )
}

fn key_of(entry: &Value) -> Result<Vec<PrivateKey>, Failure> {
    let field = names::key_secret::PRIVATE_KEY;
    let Some(text) = entry
        .get("data")
        .and_then(|data| data.get(field))
        .and_then(Value::as_str)
    else {
        return Err(
            Failure::new(Code::BadKey, format!("it has no `{field}` in its data"))
                .kubeseal("secret must contain a 'tls.data' key"),
        );
    };
    let pem = base64::decode(text.as_bytes())
        .map(Zeroizing::new)
        .map_err(|error| {
            Failure::new(Code::BadKey, format!("`{field}`: {error}")).kubeseal(error.to_string())
        })?;
    let unusable = |error: PrivateKeyError| {
        let failure = Failure::new(Code::BadKey, format!("`{field}`: {error}"));
        match error {
            PrivateKeyError::NotRsa => {
                failure.kubeseal("unexpected private key type: it is not an RSA key")
            }
            error => failure.kubeseal(error.to_string()),
        }
    };
    PrivateKey::all_from_pem(&pem).map_err(unusable)
}
