//! The escrow of a new key as a ConfigMap: ciphertext, so whoever may read ConfigMaps may copy it into Git.

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealed_api::names::{annotations, escrow, labels};
use sealed_crypto::Fingerprint;
use sealed_custody::Recipients;

use crate::escrow::{EscrowError, encrypt, name};
use crate::kubernetes::client::{ApiError, Cluster};

/// Why a key is not in escrow.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotInEscrow {
    /// The ConfigMap could not be created.
    #[error(
        "cannot create ConfigMap `{name}` for it (with --escrow-recipient, the controller needs the right to create \
         ConfigMaps in its namespace)"
    )]
    Publish {
        name: String,
        #[source]
        source: ApiError,
    },
    /// It could not be encrypted.
    #[error(transparent)]
    Encrypt(#[from] EscrowError),
}

/// Encrypts the Secret of a key and publishes it. Returns the name of the ConfigMap.
pub(super) async fn publish(
    cluster: &Cluster,
    namespace: &str,
    recipients: &Recipients,
    secret: &Secret,
    key: Fingerprint,
) -> Result<String, NotInEscrow> {
    let file = encrypt(recipients, secret)?;
    let map = config_map(namespace, secret, key, file);
    match cluster.create(namespace, &map).await {
        Ok(_) => {}
        // Only this key has an escrow of this name: an earlier attempt got so far.
        Err(error) if error.is_conflict() => {}
        Err(source) => {
            return Err(NotInEscrow::Publish {
                name: name(key),
                source,
            });
        }
    }
    Ok(name(key))
}

fn config_map(namespace: &str, secret: &Secret, key: Fingerprint, file: String) -> ConfigMap {
    let pair = |key: &str, value: String| (key.to_owned(), value);
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(name(key)),
            namespace: Some(namespace.to_owned()),
            labels: Some([pair(labels::ESCROW, labels::SEALING_KEY_ESCROW.to_owned())].into()),
            annotations: Some(
                [
                    pair(annotations::FINGERPRINT, key.to_string()),
                    pair(
                        annotations::KEY_SECRET,
                        secret.metadata.name.clone().unwrap_or_default(),
                    ),
                ]
                .into(),
            ),
            ..ObjectMeta::default()
        },
        data: Some([pair(escrow::AGE_FILE, file)].into()),
        // What was encrypted once is never changed.
        immutable: Some(true),
        ..ConfigMap::default()
    }
}
