//! The certificate in a ConfigMap (`--publish-certificates`): whoever may read it can seal, and needs no right to reach the
//! controller through the API server.
//!
//! Only the two entries of ours are touched, and only when they differ from what `/v1/cert.pem` serves. That every
//! replica does so is harmless: all of them write the same, each over the version that it read.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealed_api::names::published;
use sealed_crypto::Keyring;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::client::{ApiError, Cluster};
use crate::error_text::error_text;

/// The ConfigMap is looked at again this often: certificates end, and it may be deleted or edited.
const LOOK_AGAIN: Duration = Duration::from_mins(10);
/// After a failure that time may cure; doubles up to [`LOOK_AGAIN`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// What keeps the ConfigMap.
pub(super) struct Publisher {
    pub(super) cluster: Cluster,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) keyring: watch::Receiver<Keyring>,
    pub(super) clock: fn() -> Timestamp,
}

impl Publisher {
    /// Runs until the keyring is no more. `loaded` is cancelled once the keys were read: before, there is nothing to
    /// say, and to say it would empty what is published.
    pub(super) async fn run(mut self, loaded: CancellationToken) {
        loaded.cancelled().await;
        let mut pause = FIRST_PAUSE;
        let mut told = false;
        loop {
            let entries = {
                let keyring = self.keyring.borrow_and_update();
                entries(&keyring, (self.clock)())
            };
            let wait = match self.publish(&entries).await {
                Ok(written) => {
                    if written || told {
                        let (namespace, configmap) = (&self.namespace, &self.name);
                        let fingerprint = entries.get(published::FINGERPRINT);
                        let fingerprint = fingerprint.map_or("none", String::as_str);
                        info!(namespace, configmap, fingerprint, "certificate published");
                    }
                    told = false;
                    pause = FIRST_PAUSE;
                    LOOK_AGAIN
                }
                Err(error) => {
                    // Once, until it works again.
                    if !std::mem::replace(&mut told, true) {
                        self.failed(&error);
                    }
                    let wait = pause;
                    pause = pause.saturating_mul(2).min(LOOK_AGAIN);
                    wait
                }
            };
            tokio::select! {
                changed = self.keyring.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(super::jittered(wait)) => {}
            }
        }
    }

    fn failed(&self, error: &ApiError) {
        let (namespace, configmap) = (&self.namespace, &self.name);
        let error_shown = error_text(error);
        if error.is_forbidden() {
            warn!(
                namespace,
                configmap,
                error = error_shown,
                "the certificate is not published: --publish-certificates needs rights that deploy/certificate-configmap.yaml grants"
            );
        } else {
            warn!(
                namespace,
                configmap,
                error = error_shown,
                "the certificate is not published yet"
            );
        }
    }

    /// Says whether something had to be written.
    async fn publish(&self, entries: &BTreeMap<String, String>) -> Result<bool, ApiError> {
        let Self {
            cluster,
            namespace,
            name,
            ..
        } = self;
        match cluster.read::<ConfigMap>(Some(namespace), name).await? {
            None => {
                let map = ConfigMap {
                    metadata: ObjectMeta {
                        name: Some(name.clone()),
                        namespace: Some(namespace.clone()),
                        ..ObjectMeta::default()
                    },
                    data: Some(entries.clone()),
                    ..ConfigMap::default()
                };
                cluster.create(namespace, &map).await?;
                Ok(true)
            }
            Some(mut map) => {
                let data = map.data.take().unwrap_or_default();
                let wanted = with_ours(data.clone(), entries);
                if wanted == data {
                    return Ok(false);
                }
                map.data = Some(wanted);
                // Over the version that was read: whoever was faster is read again.
                cluster.replace(namespace, name, &map).await?;
                Ok(true)
            }
        }
    }
}

/// What is published at `now`: nothing while no certificate may be offered.
fn entries(keyring: &Keyring, now: Timestamp) -> BTreeMap<String, String> {
    let certificate = keyring.current(now).and_then(|key| key.certificate());
    let entries = certificate.map(|certificate| {
        [
            (published::CERTIFICATE, certificate.to_pem()),
            (
                published::FINGERPRINT,
                certificate.fingerprint().to_string(),
            ),
        ]
    });
    let entries = entries.into_iter().flatten();
    entries
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// The content of a ConfigMap with our entries as they should be, and everybody else's as they are.
fn with_ours(
    mut data: BTreeMap<String, String>,
    entries: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    data.remove(published::CERTIFICATE);
    data.remove(published::FINGERPRINT);
    data.extend(entries.clone());
    data
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sealed_crypto::{Certificate, PrivateKey, SealingKey};

    use super::*;

    fn file(name: &str) -> Vec<u8> {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys");
        std::fs::read(format!("{directory}/{name}")).unwrap()
    }

    fn keyring(certificate: &str) -> Keyring {
        let key = PrivateKey::from_pem(&file("rsa2048-a.pkcs1.pem")).unwrap();
        let certificate = Certificate::from_pem(&file(certificate)).unwrap();
        Keyring::new([Arc::new(SealingKey::new(
            key,
            Some(certificate),
            Timestamp::UNIX_EPOCH,
        ))])
    }

    #[test]
    fn only_what_may_be_offered_is_published_and_others_entries_stay() {
        let now = Timestamp::from_second(1_780_272_000).unwrap();
        let offered = entries(&keyring("cert-until-2049.crt.pem"), now);
        assert_eq!(
            offered["cert.pem"].as_bytes(),
            file("cert-until-2049.crt.pem")
        );
        assert!(offered["fingerprint"].starts_with("SHA256:"));
        let expired = entries(&keyring("cert-expired.crt.pem"), now);
        assert!(expired.is_empty());

        let theirs = BTreeMap::from([("note".to_owned(), "x".to_owned())]);
        let both = with_ours(theirs.clone(), &offered);
        assert_eq!(both.len(), 3);
        assert_eq!(with_ours(both.clone(), &offered), both);
        assert_eq!(with_ours(both, &expired), theirs);
    }
}
