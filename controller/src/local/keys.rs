//! `DIR/keys`: the sealing keys as files, in the shape of a cluster's key Secrets.
//!
//! A file from `kubectl get secret -o yaml` can be dropped in, and a file from here can be applied to a cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use sealed_api::names::{audit, install, secret};
use sealed_api::{Origin, decode_secret};
use sealed_crypto::{Fingerprint, KeyEncodingError, Keyring, SealingKey};
use sealed_custody::Recipients;
use sealed_manifest::to_yaml;
use zeroize::Zeroizing;

use super::directory::Directory;
use super::manifests::{Files, Manifest};
use crate::config::{KeyConfig, KeyOrderPriority};
use crate::error_text::error_text;
use crate::escrow::{self, EscrowError};
use crate::key_marks::{Backups, KeyMarks, RenewRequest, note_answers};
use crate::key_secret::{self, is_in_use, name_after};
use crate::new_key::{self, NewKeyError};
use crate::renewal::Occasion;
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
    #[error("the new sealing key is not used, because it is not in escrow")]
    Escrow(#[from] EscrowError),
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
    /// What its annotations say.
    marks: KeyMarks,
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
    /// Whether one of them asks for a new key that was not made yet.
    pub(super) requested: bool,
    /// What is known of backups.
    pub(super) backups: Backups,
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
    /// Whom new keys are encrypted to, and where that goes.
    escrow: Option<(Recipients, Directory)>,
    config: KeyConfig,
    files: Files<KeyFile>,
    told: BTreeSet<Report>,
    /// The wishes for a new key that stand.
    requests: BTreeSet<RenewRequest>,
    /// Those that were met. Kept when the key goes that met them: deleting it is no new wish.
    answered: BTreeSet<RenewRequest>,
}

impl Keys {
    pub(super) fn new(
        directory: Directory,
        escrow: Option<(Recipients, Directory)>,
        config: KeyConfig,
    ) -> Self {
        let (prefix, order) = (config.prefix.clone(), config.order);
        Self {
            directory,
            escrow,
            config,
            files: Files::new(move |manifest| Some(read(manifest, &prefix, order))),
            told: BTreeSet::new(),
            requests: BTreeSet::new(),
            answered: BTreeSet::new(),
        }
    }

    /// Reads the directory. What is new, gone or broken is logged; what is broken is skipped.
    pub(super) fn load(&mut self) -> Loaded {
        let mut keys: Vec<Arc<SealingKey>> = Vec::new();
        let mut reports = BTreeSet::new();
        let mut secrets = 0;
        let mut backups = BTreeMap::new();
        self.requests.clear();
        let files = self.files.scan(&self.directory);
        for item in files.iter().flat_map(|file| file.iter()) {
            let none = KeyMarks::default();
            let (place, marks, content) = match item {
                Ok(file) => (file.place.clone(), &file.marks, &file.content),
                Err(error) => (String::new(), &none, &Content::Broken(error.to_string())),
            };
            self.answered.extend(&marks.answers);
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
                    let known = backups
                        .entry(key.fingerprint())
                        .or_insert_with(|| (key.ordering_time(), None));
                    known.1 = known.1.max(marks.backup);
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
            self.requests.extend(marks.request);
        }
        self.tell(reports);
        Loaded {
            secrets,
            unusable: secrets - keys.len(),
            requested: !self.requests.is_subset(&self.answered),
            backups: Backups::of(backups.into_values()),
            keyring: Keyring::new(keys),
        }
    }

    fn tell(&mut self, reports: BTreeSet<Report>) {
        for report in reports.difference(&self.told) {
            match report {
                Report::Broken { secret, error } => {
                    tracing::error!(
                        secret,
                        error,
                        audit = audit::KEY_REFUSED,
                        "Error reading key"
                    );
                }
                Report::NotOffered { secret, error } => tracing::warn!(
                    secret,
                    error,
                    audit = audit::KEY_REFUSED,
                    "the key opens values, but its certificate is not offered for sealing"
                ),
                Report::Registered {
                    secretname,
                    fingerprint,
                } => {
                    tracing::info!(
                        secretname,
                        %fingerprint,
                        audit = audit::KEY_REGISTERED,
                        "registered private key"
                    );
                }
            }
        }
        for report in self.told.difference(&reports) {
            if let Report::Registered {
                secretname,
                fingerprint,
            } = report
            {
                tracing::warn!(
                    secretname,
                    %fingerprint,
                    audit = audit::KEY_RETIRED,
                    "dropped private key"
                );
            }
        }
        self.told = reports;
    }

    /// Makes a key and writes its file, after that of its escrow. Slow: not for a thread of the async runtime.
    pub(super) fn make(&mut self, now: Timestamp, occasion: Occasion) -> Result<(), MakeError> {
        let (key, certificate) = new_key::generate(&self.config, now)?;
        for attempt in 0..ATTEMPTS {
            let (name, others) = self.next_name(attempt);
            let file = OsString::from(format!("{name}.yaml"));
            let taken = self.directory.kind(&file);
            if taken
                .map_err(|source| io_error(&self.directory, &file, source))?
                .is_some()
            {
                continue;
            }
            let mut secret =
                key_secret::secret(NAMESPACE, name.clone(), &self.config, &key, &certificate)?;
            secret.metadata.creation_timestamp = Some(Time(now));
            note_answers(&mut secret.metadata, &self.requests);
            let written = self.write(&file, &secret, certificate.fingerprint());
            wipe(&mut secret);
            let escrow = written?;
            tracing::info!(
                namespace = NAMESPACE,
                name,
                fingerprint = %certificate.fingerprint(),
                occasion = occasion.as_str(),
                escrow = escrow.as_deref().unwrap_or("none"),
                audit = if others { audit::KEY_RENEWED } else { audit::KEY_MADE },
                "New key written"
            );
            tracing::info!(certificate = certificate.to_pem(), "Certificate generated");
            self.answered.extend(&self.requests);
            return Ok(());
        }
        Err(MakeError::NamesTaken)
    }

    /// First the escrow, if there is to be one: its file is returned. Then the key.
    fn write(
        &self,
        file: &OsStr,
        secret: &Secret,
        key: Fingerprint,
    ) -> Result<Option<String>, MakeError> {
        let escrow = match &self.escrow {
            Some((recipients, directory)) => {
                let name = format!("{}.age", escrow::name(key));
                let text = escrow::encrypt(recipients, secret)?;
                directory
                    .replace(OsStr::new(&name), text.as_bytes())
                    .map_err(|source| io_error(directory, OsStr::new(&name), source))?;
                Some(name)
            }
            None => None,
        };
        let text = Zeroizing::new(to_yaml(secret));
        self.directory
            .replace(file, text.as_bytes())
            .map_err(|source| io_error(&self.directory, file, source))?;
        Ok(escrow)
    }

    /// The name, and whether there are other keys.
    fn next_name(&mut self, attempt: u32) -> (String, bool) {
        let files = self.files.scan(&self.directory);
        let items = files.iter().flat_map(|file| file.iter());
        let known = items.filter_map(|item| item.as_ref().ok()?.identity.clone());
        let known: BTreeSet<String> = known.collect();
        let others = !known.is_empty();
        let name = name_after(&self.config.prefix, NAMESPACE, known, attempt);
        (name, others)
    }
}

fn io_error(directory: &Directory, file: &OsStr, source: io::Error) -> MakeError {
    MakeError::Io {
        file: directory.path().join(file).display().to_string(),
        source,
    }
}

/// Any object that is not a Secret is a mistake here: saying so beats waiting for a key that does not come.
fn read(manifest: Manifest, prefix: &str, order: KeyOrderPriority) -> KeyFile {
    let Manifest { place, value } = manifest;
    let broken = |place, error| KeyFile {
        place,
        identity: None,
        marks: KeyMarks::default(),
        content: Content::Broken(error),
    };
    let kind = value.get("kind").and_then(|kind| kind.as_str());
    if kind != Some(secret::KIND) {
        return broken(place, "not a Secret".to_owned());
    }
    match decode_secret(value, Origin::Yaml) {
        Ok(mut secret) => {
            let identity = Some(key_secret::identity(&secret));
            let marks = KeyMarks::of(&secret.metadata);
            let content = content(&secret, prefix, order);
            wipe(&mut secret);
            KeyFile {
                place,
                identity,
                marks,
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
        let directory = Directory::open_root(directory).unwrap();
        Keys::new(directory, None, config.keys)
    }

    fn now() -> Timestamp {
        "2026-06-01T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_new_key_has_the_shape_of_a_clusters_and_is_read_back() {
        let top = tempfile::tempdir().unwrap();
        let mut keys = keys_in(top.path());
        assert!(keys.load().keyring.is_empty());
        keys.make(now(), Occasion::Demand).unwrap();
        keys.make(now(), Occasion::Demand).unwrap();
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
        keys.make(now(), Occasion::Demand).unwrap();
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
        keys.make(now(), Occasion::Demand).unwrap();
        let first = keys.load().keyring;
        let again = keys.load().keyring;
        let same = first.iter().zip(again.iter());
        assert!(same.map(|(a, b)| Arc::ptr_eq(a, b)).eq([true]));
    }

    #[test]
    fn a_removed_key_is_dropped() {
        let top = tempfile::tempdir().unwrap();
        let mut keys = keys_in(top.path());
        keys.make(now(), Occasion::Demand).unwrap();
        keys.load();
        for file in fs::read_dir(top.path()).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
        let log = Captured::start();
        assert!(keys.load().keyring.is_empty());
        assert!(log.text().contains("msg=\"dropped private key\""));
    }
}
