//! The sealing keys: found, watched, renewed.
//!
//! One task owns them and publishes a [`Keyring`]; everybody else only reads the latest. A key that is added,
//! relabelled, deleted or replaced takes effect at once, a broken one is reported and skipped, and an emptied keyring
//! never makes a new key appear behind the operator's back.

mod escrow;
mod known;
mod make;
mod tell;

use std::sync::Arc;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::runtime::watcher::Event;
use sealed_api::names::labels;
use sealed_crypto::Keyring;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use self::known::{KnownKeys, Source};
use self::make::{Made, Order, Prepared, Recipe};
use super::client::Cluster;
use super::events::Recorder;
use super::leadership::{Leadership, Standing};
use super::watch::{Happening, Reach, Selection, Watch};
use crate::error_text::error_text;
use crate::http::Gate;
use crate::key_notices::{KeyNotices, KeysNoticed};
use crate::metrics::Metrics;
use crate::queue::now;
use crate::renewal::{
    Act, AtStart, KeysAtStart, Moment, NewestKey, Occasion, Part, RenewalRules, Schedule, Why,
};
use crate::services::Services;
use sealed_api::wipe;

/// What the key task needs.
pub(super) struct KeyTask {
    cluster: Cluster,
    recorder: Recorder,
    /// Who follows watches the keys like everybody, and leaves it to the leader to make them.
    leadership: Leadership,
    /// Cancelled when this process may write.
    writing: CancellationToken,
    recipe: Recipe,
    schedule: Schedule,
    /// The lists that have not ended yet. Until they have, it is not known which keys there are.
    listing: Vec<Source>,
    known: KnownKeys,
    publish: Arc<watch::Sender<Keyring>>,
    /// Whoever asks for one more key.
    demand: Arc<Notify>,
    clock: fn() -> Timestamp,
    metrics: Arc<Metrics>,
    /// What people were told last; nothing before the first look.
    told: Option<KeyNotices>,
    /// A key that could not be stored yet.
    prepared: Option<Prepared>,
}

/// Says, once and for all, that work may begin: [`Schedule::is_ready`].
pub(super) struct Loaded {
    /// Readiness.
    pub(super) gate: Gate,
    /// Cancelled when it is so: passes may begin.
    pub(super) token: CancellationToken,
}

impl Loaded {
    fn tell(&self) {
        self.gate.open();
        self.token.cancel();
    }
}

impl KeyTask {
    /// The task for the namespace `home`.
    pub(super) fn new(
        services: &Services,
        cluster: Cluster,
        recorder: Recorder,
        leadership: Leadership,
        writing: CancellationToken,
        home: &str,
    ) -> Self {
        let config = &services.config.keys;
        Self {
            cluster,
            recorder,
            leadership,
            writing,
            recipe: Recipe {
                namespace: home.to_owned(),
                config: config.clone(),
            },
            schedule: Schedule::new(RenewalRules::from(config)),
            listing: vec![Source::Labelled, Source::Legacy],
            known: KnownKeys::new(config.order),
            publish: Arc::clone(&services.keyring),
            demand: Arc::clone(&services.renew_key),
            clock: services.clock,
            metrics: Arc::clone(&services.metrics),
            told: None,
            prepared: None,
        }
    }

    /// Runs until `stop`. `loaded` is told when work may begin.
    pub(super) async fn run(mut self, loaded: Loaded, stop: CancellationToken) {
        info!("Searching for existing private keys");
        let demand = Arc::clone(&self.demand);
        let leadership = self.leadership.clone();
        let writing = self.writing.clone();
        let reach = Reach::Namespace(self.recipe.namespace.clone());
        let mut labelled = Watch::<Secret>::new(
            &self.cluster,
            "sealing keys",
            &reach,
            Selection {
                labels: Some(format!("{}={}", labels::SEALING_KEY, labels::ACTIVE)),
                ..Selection::default()
            },
        );
        let mut legacy = Watch::<Secret>::new(
            &self.cluster,
            "the sealing key of the oldest form",
            &reach,
            Selection {
                fields: Some(format!("metadata.name={}", self.recipe.config.prefix)),
                ..Selection::default()
            },
        );
        loop {
            let alarm = self.go_on(&loaded).await;
            let part = self.part();
            tokio::select! {
                () = stop.cancelled() => return,
                happening = labelled.next() => self.happened(Source::Labelled, happening),
                happening = legacy.next() => self.happened(Source::Legacy, happening),
                () = tokio::time::sleep_until(alarm.into()) => {}
                () = leadership.begun(), if !leadership.leads() => {}
                () = leadership.decided(), if part == Part::Undecided => {}
                () = writing.cancelled(), if part == Part::Observes => {}
                () = demand.notified() => self.schedule.demanded(),
            }
        }
    }

    /// Does what is due, whatever woke us, and says when to look again if nothing does.
    async fn go_on(&mut self, loaded: &Loaded) -> Instant {
        loop {
            let now = self.now();
            self.schedule.keys_changed(self.found(now.time));
            self.schedule.requested(self.known.is_renewal_requested());
            let part = self.part();
            match self.schedule.step(now, part) {
                // Not cut short by a shutdown: a stored key that was never told of is worse than a second more.
                Act::Make(occasion) => self.make(occasion).await,
                Act::Wait(until) => {
                    if self.schedule.is_ready(part) {
                        loaded.tell();
                    }
                    return until.min(self.look(now).unwrap_or(until));
                }
            }
        }
    }

    /// Shows the state of the keys, if they are known. Says when that will change by itself.
    fn look(&mut self, now: Moment) -> Option<Instant> {
        if !self.listing.is_empty() {
            return None;
        }
        let keyring = self.publish.borrow().clone();
        let keys = KeysNoticed {
            keyring: &keyring,
            backups: self.known.backups(),
            remind_after: self.remind_after(),
        };
        self.show(keys, now.time);
        now.until(keys.next_change(now.time)?)
    }

    /// How long the newest key may be without a backup. The leader alone reminds of it.
    fn remind_after(&self) -> Option<SignedDuration> {
        let after = self.recipe.config.backup_reminder;
        after.filter(|_| self.leadership.leads())
    }

    fn part(&self) -> Part {
        if !self.writing.is_cancelled() {
            return Part::Observes;
        }
        match self.leadership.standing() {
            Standing::Undecided => Part::Undecided,
            Standing::Follows | Standing::Leads(_) => {
                // A term may be over though nobody has found that out yet.
                if self.leadership.leads() {
                    Part::Leads
                } else {
                    Part::Follows
                }
            }
        }
    }

    fn now(&self) -> Moment {
        Moment {
            time: (self.clock)(),
            instant: now(),
        }
    }

    fn found(&self, now: Timestamp) -> KeysAtStart {
        KeysAtStart {
            secrets: self.known.secrets(),
            newest: NewestKey::of(&self.publish.borrow(), now),
        }
    }

    /// A list ended. With the last one it is known which keys there are.
    fn listed(&mut self, source: Source) {
        let before = self.listing.len();
        self.listing.retain(|other| *other != source);
        if before > 0 && self.listing.is_empty() {
            self.start();
        }
    }

    fn start(&mut self) {
        let now = self.now();
        let found = self.found(now.time);
        match self.schedule.listed(found, now) {
            AtStart::Proceed => {}
            AtStart::Generate(Why::FirstStart) => {
                info!("there is no sealing key yet: the leader makes the first one");
            }
            AtStart::Generate(Why::Cutoff) => info!(
                "the newest sealing key is older than --key-cutoff-time: the leader makes a new one"
            ),
            AtStart::WaitForKey => warn!(
                namespace = self.recipe.namespace,
                "there is no sealing key, and --auto-first-key=false: waiting for one to be brought"
            ),
            AtStart::NoUsableKey => error!(
                namespace = self.recipe.namespace,
                secrets = found.secrets,
                "no sealing key can be used; a new one would hide that, so none is made"
            ),
        }
    }

    /// Makes a key, or takes over the one that somebody else has just made.
    async fn make(&mut self, occasion: Occasion) {
        let order = Order {
            now: (self.clock)(),
            occasion,
            requests: self.known.requests(),
        };
        let known = |name: &str| self.known.holds(name);
        let made = make::make(
            &self.cluster,
            &self.recipe,
            &order,
            &mut self.prepared,
            known,
        )
        .await;
        match made {
            Ok(Made::Here(new)) => {
                self.tell_made(&new, occasion);
                tell::registered(&new.secret, new.certificate.fingerprint());
                self.known.found(Source::Labelled, new.stored);
                // Should its annotations be lost on the way, the wishes are met all the same.
                self.known.answered(order.requests);
            }
            Ok(Made::Elsewhere(secrets)) => {
                for secret in secrets {
                    for change in self.known.found(Source::Labelled, secret) {
                        self.tell(change);
                    }
                }
            }
            Ok(Made::Answered(requests)) => self.known.answered(requests),
            Err(failure) => {
                error!(
                    error = error_text(&failure),
                    occasion = occasion.as_str(),
                    "Failed to generate new key"
                );
                self.schedule.failed(self.now());
                return;
            }
        }
        self.schedule.made();
        self.publish_keys();
    }

    fn happened(&mut self, source: Source, happening: Happening<Secret>) {
        let (changes, ended) = match happening {
            Happening::Event(Event::Init) => {
                self.known.begin(source);
                return;
            }
            Happening::Event(Event::InitApply(secret) | Event::Apply(secret)) => {
                (self.known.found(source, secret), false)
            }
            Happening::Event(Event::Delete(mut secret)) => {
                wipe(&mut secret);
                let name = secret.metadata.name.unwrap_or_default();
                let gone = self.known.gone(source, &name);
                (gone.into_iter().collect(), false)
            }
            Happening::Event(Event::InitDone) => (self.known.complete(source), true),
            // Not being allowed to look for the oldest form is no reason to serve nothing.
            Happening::Failed { forbidden: true } if source == Source::Legacy => (Vec::new(), true),
            Happening::Failed { .. } => return,
        };
        if !changes.is_empty() {
            for change in changes {
                self.tell(change);
            }
            self.publish_keys();
        }
        if ended {
            self.listed(source);
        }
    }

    fn publish_keys(&self) {
        self.publish.send_replace(self.known.keyring());
    }
}

#[cfg(test)]
mod tests;
