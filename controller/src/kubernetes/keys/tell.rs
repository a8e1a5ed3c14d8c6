//! What is said about keys: log lines, events, metrics.

use jiff::Timestamp;
use sealed_api::names::{self, audit, events};
use sealed_crypto::Fingerprint;
use tracing::{error, info, warn};

use super::KeyTask;
use super::known::{Change, Place};
use super::make::New;
use crate::error_text::error_text;
use crate::key_notices::{KeyNotices, KeysNoticed, NONE_OFFERED, WITHOUT_BACKUP};
use crate::key_secret::CertificateFault;
use crate::kubernetes::events::{About, Note};
use crate::metrics::KeysShown;
use crate::renewal::Occasion;

impl KeyTask {
    /// Says what changed.
    pub(super) fn tell(&self, change: Change) {
        match change {
            Change::Registered {
                secret,
                fingerprint,
                fault,
            } => {
                registered(&secret, fingerprint);
                let message = format!("sealing key {fingerprint} is used from now on");
                self.news(&secret, events::NORMAL, events::KEY_REGISTERED, message);
                self.not_offered(&secret, fault.as_ref());
            }
            Change::Replaced {
                secret,
                fingerprint,
                fault,
            } => {
                info!(
                    secretname = secret.name,
                    %fingerprint,
                    audit = audit::KEY_REGISTERED,
                    "the certificate of the private key was replaced"
                );
                let message = format!("the certificate of sealing key {fingerprint} was replaced");
                self.news(&secret, events::NORMAL, events::KEY_REGISTERED, message);
                self.not_offered(&secret, fault.as_ref());
            }
            Change::Dropped {
                secret,
                fingerprint,
            } => {
                warn!(
                    secretname = secret.name,
                    %fingerprint,
                    audit = audit::KEY_RETIRED,
                    "dropped private key"
                );
                let message = match self.known.secret_of(fingerprint) {
                    Some(other) => format!(
                        "sealing key {fingerprint} is in this Secret no more; {} still holds it",
                        other.name
                    ),
                    None => format!("sealing key {fingerprint} opens nothing any more"),
                };
                self.news(&secret, events::NORMAL, events::KEY_RETIRED, message);
            }
            Change::Broken { secret, fault } => {
                let text = error_text(&fault);
                error!(
                    secret = secret.name,
                    error = text,
                    audit = audit::KEY_REFUSED,
                    "Error reading key"
                );
                self.news(&secret, events::WARNING, events::KEY_UNUSABLE, text);
            }
        }
    }

    /// Says that a key was made.
    pub(super) fn tell_made(&self, made: &New, occasion: Occasion) {
        let New {
            secret,
            certificate,
            escrow,
            stored: _,
        } = made;
        let fingerprint = certificate.fingerprint();
        // The first key of a cluster; any other comes after one.
        let first = self.known.secrets() == 0;
        let (trail, reason) = if first {
            (audit::KEY_MADE, events::KEY_CREATED)
        } else {
            (audit::KEY_RENEWED, events::KEY_RENEWED)
        };
        // The words that log pipelines know.
        info!(
            namespace = self.recipe.namespace,
            name = secret.name,
            %fingerprint,
            occasion = occasion.as_str(),
            escrow = escrow.as_deref().unwrap_or("none"),
            audit = trail,
            "New key written"
        );
        info!(certificate = certificate.to_pem(), "Certificate generated");
        let message = format!("sealing key {fingerprint} was made {}", occasion.as_str());
        // Whoever made it: nobody else knows why.
        self.record(secret, events::NORMAL, reason, message);
    }

    /// Shows the state of the keys, and says once each what is to be noticed.
    pub(super) fn show(&mut self, keys: KeysNoticed<'_>, now: Timestamp) {
        let shown = KeysShown::of(keys.keyring, now, self.known.unusable(), keys.backups);
        self.metrics.keys_observed(&shown);
        let notices = KeyNotices::of(keys, now);
        let news = notices.beyond(self.told.unwrap_or_default());
        if let Some(key) = news.none_offered {
            warn!(namespace = self.recipe.namespace, "{NONE_OFFERED}");
            // At the first look it is what a start finds.
            if self.told.is_some() {
                self.warn(key, events::NO_CERTIFICATE, NONE_OFFERED);
            }
        }
        if let Some(key) = news.without_backup {
            warn!(namespace = self.recipe.namespace, fingerprint = %key, "{WITHOUT_BACKUP}");
            self.warn(key, events::KEY_WITHOUT_BACKUP, WITHOUT_BACKUP);
        }
        self.told = Some(notices);
    }

    fn not_offered(&self, secret: &Place, fault: Option<&CertificateFault>) {
        if let Some(fault) = fault {
            let text = error_text(fault);
            warn!(
                secret = secret.name,
                error = text,
                audit = audit::KEY_REFUSED,
                "the key opens values, but its certificate is not offered for sealing"
            );
            let message = format!("its certificate is not offered for sealing: {text}");
            self.news(secret, events::WARNING, events::KEY_UNUSABLE, message);
        }
    }

    fn warn(&self, key: Fingerprint, reason: &'static str, message: &str) {
        if let Some(secret) = self.known.secret_of(key) {
            self.news(&secret, events::WARNING, reason, message.to_owned());
        }
    }

    /// Of several replicas that see the same, the leader tells the cluster; each tells its own log. What a start finds
    /// is no news: an event for each key at every start would be none either.
    fn news(&self, secret: &Place, kind: &'static str, reason: &'static str, message: String) {
        if self.listing.is_empty() && self.leadership.leads() {
            self.record(secret, kind, reason, message);
        }
    }

    fn record(&self, secret: &Place, kind: &'static str, reason: &'static str, message: String) {
        self.recorder.record(Note {
            about: About {
                api_version: names::secret::API_VERSION,
                kind: names::secret::KIND,
                namespace: self.recipe.namespace.clone(),
                name: secret.name.clone(),
                uid: secret.uid.clone(),
                resource_version: secret.resource_version.clone(),
            },
            kind,
            reason,
            message,
        });
    }
}

/// Says that a key can be used.
pub(super) fn registered(secret: &Place, fingerprint: Fingerprint) {
    info!(
        secretname = secret.name,
        %fingerprint,
        audit = audit::KEY_REGISTERED,
        "registered private key"
    );
}
