//! What goes with a SealedSecret that is gone (`--old-gc-behavior`).

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Preconditions;

use crate::ownership::Standing;

/// Whether to delete the Secret of a SealedSecret that is gone, and on which conditions: only if
/// the Secret belongs to that SealedSecret, and only the very Secret that was looked at.
///
/// Usually the garbage collector does this. Upstream deletes whatever has the name.
pub fn deletion(name: &str, uid: &str, target: &Secret) -> Option<Preconditions> {
    let metadata = &target.metadata;
    Standing::of(metadata, name, uid)
        .ours
        .then(|| Preconditions {
            resource_version: metadata.resource_version.clone(),
            uid: metadata.uid.clone(),
        })
}
