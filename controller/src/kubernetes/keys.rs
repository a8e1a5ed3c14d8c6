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
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::runtime::watcher::Event;
use sealed_api::names::labels;
use sealed_crypto::Keyring;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use self::known::{KnownKeys, Source};
use self::make::{Made, Order, Prepared, Recipe};
use super::client::Cluster;
use super::events::Recorder;
use super::leadership::Leadership;
use super::watch::{Happening, Reach, Selection, Watch};
use crate::error_text::error_text;
use crate::http::Gate;
use crate::key_notices::{KeyNotices, KeysNoticed};
use crate::metrics::Metrics;
use crate::renewal::{AtStart, KeysAtStart, NewestKey, Occasion, Renewal, RenewalRules, Why};
use crate::services::Services;
use sealed_api::wipe;

/// The clock is looked at again at least this often: it may be set, and certificates end.
const LOOK_AGAIN: Duration = Duration::from_hours(1);
/// Between two keys made on schedule.
const REST: Duration = Duration::from_secs(1);
/// Pause after a failed generation of the first key; doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What the key task needs.
pub(super) struct KeyTask {
    cluster: Cluster,
    recorder: Recorder,
    /// Who follows watches the keys like everybody, and leaves it to the leader to make them.
    leadership: Leadership,
    /// Cancelled when this process may write.
    writing: CancellationToken,
    recipe: Recipe,
    renewal: Renewal,
    known: KnownKeys,
    publish: Arc<watch::Sender<Keyring>>,
    /// Whoever asks for one more key.
    demand: Arc<Notify>,
    clock: fn() -> Timestamp,
    metrics: Arc<Metrics>,
    /// What the start decided, once both lists have ended.
    start: Start,
    /// No scheduled key before this: whatever the clocks say, keys are not made without pause.
    rest_until: Instant,
    /// What people were told last.
    told: KeyNotices,
    /// A key that could not be stored yet.
    prepared: Option<Prepared>,
}

/// Says, once and for all, that there are keys to work with or that none are to be expected.
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

/// How far the start has come.
enum Start {
    /// The lists that have not ended yet.
    Listing(Vec<Source>),
    /// A key has to be made first, not before this.
    Making { after: Instant, pause: Duration },
    /// Done: passes run, the certificate is served.
    Over,
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
            renewal: Renewal::new(RenewalRules::from(config)),
            known: KnownKeys::new(config.order),
            publish: Arc::clone(&services.keyring),
            demand: Arc::clone(&services.renew_key),
            clock: services.clock,
            metrics: Arc::clone(&services.metrics),
            start: Start::Listing(vec![Source::Labelled, Source::Legacy]),
            rest_until: Instant::now(),
            told: KeyNotices::default(),
            prepared: None,
        }
    }

    /// Runs until `stop`. `loaded` is told when the keys there are have been read and a missing first key was made.
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
            let alarm = self.alarm((self.clock)());
            tokio::select! {
                () = stop.cancelled() => return,
                happening = labelled.next() => self.happened(Source::Labelled, happening),
                happening = legacy.next() => self.happened(Source::Legacy, happening),
                () = tokio::time::sleep_until(alarm) => {}
                () = leadership.begun(), if !leadership.leads() => {}
                () = writing.cancelled(), if !writing.is_cancelled() => {}
                // Not before it is known which keys there are; a demand that comes earlier is kept.
                () = demand.notified(), if matches!(self.start, Start::Over) && writing.is_cancelled() => {
                    // Making a key is not cut short by a shutdown: a stored key that was never told of is worse
                    // than a second more.
                    self.make(Occasion::Demand).await;
                }
            }
            self.go_on(&loaded).await;
        }
    }

    /// What has to be done now, whatever woke us.
    async fn go_on(&mut self, loaded: &Loaded) {
        let now = (self.clock)();
        self.renewal.requested(self.known.is_renewal_requested());
        match &self.start {
            Start::Listing(open) if open.is_empty() => self.decide_start(now),
            Start::Making { after, .. } if *after <= Instant::now() && self.makes_keys() => {
                self.make_first().await;
            }
            Start::Over
                if self.makes_keys()
                    && self.renewal.due().is_some_and(|due| due <= now)
                    && self.rest_until <= Instant::now() =>
            {
                self.rest_until = Instant::now() + REST;
                self.make(self.renewal.occasion()).await;
            }
            Start::Listing(_) | Start::Making { .. } | Start::Over => {}
        }
        // What is only looked at is looked at with the keys there are.
        let rehearses = !self.writing.is_cancelled() && matches!(self.start, Start::Making { .. });
        if matches!(self.start, Start::Over) || rehearses {
            loaded.tell();
            self.show(now);
        }
    }

    fn makes_keys(&self) -> bool {
        self.writing.is_cancelled() && self.leadership.leads()
    }

    fn decide_start(&mut self, now: Timestamp) {
        let keyring = self.publish.borrow().clone();
        let found = KeysAtStart {
            secrets: self.known.secrets(),
            newest: NewestKey::of(&keyring, now),
        };
        self.start = match self.renewal.at_start(found) {
            AtStart::Proceed => Start::Over,
            AtStart::Generate(why) => {
                match why {
                    Why::FirstStart => {
                        info!("there is no sealing key yet: the leader makes the first one");
                    }
                    Why::Cutoff => info!(
                        "the newest sealing key is older than --key-cutoff-time: making a new one"
                    ),
                }
                Start::Making {
                    after: Instant::now(),
                    pause: FIRST_PAUSE,
                }
            }
            AtStart::WaitForKey => {
                warn!(
                    namespace = self.recipe.namespace,
                    "there is no sealing key, and --auto-first-key=false: waiting for one to be brought"
                );
                Start::Over
            }
            AtStart::NoUsableKey => {
                error!(
                    namespace = self.recipe.namespace,
                    secrets = found.secrets,
                    "no sealing key can be used; a new one would hide that, so none is made"
                );
                Start::Over
            }
        };
    }

    async fn make_first(&mut self) {
        let Start::Making { pause, .. } = self.start else {
            return;
        };
        self.start = if self.make(Occasion::Start).await {
            Start::Over
        } else {
            Start::Making {
                after: Instant::now() + super::jittered(pause),
                pause: pause.saturating_mul(2).min(LONGEST_PAUSE),
            }
        };
    }

    /// Makes a key, or takes over the one that somebody else has just made. Says whether there is a new one.
    async fn make(&mut self, occasion: Occasion) -> bool {
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
                self.renewal.failed((self.clock)());
                return false;
            }
        }
        self.renewal.generated();
        self.renewal.requested(self.known.is_renewal_requested());
        self.changed();
        true
    }

    fn happened(&mut self, source: Source, happening: Happening<Secret>) {
        let changes = match happening {
            Happening::Event(Event::Init) => {
                self.known.begin(source);
                return;
            }
            Happening::Event(Event::InitApply(secret) | Event::Apply(secret)) => {
                self.known.found(source, secret)
            }
            Happening::Event(Event::Delete(mut secret)) => {
                wipe(&mut secret);
                let name = secret.metadata.name.unwrap_or_default();
                self.known.gone(source, &name).into_iter().collect()
            }
            Happening::Event(Event::InitDone) => {
                let changes = self.known.complete(source);
                self.listed(source);
                changes
            }
            // Not being allowed to look for the oldest form is no reason to serve nothing.
            Happening::Failed { forbidden: true } if source == Source::Legacy => {
                self.listed(source);
                return;
            }
            Happening::Failed { .. } => return,
        };
        if !changes.is_empty() {
            for change in changes {
                self.tell(change);
            }
            self.changed();
        }
    }

    fn listed(&mut self, source: Source) {
        if let Start::Listing(open) = &mut self.start {
            open.retain(|other| *other != source);
        }
    }

    /// Publishes the keyring and tells the schedule.
    fn changed(&mut self) {
        let keyring = self.known.keyring();
        self.renewal
            .keys_changed(NewestKey::of(&keyring, (self.clock)()));
        // Whoever brought a key while one was to be made has answered the question.
        if matches!(self.start, Start::Making { .. }) && self.cutoff_is_met(&keyring) {
            self.start = Start::Over;
        }
        self.publish.send_replace(keyring);
    }

    fn cutoff_is_met(&self, keyring: &Keyring) -> bool {
        let found = KeysAtStart {
            secrets: self.known.secrets(),
            newest: NewestKey::of(keyring, (self.clock)()),
        };
        self.renewal.at_start(found) == AtStart::Proceed
    }

    /// When to wake without being woken.
    fn alarm(&self, now: Timestamp) -> Instant {
        let until = |time: Timestamp| {
            let wait = Duration::try_from(time.duration_since(now)).unwrap_or(Duration::ZERO);
            Instant::now().checked_add(wait)
        };
        let wanted = match &self.start {
            _ if !self.makes_keys() => None,
            Start::Listing(_) => None,
            Start::Making { after, .. } => Some(*after),
            Start::Over => self.renewal.due().and_then(until),
        };
        let wanted = wanted.map(|due| due.max(self.rest_until));
        let keyring = self.publish.borrow().clone();
        let change = self.noticed(&keyring).next_change(now).and_then(until);
        let latest = Instant::now() + LOOK_AGAIN;
        wanted.into_iter().chain(change).fold(latest, Instant::min)
    }

    /// What people are told of follows from this.
    fn noticed<'a>(&self, keyring: &'a Keyring) -> KeysNoticed<'a> {
        let after = self.recipe.config.backup_reminder;
        KeysNoticed {
            keyring,
            backups: self.known.backups(),
            // The leader alone reminds.
            remind_after: after.filter(|_| self.leadership.leads()),
        }
    }
}
