//! When keys are read and made: the schedule of [`crate::renewal`] over `DIR/keys`.

use std::sync::Arc;
use std::time::Instant;

use super::keys::{Keys, Loaded};
use super::reconcile::blocking;
use super::shell::Shell;
use crate::error_text::error_text;
use crate::memory::KeySet;
use crate::renewal::{
    Act, AtStart, KeysAtStart, Moment, NewestKey, Occasion, RenewalRules, Schedule,
};
use crate::services::Services;

/// The keys and what is due for them. Methods take and give it back because file work happens on another thread.
pub(super) struct KeySchedule {
    services: Services,
    keys: Keys,
    schedule: Schedule,
    found: KeysAtStart,
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
        let Loaded { keyring, secrets } = self.keys.load();
        let newest = NewestKey::of(&keyring, self.now().time);
        self.found = KeysAtStart { secrets, newest };
        self.schedule.keys_changed(self.found);
        let keys = KeySet::from(&keyring);
        self.services.keyring.send_replace(keyring);
        shell.keys_changed(&keys);
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
            match self.schedule.step(self.now()) {
                Act::Make(occasion) => self = self.make(shell, occasion).await,
                Act::Wait(until) => return (self, until),
            }
        }
    }

    /// Makes one more key.
    pub(super) async fn make(mut self, shell: &Arc<Shell>, occasion: Occasion) -> Self {
        let shell = Arc::clone(shell);
        blocking(move || {
            match self.keys.make(self.now().time) {
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
