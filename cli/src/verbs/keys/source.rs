//! Where the verbs about keys take them from: files that the command line names, or else the cluster.

use std::path::PathBuf;

use sealed_api::Code;
use sealed_crypto::Fingerprint;
use sealed_custody::Manifest;
use sealed_pflag::{Flag, Matches};

use super::cluster_keys::ClusterKeys;
use crate::args::controller_flags;
use crate::cluster::{Controller, KeyStore};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::Talk;
use crate::kept_keys::{KeptKey, keep};
use crate::recovery_keys;
use crate::unlock::{self, Unlock, UnlockArguments};

/// Where keys are.
pub(super) struct Source {
    /// None where the cluster is meant.
    files: Vec<PathBuf>,
    unlock: UnlockArguments,
    pub(super) controller: Controller,
}

/// What is there.
pub(super) struct Keys {
    /// The oldest first.
    pub(super) kept: Vec<KeptKey>,
    /// What the backups among the sources say of themselves, each with its place.
    pub(super) backups: Vec<(String, Manifest)>,
    /// Where they can be changed, if they are those of a cluster.
    pub(super) store: Option<KeyStore>,
}

impl Keys {
    /// The keys that a backup says it has and that are in none of the sources.
    pub(super) fn lacking(&self, backup: &Manifest) -> Vec<Fingerprint> {
        let held = |name: &Fingerprint| {
            self.kept
                .iter()
                .flat_map(KeptKey::fingerprints)
                .any(|own| own == *name)
        };
        backup
            .keys
            .iter()
            .filter(|name| !held(name))
            .copied()
            .collect()
    }

    /// Refuses backups that were cut: half of the keys are easily taken for all.
    pub(super) fn refuse_incomplete(&self) -> Result<(), Failure> {
        for (place, backup) in &self.backups {
            if let Some(lacking) = self.lacking(backup).first() {
                return Err(Failure::new(
                    Code::NoKeys,
                    format!(
                        "`{place}` is incomplete: {lacking} is in its list of keys, and not in it"
                    ),
                )
                .hint("`seal keys export` prints what there is"));
            }
        }
        Ok(())
    }
}

/// The flags for it.
pub(super) fn flags() -> Vec<Flag> {
    let unlock = unlock::flags().into_iter();
    unlock.chain(controller_flags()).collect()
}

impl Source {
    pub(super) fn of(matches: &Matches) -> Self {
        Self {
            files: matches.positionals().iter().map(PathBuf::from).collect(),
            unlock: UnlockArguments::of(matches),
            controller: Controller::of(matches),
        }
    }

    /// The same where only files can be meant.
    pub(super) fn of_files(matches: &Matches, verb: &str) -> Result<Self, Failure> {
        let source = Self::of(matches);
        if source.is_cluster() {
            return Err(
                Failure::usage("it is not said where the keys are").hint(format!(
                    "`seal {verb} FILE…`: backups, key Secrets, PEM files, or directories with them"
                )),
            );
        }
        Ok(source)
    }

    /// Whether they are those of the cluster.
    pub(super) fn is_cluster(&self) -> bool {
        self.files.is_empty()
    }

    /// Reads them all.
    pub(super) fn read(
        &self,
        environment: &Environment,
        talk: &mut Talk<'_>,
    ) -> Result<Keys, Failure> {
        let (keys, none) = if self.is_cluster() {
            let cluster = ClusterKeys::read(&self.controller, environment, talk)?;
            let none = format!(
                "there is no sealing key in namespace {}",
                self.controller.namespace
            );
            let keys = Keys {
                kept: cluster.keys,
                backups: Vec::new(),
                store: Some(cluster.store),
            };
            let none = Failure::new(Code::NoKeys, none)
                .hint("--controller-namespace says where the controller is");
            (keys, none)
        } else {
            let mut unlock = Unlock::load(&self.unlock, environment.terminal)?;
            let found = recovery_keys::collect(&self.files, &mut unlock, talk)?;
            let keys = Keys {
                backups: found.backups.clone(),
                kept: keep(found, &self.controller.namespace)?,
                store: None,
            };
            let none = Failure::new(Code::NoKeys, "there is no sealing key in what was named")
                .hint(
                    "in a directory, key Secrets count by their label and age files by --identity",
                );
            (keys, none)
        };
        if keys.kept.iter().all(|key| key.keys.is_empty()) {
            return Err(none);
        }
        Ok(keys)
    }
}
