//! Passes: one SealedSecret, from what is known of it to a Secret, a status and an event.
//!
//! The decisions are made elsewhere ([`crate::triage`], [`crate::plan`]); here is what they need to know fetched and
//! what they want written. A pass that fails because of the API server is repeated for ever, with back-off.

mod recall;
mod tell;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use jiff::Timestamp;
use k8s_openapi::Metadata as _;
use k8s_openapi::api::core::v1::Secret;
use sealed_api::{Decoded, SealedSecret};
use sealed_crypto::Keyring;
use tokio::sync::watch;
use tracing::{debug, error, info};

use super::apply::{self, Applied};
use super::client::{ApiError, Cluster};
use super::events::Recorder;
use super::leadership::Leadership;
use super::objects::Objects;
use super::outage::Outage;
use super::rehearsal::Rehearsal;
use super::status::{StatusWriter, Stored};
use crate::conditions::Recorded;
use crate::fair_pool::{FairPool, NoResult};
use crate::forecast::Forecast;
use crate::memory::{Done, Facts, KeySet};
use crate::message::bounded;
use crate::metrics::{FailureReason, Metrics};
use crate::object_key::ObjectKey;
use crate::outcome::Failure;
use crate::plan::{self, AfterWrite, Attempt, Observed, Rules, Subject, Write};
use crate::queue::{Pace, Ticket, Verdict, now};
use crate::record::RecordKeys;
use crate::render::Renderer;
use crate::triage::{Target, Triage};
use crate::unseal::{LatestKey, Opener};
use sealed_api::Wiping;
use tell::Pass;

/// How often a target that changes under our hands is looked at again within one pass.
const LOOKS: u32 = 4;

/// What passes need. Shared by all workers.
pub(super) struct Reconciler {
    pub(super) cluster: Cluster,
    pub(super) objects: Objects,
    pub(super) recorder: Recorder,
    pub(super) statuses: StatusWriter,
    pub(super) metrics: Arc<Metrics>,
    pub(super) pool: Arc<FairPool>,
    pub(super) renderer: Arc<Renderer>,
    pub(super) latest: LatestKey,
    pub(super) keyring: watch::Receiver<Keyring>,
    pub(super) rules: Rules,
    pub(super) accept_v1_data: bool,
    pub(super) clock: fn() -> Timestamp,
    /// Whether the API server answers.
    pub(super) outage: Outage,
    /// Whether passes may begin.
    pub(super) leadership: Leadership,
    /// What records in statuses are signed with.
    pub(super) record_keys: RecordKeys,
}

/// A pass ends early.
enum Stop {
    /// The work of the private-key threads was lost.
    Lost(NoResult),
    /// The API server does not have the object.
    NotFound,
    /// An API call failed that the pass cannot do without, and that nobody is told of.
    Api(FailureReason, ApiError),
}

impl Reconciler {
    /// Works on what the queue gives until it is closed.
    pub(super) async fn work(&self) {
        loop {
            self.outage.over().await;
            let Some(ticket) = self.objects.queue().next().await else {
                return;
            };
            // After a pause somebody else may lead; the end of our term, and of this task, is then on its way.
            self.leadership.begun().await;
            self.work_on(ticket).await;
        }
    }

    /// One pass. A panic in it costs this pass only.
    async fn work_on(&self, ticket: Ticket) {
        let key = ticket.key().clone();
        let began = Instant::now();
        let ended = AssertUnwindSafe(self.pass(&key)).catch_unwind().await;
        let verdict = ended.unwrap_or_else(|_panic| {
            error!(%key, "a pass ended in a panic; it will be repeated");
            Verdict::Retry(Pace::Slow)
        });
        self.metrics.pass_ended(verdict, began.elapsed());
        ticket.finish(verdict);
    }

    async fn pass(&self, key: &ObjectKey) -> Verdict {
        let buried = self.objects.state().buried.get(key).cloned();
        if let Some(uid) = buried {
            return self.bury(key, &uid).await;
        }
        if let Some(verdict) = self.settled_unread(key).await {
            self.confirm(key);
            return verdict;
        }
        self.metrics.unseal_requested();
        match self.pass_over_body(key).await {
            Ok(verdict) => verdict,
            Err(Stop::NotFound) => self.objects.not_found(key),
            Err(Stop::Lost(error)) => {
                error!(%key, %error, "Error updating, will retry");
                Verdict::Retry(Pace::Fast)
            }
            Err(Stop::Api(reason, error)) => self.stopped(key, reason, &error),
        }
    }

    /// What becomes of an object after a call that failed.
    fn stopped(&self, key: &ObjectKey, reason: FailureReason, error: &ApiError) -> Verdict {
        if self.outage.heard_of(Some(error)) {
            debug!(%key, %error, "not answered");
            return Verdict::After(Duration::ZERO);
        }
        let namespace = match reason {
            FailureReason::Fetch => "",
            _ => &key.namespace,
        };
        self.metrics.unseal_failed(reason, namespace);
        let error = bounded(&error.to_string());
        error!(%key, error, "Error updating, will retry");
        Verdict::Retry(Pace::Fast)
    }

    /// Ends the pass if it needs no body: the echo of our own write, a blocker that is still there, a resync.
    async fn settled_unread(&self, key: &ObjectKey) -> Option<Verdict> {
        let keyring = self.keyring.borrow().clone();
        let keys = KeySet::from(&keyring);
        let recalled = self.recall_unread(key, &keyring).await;
        {
            let mut state = self.objects.state();
            if recalled {
                state.waiting.forget(key);
            }
            if state.waiting.holds(key) || state.unpublished.contains_key(key) {
                return None;
            }
            match state.memory.triage_unread(key, &keys, Target::Unknown)? {
                Triage::Settled(verdict) => return Some(verdict),
                Triage::Refuse(_) => return Some(Verdict::Settled),
                Triage::Look => {}
                Triage::Unseal { .. } => return None,
            }
        }
        let secret = self.observe(key).await.ok()?;
        let target = Target::from(secret.as_deref());
        let mut state = self.objects.state();
        match state.memory.triage_unread(key, &keys, target)? {
            Triage::Settled(verdict) => Some(verdict),
            Triage::Refuse(_) => Some(Verdict::Settled),
            Triage::Look | Triage::Unseal { .. } => None,
        }
    }

    async fn pass_over_body(&self, key: &ObjectKey) -> Result<Verdict, Stop> {
        let waiting = self.objects.state().waiting.take(key);
        let body = match waiting {
            Some(body) => body,
            None => self.fetch(key).await?,
        };
        let stored = &Stored::of(&body);
        let pass = Pass { key, stored };
        match body {
            Decoded::Malformed(object) => Ok(self.report_malformed(pass, &object).await),
            Decoded::Sound(object) => self.pass_over(pass, &object).await,
        }
    }

    async fn pass_over(&self, pass: Pass<'_>, object: &SealedSecret) -> Result<Verdict, Stop> {
        let key = pass.key;
        let keyring = self.keyring.borrow().clone();
        let keys = KeySet::from(&keyring);
        let first = self.triage(object, &keys, Target::Unknown);
        let mut record = None;
        let (triage, looked) = match first {
            Triage::Look | Triage::Unseal { .. } => {
                let target = match self.observe(key).await {
                    Ok(target) => target,
                    // Without an answer there is nobody to tell.
                    Err(error) if error.code().is_none() => {
                        return Err(Stop::Api(FailureReason::Update, error));
                    }
                    Err(error) => {
                        let failure = Failure::api(&error.failure());
                        let facts = Facts::of(&object.metadata);
                        let subject = Subject::of(object);
                        return Ok(self.report(pass, subject, facts, failure).await);
                    }
                };
                record = self.recall(object, &keyring, target.as_deref());
                let seen = Target::from(target.as_deref());
                (self.triage(object, &keys, seen), target)
            }
            decided => (decided, None),
        };
        match triage {
            Triage::Refuse(refusal) => {
                debug!(%key, ?refusal, "left alone");
                if self.rehearsal().is_on() {
                    self.rehearsal().foresee(key, Forecast::LeftAlone);
                }
                Ok(Verdict::Settled)
            }
            Triage::Settled(verdict) => {
                let (last, unwritten) = {
                    let state = self.objects.state();
                    let last = state.memory.last(key).map(|last| last.outcome.clone());
                    (last, state.unpublished.get(key).cloned())
                };
                let unwritten = unwritten.or_else(|| record.map(Some));
                let recorded = unwritten
                    .as_ref()
                    .map_or(Recorded::AsStored, |record| Recorded::As(record.as_deref()));
                match last {
                    Some(_) if self.rehearsal().is_on() => {
                        self.confirm(key);
                        Ok(verdict)
                    }
                    Some(outcome) => Ok(self.publish(pass, &outcome, recorded, verdict).await),
                    None => Ok(verdict),
                }
            }
            // Nobody can say more than that it was just looked at.
            Triage::Look => Ok(Verdict::Retry(Pace::Slow)),
            Triage::Unseal { order, choice } => {
                info!(%key, "Updating");
                let opener = Opener {
                    pool: &self.pool,
                    keyring: &keyring,
                    accept_v1_data: self.accept_v1_data,
                    renderer: &self.renderer,
                    latest: &self.latest,
                };
                let attempt = opener
                    .open(object, order, &choice)
                    .await
                    .map_err(Stop::Lost)?;
                self.metrics.rsa_decryptions(match &attempt.unsealed {
                    Ok(unsealed) => unsealed.trials,
                    Err(failure) => failure.trials(),
                });
                self.bring_about(pass, object, attempt, looked).await
            }
        }
    }

    fn triage(&self, object: &SealedSecret, keys: &KeySet, target: Target<'_>) -> Triage {
        self.objects.state().memory.triage(object, keys, target)
    }

    /// Plans and writes until both agree on what is there.
    async fn bring_about(
        &self,
        pass: Pass<'_>,
        object: &SealedSecret,
        attempt: Attempt,
        mut target: Option<Wiping>,
    ) -> Result<Verdict, Stop> {
        let key = pass.key;
        let mut looks = 0;
        loop {
            let (last, contested) = {
                let state = self.objects.state();
                let contested = state.memory.contested(key, now());
                (state.memory.last(key).cloned(), contested)
            };
            // What was only foreseen is no state that anything follows from.
            let last = last.filter(|_| !(self.rehearsal().is_on() && self.rehearsal().knows(key)));
            let observed = Observed {
                object,
                attempt: &attempt,
                target: target.as_deref(),
                last: last.as_ref(),
                rules: &self.rules,
                contested,
                now: (self.clock)(),
            };
            let plan = plan::plan(&observed);
            if self.rehearsal().is_on() {
                let forecast = Forecast::of(&plan, target.as_deref());
                let done = Done::planned(&observed, &plan, None);
                break Ok(self.foresee(key, forecast, done, plan.next));
            }
            let (mut plan, written) = match apply::write(&self.cluster, key, &plan.write).await {
                Applied::Nothing => (plan, None),
                Applied::Written(secret) => (plan, Some(secret)),
                Applied::Failed(error) if is_nobodys_business(&error) => {
                    break Err(Stop::Api(FailureReason::Update, error));
                }
                Applied::Failed(error) => {
                    match plan::after_failed_write(&observed, &plan.write, &error.failure()) {
                        AfterWrite::Concluded(plan) => (plan, None),
                        AfterWrite::ObserveAgain => {
                            looks += 1;
                            if looks >= LOOKS {
                                break Err(Stop::Api(FailureReason::Update, error));
                            }
                            match self.observe(key).await {
                                Ok(found) => target = found,
                                Err(error) => break Err(Stop::Api(FailureReason::Update, error)),
                            }
                            continue;
                        }
                    }
                }
            };
            let done = Done::planned(&observed, &plan, written.as_deref());
            let content = plan.write.secret().or(observed.target);
            let left = written.as_deref().or(observed.target);
            let record = self.record(&done, Some(attempt.input), left, content);
            // Its values need not outlast the write.
            plan.write = Write::Nothing;
            break Ok(self.tell(pass, plan, done, record).await);
        }
    }

    fn rehearsal(&self) -> &Rehearsal {
        self.objects.rehearsal()
    }

    /// While nothing is written: what a pass would do is remembered instead of done.
    fn foresee(&self, key: &ObjectKey, forecast: Forecast, done: Done, next: Verdict) -> Verdict {
        self.objects.finished(key, done);
        self.rehearsal().foresee(key, forecast);
        next
    }

    /// While nothing is written: the last outcome of an object holds.
    fn confirm(&self, key: &ObjectKey) {
        if !self.rehearsal().is_on() {
            return;
        }
        let state = self.objects.state();
        let outcome = state.memory.last(key).map(|last| last.outcome.clone());
        drop(state);
        self.rehearsal().confirm(key, || {
            outcome
                .as_ref()
                .map_or(Forecast::LeftAlone, Forecast::of_outcome)
        });
    }

    /// `--old-gc-behavior`: the Secret goes with its SealedSecret, if it is that one's.
    ///
    /// One that has only left `--label-selector` looks deleted to the watch.
    async fn bury(&self, key: &ObjectKey, uid: &str) -> Verdict {
        self.metrics.unseal_requested();
        match self.fetch(key).await {
            Ok(body) if body.metadata().uid.as_deref() == Some(uid) => {
                self.objects.state().buried.remove(key);
                return Verdict::Settled;
            }
            Ok(_) | Err(Stop::NotFound) => {}
            Err(Stop::Api(reason, error)) => return self.stopped(key, reason, &error),
            Err(Stop::Lost(_)) => return Verdict::Retry(Pace::Fast),
        }
        match apply::delete_owned(&self.cluster, key, uid).await {
            Ok(()) => {
                self.objects.state().buried.remove(key);
                Verdict::Settled
            }
            Err(error) => self.stopped(key, FailureReason::Update, &error),
        }
    }

    async fn observe(&self, key: &ObjectKey) -> Result<Option<Wiping>, ApiError> {
        let found = self
            .cluster
            .read::<Secret>(Some(&key.namespace), &key.name)
            .await;
        self.outage.heard(&found);
        Ok(found?.map(Wiping::from))
    }

    async fn fetch(&self, key: &ObjectKey) -> Result<Decoded, Stop> {
        let found = self.cluster.read(Some(&key.namespace), &key.name).await;
        self.outage.heard(&found);
        found
            .map_err(|error| Stop::Api(FailureReason::Fetch, error))?
            .ok_or(Stop::NotFound)
    }
}

/// No answer at all, or a namespace that goes away with everything in it: no status and no event would be of use.
fn is_nobodys_business(error: &ApiError) -> bool {
    error.code().is_none() || error.is_terminating()
}
