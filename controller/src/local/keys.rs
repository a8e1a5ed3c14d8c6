//! `DIR/keys`: the sealing keys as files, in the shape of a cluster's key Secrets.
//!
//! A file from `kubectl get secret -o yaml` can be dropped in, and a file from here can be applied to a cluster.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use sealed_api::names::{install, secret};
use sealed_api::{Origin, decode_secret};
use sealed_crypto::{Fingerprint, KeyEncodingError, Keyring, SealingKey};
use sealed_manifest::to_yaml;
use zeroize::Zeroizing;

use super::directory::Directory;
use super::manifests::{Files, Manifest};
use crate::config::{KeyConfig, KeyOrderPriority};
use crate::error_text::error_text;
use crate::key_secret::{self, is_in_use, name_after};
use crate::new_key::{self, NewKeyError};
use sealed_api::wipe;

/// The namespace that key files name: where a cluster keeps its keys unless told otherwise.
pub(super) const NAMESPACE: &str = install::NAMESPACE;

/// How many names are tried for a new file.
const ATTEMPTS: u32 = 5;

/// Why there is no new key.
#[derive(Debug, thiserror::Error)]
pub(super) enum MakeError {
    #[error(transparent)]
    Encode(#[from] KeyEncodingError),
    #[error("cannot write the new sealing key to `{file}`")]
    Io {
        file: String,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Make(#[from] NewKeyError),
    #[error("cannot find a free name for the new sealing key")]
    NamesTaken,
}

/// One key Secret of a file. Only the key itself is kept, in the one form that is made for keeping it.
struct KeyFile {
    place: String,
    /// What makes it the same key for everybody ([`key_secret::identity`]), if it is a Secret.
    identity: Option<String>,
    content: Content,
}

/// What a key Secret is good for.
enum Content {
    /// For nothing.
    Broken(String),
    /// For opening values, and for sealing if there is no `fault`.
    Key {
        name: String,
        key: Arc<SealingKey>,
        fault: Option<String>,
    },
    /// Retired by its label: no key, and no fault either.
    Retired,
}

/// What the directory holds at the moment.
pub(super) struct Loaded {
    /// The keys that can be used.
    pub(super) keyring: Keyring,
    /// How many key Secrets are meant to be used, readable or not.
    pub(super) secrets: usize,
    /// How many of them hold no usable key.
    pub(super) unusable: usize,
}

/// Something to say about a key Secret, once for as long as it holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Report {
    Broken {
        secret: String,
        error: String,
    },
    NotOffered {
        secret: String,
        error: String,
    },
    Registered {
        secretname: String,
        fingerprint: Fingerprint,
    },
}

/// The directory of keys.
pub(super) struct Keys {
    directory: Directory,
    config: KeyConfig,
    files: Files<KeyFile>,
    told: BTreeSet<Report>,
}

impl Keys {
    pub(super) fn new(directory: Directory, config: KeyConfig) -> Self {
        let (prefix, order) = (config.prefix.clone(), config.order);
        Self {
            directory,
            config,
            files: Files::new(move |manifest| Some(read(manifest, &prefix, order))),
            told: BTreeSet::new(),
        }
    }

    /// Reads the directory. What is new, gone or broken is logged; what is broken is skipped.
    pub(super) fn load(&mut self) -> Loaded {
        let mut keys: Vec<Arc<SealingKey>> = Vec::new();
        let mut reports = BTreeSet::new();
        let mut secrets = 0;
        let files = self.files.scan(&self.directory);
        for item in files.iter().flat_map(|file| file.iter()) {
            let (place, content) = match item {
                Ok(file) => (file.place.clone(), &file.content),
                Err(error) => (String::new(), &Content::Broken(error.to_string())),
            };
            match content {
                Content::Retired => continue,
                Content::Broken(error) => {
                    reports.insert(Report::Broken {
                        secret: place,
                        error: error.clone(),
                    });
                }
                Content::Key { name, key, fault } => {
                    keys.push(Arc::clone(key));
                    reports.insert(Report::Registered {
                        secretname: name.clone(),
                        fingerprint: key.fingerprint(),
                    });
                    reports.extend(fault.clone().map(|error| Report::NotOffered {
                        secret: place,
                        error,
                    }));
                }
            }
            secrets += 1;
        }
        self.tell(reports);
        Loaded {
            secrets,
            unusable: secrets - keys.len(),
            keyring: Keyring::new(keys),
        }
    }

    fn tell(&mut self, reports: BTreeSet<Report>) {
        for report in reports.difference(&self.told) {
            match report {
                Report::Broken { secret, error } => {
                    tracing::error!(secret, error, "Error reading key");
                }
                Report::NotOffered { secret, error } => tracing::warn!(
                    secret,
                    error,
                    "the key opens values, but its certificate is not offered for sealing"
                ),
                Report::Registered {
                    secretname,
                    fingerprint,
                } => {
                    tracing::info!(secretname, %fingerprint, "registered private key");
                }
            }
        }
        for report in self.told.difference(&reports) {
            if let Report::Registered {
                secretname,
                fingerprint,
            } = report
            {
                tracing::warn!(secretname, %fingerprint, "dropped private key");
            }
        }
        self.told = reports;
    }

    /// Makes a key and writes its file. Slow: not for a thread of the async runtime.
    pub(super) fn make(&mut self, now: Timestamp) -> Result<(), MakeError> {
        let (key, certificate) = new_key::generate(&self.config, now)?;
        for attempt in 0..ATTEMPTS {
            let name = self.next_name(attempt);
            let file = OsString::from(format!("{name}.yaml"));
            let io_error = |source| MakeError::Io {
                file: self.directory.path().join(&file).display().to_string(),
                source,
            };
            if self.directory.kind(&file).map_err(io_error)?.is_some() {
                continue;
            }
            let mut secret =
                key_secret::secret(NAMESPACE, name.clone(), &self.config, &key, &certificate)?;
            secret.metadata.creation_timestamp = Some(Time(now));
            let text = Zeroizing::new(to_yaml(&secret));
            wipe(&mut secret);
            self.directory
                .replace(&file, text.as_bytes())
                .map_err(io_error)?;
            tracing::info!(namespace = NAMESPACE, name, "New key written");
            tracing::info!(certificate = certificate.to_pem(), "Certificate generated");
            return Ok(());
        }
        Err(MakeError::NamesTaken)
    }

    fn next_name(&mut self, attempt: u32) -> String {
        let files = self.files.scan(&self.directory);
        let items = files.iter().flat_map(|file| file.iter());
        let known = items.filter_map(|item| item.as_ref().ok()?.identity.clone());
        name_after(&self.config.prefix, NAMESPACE, known, attempt)
    }
}

/// Any object that is not a Secret is a mistake here: saying so beats waiting for a key that does not come.
fn read(manifest: Manifest, prefix: &str, order: KeyOrderPriority) -> KeyFile {
    let Manifest { place, value } = manifest;
    let broken = |place, error| KeyFile {
        place,
        identity: None,
        content: Content::Broken(error),
    };
    let kind = value.get("kind").and_then(|kind| kind.as_str());
    if kind != Some(secret::KIND) {
        return broken(place, "not a Secret".to_owned());
    }
    match decode_secret(value, Origin::Yaml) {
        Ok(mut secret) => {
            let identity = Some(key_secret::identity(&secret));
            let content = content(&secret, prefix, order);
            wipe(&mut secret);
            KeyFile {
                place,
                identity,
                content,
            }
        }
        Err(error) => broken(place, format!("{}: {}", error.field(), error.reason())),
    }
}

fn content(secret: &Secret, prefix: &str, order: KeyOrderPriority) -> Content {
    if !is_in_use(secret, prefix) {
        return Content::Retired;
    }
    match key_secret::load(secret, order) {
        Ok(loaded) => Content::Key {
            name: secret.metadata.name.clone().unwrap_or_default(),
            key: Arc::new(loaded.key),
            fault: loaded.fault.as_ref().map(|fault| error_text(fault)),
        },
        Err(fault) => Content::Broken(error_text(&fault)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::args;
    use crate::config::Config;
    use crate::logging::tests::Captured;

    fn keys_in(directory: &Path) -> Keys {
        let flags = ["--key-size=2048".to_owned()];
        let config = Config::resolve(&args::table().parse([], flags).unwrap()).unwrap();
        Keys::new(Directory::open_root(directory).unwrap(), config.keys)
    }

    fn now() -> Timestamp {
        "2026-06-01T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_new_key_has_the_shape_of_a_clusters_and_is_read_back() {
        let top = tempfile::tempdir().unwrap();
        let mut keys = keys_in(top.path());
        assert!(keys.load().keyring.is_empty());
        keys.make(now()).unwrap();
        keys.make(now()).unwrap();
        let loaded = keys.load();
        assert_eq!((loaded.keyring.len(), loaded.secrets), (2, 2));
        let file = fs::read_dir(top.path()).unwrap().next().unwrap().unwrap();
        let name = file.file_name().into_string().unwrap();
        let suffix = name
            .strip_prefix("sealed-secrets-key")
            .and_then(|rest| rest.strip_suffix(".yaml"));
        assert_eq!(suffix.map(str::len), Some(5), "{name}");
        let text = fs::read_to_string(file.path()).unwrap();
        for part in [
            "  creationTimestamp: \"2026-06-01T00:00:00Z\"\n",
            "  generateName: sealed-secrets-key\n",
            "    sealedsecrets.bitnami.com/sealed-secrets-key: active\n",
            "  namespace: kube-system\n",
            "\ntype: kubernetes.io/tls\n",
        ] {
            assert!(text.contains(part), "{text}");
        }
        let again = keys_in(top.path()).load();
        let same: Vec<Fingerprint> = again.keyring.fingerprints().collect();
        assert_eq!(same, loaded.keyring.fingerprints().collect::<Vec<_>>());
    }

    #[test]
    fn a_broken_file_is_told_once_and_costs_no_other_key() {
        let top = tempfile::tempdir().unwrap();
        let mut keys = keys_in(top.path());
        keys.make(now()).unwrap();
        let secret = |label: &str| {
            format!(
                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: k\n  labels: {{sealedsecrets.bitnami.com/sealed-secrets-key: {label}}}\n\
                 data: {{tls.key: aHVudGVyMg==}}\n"
            )
        };
        fs::write(top.path().join("broken.yaml"), secret("active")).unwrap();
        fs::write(top.path().join("retired.yaml"), secret("compromised")).unwrap();
        fs::write(top.path().join("syntax.yaml"), "a: [").unwrap();
        fs::write(top.path().join("other.yaml"), "kind: ConfigMap\n").unwrap();
        let log = Captured::start();
        let loaded = keys.load();
        assert_eq!(
            (loaded.keyring.len(), loaded.secrets, loaded.unusable),
            (1, 4, 3)
        );
        let told = log.text();
        assert_eq!(
            told.matches("level=ERROR msg=\"Error reading key\"")
                .count(),
            3,
            "{told}"
        );
        assert!(
            told.contains("broken.yaml: document 1") && told.contains("error=\"not a Secret\""),
            "{told}"
        );
        assert!(
            !told.contains("hunter2") && !told.contains("aHVudGVy"),
            "{told}"
        );
        keys.load();
        assert_eq!(log.text(), told);
        fs::remove_file(top.path().join("broken.yaml")).unwrap();
        assert_eq!(keys.load().secrets, 3);
        assert_eq!(log.text(), told);
    }

    #[test]
    fn an_unchanged_key_is_kept_and_its_secret_is_not_read_again() {
        let top = tempfile::tempdir().unwrap();
        let mut keys = keys_in(top.path());
        keys.make(now()).unwrap();
        let first = keys.load().keyring;
        let again = keys.load().keyring;
        let same = first.iter().zip(again.iter());
        assert!(same.map(|(a, b)| Arc::ptr_eq(a, b)).eq([true]));
    }

    #[test]
    fn a_removed_key_is_dropped() {
        let top = tempfile::tempdir().unwrap();
        let mut keys = keys_in(top.path());
        keys.make(now()).unwrap();
        keys.load();
        for file in fs::read_dir(top.path()).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
        let log = Captured::start();
        assert!(keys.load().keyring.is_empty());
        assert!(log.text().contains("msg=\"dropped private key\""));
    }
}
