//! What is said about keys: log lines, events, metrics.

use jiff::Timestamp;
use sealed_api::names::{self, events};
use tracing::{error, info, warn};

use super::KeyTask;
use super::known::Change;
use crate::error_text::error_text;
use crate::key_secret::{CertificateFault, NONE_OFFERED};
use crate::kubernetes::events::{About, Note};

impl KeyTask {
    /// Says what changed.
    pub(super) fn tell(&self, change: Option<Change>) {
        match change {
            None => {}
            Some(Change::Registered {
                secret,
                fingerprint,
                fault,
            }) => {
                info!(secretname = secret, %fingerprint, "registered private key");
                not_offered(&secret, fault.as_ref());
            }
            Some(Change::Replaced {
                secret,
                fingerprint,
                fault,
            }) => {
                info!(secretname = secret, %fingerprint, "the certificate of the private key was replaced");
                not_offered(&secret, fault.as_ref());
            }
            Some(Change::Dropped {
                secret,
                fingerprint,
            }) => warn!(secretname = secret, %fingerprint, "dropped private key"),
            Some(Change::Broken {
                secret,
                uid,
                resource_version,
                fault,
            }) => {
                let text = error_text(&fault);
                error!(secret, error = text, "Error reading key");
                let about = self.about(&secret, &uid, &resource_version);
                self.warn(about, events::KEY_UNUSABLE, text);
            }
        }
    }

    /// Shows the state of the keys, and says once that nothing can be sealed at the moment.
    pub(super) fn show(&mut self, now: Timestamp) {
        let keyring = self.publish.borrow().clone();
        let offered = keyring.current(now).and_then(|key| key.certificate());
        self.metrics.keys_observed(
            offered.map(sealed_crypto::Certificate::not_after),
            self.known.unusable(),
        );
        let newest = keyring.iter().next().map(|key| key.fingerprint());
        let unoffered = offered.is_none() && newest.is_some();
        if unoffered && !self.told_unoffered {
            warn!(namespace = self.recipe.namespace, "{NONE_OFFERED}");
            if let Some((name, uid, resource_version)) =
                newest.and_then(|key| self.known.secret_of(key))
            {
                let about = self.about(name, uid, resource_version);
                self.warn(about, events::NO_CERTIFICATE, NONE_OFFERED.to_owned());
            }
        }
        self.told_unoffered = unoffered;
    }

    /// A key Secret, for an event.
    fn about(&self, name: &str, uid: &str, resource_version: &str) -> About {
        About {
            api_version: names::secret::API_VERSION,
            kind: names::secret::KIND,
            namespace: self.recipe.namespace.clone(),
            name: name.to_owned(),
            uid: uid.to_owned(),
            resource_version: resource_version.to_owned(),
        }
    }

    fn warn(&self, about: About, reason: &'static str, message: String) {
        self.recorder.record(Note {
            about,
            kind: events::WARNING,
            reason,
            message,
        });
    }
}

fn not_offered(secret: &str, fault: Option<&CertificateFault>) {
    if let Some(fault) = fault {
        warn!(
            secret,
            error = error_text(fault),
            "the key opens values, but its certificate is not offered for sealing"
        );
    }
}
