//! `DIR/secrets`: the Secrets, with the manners of an API server where decisions depend on them.
//!
//! A write names the version it replaces and is refused when the file is another one by now; what a
//! cluster would refuse is refused here too, so that a drill without a cluster says the same.

use std::io;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealed_api::{Origin, decode_secret, names};
use sealed_crypto::base64;
use sealed_manifest::{Documents, to_yaml};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::directory::Directory;
use super::identity::secret_uid;
use super::object_files::ObjectFiles;
use crate::error_text::error_text;
use crate::object_key::ObjectKey;
use crate::outcome::ApiFailure;
use crate::plan::Write;

/// The largest sum of values a cluster takes.
const MAX_DATA: usize = 1024 * 1024;

/// The longest key of a value.
const MAX_KEY: usize = 253;

/// The status codes of an API server that decide what a failure leads to.
const CONFLICT: u16 = 409;
const FORBIDDEN: u16 = 403;
const INVALID: u16 = 422;

/// The directory of Secrets.
#[derive(Debug)]
pub(super) struct Targets {
    files: ObjectFiles,
}

impl Targets {
    pub(super) fn new(directory: Directory) -> Self {
        Self {
            files: ObjectFiles::new(directory),
        }
    }

    /// The files themselves.
    pub(super) fn files(&self) -> &ObjectFiles {
        &self.files
    }

    /// The Secret of an object, if there is one.
    pub(super) fn read(&self, key: &ObjectKey) -> Result<Option<Secret>, ApiFailure> {
        let content = self
            .files
            .read(key)
            .map_err(|error| self.io_failure("read", key, &error))?;
        let Some(content) = content.map(Zeroizing::new) else {
            return Ok(None);
        };
        let mut secret = parse(key, &content).map_err(|reason| ApiFailure {
            status: Some(INVALID),
            message: format!("cannot use `{}`: {reason}", self.files.path(key)),
        })?;
        identify(&mut secret.metadata, key, &content);
        Ok(Some(secret))
    }

    /// Does what was planned; the Secret as it then stands.
    pub(super) fn write(
        &self,
        key: &ObjectKey,
        write: &Write,
    ) -> Result<Option<Secret>, ApiFailure> {
        let secret = match write {
            Write::Nothing => return Ok(None),
            Write::Create(secret) | Write::Replace(secret) => secret,
        };
        admit(secret)?;
        let there = self.read(key)?;
        let there = there
            .as_ref()
            .and_then(|there| there.metadata.resource_version.as_deref());
        let expected = match write {
            Write::Replace(secret) => secret.metadata.resource_version.as_deref(),
            Write::Nothing | Write::Create(_) => None,
        };
        if there != expected {
            return Err(ApiFailure {
                status: Some(CONFLICT),
                message: format!("`{}` has changed", self.files.path(key)),
            });
        }
        let mut stored = Secret::clone(secret);
        // What the file says is what was wanted; versions and the like follow from the file.
        stored.metadata.uid = None;
        stored.metadata.resource_version = None;
        let text = Zeroizing::new(to_yaml(&stored));
        self.files
            .write(key, text.as_bytes())
            .map_err(|error| self.io_failure("write", key, &error))?;
        identify(&mut stored.metadata, key, text.as_bytes());
        Ok(Some(stored))
    }

    fn io_failure(&self, verb: &str, key: &ObjectKey, error: &io::Error) -> ApiFailure {
        // Time does not make a name shorter or give a right; a full disk may be emptied.
        let lasting = matches!(
            error.kind(),
            io::ErrorKind::PermissionDenied
                | io::ErrorKind::ReadOnlyFilesystem
                | io::ErrorKind::InvalidInput
                | io::ErrorKind::InvalidFilename
                | io::ErrorKind::FileTooLarge
        );
        ApiFailure {
            status: lasting.then_some(FORBIDDEN),
            message: format!("cannot {verb} `{}`: {error}", self.files.path(key)),
        }
    }
}

fn parse(key: &ObjectKey, content: &[u8]) -> Result<Secret, String> {
    let mut documents = Documents::new(content, "");
    let document = match documents.next() {
        None => return Err("it is empty".to_owned()),
        Some(Err(error)) => {
            return Err(format!(
                "line {}: {}",
                error.line(),
                error_text(error.kind())
            ));
        }
        Some(Ok(document)) => document,
    };
    if documents.next().is_some() {
        return Err("it holds more than one document".to_owned());
    }
    let value = document.into_value();
    if value.get("kind").and_then(|kind| kind.as_str()) != Some(names::secret::KIND) {
        return Err("it is no Secret".to_owned());
    }
    let secret = decode_secret(value, Origin::Yaml)
        .map_err(|error| format!("{}: {}", error.field(), error.reason()))?;
    let found = |name: &Option<String>, wanted: &str| name.as_deref() == Some(wanted);
    if !found(&secret.metadata.name, &key.name)
        || !found(&secret.metadata.namespace, &key.namespace)
    {
        return Err("its name or namespace is another one than its path says".to_owned());
    }
    Ok(secret)
}

/// What an API server would add: an identity, and a version that changes with the content.
fn identify(metadata: &mut ObjectMeta, key: &ObjectKey, content: &[u8]) {
    metadata.uid = Some(secret_uid(key));
    metadata.resource_version = Some(base64::encode(&Sha256::digest(content)));
}

/// What a cluster would not take.
fn admit(secret: &Secret) -> Result<(), ApiFailure> {
    let name = secret.metadata.name.as_deref().unwrap_or_default();
    let invalid = |reason: String| ApiFailure {
        status: Some(INVALID),
        message: format!("Secret \"{name}\" is invalid: {reason}"),
    };
    let data = || secret.data.iter().flatten();
    if let Some((key, _)) = data().find(|(key, _)| !is_data_key(key)) {
        return Err(invalid(format!(
            "data: the key {} may only have letters, digits, `-`, `_` and `.`, at most {MAX_KEY} of them",
            sealed_pflag::quote(key)
        )));
    }
    let size: usize = data().map(|(_, value)| value.0.len()).sum();
    if size > MAX_DATA {
        return Err(invalid(format!(
            "data: {size} bytes are more than the {MAX_DATA} a cluster takes"
        )));
    }
    Ok(())
}

fn is_data_key(key: &str) -> bool {
    let may = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=MAX_KEY).contains(&key.len())
        && key.bytes().all(may)
        && key != "."
        && !key.starts_with("..")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use k8s_openapi::ByteString;

    use super::*;

    fn targets() -> (tempfile::TempDir, Targets) {
        let top = tempfile::tempdir().unwrap();
        let targets = Targets::new(Directory::open_root(top.path()).unwrap());
        (top, targets)
    }

    fn key() -> ObjectKey {
        ObjectKey::new("web", "db")
    }

    fn secret(data: &[(&str, &str)]) -> Box<Secret> {
        let data = data
            .iter()
            .map(|(key, value)| ((*key).to_owned(), ByteString((*value).into())));
        Box::new(Secret {
            metadata: ObjectMeta {
                name: Some("db".to_owned()),
                namespace: Some("web".to_owned()),
                ..ObjectMeta::default()
            },
            data: Some(data.collect::<BTreeMap<_, _>>()),
            ..Secret::default()
        })
    }

    #[test]
    fn what_is_written_is_read_back_and_changes_its_version() {
        let (_top, targets) = targets();
        assert_eq!(targets.read(&key()).unwrap(), None);
        let created = targets
            .write(&key(), &Write::Create(secret(&[("a", "1")])))
            .unwrap()
            .unwrap();
        assert_eq!(targets.read(&key()).unwrap().as_ref(), Some(&created));
        let mut next = created.clone();
        next.data = secret(&[("a", "2")]).data;
        let replaced = targets
            .write(&key(), &Write::Replace(Box::new(next)))
            .unwrap()
            .unwrap();
        assert_eq!(replaced.metadata.uid, created.metadata.uid);
        assert_ne!(
            replaced.metadata.resource_version,
            created.metadata.resource_version
        );
        assert_eq!(targets.read(&key()).unwrap(), Some(replaced));
    }

    #[test]
    fn a_write_over_something_else_is_a_conflict() {
        let (_top, targets) = targets();
        let created = targets
            .write(&key(), &Write::Create(secret(&[])))
            .unwrap()
            .unwrap();
        assert!(
            targets
                .write(&key(), &Write::Create(secret(&[])))
                .unwrap_err()
                .is_conflict()
        );
        targets
            .files()
            .write(
                &key(),
                b"kind: Secret\napiVersion: v1\nmetadata: {name: db, namespace: web}\n",
            )
            .unwrap();
        assert!(
            targets
                .write(&key(), &Write::Replace(Box::new(created)))
                .unwrap_err()
                .is_conflict()
        );
    }

    #[test]
    fn a_file_that_is_not_this_secret_is_left_alone() {
        let (_top, targets) = targets();
        for (text, reason) in [
            ("", "it is empty"),
            ("a: [hunter2", "line 1: "),
            ("kind: ConfigMap\n", "it is no Secret"),
            (
                "kind: Secret\n---\nkind: Secret\n",
                "more than one document",
            ),
            (
                "kind: Secret\nmetadata: {name: other, namespace: web}\n",
                "another one than its path",
            ),
            ("kind: Secret\ndata: {a: '!hunter2'}\n", "data"),
        ] {
            targets.files().write(&key(), text.as_bytes()).unwrap();
            let message = targets.read(&key()).unwrap_err().message;
            assert!(
                message.contains("/web/db.yaml`: ") && message.contains(reason),
                "{message}"
            );
            assert!(!message.contains("hunter2"), "{message}");
            assert!(
                targets.write(&key(), &Write::Create(secret(&[]))).is_err(),
                "{text}"
            );
            assert_eq!(
                targets.files().read(&key()).unwrap().unwrap(),
                text.as_bytes()
            );
        }
    }

    #[test]
    fn what_a_cluster_refuses_is_refused() {
        let (_top, targets) = targets();
        let large = "x".repeat(MAX_DATA + 1);
        for data in [
            ("", "x"),
            ("a b", "x"),
            ("a/b", "x"),
            ("..", "x"),
            ("é", "x"),
            ("ok", large.as_str()),
        ] {
            let failure = targets
                .write(&key(), &Write::Create(secret(&[data])))
                .unwrap_err();
            assert_eq!(failure.status, Some(INVALID), "{}", data.0);
            assert!(
                failure
                    .message
                    .starts_with("Secret \"db\" is invalid: data: "),
                "{failure:?}"
            );
        }
        assert_eq!(targets.read(&key()).unwrap(), None);
    }
}
