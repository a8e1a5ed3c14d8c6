//! When keys are read and made: the schedule of [`crate::renewal`] over `DIR/keys`.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use sealed_crypto::Keyring;

use super::keys::{Keys, Loaded};
use super::reconcile::blocking;
use super::shell::Shell;
use crate::error_text::error_text;
use crate::key_marks::Backups;
use crate::key_notices::{KeyNotices, KeysNoticed, NONE_OFFERED, WITHOUT_BACKUP};
use crate::memory::KeySet;
use crate::metrics::KeysShown;
use crate::renewal::{
    Act, AtStart, KeysAtStart, Moment, NewestKey, Occasion, Part, RenewalRules, Schedule,
};
use crate::services::Services;

/// The keys and what is due for them. Methods take and give it back because file work happens on another thread.
pub(super) struct KeySchedule {
    services: Services,
    keys: Keys,
    schedule: Schedule,
    found: KeysAtStart,
    /// What people were told last.
    told: KeyNotices,
}

impl KeySchedule {
    pub(super) fn new(services: &Services, keys: Keys) -> Self {
        Self {
            services: services.clone(),
            keys,
            schedule: Schedule::new(RenewalRules::from(&services.config.keys)),
            found: KeysAtStart {
                secrets: 0,
                newest: None,
            },
            told: KeyNotices::default(),
        }
    }

    /// Reads the keys and publishes them.
    pub(super) async fn load(mut self, shell: &Arc<Shell>) -> Self {
        let shell = Arc::clone(shell);
        blocking(move || {
            self.publish(&shell);
            self
        })
        .await
    }

    fn publish(&mut self, shell: &Shell) {
        let Loaded {
            keyring,
            secrets,
            unusable,
            requested,
            backups,
        } = self.keys.load();
        let now = self.now().time;
        self.show(&keyring, unusable, backups, now);
        self.schedule.requested(requested);
        let newest = NewestKey::of(&keyring, now);
        self.found = KeysAtStart { secrets, newest };
        self.schedule.keys_changed(self.found);
        let keys = KeySet::from(&keyring);
        self.services.keyring.send_replace(keyring);
        shell.keys_changed(&keys);
    }

    /// Shows the state of the keys, and says once each what is to be noticed.
    fn show(&mut self, keyring: &Keyring, unusable: usize, backups: Backups, now: Timestamp) {
        let shown = KeysShown::of(keyring, now, unusable, backups);
        self.services.metrics.keys_observed(&shown);
        let keys = KeysNoticed {
            keyring,
            backups,
            remind_after: self.services.config.keys.backup_reminder,
        };
        let notices = KeyNotices::of(keys, now);
        let news = notices.beyond(self.told);
        if news.none_offered.is_some() {
            tracing::warn!("{NONE_OFFERED}");
        }
        if let Some(key) = news.without_backup {
            tracing::warn!(fingerprint = %key, "{WITHOUT_BACKUP}");
        }
        self.told = notices;
    }

    /// Makes the first key, if there is to be one. One that cannot be made is tried again by [`go_on`](Self::go_on).
    pub(super) async fn start(mut self, shell: &Arc<Shell>) -> Self {
        match self.schedule.listed(self.found, self.now()) {
            AtStart::Proceed | AtStart::Generate(_) => {}
            AtStart::WaitForKey => {
                tracing::warn!(
                    "there is no sealing key, and --auto-first-key=false: waiting for one to be brought"
                );
            }
            AtStart::NoUsableKey => tracing::error!(
                secrets = self.found.secrets,
                "no sealing key can be used; a new one would hide that, so none is made"
            ),
        }
        self.go_on(shell).await.0
    }

    /// Makes what is due, and says when to come back.
    pub(super) async fn go_on(mut self, shell: &Arc<Shell>) -> (Self, Instant) {
        loop {
            match self.schedule.step(self.now(), Part::Leads) {
                Act::Make(occasion) => self = self.make(shell, occasion).await,
                Act::Wait(until) => return (self, until),
            }
        }
    }

    /// Somebody asks for a new key: one is made by [`go_on`](Self::go_on).
    pub(super) fn demanded(&mut self) {
        self.schedule.demanded();
    }

    /// Makes one more key.
    async fn make(mut self, shell: &Arc<Shell>, occasion: Occasion) -> Self {
        let shell = Arc::clone(shell);
        blocking(move || {
            match self.keys.make(self.now().time, occasion) {
                Ok(()) => {
                    self.schedule.made();
                    self.publish(&shell);
                }
                Err(failure) => {
                    tracing::error!(
                        error = error_text(&failure),
                        occasion = occasion.as_str(),
                        "Failed to generate new key"
                    );
                    self.schedule.failed(self.now());
                }
            }
            self
        })
        .await
    }

    fn now(&self) -> Moment {
        Moment {
            time: (self.services.clock)(),
            instant: Instant::now(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::num::NonZeroUsize;
    use std::time::Duration;

    use jiff::SignedDuration;
    use sealed_crypto::{Certificate, PrivateKey, SealingKey};

    use super::*;
    use crate::args;
    use crate::config::Config;
    use crate::fair_pool::FairPool;
    use crate::key_secret::name_after;
    use crate::local::directory::Directory;
    use crate::local::keys::NAMESPACE;
    use crate::logging::tests::Captured;
    use crate::metrics::Metrics;
    use crate::render::Renderer;

    fn now() -> Timestamp {
        Timestamp::from_second(1_780_272_000).unwrap()
    }

    fn file(name: &str) -> Vec<u8> {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys");
        fs::read(format!("{directory}/{name}")).unwrap()
    }

    /// The recorded key with this certificate.
    fn keyring(certificate: &str) -> Keyring {
        let key = PrivateKey::from_pem(&file("rsa2048-a.pkcs1.pem")).unwrap();
        let certificate = Certificate::from_pem(&file(certificate)).unwrap();
        Keyring::new([Arc::new(SealingKey::new(key, Some(certificate), now()))])
    }

    fn services(flags: &[&str]) -> Services {
        let flags = flags.iter().map(|flag| (*flag).to_owned());
        let config = Config::resolve(&args::table().parse([], flags).unwrap()).unwrap();
        let metrics = Metrics::new("v0", false).unwrap();
        let pool = FairPool::start("rsa", NonZeroUsize::MIN, NonZeroUsize::MIN).unwrap();
        Services::new(config, metrics, pool, Renderer::start().unwrap(), now)
    }

    #[test]
    fn a_certificate_that_has_ended_is_told_once_and_shown() {
        let top = tempfile::tempdir().unwrap();
        let services = services(&[]);
        let directory = Directory::open_root(top.path()).unwrap();
        let keys = Keys::new(directory, None, services.config.keys.clone());
        let mut schedule = KeySchedule::new(&services, keys);
        let shown = |gauge: &str| {
            let text = String::from_utf8(services.metrics.to_text().unwrap()).unwrap();
            let line = text.lines().find_map(|line| line.strip_prefix(gauge));
            line.map(|value| value.trim().to_owned()).unwrap()
        };
        let log = Captured::start();
        let told = || log.text().matches(NONE_OFFERED).count();
        let (expiry, unusable) = (
            "sealed_secrets_controller_certificate_expiry_timestamp_seconds",
            "sealed_secrets_controller_unusable_key_secrets",
        );

        schedule.show(
            &keyring("cert-until-2049.crt.pem"),
            2,
            Backups::default(),
            now(),
        );
        assert_ne!(shown(expiry), "0");
        assert_eq!((shown(unusable).as_str(), told()), ("2", 0));
        for _ in 0..2 {
            schedule.show(
                &keyring("cert-expired.crt.pem"),
                0,
                Backups::default(),
                now(),
            );
            assert_eq!((shown(expiry).as_str(), told()), ("0", 1));
        }
        assert_eq!(shown(unusable), "0");
        // The newest key, that nobody backed up: once, and again for the next one.
        let reminded = || log.text().matches(WITHOUT_BACKUP).count();
        let old = Backups::of([(Timestamp::UNIX_EPOCH, None)]);
        let fresh = Backups::of([(now(), None)]);
        let sound = keyring("cert-until-2049.crt.pem");
        for (backups, expected) in [(fresh, 0), (old, 1), (old, 1), (fresh, 1), (old, 2)] {
            schedule.show(&sound, 0, backups, now());
            assert_eq!(reminded(), expected);
        }
        // No key at all is said elsewhere.
        schedule.show(&Keyring::default(), 0, Backups::default(), now());
        assert_eq!(told(), 1);
    }

    #[tokio::test]
    async fn a_key_that_was_asked_for_and_cannot_be_stored_is_made_later() {
        let top = tempfile::tempdir().unwrap();
        let directory = top.path().to_str().unwrap();
        let services = services(&[
            "--local",
            directory,
            "--key-size=2048",
            "--auto-first-key=false",
        ]);
        let local = services.config.local.clone().unwrap();
        let (shell, _sweeper, schedule) = crate::local::start(services, &local).unwrap();
        let mut schedule = schedule.load(&shell).await.start(&shell).await;
        // Every name that would be tried is taken.
        let names = (0..5)
            .map(|attempt| name_after("sealed-secrets-key", NAMESPACE, BTreeSet::new(), attempt));
        let taken: Vec<_> = names
            .map(|name| top.path().join(format!("keys/{name}.yaml")))
            .collect();
        for path in &taken {
            fs::create_dir(path).unwrap();
        }

        let before = Instant::now();
        schedule.demanded();
        let (mut schedule, again) = schedule.go_on(&shell).await;
        assert_eq!(schedule.found.secrets, 0);
        let wait = again - before;
        assert!((10..600).contains(&wait.as_secs()), "{wait:?}");

        for path in &taken {
            fs::remove_dir(path).unwrap();
        }
        let then = Moment {
            time: now() + SignedDuration::from_secs(10),
            instant: again,
        };
        let act = schedule.schedule.step(then, Part::Leads);
        assert_eq!(act, Act::Make(Occasion::Demand));
        let schedule = schedule.make(&shell, Occasion::Demand).await;
        assert_eq!(schedule.found.secrets, 1);
        let (_schedule, next) = schedule.go_on(&shell).await;
        assert!(next - again > Duration::from_mins(30), "one is enough");
    }
}
