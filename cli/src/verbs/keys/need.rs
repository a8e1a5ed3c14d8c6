//! What a key still opens: found out by opening everything with it and nothing else.

use sealed_api::Code;
use sealed_crypto::Keyring;
use serde::Serialize;

use super::cluster_keys::ClusterKeys;
use super::objects::{NO_NAMESPACE, Objects};
use crate::drill::OpenedObject;
use crate::failure::Failure;
use crate::io::Talk;
use crate::kept_keys::KeptKey;
use crate::problem::Problem;
use crate::progress::Progress;
use crate::sealed_input::no_sealed_secrets;

/// What needs a key. Field names are stable: they are those of `--json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Need {
    /// How many SealedSecrets were looked at.
    pub(super) looked_at: u64,
    /// Those with a value that the key opens.
    pub(super) opened: Vec<OpenedObject>,
    /// What could not be read or tried: it counts as needing the key.
    pub(super) unread: Vec<Problem>,
}

impl Need {
    /// Opens the objects of the cluster, and those that `objects` names, with `keys`, which are the cluster's.
    ///
    /// # Errors
    ///
    /// Also where objects are named and there are none at all: a mistyped directory is the likelier reason.
    pub(super) fn find(
        keys: &[&KeptKey],
        cluster: &ClusterKeys,
        objects: &Objects,
        progress: Progress<'_, '_>,
    ) -> Result<Self, Failure> {
        let keyring = Keyring::new(keys.iter().flat_map(|key| key.keys.iter().cloned()));
        let others = cluster.keys.iter().flat_map(|one| &one.keys);
        let others = others.filter(|one| !keyring.contains(&one.fingerprint()));
        let others = Keyring::new(others.cloned());
        let mut stream = objects.stream(Some(&cluster.store))?;
        let mut drill = objects.drill(&keyring).recording(&others);
        drill.run(|| stream.next(), progress)?;
        let mut report = drill.finish();
        report.add_unread(stream.into_unread());
        report.hint_at(Code::MissingNamespace, NO_NAMESPACE);
        let found = Self {
            looked_at: report.objects,
            opened: report.recorded,
            unread: report.unread,
        };
        if found.is_of_nothing() && !objects.is_empty() {
            return Err(no_sealed_secrets(&objects.shown()));
        }
        Ok(found)
    }

    /// Whether there was nothing to look at, so that nothing is known.
    pub(super) fn is_of_nothing(&self) -> bool {
        self.looked_at == 0 && self.unread.is_empty()
    }

    /// Says it.
    pub(super) fn tell_of_nothing(&self, talk: &mut Talk<'_>) {
        if self.is_of_nothing() {
            talk.say(
                "warning: the cluster has no SealedSecret, so nothing was looked at; --dir and --git name more",
            );
        }
    }

    /// Whether nothing does, as far as everything could be read.
    pub(super) fn is_none(&self) -> bool {
        self.opened.is_empty() && self.unread.is_empty()
    }

    /// As lines for people.
    pub(super) fn lines(&self) -> Vec<String> {
        let opened = self
            .opened
            .iter()
            .map(|one| format!("{}: {}: {}", one.object, one.items.join(", "), one.place));
        let unread = self.unread.iter().flat_map(Problem::lines);
        opened.chain(unread).collect()
    }
}
