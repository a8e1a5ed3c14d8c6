//! `DIR/status`: the status of each SealedSecret, which a cluster keeps in the object itself.
//!
//! Kept apart because the files in `DIR/sealed` are the user's, probably under version control. A restart
//! needs it for the same reasons as in a cluster: to tell what it wrote, and to say nothing twice.

use sealed_api::{SealedSecret, SealedSecretStatus, names};
use sealed_manifest::{Documents, to_yaml};
use serde_json::json;

use super::directory::Directory;
use super::object_files::ObjectFiles;
use crate::object_key::ObjectKey;

/// The directory of statuses.
#[derive(Debug)]
pub(super) struct Statuses {
    files: ObjectFiles,
}

impl Statuses {
    pub(super) fn new(directory: Directory) -> Self {
        Self {
            files: ObjectFiles::new(directory),
        }
    }

    /// The files themselves.
    pub(super) fn files(&self) -> &ObjectFiles {
        &self.files
    }

    /// The stored status. One that cannot be read counts as none: it is written anew.
    pub(super) fn read(&self, key: &ObjectKey) -> Option<SealedSecretStatus> {
        let content = self.files.read(key).ok()??;
        let document = Documents::new(&*content, "").next()?.ok()?;
        SealedSecret::decode(document.into_value()).ok()?.status
    }

    pub(super) fn write(
        &self,
        key: &ObjectKey,
        status: &SealedSecretStatus,
    ) -> std::io::Result<()> {
        let object = json!({
            "apiVersion": names::API_VERSION,
            "kind": names::KIND,
            "metadata": {"name": key.name, "namespace": key.namespace},
            "status": status,
        });
        self.files.write(key, to_yaml(&object).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use sealed_api::Condition;

    use super::*;

    #[test]
    fn a_status_is_read_back() {
        let top = tempfile::tempdir().unwrap();
        let statuses = Statuses::new(Directory::open_root(top.path()).unwrap());
        let key = ObjectKey::new("web", "db");
        assert_eq!(statuses.read(&key), None);
        let status = SealedSecretStatus {
            observed_generation: Some(7),
            conditions: vec![Condition {
                type_: "Synced".to_owned(),
                status: "False".to_owned(),
                message: Some("no key could decrypt secret (a)".to_owned()),
                ..Condition::default()
            }],
        };
        statuses.write(&key, &status).unwrap();
        assert_eq!(statuses.read(&key), Some(status));
        statuses.files().write(&key, b"status: [").unwrap();
        assert_eq!(statuses.read(&key), None);
    }
}
