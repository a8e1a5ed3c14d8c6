//! What `/livez`, `/healthz` and `/readyz` say.
//!
//! `/livez` is `/healthz` by another name. Installed charts use that as liveness *and* readiness probe, so it fails only
//! when one of our own tasks has stopped and a restart is the cure: never for an API outage, a missing permission or
//! missing keys. `/readyz` waits for gates that the shells open, such as "the keys were read once".

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// The health of the process, shared by every task.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    stopped: BTreeSet<&'static str>,
    closed: BTreeSet<&'static str>,
    /// The ports are open before a shell has said what it waits for: until then nothing is ready.
    has_gates: bool,
}

impl Health {
    /// Registers a task that must run for as long as the process: when the returned value is dropped, because the
    /// task returned or panicked, the process is no longer healthy.
    #[must_use = "dropping it at once says that the task has stopped"]
    pub fn task(&self, name: &'static str) -> RunningTask {
        self.task_until(name, &CancellationToken::new())
    }

    /// Registers a task that must run until `end` is cancelled, and may stop then.
    #[must_use = "dropping it at once says that the task has stopped"]
    pub fn task_until(&self, name: &'static str, end: &CancellationToken) -> RunningTask {
        RunningTask {
            name,
            health: self.clone(),
            end: end.clone(),
        }
    }

    /// Registers something that has to happen before the process is ready.
    #[must_use = "a gate that is never opened keeps the process unready"]
    pub fn gate(&self, name: &'static str) -> Gate {
        let mut state = self.state();
        state.closed.insert(name);
        state.has_gates = true;
        drop(state);
        Gate {
            name,
            health: self.clone(),
        }
    }

    /// A task that has stopped though it should be running.
    pub fn stopped_task(&self) -> Option<&'static str> {
        self.state().stopped.first().copied()
    }

    /// Whether there are gates and every one is open.
    pub fn is_ready(&self) -> bool {
        let state = self.state();
        state.has_gates && state.closed.is_empty()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held by a task for as long as it runs.
#[derive(Debug)]
pub struct RunningTask {
    name: &'static str,
    health: Health,
    end: CancellationToken,
}

impl Drop for RunningTask {
    fn drop(&mut self) {
        if !self.end.is_cancelled() {
            self.health.state().stopped.insert(self.name);
        }
    }
}

/// One condition of readiness, closed until [`Gate::open`].
#[derive(Debug)]
pub struct Gate {
    name: &'static str,
    health: Health,
}

impl Gate {
    /// Says that what the gate waits for has happened. It never closes again.
    pub fn open(&self) {
        self.health.state().closed.remove(self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_task_makes_the_process_unhealthy() {
        let health = Health::default();
        let reconcile = health.task("reconcile");
        assert_eq!(health.stopped_task(), None);
        drop(reconcile);
        assert_eq!(health.stopped_task(), Some("reconcile"));
    }

    #[test]
    fn a_task_may_stop_when_its_end_has_come() {
        let health = Health::default();
        let end = CancellationToken::new();
        let (early, late) = (
            health.task_until("early", &end),
            health.task_until("late", &end),
        );
        drop(early);
        end.cancel();
        drop(late);
        assert_eq!(health.stopped_task(), Some("early"));
    }

    #[test]
    fn a_panicking_task_makes_the_process_unhealthy() {
        let health = Health::default();
        let task = health.task("reconcile");
        let ended = std::thread::spawn(move || {
            let _running = task;
            panic!("a defect");
        });
        assert!(ended.join().is_err());
        assert_eq!(health.stopped_task(), Some("reconcile"));
    }

    #[test]
    fn ready_means_that_every_gate_is_open() {
        let health = Health::default();
        assert!(
            !health.is_ready(),
            "nobody has said yet what there is to wait for"
        );
        let (keys, objects) = (health.gate("keys"), health.gate("objects"));
        keys.open();
        assert!(!health.is_ready());
        objects.open();
        assert!(health.is_ready());
        assert_eq!(health.stopped_task(), None);
    }
}
