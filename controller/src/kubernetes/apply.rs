//! Writing Secrets: POST and PUT only, each conditional on what was observed.
//!
//! The roles of an existing installation grant no PATCH on Secrets, so there is no server-side apply; and a write that
//! is not tied to a resourceVersion could overwrite what somebody else wrote meanwhile.

use k8s_openapi::api::core::v1::Secret;
use tracing::info;

use super::client::{ApiError, Cluster};
use crate::object_key::ObjectKey;
use crate::ownership::belongs_to;
use crate::plan::Write;
use sealed_api::wipe;

/// What became of a write.
pub(super) enum Applied {
    /// There was nothing to write.
    Nothing,
    /// The API server took it. Only the metadata is filled in.
    Written(Box<Secret>),
    /// It did not. What is told of that quotes no value.
    Failed(ApiError),
}

/// Does what the plan wants done to the Secret.
pub(super) async fn write(cluster: &Cluster, key: &ObjectKey, write: &Write) -> Applied {
    let written = match write {
        Write::Nothing => return Applied::Nothing,
        Write::Create(secret) => cluster.create(&key.namespace, &**secret).await,
        Write::Replace(secret) => cluster.replace(&key.namespace, &key.name, &**secret).await,
    };
    match written {
        Ok(metadata) => Applied::Written(Box::new(Secret {
            metadata,
            ..Secret::default()
        })),
        Err(error) => Applied::Failed(error.without_contents()),
    }
}

/// Deletes the Secret of a SealedSecret that is gone, if it belonged to that very object.
///
/// The existing controller deletes whatever has the name, a stranger's Secret included.
pub(super) async fn delete_owned(
    cluster: &Cluster,
    key: &ObjectKey,
    uid: &str,
) -> Result<(), ApiError> {
    let Some(mut secret) = cluster
        .read::<Secret>(Some(&key.namespace), &key.name)
        .await?
    else {
        return Ok(());
    };
    wipe(&mut secret);
    if !belongs_to(&secret.metadata, uid) {
        return Ok(());
    }
    info!("sealed-secret" = %key, "SealedSecret has gone, deleting Secret");
    match cluster
        .delete::<Secret>(&key.namespace, &key.name, &secret.metadata)
        .await
    {
        Err(error) if error.is_not_found() => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use k8s_openapi::ByteString;

    use super::*;

    #[tokio::test]
    async fn no_refusal_of_a_write_quotes_a_value_whatever_its_code() {
        let secret = || {
            let value = ByteString(b"hunter2".to_vec());
            Box::new(Secret {
                data: Some(BTreeMap::from([("password".to_owned(), value)])),
                ..Secret::default()
            })
        };
        let key = ObjectKey::new("web", "app");
        for code in [403, 409, 422] {
            let cluster = Cluster::refusing(code, "webhook denied: weak password hunter2");
            for write in [Write::Create(secret()), Write::Replace(secret())] {
                let Applied::Failed(error) = super::write(&cluster, &key, &write).await else {
                    panic!("it was refused")
                };
                assert_eq!(error.code(), Some(code));
                assert!(!error.to_string().contains("hunter2"), "{error}");
            }
        }
    }
}
