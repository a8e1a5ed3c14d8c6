//! Passes: one SealedSecret, from what is known of it to a Secret, a status and an event.
//!
//! The decisions are made elsewhere ([`crate::triage`], [`crate::plan`]); here is what they need to know fetched and
//! what they want written. A pass that fails because of the API server is repeated for ever, with back-off.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use sealed_api::{Decoded, Malformed, PlainText, SealedSecret};
use sealed_crypto::Keyring;
use tokio::sync::watch;
use tracing::{debug, error, info};

use super::apply::{self, Applied};
use super::client::{ApiError, Cluster};
use super::events::{About, Note, Recorder};
use super::objects::Objects;
use super::status::{Published, StatusWriter, Stored};
use crate::memory::{Done, Facts, KeySet};
use crate::metrics::{FailureReason, Metrics};
use crate::object_key::ObjectKey;
use crate::outcome::{Event, Failure, Outcome};
use crate::plan::{self, AfterWrite, Attempt, Observed, Plan, Rules, Subject, Write};
use crate::queue::{Pace, Ticket, Urgency, Verdict};
use crate::rsa_pool::{NoResult, RsaPool};
use crate::triage::{Target, Triage};
use crate::unseal::Opener;
use crate::wipe::wipe;

/// How often a target that changes under our hands is looked at again within one pass.
const LOOKS: u32 = 4;

/// What passes need. Shared by all workers.
pub(super) struct Reconciler {
    pub(super) cluster: Cluster,
    pub(super) objects: Objects,
    pub(super) recorder: Recorder,
    pub(super) statuses: StatusWriter,
    pub(super) metrics: Arc<Metrics>,
    pub(super) pool: Arc<RsaPool>,
    pub(super) keyring: watch::Receiver<Keyring>,
    pub(super) rules: Rules,
    pub(super) accept_v1_data: bool,
    pub(super) clock: fn() -> Timestamp,
}

/// A pass ends early: an API call failed, or there is nothing left to do.
enum Stop {
    /// The object is gone.
    Gone,
    /// The SealedSecret could not be read.
    Fetch(ApiError),
    /// The work of the private-key threads was lost.
    Lost(NoResult),
    /// The Secret could not be read.
    Observe(ApiError),
}

impl Reconciler {
    /// Works on what the queue gives until it is closed.
    pub(super) async fn work(&self) {
        while let Some(ticket) = self.objects.queue().next().await {
            self.work_on(ticket).await;
        }
    }

    /// One pass. A panic in it costs this pass only.
    async fn work_on(&self, ticket: Ticket) {
        let key = ticket.key().clone();
        let ended = AssertUnwindSafe(self.pass(&key)).catch_unwind().await;
        ticket.finish(ended.unwrap_or_else(|_panic| {
            error!(%key, "a pass ended in a panic; it will be repeated");
            Verdict::Retry(Pace::Slow)
        }));
    }

    async fn pass(&self, key: &ObjectKey) -> Verdict {
        let buried = self.objects.state().buried.get(key).cloned();
        if let Some(uid) = buried {
            return self.bury(key, &uid).await;
        }
        if let Some(verdict) = self.settled_unread(key).await {
            return verdict;
        }
        self.metrics.unseal_requested();
        match self.pass_over_body(key).await {
            Ok(verdict) => verdict,
            Err(Stop::Gone) => {
                self.objects.gone(key);
                Verdict::Settled
            }
            Err(Stop::Fetch(error)) => {
                self.metrics.unseal_failed(FailureReason::Fetch, "");
                error!(%key, %error, "Error fetching object");
                Verdict::Retry(Pace::Fast)
            }
            Err(Stop::Lost(error)) => {
                error!(%key, %error, "Error updating, will retry");
                Verdict::Retry(Pace::Fast)
            }
            Err(Stop::Observe(error)) => {
                self.metrics
                    .unseal_failed(FailureReason::Update, &key.namespace);
                error!(%key, %error, "Error updating, will retry");
                Verdict::Retry(Pace::Fast)
            }
        }
    }

    /// Ends the pass if it needs no body: the echo of our own write, a blocker that is still there, a resync.
    async fn settled_unread(&self, key: &ObjectKey) -> Option<Verdict> {
        let keys = KeySet::from(&*self.keyring.borrow());
        {
            let state = self.objects.state();
            if state.waiting.holds(key) || state.unpublished.contains(key) {
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
        let target = Target::from(secret.as_ref().map(|secret| &secret.metadata));
        let state = self.objects.state();
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
        let stored = Stored::of(&body);
        let about = about(key, &stored);
        match body {
            Decoded::Malformed(object) => {
                Ok(self.report_malformed(key, &object, &stored, about).await)
            }
            Decoded::Sound(object) => self.pass_over(key, &object, &stored, about).await,
        }
    }

    async fn pass_over(
        &self,
        key: &ObjectKey,
        object: &SealedSecret,
        stored: &Stored,
        about: About,
    ) -> Result<Verdict, Stop> {
        let keyring = self.keyring.borrow().clone();
        let keys = KeySet::from(&keyring);
        let first = self.triage(object, &keys, Target::Unknown);
        let (triage, looked) = match first {
            Triage::Look | Triage::Unseal { .. } => {
                let target = match self.observe(key).await {
                    Ok(target) => target,
                    // Without an answer there is nobody to tell.
                    Err(error) if error.code().is_none() => return Err(Stop::Observe(error)),
                    Err(error) => {
                        let failure = Failure::api(&error.failure());
                        let facts = Facts::of(&object.metadata);
                        let pass = Finished { key, stored, about };
                        let subject = Subject::of(object);
                        return Ok(self.report(pass, subject, facts, failure).await);
                    }
                };
                let seen = Target::from(target.as_ref().map(|secret| &secret.metadata));
                (self.triage(object, &keys, seen), target)
            }
            decided => (decided, None),
        };
        match triage {
            Triage::Refuse(refusal) => {
                debug!(%key, ?refusal, "left alone");
                Ok(Verdict::Settled)
            }
            Triage::Settled(verdict) => {
                let last = {
                    let state = self.objects.state();
                    state.memory.last(key).map(|last| last.outcome.clone())
                };
                match last {
                    Some(outcome) => Ok(self.publish(key, stored, &outcome, verdict).await),
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
                    render: &PlainText,
                };
                let attempt = opener
                    .open(object, order, &choice)
                    .await
                    .map_err(Stop::Lost)?;
                self.metrics.rsa_decryptions(match &attempt.unsealed {
                    Ok(unsealed) => unsealed.trials,
                    Err(failure) => failure.trials(),
                });
                let pass = Pass {
                    key,
                    object,
                    stored,
                    about,
                };
                self.bring_about(pass, attempt, looked).await
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
        mut attempt: Attempt,
        mut target: Option<Secret>,
    ) -> Result<Verdict, Stop> {
        let key = pass.key;
        let mut looks = 0;
        let verdict = loop {
            let last = self.objects.state().memory.last(key).cloned();
            let observed = Observed {
                object: pass.object,
                attempt: &attempt,
                target: target.as_ref(),
                last: last.as_ref(),
                rules: &self.rules,
                now: (self.clock)(),
            };
            let plan = plan::plan(&observed);
            let (mut plan, written) = match apply::write(&self.cluster, key, &plan.write).await {
                Applied::Nothing => (plan, None),
                Applied::Written(secret) => (plan, Some(secret)),
                Applied::Failed(error) => {
                    match plan::after_failed_write(&observed, &plan.write, &error.failure()) {
                        AfterWrite::Concluded(plan) => (plan, None),
                        AfterWrite::ObserveAgain => {
                            looks += 1;
                            if looks >= LOOKS {
                                break Err(Stop::Observe(error));
                            }
                            match self.observe(key).await {
                                Ok(found) => target = found,
                                Err(error) => break Err(Stop::Observe(error)),
                            }
                            continue;
                        }
                    }
                }
            };
            let done = Done::planned(&observed, &plan, written.as_deref());
            if let Write::Create(secret) | Write::Replace(secret) = &mut plan.write {
                wipe(secret);
            }
            break Ok(self.conclude(&pass, plan, done).await);
        };
        if let Ok(unsealed) = &mut attempt.unsealed {
            wipe(&mut unsealed.secret);
        }
        target.iter_mut().for_each(wipe);
        verdict
    }

    /// An object that cannot be decoded: it is told, and nothing of it is written.
    async fn report_malformed(
        &self,
        key: &ObjectKey,
        object: &Malformed,
        stored: &Stored,
        about: About,
    ) -> Verdict {
        let failure = Failure::malformed(&object.error);
        let facts = Facts::of(&object.metadata);
        let pass = Finished { key, stored, about };
        self.report(pass, Subject::from(object), facts, failure)
            .await
    }

    /// A pass that failed before there was anything to plan.
    async fn report(
        &self,
        pass: Finished<'_>,
        subject: Subject<'_>,
        facts: Facts,
        failure: Failure,
    ) -> Verdict {
        let last = self.objects.state().memory.last(pass.key).cloned();
        let outcome = Outcome::Failed(failure);
        let now = (self.clock)();
        let plan = plan::conclude(
            subject,
            outcome.clone(),
            false,
            last.as_ref(),
            &self.rules,
            now,
        );
        let done = Done::unplanned(facts, outcome, last.as_ref());
        self.tell(pass, plan, done).await
    }

    async fn conclude(&self, pass: &Pass<'_>, plan: Plan, done: Done) -> Verdict {
        let finished = Finished {
            key: pass.key,
            stored: pass.stored,
            about: pass.about.clone(),
        };
        self.tell(finished, plan, done).await
    }

    /// Remembers, counts, and tells whoever watches.
    async fn tell(&self, pass: Finished<'_>, plan: Plan, done: Done) -> Verdict {
        let key = pass.key;
        let tried = done.tried.clone();
        self.objects.state().memory.finished(key, done);
        // A key that came while the pass was under way was not told to an object that had not failed yet.
        if tried.is_some_and(|tried| tried != KeySet::from(&*self.keyring.borrow())) {
            self.objects.queue().add(key.clone(), Urgency::Change);
        }
        if let Some(failure) = plan.outcome.failure() {
            self.metrics
                .unseal_failed(failure.cause.metric(), &key.namespace);
            log_failure(key, failure, plan.event.as_ref(), plan.next);
        }
        if let Some(event) = plan.event {
            self.recorder.record(Note {
                about: pass.about,
                kind: event.kind,
                reason: event.reason,
                message: event.message,
            });
        }
        self.publish(key, pass.stored, &plan.outcome, plan.next)
            .await
    }

    /// Makes the status tell of `outcome`; if that fails, the object comes back for it.
    async fn publish(
        &self,
        key: &ObjectKey,
        stored: &Stored,
        outcome: &Outcome,
        verdict: Verdict,
    ) -> Verdict {
        match self
            .statuses
            .publish(key, stored, outcome, (self.clock)())
            .await
        {
            Published::Stored | Published::Outdated => {
                self.objects.state().unpublished.remove(key);
                verdict
            }
            Published::Failed => {
                self.metrics
                    .unseal_failed(FailureReason::Status, &key.namespace);
                self.objects.state().unpublished.insert(key.clone());
                Verdict::Retry(Pace::Fast)
            }
        }
    }

    /// `--old-gc-behavior`: the Secret goes with its SealedSecret, if it is that one's.
    async fn bury(&self, key: &ObjectKey, uid: &str) -> Verdict {
        self.metrics.unseal_requested();
        match apply::delete_owned(&self.cluster, key, uid).await {
            Ok(()) => {
                self.objects.state().buried.remove(key);
                Verdict::Settled
            }
            Err(error) => {
                self.metrics
                    .unseal_failed(FailureReason::Update, &key.namespace);
                error!(%key, %error, "Error updating, will retry");
                Verdict::Retry(Pace::Fast)
            }
        }
    }

    async fn observe(&self, key: &ObjectKey) -> Result<Option<Secret>, ApiError> {
        self.cluster.read(Some(&key.namespace), &key.name).await
    }

    async fn fetch(&self, key: &ObjectKey) -> Result<Decoded, Stop> {
        self.cluster
            .read(Some(&key.namespace), &key.name)
            .await
            .map_err(Stop::Fetch)?
            .ok_or(Stop::Gone)
    }
}

/// A pass that has opened its object.
struct Pass<'a> {
    key: &'a ObjectKey,
    object: &'a SealedSecret,
    stored: &'a Stored,
    about: About,
}

/// A pass that knows how it ends.
struct Finished<'a> {
    key: &'a ObjectKey,
    stored: &'a Stored,
    about: About,
}

fn about(key: &ObjectKey, stored: &Stored) -> About {
    About {
        api_version: sealed_api::names::API_VERSION,
        kind: sealed_api::names::KIND,
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        uid: stored.uid.clone(),
        resource_version: stored.resource_version.clone(),
    }
}

/// One line for each failure that is news, and for debugging the others.
fn log_failure(key: &ObjectKey, failure: &Failure, event: Option<&Event>, next: Verdict) {
    let error = &failure.message;
    match (event, next) {
        (None, _) => debug!(%key, error, "still failing"),
        (Some(_), Verdict::Settled) => error!(
            %key,
            error,
            "Error updating, giving up until the object or the sealing keys change"
        ),
        (Some(_), Verdict::Retry(_) | Verdict::After(_)) => {
            error!(%key, error, "Error updating, will retry");
        }
    }
}
