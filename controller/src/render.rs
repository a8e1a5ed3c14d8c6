//! Templates, on threads of their own.
//!
//! Whoever may create a SealedSecret can run a template, and it may run for as long as its budget lets it. On the
//! threads of the private keys it would hold up every other value meanwhile.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use sealed_api::{
    OpenedItem, RENDER_TIME, SealedSecret, Templates, UnsealFailure, Unsealed, assemble,
};
use sealed_sprig::System;
use sealed_template::Limit;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::fair_pool::{FairPool, NoResult};

/// Two templates at a time: one that takes its whole budget does not stop all others.
const THREADS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);

/// Nor do two of one namespace.
const THREADS_OF_NAMESPACE: NonZeroUsize = NonZeroUsize::MIN;

const PATIENCE: Patience = Patience {
    // As many passes as there are workers wait at most, each for some seconds.
    to_begin: Duration::from_mins(2),
    // The making of a key cannot be interrupted.
    to_end: RENDER_TIME.saturating_mul(2),
};

/// Why templates have no result that never began; beside the codes of the bounds.
const BUSY: &str = "busy";

/// How long a pass waits for templates.
#[derive(Clone, Copy)]
struct Patience {
    /// For a thread.
    to_begin: Duration,
    /// From then on.
    to_end: Duration,
}

/// Makes Secrets of opened objects.
#[derive(Debug)]
pub struct Renderer {
    pool: Arc<FairPool>,
    templates: Arc<Templates<System>>,
}

impl Renderer {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// When the operating system starts no thread.
    pub fn start() -> std::io::Result<Self> {
        Ok(Self {
            pool: Arc::new(FairPool::start("template", THREADS, THREADS_OF_NAMESPACE)?),
            templates: Arc::new(Templates::new(System::new())),
        })
    }

    /// Where templates run.
    pub fn pool(&self) -> &Arc<FairPool> {
        &self.pool
    }

    /// Puts the Secret together from the opened values of `object`, its templates rendered in the line of
    /// its namespace. Templates that take too long fail, though their thread may be busy for longer.
    ///
    /// # Errors
    ///
    /// When the pool lost the work, by a panic or because the process ends: the pass is repeated.
    pub async fn assemble(
        &self,
        object: &SealedSecret,
        opened: Vec<OpenedItem>,
    ) -> Result<Result<Unsealed, UnsealFailure>, NoResult> {
        let template = object.spec.template.as_ref();
        if template.is_none_or(|template| template.data.is_none()) {
            return Ok(assemble(object, opened, None));
        }
        let trials = opened.iter().map(OpenedItem::trials);
        let trials = trials.fold(0, u32::saturating_add);
        let templates = Arc::clone(&self.templates);
        let object_there = object.clone();
        let work = move || assemble(&object_there, opened, Some(&*templates));
        match patiently(&self.pool, object.namespace(), PATIENCE, work).await? {
            Ok(done) => Ok(done),
            Err(reason) => Ok(Err(UnsealFailure::templates_overdue(reason, trials))),
        }
    }
}

/// Runs `job` in the line of `namespace`, but does not wait for ever: a thread that is never done must not hold a
/// worker, too. Without a result, why not.
async fn patiently<T: Send + 'static>(
    pool: &FairPool,
    namespace: &str,
    patience: Patience,
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<Result<T, &'static str>, NoResult> {
    let (start, started) = oneshot::channel();
    let result = pool.reconcile(namespace, move || {
        // Nobody listens where the result is not waited for either.
        start.send(()).ok();
        job()
    });
    match timeout(patience.to_begin, started).await {
        Err(_) => return Ok(Err(BUSY)),
        Ok(Err(_)) => return Err(NoResult::Lost),
        Ok(Ok(())) => {}
    }
    match timeout(patience.to_end, result).await {
        Err(_) => Ok(Err(Limit::Time.code())),
        Ok(result) => Ok(Ok(result?)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const NOT_AT_ALL: Duration = Duration::ZERO;
    const AS_LONG_AS_IT_TAKES: Duration = Duration::from_mins(5);

    #[tokio::test]
    async fn a_job_without_end_holds_neither_its_worker_nor_its_neighbours() {
        let pool = FairPool::start("template", THREADS, THREADS_OF_NAMESPACE).expect("starts");
        let (release, held) = mpsc::channel::<()>();
        let endless = move || held.recv();
        let patience = Patience {
            to_begin: AS_LONG_AS_IT_TAKES,
            to_end: NOT_AT_ALL,
        };
        let result = patiently(&pool, "hostile", patience, endless).await;
        assert_eq!(result, Ok(Err("limit-time")));

        // Its namespace has no other thread.
        let patience = Patience {
            to_begin: NOT_AT_ALL,
            to_end: AS_LONG_AS_IT_TAKES,
        };
        let result = patiently(&pool, "hostile", patience, || ()).await;
        assert_eq!(result, Ok(Err("busy")));

        let patience = Patience {
            to_begin: AS_LONG_AS_IT_TAKES,
            to_end: AS_LONG_AS_IT_TAKES,
        };
        let result = patiently(&pool, "healthy", patience, || 7).await;
        assert_eq!(result, Ok(Ok(7)));
        drop(release);
    }
}
