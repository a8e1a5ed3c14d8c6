//! Where the verbs about keys take them from: the words of the command line.

use std::path::PathBuf;

use sealed_api::Code;
use sealed_api::names::install;
use sealed_custody::Manifest;
use sealed_pflag::{Flag, Matches};

use crate::failure::Failure;
use crate::io::Talk;
use crate::kept_keys::{KeptKey, keep};
use crate::recovery_keys;
use crate::unlock::{self, Unlock, UnlockArguments};

/// Where keys are.
pub(super) struct Source {
    files: Vec<PathBuf>,
    unlock: UnlockArguments,
    namespace: String,
}

/// What is there.
pub(super) struct Keys {
    /// The oldest first.
    pub(super) keys: Vec<KeptKey>,
    /// What the backups among the sources say of themselves, each with its place.
    pub(super) backups: Vec<(String, Manifest)>,
}

/// The flags for it.
pub(super) fn flags() -> Vec<Flag> {
    let mut flags = vec![Flag::text(
        "controller-namespace",
        install::NAMESPACE,
        "Namespace for the Secrets of keys that have none",
    )];
    flags.extend(unlock::flags());
    flags
}

impl Source {
    pub(super) fn of(matches: &Matches, verb: &str) -> Result<Self, Failure> {
        let files = matches.positionals();
        if files.is_empty() {
            return Err(
                Failure::usage("it is not said where the keys are").hint(format!(
                    "`seal {verb} FILE…`: PEM files, key Secrets, backups, or directories with them"
                )),
            );
        }
        Ok(Self {
            files: files.iter().map(PathBuf::from).collect(),
            unlock: UnlockArguments::of(matches),
            namespace: matches.text("controller-namespace").to_owned(),
        })
    }

    /// Reads them all.
    pub(super) fn read(&self, talk: &mut Talk<'_>) -> Result<Keys, Failure> {
        let mut unlock = Unlock::load(&self.unlock)?;
        let found = recovery_keys::collect(&self.files, &mut unlock, talk)?;
        let backups = found.backups.clone();
        let keys = keep(found, &self.namespace)?;
        if keys.iter().all(|key| key.keys.is_empty()) {
            return Err(
                Failure::new(Code::NoKeys, "there is no sealing key in what was named").hint(
                    "in a directory, key Secrets count by their label and age files by --identity",
                ),
            );
        }
        Ok(Keys { keys, backups })
    }
}
