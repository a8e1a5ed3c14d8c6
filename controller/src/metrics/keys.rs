//! What is shown of the sealing keys.

use jiff::Timestamp;
use prometheus::{IntGauge, Opts, Registry};
use sealed_api::names::metrics as names;
use sealed_crypto::{Certificate, Keyring};

use crate::key_marks::Backups;

/// What there is to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeysShown {
    /// Of the key that is offered for sealing: when it came into use and when its certificate ends.
    pub offered: Option<(Timestamp, Timestamp)>,
    /// Key Secrets that hold nothing that can be used.
    pub unusable: usize,
    /// The backups of the keys in use.
    pub backups: Backups,
}

impl KeysShown {
    /// Of these keys, at this time.
    pub fn of(keyring: &Keyring, now: Timestamp, unusable: usize, backups: Backups) -> Self {
        let offered = keyring.current(now).and_then(|key| {
            let until = key.certificate().map(Certificate::not_after)?;
            Some((key.ordering_time(), until))
        });
        Self {
            offered,
            unusable,
            backups,
        }
    }
}

/// The gauges.
pub(super) struct KeyGauges {
    certificate_expiry: IntGauge,
    current: IntGauge,
    newest_backup: IntGauge,
    oldest_without_backup: IntGauge,
    unusable: IntGauge,
    without_backup: IntGauge,
}

impl KeyGauges {
    pub(super) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::with_opts(Opts::new(name, help))?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        Ok(Self {
            certificate_expiry: gauge(
                names::CERTIFICATE_EXPIRY,
                "When the certificate offered for sealing ends, in seconds since 1970; 0 when none is offered.",
            )?,
            current: gauge(
                names::CURRENT_KEY,
                "When the key offered for sealing came into use, in seconds since 1970; 0 when none is offered.",
            )?,
            newest_backup: gauge(
                names::NEWEST_BACKUP,
                "When the newest key was last backed up, in seconds since 1970; 0 when no backup is known.",
            )?,
            oldest_without_backup: gauge(
                names::OLDEST_WITHOUT_BACKUP,
                "When the oldest key came into use that no backup is known of, in seconds since 1970; 0 when there is none.",
            )?,
            unusable: gauge(
                names::UNUSABLE_KEYS,
                "Number of key Secrets that hold no key that can be used.",
            )?,
            without_backup: gauge(
                names::KEYS_WITHOUT_BACKUP,
                "Number of keys in use that no backup is known of.",
            )?,
        })
    }

    pub(super) fn show(&self, keys: &KeysShown) {
        let seconds = |time: Option<Timestamp>| time.map_or(0, Timestamp::as_second);
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let KeysShown {
            offered,
            unusable,
            backups,
        } = keys;
        self.certificate_expiry
            .set(seconds(offered.map(|(_, until)| until)));
        self.current.set(seconds(offered.map(|(since, _)| since)));
        self.newest_backup
            .set(seconds(backups.newest.and_then(|(_, backup)| backup)));
        self.oldest_without_backup
            .set(seconds(backups.oldest_without));
        self.unusable.set(count(*unusable));
        self.without_backup.set(count(backups.without));
    }
}
