//! The keys of a cluster, as the verbs about keys work on them.

use std::io;

use sealed_api::Code;
use sealed_crypto::{Fingerprint, Keyring};

use crate::cluster::{Controller, KeyStore};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::Talk;
use crate::kept_keys::{KeptKey, keep};
use crate::recovery_keys;

/// What was read, and where it can be changed.
pub(super) struct ClusterKeys {
    /// The oldest first.
    pub(super) keys: Vec<KeptKey>,
    pub(super) store: KeyStore,
}

impl ClusterKeys {
    /// Reads the key Secrets of the cluster that is meant.
    pub(super) fn read(
        controller: &Controller,
        environment: &Environment,
        talk: &mut Talk<'_>,
    ) -> Result<Self, Failure> {
        let store = KeyStore::connect(controller, environment, talk)?;
        Ok(Self {
            keys: read(&store, talk)?,
            store,
        })
    }

    /// What there is by now. What is wrong with it was told the first time.
    pub(super) fn again(&self) -> Result<Vec<KeptKey>, Failure> {
        read(&self.store, &mut Talk(&mut io::sink()))
    }

    /// The keys whose Secrets are labelled `active`, or need no label.
    pub(super) fn in_use(&self) -> impl Iterator<Item = &KeptKey> {
        self.keys.iter().filter(|key| key.is_in_use())
    }

    /// The keyring that the controller has.
    pub(super) fn keyring(&self) -> Keyring {
        Keyring::new(self.in_use().flat_map(|one| one.keys.iter().cloned()))
    }

    /// The Secrets with the key of this fingerprint, or with that of the Secret of this name: never none. What is done to one
    /// of them alone leaves the key as it is.
    pub(super) fn find(&self, called: &str) -> Result<Vec<&KeptKey>, Failure> {
        let fingerprint: Option<Fingerprint> = called.parse().ok();
        let named = self.keys.iter().filter(|key| key.name() == called);
        let wanted: Vec<Fingerprint> = named
            .flat_map(KeptKey::fingerprints)
            .chain(fingerprint)
            .collect();
        let is_meant = |key: &&KeptKey| {
            key.name() == called || key.fingerprints().any(|name| wanted.contains(&name))
        };
        let found: Vec<&KeptKey> = self.keys.iter().filter(is_meant).collect();
        if found.is_empty() {
            return Err(Failure::new(
                Code::NoKeys,
                format!("the cluster has no sealing key `{called}`"),
            )
            .hint("`seal keys list` shows the keys with their fingerprints"));
        }
        Ok(found)
    }
}

/// The keys, the oldest first.
fn read(store: &KeyStore, talk: &mut Talk<'_>) -> Result<Vec<KeptKey>, Failure> {
    let found = recovery_keys::of_objects(store.secrets()?, "cluster", talk)?;
    keep(found, store.namespace())
}
