//! The queue behind a lock and a timer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::{Backoff, Load, Pace, Queue, Urgency, Verdict};
use crate::object_key::ObjectKey;

/// A [`Queue`] that any number of tasks add to and take from. Clones share it.
#[derive(Clone, Debug)]
pub struct WorkQueue {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    queue: Queue,
    closed: bool,
}

impl WorkQueue {
    /// An empty queue that so many workers share.
    pub fn new(backoff: Backoff, workers: usize) -> Self {
        let state = Mutex::new(State {
            queue: Queue::new(backoff, workers),
            closed: false,
        });
        let changed = Notify::new();
        Self {
            shared: Arc::new(Shared { state, changed }),
        }
    }

    /// Asks for a pass as soon as possible.
    pub fn add(&self, key: ObjectKey, urgency: Urgency) {
        self.add_after(key, urgency, Duration::ZERO);
    }

    /// Asks for a pass after `wait`, unless an earlier one is due anyway.
    pub fn add_after(&self, key: ObjectKey, urgency: Urgency, wait: Duration) {
        let due = now() + wait;
        self.shared.lock().queue.add(key, urgency, due);
        self.shared.changed.notify_waiters();
    }

    /// Drops an object that is gone.
    pub fn forget(&self, key: &ObjectKey) {
        self.shared.lock().queue.forget(key);
    }

    /// How much there is to do.
    pub fn load(&self) -> Load {
        self.shared.lock().queue.load()
    }

    /// How many passes have ended so far.
    pub fn ended(&self) -> u64 {
        self.shared.lock().queue.ended()
    }

    /// Hands out no more work; passes under way end as they would.
    pub fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_waiters();
    }

    /// The next object, as soon as there is one; `None` once the queue is closed.
    pub async fn next(&self) -> Option<Ticket> {
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            // Registered before looking: an object added in between wakes us.
            changed.as_mut().enable();
            let due = {
                let mut state = self.shared.lock();
                if state.closed {
                    return None;
                }
                if let Some(key) = state.queue.pop(now()) {
                    let shared = Arc::clone(&self.shared);
                    let open = true;
                    return Some(Ticket { shared, key, open });
                }
                state.queue.next_due()
            };
            match due {
                None => changed.await,
                Some(due) => tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep_until(due.into()) => {}
                },
            }
        }
    }
}

impl Shared {
    /// A panic elsewhere cannot leave the queue half-changed in a way that matters: going on is
    /// better than every later call panicking too.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to work on one object; nobody else has it until this is finished.
///
/// Dropped without [`finish`](Self::finish), as a panic does it, the object is retried.
#[derive(Debug)]
#[must_use = "dropping a ticket retries the object"]
pub struct Ticket {
    shared: Arc<Shared>,
    key: ObjectKey,
    open: bool,
}

impl Ticket {
    /// The object to work on.
    pub fn key(&self) -> &ObjectKey {
        &self.key
    }

    /// Ends the pass.
    pub fn finish(mut self, verdict: Verdict) {
        self.end(verdict);
    }

    fn end(&mut self, verdict: Verdict) {
        if std::mem::take(&mut self.open) {
            let jitter = rand::random::<f64>();
            let mut state = self.shared.lock();
            state.queue.done(&self.key, verdict, now(), jitter);
            drop(state);
            self.shared.changed.notify_waiters();
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.end(Verdict::Retry(Pace::Fast));
    }
}

/// Tokio's clock, so that tests can pause it.
pub fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
