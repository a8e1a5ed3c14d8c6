//! The work queue: which object is worked on next.
//!
//! [`Queue`] is a plain structure driven by the time it is told, so every rule is a test without
//! a clock; [`WorkQueue`] puts it behind a lock and a timer for the shells.
//!
//! * An object is in the queue once, however often it is added, and never worked on twice at
//!   once; what is added while it is being worked on runs afterwards.
//! * A failed object returns after its own [`Backoff`]; nobody else waits for it.
//! * What a user changes goes before the backlog of a start, and within each, namespaces take
//!   turns: ten thousand objects of one team do not delay the one of another.
//! * A namespace never has more passes under way than there are workers left for the others: what
//!   takes minutes to open in one namespace does not keep every worker.

mod backoff;
mod work_queue;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

pub use self::backoff::{Backoff, Pace};
pub use self::work_queue::{Ticket, WorkQueue, now};
use crate::object_key::ObjectKey;

/// So many changes are served in a row before one of the backlog is, if both wait: whoever edits
/// without end cannot keep a start from finishing.
const CHANGES_IN_A_ROW: u32 = 8;

/// Which line an object stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Somebody changed something and waits for the result.
    Change,
    /// Listed at a start, retried or looked at again: nobody waits.
    Backlog,
}

/// What becomes of an object after a pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// Nothing to do until something changes.
    Settled,
    /// Again after the object's back-off.
    Retry(Pace),
    /// Again after this time, without counting a failure.
    After(Duration),
}

/// How much there is to do, for metrics and the watchdog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Objects that could be worked on at this moment.
    pub ready: usize,
    /// Objects that wait for their time.
    pub later: usize,
    /// Objects being worked on.
    pub running: usize,
}

/// The queue. See the [module](self) for its rules.
#[derive(Debug)]
pub struct Queue {
    backoff: Backoff,
    entries: BTreeMap<ObjectKey, Entry>,
    later: BTreeSet<(Instant, ObjectKey)>,
    changes: Line,
    backlog: Line,
    running: Running,
    ended: u64,
    changes_in_a_row: u32,
    sequence: u64,
}

#[derive(Debug)]
struct Entry {
    place: Place,
    failures: u32,
}

#[derive(Debug)]
enum Place {
    Later {
        due: Instant,
        urgency: Urgency,
    },
    Ready {
        due: Instant,
        urgency: Urgency,
        sequence: u64,
    },
    Running {
        again: Option<(Instant, Urgency)>,
    },
}

impl Queue {
    /// An empty queue that so many workers share.
    pub fn new(backoff: Backoff, workers: usize) -> Self {
        Self {
            backoff,
            entries: BTreeMap::new(),
            later: BTreeSet::new(),
            changes: Line::default(),
            backlog: Line::default(),
            running: Running::shared_by(workers),
            ended: 0,
            changes_in_a_row: 0,
            sequence: 0,
        }
    }

    /// Asks for a pass at `due`, or keeps the earlier one that was already asked for.
    ///
    /// A [change](Urgency::Change) forgets the failures so far: somebody may have repaired it.
    pub fn add(&mut self, key: ObjectKey, urgency: Urgency, due: Instant) {
        let mut failures = 0;
        let mut wanted = (due, urgency);
        if let Some(entry) = self.entries.get_mut(&key) {
            if urgency == Urgency::Change {
                entry.failures = 0;
            }
            failures = entry.failures;
            match &mut entry.place {
                Place::Running { again } => {
                    *again = Some(again.map_or(wanted, |before| earlier(before, wanted)));
                    return;
                }
                Place::Ready {
                    urgency: before, ..
                } if *before <= urgency => return,
                Place::Ready { due, urgency, .. } | Place::Later { due, urgency } => {
                    wanted = earlier((*due, *urgency), wanted);
                }
            }
        }
        self.remove(&key);
        self.place_later(key, wanted, failures);
    }

    /// The object to work on now, if any. It is running until [`done`](Self::done) is told.
    pub fn pop(&mut self, now: Instant) -> Option<ObjectKey> {
        self.promote(now);
        let lines = if self.changes_in_a_row >= CHANGES_IN_A_ROW {
            [Urgency::Backlog, Urgency::Change]
        } else {
            [Urgency::Change, Urgency::Backlog]
        };
        let key = lines.into_iter().find_map(|line| self.take(line))?;
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.place = Place::Running { again: None };
        }
        self.running.begin(&key.namespace);
        Some(key)
    }

    /// The next object of one line whose namespace may have another pass.
    fn take(&mut self, urgency: Urgency) -> Option<ObjectKey> {
        let may_run = |namespace: &str| self.running.may_begin(namespace);
        match urgency {
            Urgency::Change => {
                let key = self.changes.take(may_run)?;
                self.changes_in_a_row = self.changes_in_a_row.saturating_add(1);
                Some(key)
            }
            Urgency::Backlog => {
                let key = self.backlog.take(may_run)?;
                self.changes_in_a_row = 0;
                Some(key)
            }
        }
    }

    /// Ends a pass. `jitter` in `0.0..1.0` is drawn by the caller.
    pub fn done(&mut self, key: &ObjectKey, verdict: Verdict, now: Instant, jitter: f64) {
        let Some(Entry {
            place: Place::Running { again },
            failures,
        }) = self.entries.remove(key)
        else {
            return;
        };
        self.running.end(&key.namespace);
        self.ended = self.ended.wrapping_add(1);
        let (next, failures) = match verdict {
            Verdict::Settled => (None, 0),
            Verdict::Retry(pace) => {
                let due = now + self.backoff.delay(pace, failures, jitter);
                (Some((due, Urgency::Backlog)), failures.saturating_add(1))
            }
            Verdict::After(wait) => (Some((now + wait, Urgency::Backlog)), 0),
        };
        let next = match (next, again) {
            (Some(next), Some(again)) => Some(earlier(next, again)),
            (next, again) => next.or(again),
        };
        if let Some(next) = next {
            self.place_later(key.clone(), next, failures);
        }
    }

    /// Drops an object that is gone: neither queued nor run again. A pass under way ends as it
    /// would.
    pub fn forget(&mut self, key: &ObjectKey) {
        match self.entries.get_mut(key) {
            Some(Entry {
                place: Place::Running { again },
                ..
            }) => *again = None,
            Some(_) => self.remove(key),
            None => {}
        }
    }

    /// The moment at which [`pop`](Self::pop) may have something that it has not now.
    pub fn next_due(&self) -> Option<Instant> {
        self.later.first().map(|(due, _)| *due)
    }

    /// How much there is to do.
    pub fn load(&self) -> Load {
        Load {
            ready: self.changes.len + self.backlog.len,
            later: self.later.len(),
            running: self.running.all,
        }
    }

    /// How many passes have ended so far.
    pub fn ended(&self) -> u64 {
        self.ended
    }

    fn place_later(&mut self, key: ObjectKey, (due, urgency): (Instant, Urgency), failures: u32) {
        self.later.insert((due, key.clone()));
        let place = Place::Later { due, urgency };
        self.entries.insert(key, Entry { place, failures });
    }

    /// Moves everything that is due into its line.
    fn promote(&mut self, now: Instant) {
        while self.next_due().is_some_and(|due| due <= now)
            && let Some((due, key)) = self.later.pop_first()
        {
            let Some(entry) = self.entries.get_mut(&key) else {
                continue;
            };
            if let Place::Later { urgency, .. } = entry.place {
                let sequence = self.sequence;
                self.sequence += 1;
                entry.place = Place::Ready {
                    due,
                    urgency,
                    sequence,
                };
                match urgency {
                    Urgency::Change => self.changes.add(key, sequence),
                    Urgency::Backlog => self.backlog.add(key, sequence),
                }
            }
        }
    }

    /// Takes a waiting entry out of everything; a running one is not touched.
    fn remove(&mut self, key: &ObjectKey) {
        match self.entries.get(key).map(|entry| &entry.place) {
            Some(Place::Later { due, .. }) => {
                self.later.remove(&(*due, key.clone()));
            }
            Some(Place::Ready {
                urgency, sequence, ..
            }) => match urgency {
                Urgency::Change => self.changes.remove(key, *sequence),
                Urgency::Backlog => self.backlog.remove(key, *sequence),
            },
            Some(Place::Running { .. }) | None => return,
        }
        self.entries.remove(key);
    }
}

/// Earliest time and highest urgency of two requests for the same object.
fn earlier(a: (Instant, Urgency), b: (Instant, Urgency)) -> (Instant, Urgency) {
    (a.0.min(b.0), a.1.min(b.1))
}

/// Objects that are due, first come first served within a namespace, namespaces in turn.
#[derive(Debug, Default)]
struct Line {
    turns: VecDeque<String>,
    names: BTreeMap<String, BTreeMap<u64, String>>,
    len: usize,
}

impl Line {
    fn add(&mut self, key: ObjectKey, sequence: u64) {
        if !self.names.contains_key(&key.namespace) {
            self.turns.push_back(key.namespace.clone());
        }
        let names = self.names.entry(key.namespace).or_default();
        names.insert(sequence, key.name);
        self.len += 1;
    }

    /// The first of the namespace whose turn it is. One that may not run keeps its place.
    fn take(&mut self, may_run: impl Fn(&str) -> bool) -> Option<ObjectKey> {
        let turn = self.turns.iter().position(|namespace| may_run(namespace))?;
        let namespace = self.turns.remove(turn)?;
        let mut names = self.names.remove(&namespace)?;
        let (_, name) = names.pop_first()?;
        if !names.is_empty() {
            self.names.insert(namespace.clone(), names);
            self.turns.push_back(namespace.clone());
        }
        self.len -= 1;
        Some(ObjectKey { namespace, name })
    }

    fn remove(&mut self, key: &ObjectKey, sequence: u64) {
        let Some(names) = self.names.get_mut(&key.namespace) else {
            return;
        };
        if names.remove(&sequence).is_some() {
            self.len -= 1;
        }
        if names.is_empty() {
            self.names.remove(&key.namespace);
            self.turns.retain(|namespace| *namespace != key.namespace);
        }
    }
}

/// Who has how many of the workers.
///
/// A namespace may have one more as long as it has fewer than are free. Alone it gets half of
/// them, the next one half of the rest, so each newcomer finds one; and whoever has several
/// namespaces gets less for each.
#[derive(Debug)]
struct Running {
    workers: usize,
    all: usize,
    by_namespace: BTreeMap<String, usize>,
}

impl Running {
    fn shared_by(workers: usize) -> Self {
        Self {
            workers,
            all: 0,
            by_namespace: BTreeMap::new(),
        }
    }

    fn may_begin(&self, namespace: &str) -> bool {
        let own = self.by_namespace.get(namespace).copied().unwrap_or(0);
        own < self.workers.saturating_sub(self.all)
    }

    fn begin(&mut self, namespace: &str) {
        self.all += 1;
        *self.by_namespace.entry(namespace.to_owned()).or_default() += 1;
    }

    fn end(&mut self, namespace: &str) {
        self.all = self.all.saturating_sub(1);
        if let Some(own) = self.by_namespace.get_mut(namespace) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                self.by_namespace.remove(namespace);
            }
        }
    }
}

#[cfg(test)]
mod tests;
