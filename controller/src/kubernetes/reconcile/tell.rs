//! How a pass ends: what is remembered, counted, logged and told.

use std::time::Duration;

use sealed_api::Malformed;
use tracing::{debug, error};

use super::Reconciler;
use crate::conditions::Recorded;
use crate::forecast::Forecast;
use crate::kubernetes::events::{About, Note};
use crate::kubernetes::status::{Published, Stored};
use crate::logging::log_failure;
use crate::memory::{Done, Facts, KeySet};
use crate::metrics::FailureReason;
use crate::object_key::ObjectKey;
use crate::outcome::{Failure, Outcome};
use crate::plan::{self, Plan, Subject};
use crate::queue::{Pace, Urgency, Verdict};

/// The pass that ends.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) key: &'a ObjectKey,
    /// The object as it was when the pass began.
    pub(super) stored: &'a Stored,
}

impl Reconciler {
    /// An object that cannot be decoded: it is told, and nothing of it is written.
    pub(super) async fn report_malformed(&self, pass: Pass<'_>, object: &Malformed) -> Verdict {
        let failure = Failure::malformed(&object.error);
        let facts = Facts::of(&object.metadata);
        self.report(pass, Subject::from(object), facts, failure)
            .await
    }

    /// A pass that failed before there was anything to plan.
    pub(super) async fn report(
        &self,
        pass: Pass<'_>,
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
        let record = self.record(&done, None, None, None);
        self.tell(pass, plan, done, record).await
    }

    /// Remembers, counts, and tells whoever watches.
    pub(super) async fn tell(
        &self,
        pass: Pass<'_>,
        plan: Plan,
        done: Done,
        record: Option<String>,
    ) -> Verdict {
        let key = pass.key;
        if self.rehearsal().is_on() {
            let forecast = Forecast::of(&plan, None);
            return self.foresee(key, forecast, done, plan.next);
        }
        // Keys that came or went while the pass was under way were not told to an object whose pass had not ended.
        let keys = KeySet::from(&*self.keyring.borrow());
        let outdated = match &done.tried {
            Some(tried) => *tried != keys,
            None => !keys.contains_all(done.opened_by.keys()),
        };
        self.objects.finished(key, done);
        if outdated {
            self.objects.queue().add(key.clone(), Urgency::Change);
        }
        if let Some(failure) = plan.outcome.failure() {
            self.metrics
                .unseal_failed(failure.cause.metric(), &key.namespace);
            log_failure(key, failure, plan.event.is_some(), plan.next);
        }
        if let Some(noticed) = &plan.noticed
            && plan.event.is_some()
        {
            self.metrics.drift_found(&key.namespace, noticed);
        }
        if let Some(event) = plan.event {
            self.recorder.record(Note {
                about: about(pass),
                kind: event.kind,
                reason: event.reason,
                message: event.message,
            });
        }
        let recorded = Recorded::As(record.as_deref());
        self.publish(pass, &plan.outcome, recorded, plan.next).await
    }

    /// Makes the status tell of `outcome`; if that fails, the object comes back for it.
    pub(super) async fn publish(
        &self,
        pass: Pass<'_>,
        outcome: &Outcome,
        recorded: Recorded<'_>,
        verdict: Verdict,
    ) -> Verdict {
        let key = pass.key;
        let published = self
            .statuses
            .publish(key, pass.stored, outcome, recorded, (self.clock)())
            .await;
        let again = match published {
            Published::Stored | Published::Outdated => {
                self.objects.state().unpublished.remove(key);
                return verdict;
            }
            Published::Granted => {
                self.objects.state().unpublished.remove(key);
                self.objects.publish_withheld();
                return verdict;
            }
            // The pass itself is over. Asking for every object would be a refusal for every object.
            Published::Forbidden => verdict,
            Published::Failed(error) if self.outage.heard_of(Some(&error)) => {
                debug!(%key, %error, "status not written yet");
                Verdict::After(Duration::ZERO)
            }
            Published::Failed(error) => {
                error!("sealed-secret" = %key, %error, "Error updating SealedSecret status");
                self.metrics
                    .unseal_failed(FailureReason::Status, &key.namespace);
                Verdict::Retry(Pace::Fast)
            }
        };
        let record = match recorded {
            Recorded::AsStored => None,
            Recorded::As(record) => record.map(str::to_owned),
        };
        self.objects.withhold(key, record);
        again
    }
}

fn about(pass: Pass<'_>) -> About {
    About {
        api_version: sealed_api::names::API_VERSION,
        kind: sealed_api::names::KIND,
        namespace: pass.key.namespace.clone(),
        name: pass.key.name.clone(),
        uid: pass.stored.uid.clone(),
        resource_version: pass.stored.resource_version.clone(),
    }
}
