//! Threads for work that takes long, fair between namespaces.
//!
//! One RSA-4096 operation takes milliseconds, and a template may take seconds. On the async
//! runtime a few of them freeze every timer and probe; on a thread each they fight for the CPU.
//! So they run here, private keys and templates on threads of their own, and wait in lines that
//! no one can fill for others:
//!
//! * reconciling has a line for each namespace, and namespaces take turns *value by value*: an
//!   object with 2,000 worthless values delays its neighbours by one value, not by 2,000. Where
//!   one job may take long, a namespace holds so many threads at most that others find one;
//! * HTTP has its own bounded line and never more than half of the threads: strangers may make
//!   each other wait, but not the cluster.
//!
//! Plain threads rather than rayon: its pools have no notion of whose job is next.

mod lines;

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::oneshot;

use self::lines::Lines;

/// So many HTTP jobs wait at most; one more is [refused](NoResult::Busy).
pub const HTTP_WAITING: usize = 64;

/// How much a pool has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLoad {
    /// Threads, busy or not.
    pub threads: usize,
    /// The jobs of all namespaces.
    pub reconcile: LaneLoad,
    /// The jobs of HTTP requests.
    pub http: LaneLoad,
}

/// How much one kind of work has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneLoad {
    /// Jobs on a thread.
    pub running: usize,
    /// Jobs that wait for one.
    pub waiting: usize,
}

/// Why a job has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoResult {
    /// Too many jobs wait in the HTTP line.
    #[error("too many requests wait for a sealing key")]
    Busy,
    /// The job panicked, or the pool was shut down before it ran.
    #[error("the work on an object was lost")]
    Lost,
}

/// The threads. Dropping it lets the jobs that run end and drops those that wait.
#[derive(Debug)]
pub struct FairPool {
    shared: Arc<Shared>,
}

type Job = Box<dyn FnOnce() + Send>;

struct Shared {
    lines: Mutex<Lines>,
    added: Condvar,
}

impl FairPool {
    /// Starts the threads, of which one namespace holds so many at most. They are named, so that a
    /// profile or a core dump shows them.
    ///
    /// # Errors
    ///
    /// When the operating system starts no thread.
    pub fn start(
        name: &str,
        threads: NonZeroUsize,
        per_namespace: NonZeroUsize,
    ) -> std::io::Result<Self> {
        let threads = threads.get();
        let shared = Arc::new(Shared {
            lines: Mutex::new(Lines::new(threads, per_namespace.get())),
            added: Condvar::new(),
        });
        let pool = Self {
            shared: Arc::clone(&shared),
        };
        for number in 0..threads {
            let shared = Arc::clone(&shared);
            thread::Builder::new()
                .name(format!("{name}-{number}"))
                .spawn(move || shared.work())?;
        }
        Ok(pool)
    }

    /// One thread for each CPU this process may use. A namespace may hold all of them: for jobs that
    /// end in a moment.
    ///
    /// # Errors
    ///
    /// When the operating system starts no thread.
    pub fn start_for_this_machine(name: &str) -> std::io::Result<Self> {
        let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self::start(name, threads, threads)
    }

    /// How many jobs of reconciling have ended so far.
    pub fn ended(&self) -> u64 {
        self.shared.lock().ended
    }

    /// How much there is to do at the moment.
    pub fn load(&self) -> PoolLoad {
        self.shared.lock().load()
    }

    /// Runs `job` in the line of `namespace`.
    ///
    /// Jobs are queued when this is *called*, not when the future is first polled. If the future
    /// is dropped before the job begins, the job does not run.
    pub fn reconcile<T, F>(
        &self,
        namespace: &str,
        job: F,
    ) -> impl Future<Output = Result<T, NoResult>> + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let (job, result) = answering(job);
        self.shared.lock().add(namespace, job);
        self.shared.added.notify_one();
        async move { result.await.map_err(|_| NoResult::Lost) }
    }

    /// Runs `job` in the line of the HTTP endpoints.
    ///
    /// # Errors
    ///
    /// [`NoResult::Busy`] at once when [`HTTP_WAITING`] jobs wait already.
    pub async fn http<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NoResult> {
        let (job, result) = answering(job);
        if !self.shared.lock().add_http(job) {
            return Err(NoResult::Busy);
        }
        self.shared.added.notify_one();
        result.await.map_err(|_| NoResult::Lost)
    }
}

impl Drop for FairPool {
    fn drop(&mut self) {
        self.shared.lock().close();
        self.shared.added.notify_all();
    }
}

/// A job that hands its result to the receiver, unless nobody waits for it any more.
fn answering<T: Send + 'static>(
    job: impl FnOnce() -> T + Send + 'static,
) -> (Job, oneshot::Receiver<T>) {
    let (answer, result) = oneshot::channel();
    let job = Box::new(move || {
        if !answer.is_closed() {
            // The receiver may be dropped while the job runs: nobody misses the result then.
            drop(answer.send(job()));
        }
    });
    (job, result)
}

impl Shared {
    fn work(&self) {
        let mut lines = self.lock();
        while !lines.closed {
            match lines.take() {
                None => {
                    lines = self
                        .added
                        .wait(lines)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                Some((job, line)) => {
                    drop(lines);
                    // A panic loses this job only: its caller is told, the thread goes on.
                    drop(catch_unwind(AssertUnwindSafe(job)));
                    lines = self.lock();
                    lines.finished(&line);
                    // An HTTP job may have waited for this one's place.
                    self.added.notify_one();
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    fn pool(threads: usize) -> FairPool {
        let threads = NonZeroUsize::new(threads).expect("not zero");
        FairPool::start("rsa", threads, threads).expect("threads start")
    }

    #[tokio::test]
    async fn the_http_line_is_bounded() {
        let pool = pool(1);
        let (release, held) = mpsc::channel::<()>();
        let (started, begun) = mpsc::channel();
        let first = pool.reconcile("a", move || {
            started.send(()).expect("the test listens");
            held.recv()
        });
        begun.recv().expect("the job begins");
        for _ in 0..HTTP_WAITING {
            assert!(pool.shared.lock().add_http(Box::new(|| ())));
        }
        assert_eq!(pool.http(|| ()).await, Err(NoResult::Busy));
        release.send(()).expect("the job waits");
        assert_eq!(first.await, Ok(Ok(())));
    }

    #[tokio::test]
    async fn results_come_back_to_whoever_asked() {
        let pool = pool(3);
        let results: Vec<_> = (0..50_u32)
            .map(|number| pool.reconcile(&format!("ns-{}", number % 5), move || number * 2))
            .collect();
        for (number, result) in (0_u32..).zip(results) {
            assert_eq!(result.await, Ok(number * 2));
        }
        assert_eq!(pool.http(|| "answer").await, Ok("answer"));
    }

    #[tokio::test]
    async fn a_panic_loses_one_job_and_no_thread() {
        let pool = pool(1);
        let lost: Result<(), _> = pool.reconcile("a", || panic!("in a job")).await;
        assert_eq!(lost, Err(NoResult::Lost));
        assert_eq!(pool.reconcile("a", || 7).await, Ok(7));
    }

    #[tokio::test]
    async fn a_job_nobody_waits_for_does_not_run() {
        let pool = pool(1);
        let (release, held) = mpsc::channel::<()>();
        let first = pool.reconcile("a", move || held.recv());
        let (ran, runs) = mpsc::channel();
        drop(pool.reconcile("a", move || ran.send(())));
        release.send(()).expect("the job waits");
        assert_eq!(first.await, Ok(Ok(())));
        assert_eq!(pool.reconcile("a", || ()).await, Ok(()));
        assert_eq!(runs.try_recv(), Err(mpsc::TryRecvError::Disconnected));
    }

    #[tokio::test]
    async fn a_dropped_pool_tells_those_who_wait() {
        let pool = pool(1);
        let (started, begun) = mpsc::channel();
        let (release, held) = mpsc::channel::<()>();
        let running = pool.reconcile("a", move || {
            started.send(()).expect("the test listens");
            held.recv_timeout(Duration::from_mins(1))
        });
        begun.recv().expect("the job begins");
        let waiting = pool.reconcile("a", || ());
        drop(pool);
        assert_eq!(waiting.await, Err(NoResult::Lost));
        release.send(()).expect("the job waits");
        assert_eq!(running.await, Ok(Ok(())));
    }
}
