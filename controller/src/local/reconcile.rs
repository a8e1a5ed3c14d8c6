//! Passes: one SealedSecret of the directory, from what is known of it to a Secret and a status.
//!
//! The decisions are those of a cluster ([`crate::triage`], [`crate::plan`]); only reading and writing differ.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures::FutureExt;
use k8s_openapi::Metadata as _;
use sealed_api::{Decoded, Malformed, SealedSecret, SealedSecretStatus};

use super::shell::{Object, Shell};
use crate::conditions::{Recorded, next_status};
use crate::logging::log_failure;
use crate::memory::{Done, Facts, KeySet};
use crate::metrics::FailureReason;
use crate::object_key::ObjectKey;
use crate::outcome::{ApiFailure, Failure, Outcome};
use crate::plan::{self, AfterWrite, Attempt, Observed, Plan, Subject, Write};
use crate::queue::{Pace, Verdict};
use crate::triage::{Target, Triage};
use crate::unseal::Opener;
use sealed_api::Wiping;

/// How often a file that changes under our hands is read again within one pass.
const LOOKS: u32 = 4;

impl Shell {
    /// Works on what the queue gives until it is closed.
    pub(super) async fn work(self: Arc<Self>) {
        while let Some(ticket) = self.queue.next().await {
            let began = Instant::now();
            let verdict = self.pass(ticket.key()).await;
            self.services.metrics.pass_ended(verdict, began.elapsed());
            ticket.finish(verdict);
        }
    }

    /// One pass. A panic in it costs this pass only.
    pub(super) async fn pass(self: &Arc<Self>, key: &ObjectKey) -> Verdict {
        let ended = AssertUnwindSafe(self.pass_over_body(key))
            .catch_unwind()
            .await;
        ended.unwrap_or_else(|_panic| {
            tracing::error!(%key, "a pass ended in a panic; it will be repeated");
            Verdict::Retry(Pace::Slow)
        })
    }

    async fn pass_over_body(self: &Arc<Self>, key: &ObjectKey) -> Verdict {
        let Some(object) = self.state().objects.get(key).cloned() else {
            return Verdict::Settled;
        };
        self.services.metrics.unseal_requested();
        let body = Arc::clone(&object.body);
        match &*body {
            Decoded::Malformed(malformed) => self.report_malformed(key, malformed, &object).await,
            Decoded::Sound(sound) => {
                let mut sealed = SealedSecret::clone(sound);
                sealed.status = object.status;
                self.pass_over(key, sealed).await
            }
        }
    }

    async fn pass_over(self: &Arc<Self>, key: &ObjectKey, object: SealedSecret) -> Verdict {
        let keyring = self.services.keyring.borrow().clone();
        let keys = KeySet::from(&keyring);
        let found = self.observe(key).await;
        let target = match &found {
            Ok(target) => target.as_deref(),
            Err(failure) => return self.report_unreadable(key, &object, failure).await,
        };
        let seen = Target::from(target);
        let triage = self.state().memory.triage(&object, &keys, seen);
        match triage {
            Triage::Refuse(refusal) => {
                tracing::debug!(%key, ?refusal, "left alone");
                Verdict::Settled
            }
            // The target was looked at: nobody can say more.
            Triage::Settled(verdict) => {
                let status = self.untold(key, &object);
                self.publish(key, status, verdict).await
            }
            Triage::Look => Verdict::Settled,
            Triage::Unseal { order, choice } => {
                tracing::info!(%key, "Updating");
                let opener = Opener {
                    pool: &self.services.pool,
                    keyring: &keyring,
                    accept_v1_data: self.services.config.objects.accept_v1_data,
                    renderer: &self.services.renderer,
                    latest: &self.services.latest,
                };
                match opener.open(&object, order, &choice).await {
                    Ok(attempt) => {
                        self.services
                            .metrics
                            .rsa_decryptions(match &attempt.unsealed {
                                Ok(unsealed) => unsealed.trials,
                                Err(failure) => failure.trials(),
                            });
                        self.bring_about(key, object, attempt, found.ok().flatten())
                            .await
                    }
                    Err(error) => {
                        tracing::error!(%key, %error, "Error updating, will retry");
                        Verdict::Retry(Pace::Fast)
                    }
                }
            }
        }
    }

    /// Plans and writes until both agree on what is there.
    async fn bring_about(
        self: &Arc<Self>,
        key: &ObjectKey,
        object: SealedSecret,
        attempt: Attempt,
        mut target: Option<Wiping>,
    ) -> Verdict {
        let mut looks = 0;
        let (plan, done) = loop {
            let last = self.state().memory.last(key).cloned();
            let observed = Observed {
                object: &object,
                attempt: &attempt,
                target: target.as_deref(),
                last: last.as_ref(),
                rules: &self.rules,
                contested: None,
                now: (self.services.clock)(),
            };
            let mut plan = plan::plan(&observed);
            let write = std::mem::replace(&mut plan.write, Write::Nothing);
            let (write, written) = self.write(key, write).await;
            let (plan, written) = match written {
                Ok(written) => (plan, written),
                Err(failure) => match plan::after_failed_write(&observed, &write, &failure) {
                    AfterWrite::Concluded(plan) => (plan, None),
                    AfterWrite::ObserveAgain => {
                        looks += 1;
                        match self.observe(key).await {
                            Ok(found) if looks < LOOKS => {
                                target = found;
                                continue;
                            }
                            Ok(_) => return self.report_unreadable(key, &object, &failure).await,
                            Err(failure) => {
                                return self.report_unreadable(key, &object, &failure).await;
                            }
                        }
                    }
                },
            };
            let done = Done::planned(&observed, &plan, written.as_deref());
            break (plan, done);
        };
        self.conclude(key, plan, done).await
    }

    /// An object that cannot be decoded: it is told, and nothing of it is written.
    async fn report_malformed(
        self: &Arc<Self>,
        key: &ObjectKey,
        object: &Malformed,
        known: &Object,
    ) -> Verdict {
        let subject = Subject {
            status: known.status.as_ref(),
            ..Subject::from(object)
        };
        let facts = Facts::of(&object.metadata);
        self.report(key, subject, facts, Failure::malformed(&object.error))
            .await
    }

    /// A Secret that cannot be read or does not hold still.
    async fn report_unreadable(
        self: &Arc<Self>,
        key: &ObjectKey,
        object: &SealedSecret,
        failure: &ApiFailure,
    ) -> Verdict {
        let facts = Facts::of(object.metadata());
        self.report(key, Subject::of(object), facts, Failure::api(failure))
            .await
    }

    async fn report(
        self: &Arc<Self>,
        key: &ObjectKey,
        subject: Subject<'_>,
        facts: Facts,
        failure: Failure,
    ) -> Verdict {
        let last = self.state().memory.last(key).cloned();
        let outcome = Outcome::Failed(failure);
        let now = (self.services.clock)();
        let plan = plan::conclude(
            subject,
            outcome.clone(),
            false,
            last.as_ref(),
            &self.rules,
            now,
        );
        let done = Done::unplanned(facts, outcome, last.as_ref());
        self.conclude(key, plan, done).await
    }

    /// Remembers, counts, and tells whoever watches.
    async fn conclude(self: &Arc<Self>, key: &ObjectKey, plan: Plan, done: Done) -> Verdict {
        let instance = done.facts.instance.clone().unwrap_or_default();
        self.finished(key, done);
        if let Some(failure) = plan.outcome.failure() {
            let metrics = &self.services.metrics;
            metrics.unseal_failed(failure.cause.metric(), &key.namespace);
            log_failure(key, failure, plan.event.is_some(), plan.next);
        } else if plan.event.is_some() {
            tracing::info!(%key, "SealedSecret unsealed successfully");
        }
        if let Some(status) = &plan.status {
            self.services
                .metrics
                .conditions_observed(key, &instance, &status.conditions);
        }
        self.publish(key, plan.status, plan.next).await
    }

    /// The status that tells how the last pass ended, unless the stored one does: it could not be written then.
    fn untold(&self, key: &ObjectKey, object: &SealedSecret) -> Option<SealedSecretStatus> {
        let last = self.state().memory.last(key).cloned()?;
        let generation = object.metadata.generation.unwrap_or_default();
        let now = (self.services.clock)();
        next_status(
            object.status.as_ref(),
            generation,
            &last.outcome,
            Recorded::AsStored,
            now,
        )
    }

    /// Stores a status that differs from the stored one; if that fails, the object comes back for it.
    async fn publish(
        self: &Arc<Self>,
        key: &ObjectKey,
        status: Option<SealedSecretStatus>,
        verdict: Verdict,
    ) -> Verdict {
        let Some(status) = status else {
            return verdict;
        };
        let (shell, key_of_file, stored) = (Arc::clone(self), key.clone(), status.clone());
        match blocking(move || shell.statuses.write(&key_of_file, &stored)).await {
            Ok(()) => {
                if let Some(object) = self.state().objects.get_mut(key) {
                    object.status = Some(status);
                }
                verdict
            }
            Err(error) => {
                self.services
                    .metrics
                    .unseal_failed(FailureReason::Status, &key.namespace);
                tracing::error!("sealed-secret" = %key, %error, "Error updating SealedSecret status");
                Verdict::Retry(Pace::Fast)
            }
        }
    }

    async fn observe(self: &Arc<Self>, key: &ObjectKey) -> Result<Option<Wiping>, ApiFailure> {
        let (shell, key) = (Arc::clone(self), key.clone());
        blocking(move || Ok(shell.targets.read(&key)?.map(Wiping::from))).await
    }

    async fn write(
        self: &Arc<Self>,
        key: &ObjectKey,
        write: Write,
    ) -> (Write, Result<Option<Wiping>, ApiFailure>) {
        let (shell, key) = (Arc::clone(self), key.clone());
        blocking(move || {
            let written = shell.targets.write(&key, &write);
            (write, written.map(|secret| secret.map(Wiping::from)))
        })
        .await
    }
}

/// Runs file work off the threads of the async runtime. A panic in it goes on here.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(lost) => std::panic::resume_unwind(lost.into_panic()),
    }
}

#[cfg(test)]
pub(super) mod tests;
