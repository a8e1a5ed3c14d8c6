//! What a key still opens: found out by opening everything with it and nothing else.

use sealed_api::Code;
use sealed_crypto::Keyring;
use serde::Serialize;

use super::cluster_keys::ClusterKeys;
use super::objects::{NO_NAMESPACE, Objects};
use crate::drill::OpenedObject;
use crate::failure::Failure;
use crate::kept_keys::KeptKey;
use crate::problem::Problem;
use crate::progress::Progress;

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
    /// Opens the objects of the cluster, and those that `objects` names, with `key`, which is one of the cluster's.
    pub(super) fn find(
        key: &KeptKey,
        cluster: &ClusterKeys,
        objects: &Objects,
        progress: Progress<'_, '_>,
    ) -> Result<Self, Failure> {
        let keyring = Keyring::new(key.keys.iter().cloned());
        let others = cluster.keys.iter().flat_map(|one| &one.keys);
        let others = others.filter(|one| !keyring.contains(&one.fingerprint()));
        let others = Keyring::new(others.cloned());
        let mut stream = objects.stream(Some(&cluster.store))?;
        let mut drill = objects.drill(&keyring).recording(&others);
        drill.run(|| stream.next(), progress)?;
        let mut report = drill.finish();
        report.add_unread(stream.into_unread());
        report.hint_at(Code::MissingNamespace, NO_NAMESPACE);
        Ok(Self {
            looked_at: report.objects,
            opened: report.recorded,
            unread: report.unread,
        })
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
