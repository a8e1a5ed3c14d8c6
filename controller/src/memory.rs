//! What the process knows of each object: enough to see that there is nothing to do, and a few
//! hundred bytes each. Never a value, never the object itself.

mod contest;
mod done;
mod facts;
mod items;
mod key_set;
mod recall;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealed_api::SealedSecret;
use sealed_crypto::Fingerprint;

use self::contest::Contest;
pub use self::done::{Done, Holding, TargetRecord};
pub use self::facts::{Facts, hinted_keys, written_at};
use self::items::Items;
pub use self::key_set::KeySet;
pub use self::recall::{Offer, Shown};
use crate::content::ContentKey;
use crate::object_key::ObjectKey;
use crate::outcome::{Cause, Outcome};
use crate::triage::{Doubt, Seen, Target, Triage, triage};

/// Whoever deletes a Secret that is not ours often creates it again at once (`kubectl replace
/// --force`). They get this long before we take the name.
const COURTESY: Duration = Duration::from_secs(1);

/// What the log says when [`Finished::contested`].
pub const CONTESTED: &str = "somebody else keeps changing or deleting the Secret: it is looked after at growing intervals, from ten \
     seconds up to an hour, until it is left alone";

/// What to do about the news that a Secret changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Wake {
    /// Nothing.
    No,
    /// A pass is due after this time.
    After(Duration),
}

/// What follows from the end of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Finished {
    /// News of the Secret came while the pass was under way.
    pub wake: Wake,
    /// Somebody keeps changing or deleting the Secret, and that begins to be answered with pauses.
    pub contested: bool,
}

/// Everything the process knows.
#[derive(Debug)]
pub struct Memory {
    content_key: ContentKey,
    /// Boxed: the nodes of a map that is filled in order stay half empty.
    objects: BTreeMap<ObjectKey, Box<Known>>,
    recent: Recent,
    items: Items,
}

#[derive(Debug)]
struct Known {
    facts: Arc<Facts>,
    done: Option<Done>,
    doubt: Doubt,
    /// Somebody went to look at the Secret, and there has been no news since.
    looking: bool,
    contest: Contest,
    /// Until the first pass.
    offer: Option<Box<Offer>>,
}

impl Known {
    /// When the news of its Secret, if there is any, is to be looked into.
    fn wake(&self, now: Instant) -> Wake {
        let wait = match self.done.as_ref().map(|done| &done.outcome) {
            _ if self.doubt == Doubt::No => return Wake::No,
            // A pass is due or under way; it may have looked before this happened.
            None | Some(Outcome::Synced | Outcome::Drifted(_)) => Duration::ZERO,
            Some(Outcome::Failed(failure)) => match failure.cause {
                Cause::Unmanaged if self.doubt == Doubt::Gone => COURTESY,
                cause if cause.is_blocker() => Duration::ZERO,
                // `finished` asks again, in case a pass is under way that ends otherwise.
                _ => return Wake::No,
            },
        };
        Wake::After(wait.max(self.contest.wait(now)))
    }

    /// Minds what was decided about it, with what was known of its Secret.
    fn triaged(&mut self, target: Target<'_>, triage: &Triage) {
        if let (Target::Present(secret), Triage::Settled(_)) = (target, triage) {
            self.confirmed(&secret.metadata);
        }
        match (target, triage) {
            (Target::Unknown, Triage::Look | Triage::Unseal { .. }) => self.looking = true,
            // The look found all well, and nothing was told since it began.
            (Target::Absent | Target::Present(_), Triage::Settled(_)) if self.looking => {
                self.doubt = Doubt::No;
            }
            _ => {}
        }
    }
}

impl Known {
    /// Keeps how a pass ended. It mostly saw the object as it is now, which then is kept once.
    fn ended(&mut self, mut done: Done) {
        if done.facts == self.facts {
            done.facts = Arc::clone(&self.facts);
        }
        self.done = Some(done);
    }

    /// Somebody looked: the Secret holds what it held, in whatever version.
    fn confirmed(&mut self, secret: &ObjectMeta) {
        let target = self.done.as_mut().and_then(|done| done.target.as_mut());
        if let Some(content) = target.and_then(|target| target.content.as_mut()) {
            content.resource_version = secret.resource_version.clone().unwrap_or_default();
        }
    }
}

/// The keys that opened something last.
#[derive(Debug, Default)]
struct Recent {
    by_namespace: BTreeMap<String, Fingerprint>,
    anywhere: Option<Fingerprint>,
}

impl Recent {
    fn opened(&mut self, object: &ObjectKey, done: &Done) {
        if let Some(key) = done.opened_by.first() {
            self.by_namespace.insert(object.namespace.clone(), key);
            self.anywhere = Some(key);
        }
    }
}

impl Memory {
    /// Nothing is known yet. The key is the one in [`Rules`](crate::plan::Rules).
    pub fn new(content_key: ContentKey) -> Self {
        Self {
            content_key,
            objects: BTreeMap::new(),
            recent: Recent::default(),
            items: Items::default(),
        }
    }

    /// If another write of the Secret now is one of too many: how long it has to be left alone before
    /// that is over.
    pub fn contested(&self, key: &ObjectKey, now: Instant) -> Option<Duration> {
        self.objects.get(key)?.contest.calm_after_rewrite(now)
    }

    /// A watch shows an object. Returns whether a pass is due: it is unknown, or differs from
    /// what the last pass saw in something that decides.
    pub fn seen(&mut self, key: &ObjectKey, facts: Facts) -> bool {
        let facts = Arc::new(facts);
        let known = self.objects.entry(key.clone()).or_insert_with(|| {
            Box::new(Known {
                facts: Arc::clone(&facts),
                done: None,
                doubt: Doubt::No,
                looking: false,
                contest: Contest::default(),
                offer: None,
            })
        });
        known.facts = facts;
        known
            .done
            .as_ref()
            .is_none_or(|done| !done.facts.decide_as(&known.facts))
    }

    /// Whether the last pass failed for want of an answer: a watch that lists again shows that the
    /// API server answers again, and nobody need wait for the back-off to end.
    pub fn awaits_server(&self, key: &ObjectKey) -> bool {
        self.last(key)
            .and_then(|last| last.outcome.failure())
            .is_some_and(|failure| failure.cause == Cause::Unavailable)
    }

    /// Whether a watch has shown the object and not told of its end.
    pub fn knows(&self, key: &ObjectKey) -> bool {
        self.objects.contains_key(key)
    }

    /// The object is gone: its namesake is another object.
    pub fn forget(&mut self, key: &ObjectKey) -> Option<Facts> {
        let known = self.objects.remove(key)?;
        self.items.remove(known.done.as_ref());
        Some(Arc::unwrap_or_clone(known.facts))
    }

    /// Forgets every object that `exists` does not confirm, and names them: deletions that a
    /// watch missed.
    pub fn retain(&mut self, exists: impl Fn(&ObjectKey) -> bool) -> Vec<ObjectKey> {
        let gone = self.objects.extract_if(.., |key, _| !exists(key));
        let forgotten = gone.map(|(key, known)| {
            self.items.remove(known.done.as_ref());
            key
        });
        forgotten.collect()
    }

    /// How many values each key opened, of all objects whose last pass came so far.
    pub fn items_by_key(&self) -> &BTreeMap<Fingerprint, u64> {
        self.items.by_key()
    }

    /// Keeps the chance to settle an object without its body until its pass, if no pass of this process has ended.
    /// `None` takes back an earlier one: the object is another one by now. Returns whether there is a chance.
    pub fn offer(&mut self, key: &ObjectKey, offer: Option<Offer>) -> bool {
        let Some(known) = self.objects.get_mut(key) else {
            return false;
        };
        known.offer = offer.filter(|_| known.done.is_none()).map(Box::new);
        known.offer.is_some()
    }

    /// What was offered for an object, with the object as it is. It is no longer on offer then.
    pub fn take_offer(&mut self, key: &ObjectKey) -> Option<(Offer, Facts)> {
        let known = self.objects.get_mut(key)?;
        let offer = known.offer.take()?;
        Some((*offer, (*known.facts).clone()))
    }

    /// The objects on offer: nothing was done about them yet.
    pub fn offered(&self) -> impl Iterator<Item = &ObjectKey> {
        let objects = self.objects.iter();
        objects.filter_map(|(key, known)| known.offer.as_ref().map(|_| key))
    }

    /// The Secrets of `namespaces` cannot be listed: what is known of them is nothing.
    pub fn unlist(&mut self, in_reach: impl Fn(&str) -> bool) {
        for (key, known) in &mut self.objects {
            if let Some(offer) = known.offer.as_mut().filter(|_| in_reach(&key.namespace)) {
                offer.secret = Shown::Unlisted;
            }
        }
    }

    /// Takes over how a pass of an earlier process ended, if no pass of this one has. Nothing is overwritten: what the
    /// process knows itself is newer.
    pub fn recall(&mut self, key: &ObjectKey, done: Done) {
        let Some(known) = self.objects.get_mut(key) else {
            return;
        };
        if known.done.is_some() {
            return;
        }
        if known.doubt.is_settled_by(done.target.as_ref()) {
            known.doubt = Doubt::No;
        }
        known.offer = None;
        self.items.add(&done);
        self.recent.opened(key, &done);
        known.ended(done);
    }

    /// How the last pass over an object ended.
    pub fn last(&self, key: &ObjectKey) -> Option<&Done> {
        self.objects.get(key)?.done.as_ref()
    }

    /// Forgets how passes ended, as if the process had just started. Names all objects.
    pub fn forget_outcomes(&mut self) -> Vec<ObjectKey> {
        for known in self.objects.values_mut() {
            known.done = None;
            known.doubt = Doubt::No;
            known.looking = false;
        }
        self.objects.keys().cloned().collect()
    }

    /// Everything known.
    pub fn iter(&self) -> impl Iterator<Item = (&ObjectKey, Option<&Done>)> {
        self.objects
            .iter()
            .map(|(key, known)| (key, known.done.as_ref()))
    }

    /// Decides what the object, as just read, needs. `target` is what is known of its Secret at
    /// this moment; when that is nothing, whoever is told to look does so after this.
    pub fn triage(&mut self, object: &SealedSecret, keys: &KeySet, target: Target<'_>) -> Triage {
        let key = ObjectKey::new(object.namespace(), object.name());
        let facts = Facts::of(&object.metadata);
        let recent = self.recent.by_namespace.get(&key.namespace).copied();
        let known = self.objects.get_mut(&key);
        let decided = triage(&Seen {
            name: object.name(),
            facts: &facts,
            hinted: &hinted_keys(&object.metadata),
            written_at: written_at(&object.metadata),
            last: known.as_ref().and_then(|known| known.done.as_ref()),
            doubt: known.as_ref().map_or(&Doubt::No, |known| &known.doubt),
            target,
            content_key: &self.content_key,
            keys,
            recent: &[recent, self.recent.anywhere]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>(),
        });
        if let Some(known) = known {
            known.triaged(target, &decided);
        }
        decided
    }

    /// Decides about an object whose body is not at hand, so that the echo of our own write, a
    /// blocker that is still there and a second look cost no request for it. `None` when nothing
    /// is known of it.
    pub fn triage_unread(
        &mut self,
        key: &ObjectKey,
        keys: &KeySet,
        target: Target<'_>,
    ) -> Option<Triage> {
        let known = self.objects.get_mut(key)?;
        let decided = triage(&Seen {
            name: &key.name,
            facts: &known.facts,
            hinted: &[],
            written_at: None,
            last: known.done.as_ref(),
            doubt: &known.doubt,
            target,
            content_key: &self.content_key,
            keys,
            recent: &[],
        });
        known.triaged(target, &decided);
        Some(decided)
    }

    /// A pass ended.
    ///
    /// News of the Secret that arrived meanwhile stays a doubt unless it is the echo of what the
    /// pass itself left behind. Nobody may have been woken for it, since what the pass before this
    /// one ended with may not have asked for that.
    pub fn finished(&mut self, key: &ObjectKey, done: Done, now: Instant) -> Finished {
        self.recent.opened(key, &done);
        // Forgotten meanwhile: there is nothing to remember of an object that is gone.
        let Some(known) = self.objects.get_mut(key) else {
            return Finished {
                wake: Wake::No,
                contested: false,
            };
        };
        let last = known.done.as_ref();
        // To see that it was edited costs as much as to write it.
        let handled = done.wrote || matches!(done.outcome, Outcome::Drifted(_));
        let again = handled && last.is_some_and(|last| last.facts.decide_as(&done.facts));
        let contested = again && known.contest.rewritten(now);
        if known.looking || known.doubt.is_settled_by(done.target.as_ref()) {
            known.doubt = Doubt::No;
        }
        known.looking = false;
        known.offer = None;
        self.items.remove(known.done.as_ref());
        self.items.add(&done);
        known.ended(done);
        Finished {
            wake: known.wake(now),
            contested,
        }
    }

    /// A Secret appeared, changed or, with `None`, disappeared.
    pub fn target_changed(
        &mut self,
        key: &ObjectKey,
        secret: Option<&ObjectMeta>,
        now: Instant,
    ) -> Wake {
        let Some(known) = self.objects.get_mut(key) else {
            return Wake::No;
        };
        if let Some(offer) = &mut known.offer {
            offer.secret = Shown::of(secret, &key.name, &known.facts.uid);
        }
        let doubt = Doubt::about(secret, &key.name, &known.facts.uid);
        let last = known.done.as_ref();
        let echo = last.is_some_and(|done| doubt.is_settled_by(done.target.as_ref()));
        known.doubt = if echo { Doubt::No } else { doubt };
        known.looking = false;
        known.wake(now)
    }

    /// The keyring changed. Names the objects whose last outcome is in question: undecryptable
    /// ones for which there is a key not tried, and synced ones whose key is gone.
    pub fn keys_changed(&self, keys: &KeySet) -> Vec<ObjectKey> {
        self.iter()
            .filter(|(_, done)| {
                done.is_some_and(|done| match &done.outcome {
                    Outcome::Synced | Outcome::Drifted(_) => {
                        !keys.contains_all(done.opened_by.keys())
                    }
                    Outcome::Failed(failure) => match failure.cause {
                        Cause::Unseal(_) => done.untried(keys).next().is_some(),
                        _ => false,
                    },
                })
            })
            .map(|(key, _)| key.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests;
