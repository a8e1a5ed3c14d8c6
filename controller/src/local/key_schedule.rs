//! When keys are read and made: the rules of [`crate::renewal`] over `DIR/keys`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::keys::{Keys, Loaded};
use super::reconcile::blocking;
use super::shell::Shell;
use crate::error_text::error_text;
use crate::memory::KeySet;
use crate::renewal::{AtStart, KeysAtStart, NewestKey, Renewal, RenewalRules};
use crate::services::Services;

/// The clock is looked at again at least this often: it may be set, and the machine may sleep.
const LOOK_AGAIN: Duration = Duration::from_hours(1);

/// Between two keys, whatever the clock says.
const REST: Duration = Duration::from_secs(1);

/// The keys and what is due for them. Methods take and give it back because file work happens on another thread.
pub(super) struct KeySchedule {
    services: Services,
    keys: Keys,
    renewal: Renewal,
    secrets: usize,
    /// No key on schedule before this: whatever the clock says, keys are not made without pause.
    rest_until: Instant,
}

impl KeySchedule {
    pub(super) fn new(services: &Services, keys: Keys) -> Self {
        let renewal = Renewal::new(RenewalRules::from(&services.config.keys));
        Self {
            services: services.clone(),
            keys,
            renewal,
            secrets: 0,
            rest_until: Instant::now(),
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
        self.secrets = secrets;
        let now = (self.services.clock)();
        self.renewal.keys_changed(NewestKey::of(&keyring, now));
        let keys = KeySet::from(&keyring);
        self.services.keyring.send_replace(keyring);
        shell.keys_changed(&keys);
    }

    /// Makes the first key, if there is to be one.
    pub(super) async fn start(self, shell: &Arc<Shell>) -> Self {
        let now = (self.services.clock)();
        let newest = NewestKey::of(&self.services.keyring.borrow(), now);
        let secrets = self.secrets;
        match self.renewal.at_start(KeysAtStart { secrets, newest }) {
            AtStart::Proceed => {}
            AtStart::Generate(_) => return self.make(shell, "at start").await,
            AtStart::WaitForKey => {
                tracing::warn!(
                    "there is no sealing key, and --auto-first-key=false: waiting for one to be brought"
                );
            }
            AtStart::NoUsableKey => tracing::error!(
                secrets,
                "no sealing key can be used; a new one would hide that, so none is made"
            ),
        }
        self
    }

    /// Makes one more key.
    pub(super) async fn make(mut self, shell: &Arc<Shell>, occasion: &'static str) -> Self {
        let shell = Arc::clone(shell);
        blocking(move || {
            let now = (self.services.clock)();
            match self.keys.make(now) {
                Ok(()) => {
                    self.renewal.generated();
                    self.publish(&shell);
                }
                Err(failure) => {
                    tracing::error!(
                        error = error_text(&failure),
                        occasion,
                        "Failed to generate new key"
                    );
                    self.renewal.failed(now);
                }
            }
            self
        })
        .await
    }

    /// Makes the next key if it is due.
    pub(super) async fn make_due(mut self, shell: &Arc<Shell>) -> Self {
        let due = self
            .renewal
            .due()
            .is_some_and(|due| due <= (self.services.clock)());
        if due && self.rest_until <= Instant::now() {
            self.rest_until = Instant::now() + REST;
            return self.make(shell, "on schedule").await;
        }
        self
    }

    /// How long until the next key is due, or until that has to be asked again.
    pub(super) fn due_in(&self) -> Duration {
        let now = (self.services.clock)();
        let wait = self
            .renewal
            .due()
            .map(|due| Duration::try_from(due.duration_since(now)).unwrap_or_default());
        wait.unwrap_or(LOOK_AGAIN).clamp(REST, LOOK_AGAIN)
    }
}
