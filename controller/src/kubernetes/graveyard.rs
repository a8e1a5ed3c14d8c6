//! Deleting retained Secrets some time after their SealedSecrets: `--retain-deleted`.
//!
//! What is to be done is decided by [`crate::retain`] over what the watch of Secrets shows; here it is checked once more
//! against the API server, one Secret after the other, and done to exactly the version that was seen.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::params::ListParams;
use sealed_api::names::annotations;
use sealed_api::{Decoded, wipe};
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::client::{ApiError, Cluster};
use super::leadership::Leadership;
use super::objects::{Objects, Retained};
use crate::object_key::ObjectKey;
use crate::retain::{Burial, Orphaned, Remains, RetainRule, bury, retained_for};

/// How often it is looked what is due.
const ROUND: Duration = Duration::from_secs(5);
/// A SealedSecret that is there, but not ours to watch, is looked for again after this.
const LOOK_AGAIN: Duration = Duration::from_mins(10);

/// Looks after retained Secrets.
pub(super) struct Graveyard {
    pub(super) cluster: Cluster,
    pub(super) objects: Objects,
    pub(super) leadership: Leadership,
    pub(super) rule: RetainRule,
    pub(super) clock: fn() -> Timestamp,
}

/// What there is of a SealedSecret that seems to be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It is there: not ours to watch, perhaps.
    There,
    /// Nothing.
    Gone,
    /// Not even its type.
    NoType,
}

/// Asks the API server for a SealedSecret. A type that is gone answers as an object that is gone does, so the type is
/// asked for too.
pub(super) async fn look(cluster: &Cluster, key: &ObjectKey) -> Result<Found, ApiError> {
    let namespace = Some(key.namespace.as_str());
    if cluster
        .read::<Decoded>(namespace, &key.name)
        .await?
        .is_some()
    {
        return Ok(Found::There);
    }
    let one = ListParams::default().limit(1);
    match cluster.list::<Decoded>(namespace, &one).await {
        Ok(_) => Ok(Found::Gone),
        Err(error) if error.is_not_found() => Ok(Found::NoType),
        Err(error) => Err(error),
    }
}

impl Graveyard {
    /// Works until it is dropped. Everything has to be listed before.
    pub(super) async fn tend(self) {
        let mut elsewhere = BTreeMap::new();
        let mut without_type = false;
        loop {
            tokio::time::sleep(ROUND).await;
            if self.objects.rehearsal().is_on() || !self.leadership.leads() {
                continue;
            }
            elsewhere.retain(|_, again| *again > Instant::now());
            self.round(&mut elsewhere, &mut without_type).await;
        }
    }

    async fn round(&self, elsewhere: &mut BTreeMap<ObjectKey, Instant>, without_type: &mut bool) {
        let retained: BTreeMap<ObjectKey, (Retained, Remains)> = {
            let state = self.objects.state();
            let all = state.retained.iter();
            let remains = |key: &ObjectKey, retained: &Retained| Remains {
                sealed: state.memory.knows(key),
                orphaned: retained.orphaned,
            };
            // Most have their SealedSecret and no note of its loss: there is nothing to decide.
            all.filter(|(key, retained)| {
                !(elsewhere.contains_key(*key)
                    || retained.orphaned.is_none() && state.memory.knows(key))
            })
            .map(|(key, retained)| (key.clone(), (retained.clone(), remains(key, retained))))
            .collect()
        };
        let remains = retained
            .iter()
            .map(|(key, (_, remains))| (key.clone(), *remains))
            .collect();
        for (key, burial) in bury(&remains, self.rule, (self.clock)()) {
            let Some((secret, _)) = retained.get(&key) else {
                continue;
            };
            match self.carry_out(&key, secret, burial).await {
                Ok(Found::Gone) => {}
                // It would be the same for all.
                Ok(Found::NoType) => {
                    if !std::mem::replace(without_type, true) {
                        warn!(
                            "the SealedSecret type is gone: retained Secrets stay as they are until it is back"
                        );
                    }
                    return;
                }
                Ok(Found::There) => {
                    debug!(%key, "there is a SealedSecret of that name after all");
                    elsewhere.insert(key, Instant::now() + LOOK_AGAIN);
                }
                // It changed since it was seen; the watch is about to show that.
                Err(error) if error.is_conflict() || error.is_not_found() => {}
                Err(error) => warn!(%key, %error, "cannot look after a retained Secret"),
            }
        }
        *without_type = false;
    }

    /// Does it, unless its SealedSecret is not as missing as it seemed.
    async fn carry_out(
        &self,
        key: &ObjectKey,
        secret: &Retained,
        burial: Burial,
    ) -> Result<Found, ApiError> {
        if matches!(burial, Burial::Mark(_) | Burial::Delete) {
            let found = look(&self.cluster, key).await?;
            if found != Found::Gone {
                return Ok(found);
            }
        }
        match burial {
            Burial::Wait => {}
            Burial::Unmark => {
                self.write(key, secret, None).await?;
                info!(%key, "the SealedSecret of a retained Secret is back");
            }
            Burial::Mark(orphaned) => {
                self.write(key, secret, Some(orphaned)).await?;
                if orphaned.held {
                    warn!(
                        %key,
                        limit = self.rule.per_minute,
                        "many SealedSecrets are gone within a minute: their Secrets stay until somebody deletes them or \
                         creates their SealedSecrets again"
                    );
                } else {
                    info!(
                        %key,
                        grace = ?self.rule.grace,
                        "the SealedSecret of a retained Secret is gone: it will be deleted"
                    );
                }
            }
            Burial::Delete => {
                let seen = ObjectMeta {
                    uid: Some(secret.uid.clone()),
                    resource_version: Some(secret.resource_version.clone()),
                    ..ObjectMeta::default()
                };
                self.cluster
                    .delete::<Secret>(&key.namespace, &key.name, &seen)
                    .await?;
                info!(%key, "SealedSecret has gone, deleted Secret");
            }
        }
        Ok(Found::Gone)
    }

    async fn write(
        &self,
        key: &ObjectKey,
        seen: &Retained,
        orphaned: Option<Orphaned>,
    ) -> Result<(), ApiError> {
        let found = self
            .cluster
            .read::<Secret>(Some(&key.namespace), &key.name)
            .await?;
        let Some(mut secret) = found else {
            return Ok(());
        };
        let same = secret.metadata.uid.as_ref() == Some(&seen.uid);
        let written = if same && retained_for(&secret.metadata).is_some() {
            let all = secret.metadata.annotations.get_or_insert_default();
            match orphaned {
                Some(orphaned) => {
                    all.insert(annotations::ORPHANED.to_owned(), orphaned.to_string());
                }
                None => {
                    all.remove(annotations::ORPHANED);
                }
            }
            let written = self
                .cluster
                .replace(&key.namespace, &key.name, &secret)
                .await;
            written.map(drop)
        } else {
            Ok(())
        };
        let written = written.map_err(ApiError::without_contents);
        wipe(&mut secret);
        written
    }
}
