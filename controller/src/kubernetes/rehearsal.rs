//! Passes that write nothing: for ever (`--observe`), or once over everything before the first write
//! (`--max-startup-changes`).

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::info;

use super::objects::Objects;
use crate::config::Rehearse;
use crate::forecast::{Forecast, Forecasts, TooManyChanges};
use crate::http::{Gate, Health};
use crate::metrics::Metrics;
use crate::object_key::ObjectKey;
use crate::queue::Urgency;

/// How often it is looked whether everything is foreseen.
const LOOK: Duration = Duration::from_millis(200);

/// Whether this process writes yet. Clones share it.
#[derive(Clone)]
pub(super) struct Rehearsal {
    rule: Rehearse,
    /// Cancelled when writing begins.
    over: CancellationToken,
    forecasts: Arc<Mutex<Forecasts>>,
    refusal: Arc<OnceLock<TooManyChanges>>,
    metrics: Arc<Metrics>,
    /// Readiness, if there is an end to wait for.
    gate: Arc<Option<Gate>>,
}

impl Rehearsal {
    /// What the flags ask for. A process that is to look before it writes is not ready until it has looked: a rollout
    /// then leaves the one before it at work.
    pub(super) fn new(rule: Rehearse, metrics: Arc<Metrics>, health: &Health) -> Self {
        let over = CancellationToken::new();
        let gate = matches!(rule, Rehearse::AtMost(_)).then(|| health.gate("look before writing"));
        if rule == Rehearse::No {
            over.cancel();
        }
        Self {
            rule,
            over,
            forecasts: Arc::default(),
            refusal: Arc::default(),
            metrics,
            gate: Arc::new(gate),
        }
    }

    /// A term begins: what was foreseen in an earlier one may have changed since.
    pub(super) fn begin(&self) {
        *self.forecasts() = Forecasts::default();
    }

    /// Another process leads, and looks.
    pub(super) fn follow(&self) {
        self.open();
    }

    fn open(&self) {
        if let Some(gate) = &*self.gate {
            gate.open();
        }
    }

    /// Whether nothing may be written at this moment.
    pub(super) fn is_on(&self) -> bool {
        !self.over.is_cancelled()
    }

    /// Whether nothing will ever be written.
    pub(super) fn observes(&self) -> bool {
        self.rule == Rehearse::Observe
    }

    /// Cancelled when writing begins.
    pub(super) fn over(&self) -> &CancellationToken {
        &self.over
    }

    /// Why the process ended before it wrote anything.
    pub(super) fn refusal(&self) -> Option<TooManyChanges> {
        self.refusal.get().cloned()
    }

    /// Takes down what a pass would do, and tells it if it is news.
    pub(super) fn foresee(&self, key: &ObjectKey, forecast: Forecast) {
        let (verdict, detail) = (forecast.verdict(), forecast.detail());
        let mut all = self.forecasts();
        if !all.foresee(key, forecast) {
            return;
        }
        self.metrics.foreseen(&all.counts());
        drop(all);
        info!("sealed-secret" = %key, verdict, detail, "foreseen");
    }

    /// The last outcome of an object holds.
    pub(super) fn confirm(&self, key: &ObjectKey, forecast: impl FnOnce() -> Forecast) {
        if !self.knows(key) {
            self.foresee(key, forecast());
        }
    }

    /// Whether there is a forecast for an object.
    pub(super) fn knows(&self, key: &ObjectKey) -> bool {
        self.forecasts().get(key).is_some()
    }

    /// Waits until everything is foreseen, tells it in one line and, unless nothing is ever to be written, decides
    /// whether writing begins. `refused` is cancelled when it does not.
    pub(super) async fn conclude(
        &self,
        objects: &Objects,
        listed: CancellationToken,
        refused: &CancellationToken,
    ) {
        if !self.is_on() {
            return;
        }
        listed.cancelled().await;
        while !self.covers(objects) {
            tokio::time::sleep(LOOK).await;
        }
        let summary = self.forecasts().summary();
        match self.rule {
            Rehearse::No => {}
            Rehearse::Observe => info!(summary, "everything was observed, nothing was written"),
            Rehearse::AtMost(limit) => {
                let refusal = self.forecasts().too_many(limit);
                if let Some(refusal) = refusal {
                    drop(self.refusal.set(refusal));
                    refused.cancel();
                    return;
                }
                info!(summary, "everything was foreseen, writing begins");
                *self.forecasts() = Forecasts::default();
                self.open();
                self.over.cancel();
                for key in objects.forget_outcomes() {
                    objects.queue().add(key, Urgency::Backlog);
                }
            }
        }
    }

    fn covers(&self, objects: &Objects) -> bool {
        let state = objects.state();
        let keys = state.memory.iter().map(|(key, _)| key);
        self.forecasts().cover(keys)
    }

    /// An object is gone.
    pub(super) fn gone(&self, key: &ObjectKey) {
        if self.is_on() {
            let mut all = self.forecasts();
            all.forget(key);
            self.metrics.foreseen(&all.counts());
        }
    }

    fn forecasts(&self) -> std::sync::MutexGuard<'_, Forecasts> {
        self.forecasts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
