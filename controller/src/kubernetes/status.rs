//! Writing the status of a SealedSecret.
//!
//! The status is a function of how the last pass ended, so a lost write is repaired by the next pass, a conflict by
//! reading again, and what says the same is not written at all.

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use sealed_api::{Decoded, SealedSecret, SealedSecretStatus, names};
use serde::Serialize;
use tracing::{info, warn};

use super::client::{ApiError, Cluster};
use crate::conditions::{Recorded, next_status};
use crate::object_key::ObjectKey;
use crate::outcome::Outcome;

/// How often a conflict is answered by reading again. Only other writers of the status cause them.
const TRIES: u32 = 4;

/// A SealedSecret as a pass saw it, without its content.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stored {
    /// Its uid: the status of a successor is none of this pass's business.
    pub(super) uid: String,
    /// Its generation: what the outcome is about.
    pub(super) generation: i64,
    /// Its version.
    pub(super) resource_version: String,
    /// Its status at that version.
    pub(super) status: Option<SealedSecretStatus>,
}

impl Stored {
    /// Takes from an object what the status needs.
    pub(super) fn of(object: &Decoded) -> Self {
        let metadata = k8s_openapi::Metadata::metadata(object);
        let status = match object {
            Decoded::Sound(sound) => sound.status.clone(),
            Decoded::Malformed(malformed) => malformed.status.clone(),
        };
        Self {
            uid: metadata.uid.clone().unwrap_or_default(),
            generation: metadata.generation.unwrap_or_default(),
            resource_version: metadata.resource_version.clone().unwrap_or_default(),
            status,
        }
    }
}

/// What became of a status.
#[derive(Debug)]
pub(super) enum Published {
    /// It is stored, by this call or before; or must not be written.
    Stored,
    /// It is stored, by the first write that was allowed after one that was not: what was withheld can follow.
    Granted,
    /// Not allowed. Asked again for one object at a time ([`Objects::ask_again`](super::objects::Objects::ask_again)).
    Forbidden,
    /// The object changed meanwhile: another pass is coming, or there is nothing left to tell.
    Outdated,
    /// It has to be tried again.
    Failed(ApiError),
}

/// Writes statuses.
#[derive(Debug)]
pub(super) struct StatusWriter {
    cluster: Cluster,
    enabled: bool,
    /// Whether the last write was refused for want of the right; then that was said.
    refused: AtomicBool,
}

impl StatusWriter {
    /// A writer, or with `--update-status=false` one that never writes.
    pub(super) fn new(cluster: Cluster, enabled: bool) -> Self {
        Self {
            cluster,
            enabled,
            refused: AtomicBool::new(false),
        }
    }

    /// Makes the status of `key` tell of `outcome`.
    pub(super) async fn publish(
        &self,
        key: &ObjectKey,
        seen: &Stored,
        outcome: &Outcome,
        recorded: Recorded<'_>,
        now: Timestamp,
    ) -> Published {
        if !self.enabled {
            return Published::Stored;
        }
        let mut stored = seen.clone();
        let mut tries = 1;
        loop {
            let stored_status = stored.status.as_ref();
            let next = next_status(stored_status, seen.generation, outcome, recorded, now);
            let Some(next) = next else {
                return Published::Stored;
            };
            match self.put(key, &stored, &next).await {
                Ok(()) => return self.allowed(),
                Err(error) if error.is_conflict() && tries < TRIES => tries += 1,
                Err(error) if error.is_not_found() => return Published::Outdated,
                Err(error) if error.is_forbidden() => {
                    self.forbidden(&error);
                    return Published::Forbidden;
                }
                Err(error) => return Published::Failed(error),
            }
            match self.fresh(key).await {
                Ok(Some(now)) if (&now.uid, now.generation) == (&seen.uid, seen.generation) => {
                    stored = now;
                }
                Ok(_) => return Published::Outdated,
                Err(error) => return Published::Failed(error),
            }
        }
    }

    async fn put(
        &self,
        key: &ObjectKey,
        stored: &Stored,
        status: &SealedSecretStatus,
    ) -> Result<(), ApiError> {
        let body = Body {
            api_version: names::API_VERSION,
            kind: names::KIND,
            metadata: BodyMetadata {
                namespace: &key.namespace,
                name: &key.name,
                uid: &stored.uid,
                resource_version: &stored.resource_version,
            },
            status,
        };
        self.cluster
            .replace_status::<SealedSecret>(&key.namespace, &key.name, &body)
            .await
            .map(drop)
    }

    async fn fresh(&self, key: &ObjectKey) -> Result<Option<Stored>, ApiError> {
        let object: Option<Decoded> = self.cluster.read(Some(&key.namespace), &key.name).await?;
        Ok(object.as_ref().map(Stored::of))
    }

    fn allowed(&self) -> Published {
        if self.refused.swap(false, Ordering::Relaxed) {
            info!("statuses are written again");
            return Published::Granted;
        }
        Published::Stored
    }

    fn forbidden(&self, error: &ApiError) {
        if !self.refused.swap(true, Ordering::Relaxed) {
            warn!(
                %error,
                "statuses are not written, so each start opens every object again: update on sealedsecrets/status is \
                 not granted (--update-status=false ends the attempts)"
            );
        }
    }
}

/// All that counts in the body of a status update: the API server keeps the rest as it is stored.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    api_version: &'a str,
    kind: &'a str,
    metadata: BodyMetadata<'a>,
    status: &'a SealedSecretStatus,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BodyMetadata<'a> {
    namespace: &'a str,
    name: &'a str,
    uid: &'a str,
    resource_version: &'a str,
}
