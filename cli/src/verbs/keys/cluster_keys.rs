//! The keys of a cluster, as the verbs about keys work on them.

use sealed_api::Code;
use sealed_crypto::{Fingerprint, Keyring};

use crate::cluster::{Controller, KeyStore, Seen};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::Talk;
use crate::kept_keys::{KeptKey, keep};
use crate::recovery_keys;

/// What was read, and the way to change it.
pub(super) struct ClusterKeys {
    /// The oldest first.
    pub(super) keys: Vec<KeptKey>,
    pub(super) way: ClusterWay,
}

/// The way to change the keys of a cluster.
pub(super) struct ClusterWay {
    pub(super) store: KeyStore,
    seen: Vec<Seen>,
}

impl ClusterKeys {
    /// Reads the key Secrets of the cluster that is meant.
    pub(super) fn read(
        controller: &Controller,
        environment: &Environment,
        talk: &mut Talk<'_>,
    ) -> Result<Self, Failure> {
        let store = KeyStore::connect(controller, environment, talk)?;
        let (keys, seen) = read(&store, talk)?;
        Ok(Self {
            keys,
            way: ClusterWay { store, seen },
        })
    }

    /// What there is by now.
    pub(super) fn again(&self, talk: &mut Talk<'_>) -> Result<Vec<KeptKey>, Failure> {
        let (keys, _) = read(&self.way.store, talk)?;
        Ok(keys)
    }

    /// Both.
    pub(super) fn into_parts(self) -> (Vec<KeptKey>, ClusterWay) {
        (self.keys, self.way)
    }

    /// The keys whose Secrets are labelled `active`, or need no label.
    pub(super) fn in_use(&self) -> impl Iterator<Item = &KeptKey> {
        self.keys.iter().filter(|key| key.is_in_use())
    }

    /// The keyring that the controller has.
    pub(super) fn keyring(&self) -> Keyring {
        Keyring::new(self.in_use().flat_map(|one| one.keys.iter().cloned()))
    }

    /// The key with this fingerprint, or in the Secret of this name.
    pub(super) fn find(&self, called: &str) -> Result<&KeptKey, Failure> {
        let fingerprint: Option<Fingerprint> = called.parse().ok();
        let found = self.keys.iter().find(|key| match fingerprint {
            Some(wanted) => key.fingerprints().any(|name| name == wanted),
            None => key.name() == called,
        });
        found.ok_or_else(|| {
            Failure::new(
                Code::NoKeys,
                format!("the cluster has no sealing key `{called}`"),
            )
            .hint("`seal keys list` shows the keys with their fingerprints")
        })
    }
}

impl ClusterWay {
    /// The object of a key.
    pub(super) fn seen(&self, key: &KeptKey) -> Result<&Seen, Failure> {
        let seen = self.seen.iter().find(|seen| seen.name == key.name());
        seen.ok_or_else(|| {
            Failure::new(Code::NotFound, format!("Secret {} has no name", key.name()))
        })
    }
}

/// The keys, the oldest first, and the objects that they are in.
fn read(store: &KeyStore, talk: &mut Talk<'_>) -> Result<(Vec<KeptKey>, Vec<Seen>), Failure> {
    let secrets = store.secrets()?;
    let seen = secrets.iter().map(Seen::of).collect();
    let found = recovery_keys::of_objects(secrets, "cluster", talk)?;
    Ok((keep(found, store.namespace())?, seen))
}
