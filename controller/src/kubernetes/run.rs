//! Starting, minding and stopping the tasks of the shell.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Secret;
use kube::core::PartialObjectMeta;
use sealed_api::Decoded;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::client::{Cluster, ConnectError, Rate, connect};
use super::events::Recorder;
use super::keys::{KeyTask, Loaded};
use super::namespaces::{Coverage, Presence, until_present};
use super::objects::{Objects, SealedSecretFold, SecretFold};
use super::outage::Outage;
use super::progress::{Progress, STUCK, Seen};
use super::reconcile::Reconciler;
use super::status::StatusWriter;
use super::watch::{Happening, PAGE_OF_BODIES, Reach, Selection, Watch};
use crate::config::ObjectConfig;
use crate::http::Gate;
use crate::plan::Rules;
use crate::queue::{Backoff, WorkQueue};
use crate::services::Services;

/// Objects worked on at a time. Most of the time of a pass is waiting for the API server; more would only hold more
/// bodies in memory.
const WORKERS: usize = 8;
/// Every object is looked at again this often, news or none.
const RESYNC: Duration = Duration::from_hours(10);
/// How long passes under way may go on after a stop was asked for. Kubernetes kills after 30 s.
const DRAIN: Duration = Duration::from_secs(20);

/// Runs the controller until [`Services::shutdown`].
///
/// # Errors
///
/// When there is no usable configuration of a cluster. Everything after that, an API server that does not answer
/// included, is waited for.
pub async fn run(services: Services) -> Result<(), ConnectError> {
    let rate = services.config.client.rate.map(|rate| Rate {
        per_second: rate.per_second,
        burst: rate.burst,
    });
    let cluster = connect(rate).await?;
    let home = home_namespace();

    // Events outlive the passes that cause them.
    let last_events = CancellationToken::new();
    let (recorder, write_events) =
        Recorder::new(cluster.clone(), services.clock, last_events.clone());
    let mut events = JoinSet::new();
    spawn(&mut events, &services, "events", write_events);

    let shell = Shell::new(services, cluster, recorder, home);
    let mut tasks = JoinSet::new();
    let finishing = shell.start(&mut tasks);
    shell.services.shutdown.cancelled().await;
    tasks.abort_all();
    drain(&shell, finishing).await;
    last_events.cancel();
    while events.join_next().await.is_some() {}
    Ok(())
}

/// Lets what is under way end: nothing is ever half-written, but a status should follow its Secret, and a key that
/// was stored should be told of.
async fn drain(shell: &Shell, mut finishing: JoinSet<()>) {
    shell.objects.queue().close();
    let ended = async { while finishing.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, ended).await.is_err() {
        warn!("passes were still under way after {} s", DRAIN.as_secs());
    }
}

/// A task that the process cannot do without: when it ends, `/healthz` says so.
fn spawn<F>(tasks: &mut JoinSet<()>, services: &Services, name: &'static str, task: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let running = services.health.task(name);
    tasks.spawn(async move {
        task.await;
        drop(running);
    });
}

/// Where the controller and its keys are: compat/controller.md §5.1.
fn home_namespace() -> String {
    const MOUNTED: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
    let text = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    std::env::var("POD_NAMESPACE")
        .ok()
        .and_then(text)
        .or_else(|| std::fs::read_to_string(MOUNTED).ok().and_then(text))
        .unwrap_or_else(|| "default".to_owned())
}

/// Opens the gate when every reach has been listed once, or cannot be.
#[derive(Clone)]
struct Listed {
    gate: Arc<Gate>,
    left: Arc<AtomicUsize>,
    told: bool,
}

impl Listed {
    fn all(gate: Gate, reaches: usize) -> Self {
        Self {
            gate: Arc::new(gate),
            left: Arc::new(AtomicUsize::new(reaches)),
            told: false,
        }
    }

    fn tell(&mut self) {
        if !std::mem::replace(&mut self.told, true) && self.left.fetch_sub(1, Ordering::AcqRel) == 1
        {
            self.gate.open();
        }
    }
}

/// What the tasks share.
#[derive(Clone)]
struct Shell {
    services: Services,
    cluster: Cluster,
    recorder: Recorder,
    objects: Objects,
    home: String,
}

impl Shell {
    fn new(services: Services, cluster: Cluster, recorder: Recorder, home: String) -> Self {
        let config = &services.config.objects;
        let queue = WorkQueue::new(
            Backoff::with_fast_retries(config.max_unseal_retries),
            WORKERS,
        );
        let objects = Objects::new(queue, Arc::clone(&services.metrics), config.old_gc_behavior);
        Self {
            services,
            cluster,
            recorder,
            objects,
            home,
        }
    }

    fn config(&self) -> &ObjectConfig {
        &self.services.config.objects
    }

    /// Starts everything. What comes back stops in its own time.
    fn start(&self, tasks: &mut JoinSet<()>) -> JoinSet<()> {
        let loaded = CancellationToken::new();
        let keys = KeyTask::new(
            &self.services,
            self.cluster.clone(),
            self.recorder.clone(),
            &self.home,
        );
        let told = Loaded {
            gate: self.services.health.gate("sealing keys"),
            token: loaded.clone(),
        };
        let shutdown = self.services.shutdown.clone();
        let mut finishing = JoinSet::new();
        spawn(
            &mut finishing,
            &self.services,
            "sealing keys",
            keys.run(told, shutdown),
        );
        self.start_workers(&mut finishing, &loaded);

        spawn(tasks, &self.services, "resync", self.clone().resync());
        spawn(
            tasks,
            &self.services,
            "key changes",
            self.clone().follow_keys(),
        );
        spawn(tasks, &self.services, "watchdog", self.clone().watchdog());
        let coverage = Coverage::of(&self.config().namespaces, &self.home);
        let listed = Listed::all(
            self.services.health.gate("SealedSecrets"),
            1 + coverage.to_check.len(),
        );
        self.serve(tasks, coverage.at_once, listed.clone());
        for namespace in coverage.to_check {
            let task = self.clone().serve_later(namespace, listed.clone());
            spawn(tasks, &self.services, "additional namespace", task);
        }
        finishing
    }

    fn start_workers(&self, workers: &mut JoinSet<()>, loaded: &CancellationToken) {
        let keys = &self.services.config.keys;
        let reconciler = Arc::new(Reconciler {
            cluster: self.cluster.clone(),
            objects: self.objects.clone(),
            recorder: self.recorder.clone(),
            statuses: StatusWriter::new(self.cluster.clone(), self.config().update_status),
            metrics: Arc::clone(&self.services.metrics),
            pool: Arc::clone(&self.services.pool),
            renderer: Arc::clone(&self.services.renderer),
            keyring: self.services.keyring.subscribe(),
            rules: Rules {
                key_namespace: self.home.clone(),
                key_prefix: keys.prefix.clone(),
                allow_sealed_keys: keys.allow_sealed,
                update_status: self.config().update_status,
            },
            accept_v1_data: self.config().accept_v1_data,
            clock: self.services.clock,
            outage: Outage::default(),
        });
        for _ in 0..WORKERS {
            let (reconciler, loaded) = (Arc::clone(&reconciler), loaded.clone());
            let shutdown = self.services.shutdown.clone();
            spawn(workers, &self.services, "reconcile", async move {
                // Without keys every object would fail, and say so in its status.
                tokio::select! {
                    () = loaded.cancelled() => reconciler.work().await,
                    () = shutdown.cancelled() => {}
                }
            });
        }
    }

    /// Watches one reach.
    fn serve(&self, tasks: &mut JoinSet<()>, reach: Reach, listed: Listed) {
        if let Reach::Namespace(namespace) = &reach {
            info!(namespace, "Starting informer");
        }
        let objects = self.clone().watch_objects(reach.clone(), listed);
        spawn(tasks, &self.services, "watch of SealedSecrets", objects);
        if !self.config().skip_recreate {
            let secrets = self.clone().watch_secrets(reach);
            spawn(tasks, &self.services, "watch of Secrets", secrets);
        }
    }

    /// Waits for a namespace to exist, then watches it. The process need not wait for that to be ready.
    async fn serve_later(self, namespace: String, mut listed: Listed) {
        until_present(&self.cluster, &namespace, |presence| {
            if presence == Presence::Missing {
                listed.tell();
            }
        })
        .await;
        let mut tasks = JoinSet::new();
        self.serve(&mut tasks, Reach::Namespace(namespace), listed);
        while tasks.join_next().await.is_some() {}
    }

    async fn watch_objects(self, reach: Reach, mut listed: Listed) {
        let selection = Selection {
            labels: self.config().label_selector.clone(),
            page: Some(PAGE_OF_BODIES),
            ..Selection::default()
        };
        let mut watch = Watch::<Decoded>::new(&self.cluster, "SealedSecrets", &reach, selection);
        let mut fold = SealedSecretFold::new(self.objects.clone(), reach);
        loop {
            let complete = match watch.next().await {
                Happening::Event(event) => fold.take(event),
                // What RBAC refuses will not come by waiting: the rest is ready.
                Happening::Failed { forbidden } => forbidden,
            };
            if complete {
                listed.tell();
            }
        }
    }

    async fn watch_secrets(self, reach: Reach) {
        // The label selector is for SealedSecrets; their Secrets carry whatever labels the template says.
        let mut watch = Watch::<PartialObjectMeta<Secret>>::new(
            &self.cluster,
            "Secrets",
            &reach,
            Selection::default(),
        );
        let mut fold = SecretFold::new(self.objects, reach);
        loop {
            if let Happening::Event(event) = watch.next().await {
                fold.take(event);
            }
        }
    }

    async fn follow_keys(self) {
        let mut keyring = self.services.keyring.subscribe();
        while keyring.changed().await.is_ok() {
            let keys = keyring.borrow_and_update().clone();
            self.objects.keys_changed(&keys);
        }
    }

    async fn resync(self) {
        loop {
            tokio::time::sleep(super::jittered(RESYNC)).await;
            self.objects.resync();
        }
    }

    /// Ends when the passes under way do not get on: then a restart is the cure.
    async fn watchdog(self) {
        let mut progress = Progress::new(Instant::now());
        loop {
            tokio::time::sleep(Duration::from_mins(1)).await;
            let queue = self.objects.queue();
            let seen = Seen {
                passes_ended: queue.ended(),
                jobs_ended: self.services.pool.ended(),
                running: queue.load().running,
            };
            if progress.is_stuck(seen, Instant::now()) {
                error!(
                    running = seen.running,
                    "no pass and no work for one has ended for {} minutes",
                    STUCK.as_secs() / 60
                );
                return;
            }
        }
    }
}
