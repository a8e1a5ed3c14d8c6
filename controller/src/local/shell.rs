//! What is known of the directory, and what has to be done about it.
//!
//! Level-triggered: a sweep compares everything that is there with everything that is known, so that news that was
//! never told (an overflowing watch, a change while the process was down) is noticed all the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::Metadata as _;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealed_api::{Decoded, SealedSecretStatus};

use super::directory::Stamp;
use super::sealed::Scan;
use super::statuses::Statuses;
use super::targets::Targets;
use crate::memory::{CONTESTED, Done, Facts, Finished, KeySet, Memory, Wake};
use crate::metrics::FailureReason;
use crate::object_key::ObjectKey;
use crate::outcome::{Cause, Outcome};
use crate::plan::Rules;
use crate::queue::{Urgency, WorkQueue, now};
use crate::services::Services;

/// The standalone shell. Shared by the sweeps and the passes.
pub(super) struct Shell {
    pub(super) services: Services,
    pub(super) rules: Rules,
    pub(super) targets: Targets,
    pub(super) statuses: Statuses,
    pub(super) queue: WorkQueue,
    state: Mutex<State>,
}

/// What is known.
pub(super) struct State {
    pub(super) objects: BTreeMap<ObjectKey, Object>,
    pub(super) memory: Memory,
    /// The files of Secrets as the last sweep saw them.
    secrets: BTreeMap<ObjectKey, Stamp>,
    /// Faults of files that were told already.
    told: BTreeSet<String>,
}

/// A SealedSecret.
#[derive(Clone)]
pub(super) struct Object {
    pub(super) body: Arc<Decoded>,
    pub(super) status: Option<SealedSecretStatus>,
}

/// How far an object has come.
pub(super) enum Progress {
    /// A pass ended so.
    Ended(Outcome),
    /// It is left alone: its annotation asks for that.
    Paused,
    /// No pass has come to an end.
    Unfinished,
}

impl Shell {
    pub(super) fn new(
        services: Services,
        rules: Rules,
        targets: Targets,
        statuses: Statuses,
        queue: WorkQueue,
    ) -> Self {
        // What is there before the first pass is no news: that pass looks at it anyway.
        let secrets = targets.files().list().unwrap_or_default();
        let state = State {
            objects: BTreeMap::new(),
            memory: Memory::new(rules.content_key.clone()),
            secrets: secrets.into_iter().collect(),
            told: BTreeSet::new(),
        };
        Self {
            services,
            rules,
            targets,
            statuses,
            queue,
            state: Mutex::new(state),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what a scan of `DIR/sealed` found.
    pub(super) fn take(&self, scan: &Scan) {
        self.tell_faults(&scan.faults);
        for (key, body) in &scan.objects {
            self.take_object(key, body);
        }
        let exists = |key: &ObjectKey| scan.objects.contains_key(key);
        if scan.complete {
            let spared: BTreeSet<&ObjectKey> = scan.ambiguous.iter().collect();
            let mut state = self.state();
            let gone = state
                .memory
                .retain(|key| exists(key) || spared.contains(key));
            state.objects.retain(|key, _| exists(key));
            drop(state);
            for key in gone {
                self.queue.forget(&key);
                self.services.metrics.object_gone(&key);
            }
            self.collect_garbage(&|key| exists(key) || spared.contains(key));
        }
        self.look_at_secrets();
    }

    fn take_object(&self, key: &ObjectKey, body: &Arc<Decoded>) {
        let facts = Facts::of(body.metadata());
        let known = self.state().objects.get(key).cloned();
        let status = match &known {
            Some(known) => known.status.clone(),
            None => self.statuses.read(key),
        };
        let changed = known.is_none_or(|known| !Arc::ptr_eq(&known.body, body));
        if !changed {
            return;
        }
        let conditions = status.as_ref().map(|status| status.conditions.as_slice());
        let instance = facts.instance.clone().unwrap_or_default();
        let metrics = &self.services.metrics;
        metrics.conditions_observed(key, &instance, conditions.unwrap_or_default());
        let mut state = self.state();
        let body = Arc::clone(body);
        state.objects.insert(key.clone(), Object { body, status });
        if state.memory.seen(key, facts) {
            self.queue.add(key.clone(), Urgency::Change);
        }
    }

    /// Each fault is an error of the directory, told when it appears and counted once.
    fn tell_faults(&self, faults: &[String]) {
        let faults: BTreeSet<String> = faults.iter().cloned().collect();
        let mut state = self.state();
        for fault in faults.difference(&state.told) {
            tracing::error!(error = fault, "Error reading SealedSecrets");
            self.services
                .metrics
                .unseal_failed(FailureReason::Fetch, "");
        }
        state.told = faults;
    }

    /// Removes the Secrets that were written for SealedSecrets that are not there any more, as a cluster's garbage collector does:
    /// those whose owner reference names the uid of the missing object, and no others.
    fn collect_garbage(&self, exists: &dyn Fn(&ObjectKey) -> bool) {
        let listed = match self.targets.files().list() {
            Ok(listed) => listed,
            Err(error) => {
                tracing::error!(%error, "cannot list the Secrets");
                return;
            }
        };
        for (key, _) in listed.into_iter().filter(|(key, _)| !exists(key)) {
            let uid = super::identity::sealed_secret_uid(&key);
            // One that cannot be read was not written by us, or not left alone since.
            let Ok(Some(mut secret)) = self.targets.read(&key) else {
                continue;
            };
            let ours = is_all_ours(&secret.metadata, &uid);
            sealed_api::wipe(&mut secret);
            if !ours {
                continue;
            }
            tracing::info!("sealed-secret" = %key, "SealedSecret has gone, deleting Secret");
            let removed = self.targets.files().remove(&key);
            if let Err(error) = removed.and_then(|()| self.statuses.files().remove(&key)) {
                tracing::error!("sealed-secret" = %key, %error, "cannot delete the Secret");
            }
        }
    }

    /// Asks for a pass over every object whose Secret appeared, changed or disappeared.
    ///
    /// Since the previous sweep, or since the last pass: a file that was written and removed between two sweeps is in
    /// neither listing.
    fn look_at_secrets(&self) {
        let Ok(listed) = self.targets.files().list() else {
            return;
        };
        let now: BTreeMap<ObjectKey, Stamp> = listed.into_iter().collect();
        let changed: Vec<ObjectKey> = {
            let mut state = self.state();
            let before = std::mem::replace(&mut state.secrets, now.clone());
            let differs = |key: &ObjectKey| {
                let left = state.memory.last(key).map(|done| done.target.is_some());
                before.get(key) != now.get(key)
                    || left.is_some_and(|left| left != now.contains_key(key))
            };
            state
                .objects
                .keys()
                .filter(|key| differs(key))
                .cloned()
                .collect()
        };
        for key in &changed {
            self.secret_changed(key);
        }
    }

    fn secret_changed(&self, key: &ObjectKey) {
        let mut state_of_file = self.targets.read(key);
        let mut state = self.state();
        // What stood in the way of reading or writing may be gone with the change.
        let was_refused = state.memory.last(key).is_some_and(|last| {
            let cause = last.outcome.failure().map(|failure| failure.cause);
            matches!(cause, Some(Cause::Rejected | Cause::Unavailable))
        });
        let wake = match &state_of_file {
            Ok(secret) => {
                let metadata = secret.as_ref().map(|secret| &secret.metadata);
                state.memory.target_changed(key, metadata, now())
            }
            Err(_) => Wake::After(std::time::Duration::ZERO),
        };
        drop(state);
        if let Ok(Some(secret)) = &mut state_of_file {
            sealed_api::wipe(secret);
        }
        match wake {
            _ if was_refused => self.queue.add(key.clone(), Urgency::Change),
            Wake::After(wait) => self.queue.add_after(key.clone(), Urgency::Change, wait),
            Wake::No => {}
        }
    }

    /// A pass ended: it is remembered, and repeated if there was news meanwhile.
    pub(super) fn finished(&self, key: &ObjectKey, done: Done) {
        let Finished { wake, contested } = self.state().memory.finished(key, done, now());
        if contested {
            tracing::warn!("sealed-secret" = %key, "{CONTESTED}");
        }
        if let Wake::After(wait) = wake {
            self.queue.add_after(key.clone(), Urgency::Change, wait);
        }
    }

    /// Asks for a pass over every object that these keys may open now, or may not any more.
    pub(super) fn keys_changed(&self, keys: &KeySet) {
        let concerned = self.state().memory.keys_changed(keys);
        for key in concerned {
            self.queue.add(key, Urgency::Change);
        }
    }

    /// How far each object has come.
    pub(super) fn progress(&self) -> Vec<(ObjectKey, Progress)> {
        let state = self.state();
        let progress = |key: &ObjectKey, object: &Object| match state.memory.last(key) {
            _ if Facts::of(object.body.metadata()).paused => Progress::Paused,
            Some(done) => Progress::Ended(done.outcome.clone()),
            None => Progress::Unfinished,
        };
        let objects = state.objects.iter();
        objects
            .map(|(key, object)| (key.clone(), progress(key, object)))
            .collect()
    }

    /// The faults of files at the moment.
    pub(super) fn faults(&self) -> Vec<String> {
        self.state().told.iter().cloned().collect()
    }
}

/// Whether the owner with this `uid` is the Secret's only one: a second owner keeps it, as in a cluster.
fn is_all_ours(secret: &ObjectMeta, uid: &str) -> bool {
    let owners = secret.owner_references.as_deref().unwrap_or_default();
    !owners.is_empty() && owners.iter().all(|owner| owner.uid == uid)
}
