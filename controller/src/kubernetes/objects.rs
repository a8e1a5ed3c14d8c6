//! What the watches tell, folded into what the process remembers and what it has to do.
//!
//! Everything here is synchronous and under one lock, held for microseconds (a resync or a
//! list that ends goes once over all objects): watches and workers never wait for each
//! other's requests.

mod folds;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use k8s_openapi::Metadata;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealed_api::Decoded;
use sealed_crypto::Keyring;
use tracing::{debug, info, warn};

pub(super) use self::folds::{SealedSecretFold, SecretFold};
use super::rehearsal::Rehearsal;
use super::waiting::Waiting;
use super::watch::Reach;
use crate::conditions::tells;
use crate::content::ContentKey;
use crate::memory::{CONTESTED, Done, Facts, Finished, KeySet, Memory, Offer, Shown, Wake};
use crate::metrics::Metrics;
use crate::object_key::ObjectKey;
use crate::queue::{Pace, Urgency, Verdict, WorkQueue, now};
use crate::retain::{Orphaned, retained_for};

/// A status that somebody else overwrote is put right after this time: two that disagree must not answer each other as
/// fast as watches tell.
const STATUS_REST: Duration = Duration::from_secs(10);

/// A resync spreads its looks over this time.
const RESYNC_SPREAD: Duration = Duration::from_mins(30);

/// All objects, shared by watches and workers.
#[derive(Clone)]
pub(super) struct Objects {
    state: Arc<Mutex<State>>,
    queue: WorkQueue,
    metrics: Arc<Metrics>,
    habits: Habits,
    rehearsal: Rehearsal,
}

/// What the flags say about objects that come and go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Habits {
    /// `--old-gc-behavior`: a deleted object is worked on once more.
    pub(super) bury: bool,
    /// `--retain-deleted`: Secrets that carry its mark are remembered.
    pub(super) retain: bool,
    /// Whether statuses carry records of what earlier processes settled.
    pub(super) recall: bool,
}

/// A Secret that carries the mark of `--retain-deleted`, as the watch showed it last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Retained {
    pub(super) uid: String,
    pub(super) resource_version: String,
    pub(super) orphaned: Option<Orphaned>,
}

impl Retained {
    fn of(secret: &ObjectMeta) -> Option<Self> {
        retained_for(secret)?;
        Some(Self {
            uid: secret.uid.clone().unwrap_or_default(),
            resource_version: secret.resource_version.clone().unwrap_or_default(),
            orphaned: Orphaned::of(secret),
        })
    }
}

/// What is known and what waits.
#[derive(Debug)]
pub(super) struct State {
    /// What the process knows of each object.
    pub(super) memory: Memory,
    /// Bodies that wait for their pass.
    pub(super) waiting: Waiting,
    /// Objects whose last status was not written, and the record that was to stand in it.
    pub(super) unpublished: BTreeMap<ObjectKey, Option<String>>,
    /// Objects that are gone and whose Secret is to follow: their uid.
    pub(super) buried: BTreeMap<ObjectKey, String>,
    /// Secrets that outlive their SealedSecrets for a while.
    pub(super) retained: BTreeMap<ObjectKey, Retained>,
    /// Where the first list of Secrets is still to come.
    awaited: BTreeSet<Reach>,
}

impl State {
    fn awaits_secrets_of(&self, namespace: &str) -> bool {
        self.awaited.iter().any(|reach| reach.holds(namespace))
    }
}

impl Objects {
    pub(super) fn new(
        queue: WorkQueue,
        metrics: Arc<Metrics>,
        habits: Habits,
        content_key: ContentKey,
        rehearsal: Rehearsal,
    ) -> Self {
        let state = State {
            memory: Memory::new(content_key),
            waiting: Waiting::default(),
            unpublished: BTreeMap::new(),
            buried: BTreeMap::new(),
            retained: BTreeMap::new(),
            awaited: BTreeSet::new(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            queue,
            metrics,
            habits,
            rehearsal,
        }
    }

    /// Whether anything is written.
    pub(super) fn rehearsal(&self) -> &Rehearsal {
        &self.rehearsal
    }

    /// Forgets how passes ended, as if the process had just started. Names all objects.
    pub(super) fn forget_outcomes(&self) -> Vec<ObjectKey> {
        self.state().memory.forget_outcomes()
    }

    /// The queue of what is to be done.
    pub(super) fn queue(&self) -> &WorkQueue {
        &self.queue
    }

    /// The state; a panic elsewhere leaves nothing in it half-done that matters.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tries one of the statuses that were not written, the next after `asked`: whether the right to write them was
    /// granted meanwhile shows by asking only. Not always the same one, since that may be of a paused object.
    pub(super) fn ask_again(&self, asked: Option<&ObjectKey>) -> Option<ObjectKey> {
        let state = self.state();
        let mut after = state.unpublished.keys();
        let next = asked.and_then(|asked| after.find(|key| *key > asked));
        let next = next.or_else(|| state.unpublished.keys().next()).cloned();
        drop(state);
        if let Some(key) = &next {
            self.queue.add(key.clone(), Urgency::Backlog);
        }
        next
    }

    /// The status of an object could not be written: it is remembered with the record that was to stand in it.
    pub(super) fn withhold(&self, key: &ObjectKey, record: Option<String>) {
        let mut state = self.state();
        // It may have gone while its pass was under way.
        if state.memory.knows(key) {
            state.unpublished.insert(key.clone(), record);
        }
    }

    /// Statuses can be written again: all that were not have their turn.
    pub(super) fn publish_withheld(&self) {
        let withheld: Vec<ObjectKey> = self.state().unpublished.keys().cloned().collect();
        for key in withheld {
            self.queue.add(key, Urgency::Backlog);
        }
    }

    /// An object is gone: nothing of it is kept.
    pub(super) fn gone(&self, key: &ObjectKey) {
        let mut state = self.state();
        let known = state.memory.forget(key);
        self.show_items(&state);
        state.waiting.forget(key);
        state.unpublished.remove(key);
        self.metrics.object_gone(key);
        self.rehearsal.gone(key);
        match known {
            Some(facts) if self.habits.bury && !self.rehearsal.is_on() => {
                state.buried.insert(key.clone(), facts.uid);
                drop(state);
                self.queue.add(key.clone(), Urgency::Change);
            }
            // Told twice, as by a watch and by a pass that found it gone: its Secret still has to follow.
            None if state.buried.contains_key(key) => {}
            _ => {
                drop(state);
                self.queue.forget(key);
            }
        }
    }

    /// A pass did not find its object.
    ///
    /// Whether that is gone for good only the watch can say, which tells deletions and creations in their order: a
    /// namesake may have been made since the pass asked. Until the watch has spoken the object is looked for again.
    pub(super) fn not_found(&self, key: &ObjectKey) -> Verdict {
        if self.state().memory.knows(key) {
            Verdict::Retry(Pace::Slow)
        } else {
            Verdict::Settled
        }
    }

    /// A pass ended: it is remembered, and repeated if there was news meanwhile.
    pub(super) fn finished(&self, key: &ObjectKey, done: Done) {
        let mut state = self.state();
        let Finished { wake, contested } = state.memory.finished(key, done, now());
        self.show_items(&state);
        drop(state);
        if contested {
            warn!("sealed-secret" = %key, "{CONTESTED}");
        }
        self.wake(key.clone(), Urgency::Change, wake);
    }

    /// A pass of an earlier process ended like this, and that still counts.
    pub(super) fn recall(&self, key: &ObjectKey, done: Done) {
        let mut state = self.state();
        state.memory.recall(key, done);
        self.show_items(&state);
    }

    /// The Secrets of `reach` are about to be listed: objects with a record wait for that, because it spares a request
    /// for each of them.
    pub(super) fn await_secrets(&self, reach: &Reach) {
        if self.habits.recall {
            self.state().awaited.insert(reach.clone());
        }
    }

    /// They are listed, or with `listed` false will not be for now: the objects that waited are looked at one by one.
    pub(super) fn secrets_known(&self, reach: &Reach, listed: bool) {
        let mut state = self.state();
        if !state.awaited.remove(reach) {
            return;
        }
        let in_reach = |namespace: &str| reach.holds(namespace);
        if !listed {
            state.memory.unlist(in_reach);
        }
        let offered = state.memory.offered();
        let offered: Vec<ObjectKey> = offered
            .filter(|key| in_reach(&key.namespace))
            .cloned()
            .collect();
        drop(state);
        if !offered.is_empty() {
            info!(
                objects = offered.len(),
                reach = %reach,
                "an earlier controller left records of these; what they say is checked first"
            );
        }
        for key in offered {
            self.queue.add(key, Urgency::Backlog);
        }
    }

    /// The keyring changed: whatever that puts in question is worked on again.
    pub(super) fn keys_changed(&self, keyring: &Keyring) {
        let affected = self.state().memory.keys_changed(&KeySet::from(keyring));
        if !affected.is_empty() {
            debug!(objects = affected.len(), "sealing keys changed");
        }
        for key in affected {
            self.queue.add(key, Urgency::Change);
        }
    }

    /// Looks at every object again, not all at once: news may have been lost.
    pub(super) fn resync(&self) {
        let mut state = self.state();
        let keys: Vec<ObjectKey> = state.memory.iter().map(|(key, _)| key.clone()).collect();
        for key in &keys {
            // As if the Secret were gone: the pass looks, and mostly finds it as it was.
            let _ = state.memory.target_changed(key, None, now());
        }
        drop(state);
        for key in keys {
            let wait = RESYNC_SPREAD.mul_f64(rand::random::<f64>());
            self.queue.add_after(key, Urgency::Backlog, wait);
        }
    }

    fn seen(&self, object: Decoded, urgency: Urgency) -> Option<ObjectKey> {
        let key = key_of(object.metadata())?;
        self.show_conditions(&key, &object);
        let facts = Facts::of(object.metadata());
        let offer = self.offer(&key, &object);
        let mut state = self.state();
        // Somebody made it again before its Secret could follow it.
        state.buried.remove(&key);
        let changed = state.memory.seen(&key, facts);
        let misstated = !changed && self.is_misstated(&state, &key, &object);
        // A list after an outage.
        let answered = urgency == Urgency::Backlog && state.memory.awaits_server(&key);
        if changed || answered {
            state.waiting.put(&key, object);
            let offered = state.memory.offer(&key, offer);
            let waits = offered && state.awaits_secrets_of(&key.namespace);
            drop(state);
            if !waits {
                self.queue.add(key.clone(), urgency);
            }
        } else if misstated {
            state.waiting.put(&key, object);
            drop(state);
            debug!("sealed-secret" = %key, "its status is not what was written");
            self.queue
                .add_after(key.clone(), Urgency::Backlog, STATUS_REST);
        } else {
            // It was changed and changed back before its pass: the body in between is nobody's wish any more.
            state.waiting.forget(&key);
            debug!("sealed-secret" = %key, "update suppressed, no changes in spec");
        }
        Some(key)
    }

    /// Whether the status says something else than how the last pass ended. Somebody else has written it then, or it is
    /// the state before our own write, of which the watch is about to tell.
    fn is_misstated(&self, state: &State, key: &ObjectKey, object: &Decoded) -> bool {
        let (status, generation) = match object {
            Decoded::Sound(object) => (object.status.as_ref(), object.metadata.generation),
            Decoded::Malformed(object) => (object.status.as_ref(), object.metadata.generation),
        };
        self.habits.recall
            && !self.rehearsal.is_on()
            && !state.unpublished.contains_key(key)
            && state
                .memory
                .last(key)
                .is_some_and(|last| !tells(status, generation.unwrap_or_default(), &last.outcome))
    }

    /// What the status says an earlier process settled, of an object that no pass of this one has ended for.
    fn offer(&self, key: &ObjectKey, object: &Decoded) -> Option<Offer> {
        let Decoded::Sound(object) = object else {
            return None;
        };
        let shown = {
            let state = self.state();
            if !self.habits.recall || state.memory.last(key).is_some() {
                return None;
            }
            if state.awaits_secrets_of(&key.namespace) {
                Shown::Absent
            } else {
                Shown::Unlisted
            }
        };
        Offer::of(object, shown)
    }

    fn show_items(&self, state: &State) {
        self.metrics.sealed_items(state.memory.items_by_key());
    }

    /// The metric shows what is stored, so it follows the watch and not our own writes.
    fn show_conditions(&self, key: &ObjectKey, object: &Decoded) {
        let status = match object {
            Decoded::Sound(object) => object.status.as_ref(),
            Decoded::Malformed(object) => object.status.as_ref(),
        };
        let conditions = status.map_or(&[][..], |status| &status.conditions);
        let instance = Facts::of(object.metadata()).instance.unwrap_or_default();
        self.metrics.conditions_observed(key, &instance, conditions);
    }

    fn wake(&self, key: ObjectKey, urgency: Urgency, wake: Wake) {
        match wake {
            Wake::No => {}
            Wake::After(wait) => self.queue.add_after(key, urgency, wait),
        }
    }
}

fn key_of(metadata: &ObjectMeta) -> Option<ObjectKey> {
    let namespace = metadata.namespace.as_deref()?;
    let name = metadata.name.as_deref()?;
    Some(ObjectKey::new(namespace, name))
}

#[cfg(test)]
mod tests;
