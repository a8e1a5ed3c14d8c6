//! How much there is to do: read from the queue and the threads whenever the page is asked for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus::{IntGaugeVec, Opts, Registry};
use sealed_api::names::metrics as names;

use super::Metrics;
use crate::fair_pool::FairPool;
use crate::queue::WorkQueue;

#[derive(Default)]
struct Sources {
    pools: Vec<(&'static str, Arc<FairPool>)>,
    queue: Option<WorkQueue>,
}

pub(super) struct Load {
    sources: Mutex<Sources>,
    queue: IntGaugeVec,
    threads: IntGaugeVec,
    running: IntGaugeVec,
    waiting: IntGaugeVec,
}

impl Load {
    pub(super) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str, labels: &[&str]| {
            let gauge = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        Ok(Self {
            sources: Mutex::default(),
            queue: gauge(
                names::QUEUE_OBJECTS,
                "Number of objects in the work queue: ready for a pass, later (waiting for their time), running.",
                &["state"],
            )?,
            threads: gauge(
                names::WORKER_THREADS,
                "Number of threads for private keys (rsa) and for templates.",
                &["pool"],
            )?,
            running: gauge(
                names::WORKER_JOBS_RUNNING,
                "Number of jobs on those threads: of reconciling and of HTTP requests.",
                &["lane", "pool"],
            )?,
            waiting: gauge(
                names::WORKER_JOBS_WAITING,
                "Number of jobs that wait for such a thread.",
                &["lane", "pool"],
            )?,
        })
    }

    /// Reads every source.
    pub(super) fn refresh(&self) {
        let sources = self.sources();
        for (name, pool) in &sources.pools {
            self.show_pool(name, pool);
        }
        if let Some(queue) = &sources.queue {
            self.show_queue(queue);
        }
    }

    /// Shows no queue: another process leads.
    pub(super) fn forget_queue(&self) {
        self.sources().queue = None;
        self.queue.reset();
    }

    fn show_queue(&self, queue: &WorkQueue) {
        let load = queue.load();
        for (state, objects) in [
            ("later", load.later),
            ("ready", load.ready),
            ("running", load.running),
        ] {
            set(&self.queue, &[state], objects);
        }
    }

    fn show_pool(&self, name: &str, pool: &FairPool) {
        let load = pool.load();
        set(&self.threads, &[name], load.threads);
        for (lane, jobs) in [("http", load.http), ("reconcile", load.reconcile)] {
            set(&self.running, &[lane, name], jobs.running);
            set(&self.waiting, &[lane, name], jobs.waiting);
        }
    }

    fn sources(&self) -> MutexGuard<'_, Sources> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn set(gauge: &IntGaugeVec, labels: &[&str], value: usize) {
    gauge
        .with_label_values(labels)
        .set(i64::try_from(value).unwrap_or(i64::MAX));
}

impl Metrics {
    /// Shows the load of these threads from now on.
    pub fn show_pool(&self, name: &'static str, pool: &Arc<FairPool>) {
        self.load.sources().pools.push((name, Arc::clone(pool)));
    }

    /// Shows the load of this queue from now on, in place of an earlier one.
    pub fn show_queue(&self, queue: &WorkQueue) {
        self.load.sources().queue = Some(queue.clone());
    }
}
