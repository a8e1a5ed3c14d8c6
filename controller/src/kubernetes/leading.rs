//! What only the leader does, for one term: watches of SealedSecrets and Secrets, and passes over them.
//!
//! All it knows begins and ends with the term. While somebody else leads nothing is watched, so nothing that was known
//! before can be relied on afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sealed_api::Decoded;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::graveyard::Graveyard;
use super::leadership::Term;
use super::namespaces::{Coverage, Presence, until_present};
use super::objects::{Habits, Objects, SealedSecretFold, SecretFold};
use super::outage::Outage;
use super::progress::{Progress, STUCK, Seen};
use super::reconcile::Reconciler;
use super::run::Shell;
use super::secret_metadata::SecretMetadata;
use super::status::StatusWriter;
use super::watch::{Happening, PAGE_OF_BODIES, Reach, Selection, Watch};
use crate::config::ObjectConfig;
use crate::content::ContentKey;
use crate::http::Gate;
use crate::plan::Rules;
use crate::queue::{Backoff, WorkQueue};
use crate::record::RecordKeys;

/// Objects worked on at a time. Most of the time of a pass is waiting for the API server; more would only hold more
/// bodies in memory.
const WORKERS: usize = 8;
/// Without the right to write statuses it is looked this often whether it was granted.
const LOOK_FOR_RIGHTS: Duration = Duration::from_secs(30);
/// Every object is looked at again this often, news or none.
const RESYNC: Duration = Duration::from_hours(10);
/// How long objects with a record wait for the first list of Secrets.
const PATIENCE: Duration = Duration::from_mins(1);

/// A term under way.
pub(super) struct Leading {
    scope: Scope,
    term: Term,
    watches: JoinSet<()>,
    workers: JoinSet<()>,
}

impl Leading {
    /// Begins a term.
    pub(super) fn begin(shell: &Shell, term: Term) -> Self {
        let scope = Scope::new(shell.clone());
        let mut watches = JoinSet::new();
        let mut workers = JoinSet::new();
        scope.start_workers(&mut workers);
        scope.start_watches(&mut watches);
        Self {
            scope,
            term,
            watches,
            workers,
        }
    }

    /// Ends a term that was lost: whatever is under way is dropped where it is. Somebody else does it again.
    pub(super) async fn abandon(mut self) {
        self.scope.end.cancel();
        self.watches.shutdown().await;
        self.workers.shutdown().await;
        self.scope.shell.services.metrics.objects_unwatched();
    }

    /// Ends a term because the process ends: passes under way are finished, as long as the term lasts. Nothing is ever
    /// half-written, but a status should follow its Secret.
    pub(super) async fn drain(mut self) {
        self.scope.end.cancel();
        self.scope.objects.queue().close();
        self.watches.shutdown().await;
        let ended = async { while self.workers.join_next().await.is_some() {} };
        let lost = tokio::select! {
            () = ended => false,
            () = self.term.over.cancelled() => true,
        };
        if lost {
            self.workers.shutdown().await;
        }
    }
}

/// Opens the gate when every reach has been listed once, or cannot be.
#[derive(Clone)]
struct Listed {
    gate: Arc<Gate>,
    /// Cancelled with it.
    all: CancellationToken,
    left: Arc<AtomicUsize>,
    told: bool,
}

impl Listed {
    fn all(gate: Arc<Gate>, reaches: usize) -> Self {
        Self {
            gate,
            all: CancellationToken::new(),
            left: Arc::new(AtomicUsize::new(reaches)),
            told: false,
        }
    }

    fn tell(&mut self) {
        if !std::mem::replace(&mut self.told, true) && self.left.fetch_sub(1, Ordering::AcqRel) == 1
        {
            self.gate.open();
            self.all.cancel();
        }
    }
}

/// What the tasks of one term share.
#[derive(Clone)]
struct Scope {
    shell: Shell,
    objects: Objects,
    /// Digests what Secrets were left with.
    content_key: ContentKey,
    /// Cancelled when these tasks may stop.
    end: CancellationToken,
}

impl Scope {
    fn new(shell: Shell) -> Self {
        let config = &shell.services.config.objects;
        let queue = WorkQueue::new(
            Backoff::with_fast_retries(config.max_unseal_retries),
            WORKERS,
        );
        let habits = Habits {
            bury: config.old_gc_behavior,
            retain: config.retain.is_some(),
            recall: config.update_status,
        };
        if !habits.recall {
            info!(
                "--update-status=false: statuses carry no records, so every start opens every object"
            );
        }
        shell.services.metrics.show_queue(&queue);
        let content_key = ContentKey::new(&rand::random());
        let metrics = Arc::clone(&shell.services.metrics);
        let objects = Objects::new(
            queue,
            metrics,
            habits,
            content_key.clone(),
            shell.rehearsal.clone(),
        );
        Self {
            shell,
            objects,
            content_key,
            end: CancellationToken::new(),
        }
    }

    fn config(&self) -> &ObjectConfig {
        &self.shell.services.config.objects
    }

    /// A task that the process cannot do without as long as it leads: when it ends, `/healthz` says so.
    fn spawn<F>(&self, tasks: &mut JoinSet<()>, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let running = self.shell.services.health.task_until(name, &self.end);
        tasks.spawn(async move {
            task.await;
            drop(running);
        });
    }

    fn start_watches(&self, tasks: &mut JoinSet<()>) {
        self.spawn(tasks, "resync", self.clone().resync());
        self.spawn(tasks, "withheld statuses", self.clone().ask_again());
        self.spawn(tasks, "key changes", self.clone().follow_keys());
        self.spawn(tasks, "watchdog", self.clone().watchdog());
        let coverage = Coverage::of(&self.config().namespaces, &self.shell.home);
        let listed = Listed::all(Arc::clone(&self.shell.listed), 1 + coverage.to_check.len());
        self.spawn(
            tasks,
            "rehearsal",
            self.clone().rehearse(listed.all.clone()),
        );
        if let Some(rule) = self.config().retain {
            let graveyard = Graveyard {
                cluster: self.shell.cluster.clone(),
                objects: self.objects.clone(),
                leadership: self.shell.leadership.clone(),
                rule,
                clock: self.shell.services.clock,
            };
            let listed = listed.all.clone();
            self.spawn(tasks, "retained Secrets", async move {
                listed.cancelled().await;
                graveyard.tend().await;
            });
        }
        self.serve(tasks, coverage.at_once, listed.clone());
        for namespace in coverage.to_check {
            let task = self.clone().serve_later(namespace, listed.clone());
            self.spawn(tasks, "additional namespace", task);
        }
    }

    fn start_workers(&self, workers: &mut JoinSet<()>) {
        let Shell {
            services,
            cluster,
            recorder,
            home,
            leadership,
            loaded,
            ..
        } = &self.shell;
        let keys = &services.config.keys;
        let reconciler = Arc::new(Reconciler {
            cluster: cluster.clone(),
            objects: self.objects.clone(),
            recorder: recorder.clone(),
            statuses: StatusWriter::new(cluster.clone(), self.config().update_status),
            metrics: Arc::clone(&services.metrics),
            pool: Arc::clone(&services.pool),
            renderer: Arc::clone(&services.renderer),
            latest: services.latest.clone(),
            keyring: services.keyring.subscribe(),
            rules: Rules {
                key_namespace: home.clone(),
                key_prefix: keys.prefix.clone(),
                allow_sealed_keys: keys.allow_sealed,
                update_status: self.config().update_status,
                own_statuses: false,
                retain: self.config().retain.is_some(),
                drift: self.config().drift,
                content_key: self.content_key.clone(),
            },
            accept_v1_data: self.config().accept_v1_data,
            clock: services.clock,
            outage: Outage::default(),
            leadership: leadership.clone(),
            record_keys: RecordKeys::default(),
        });
        for _ in 0..WORKERS {
            let (reconciler, loaded) = (Arc::clone(&reconciler), loaded.clone());
            let end = self.end.clone();
            self.spawn(workers, "reconcile", async move {
                // Without keys every object would fail, and say so in its status.
                tokio::select! {
                    () = loaded.cancelled() => reconciler.work().await,
                    () = end.cancelled() => {}
                }
            });
        }
    }

    /// Watches one reach.
    fn serve(&self, tasks: &mut JoinSet<()>, reach: Reach, listed: Listed) {
        if let Reach::Namespace(namespace) = &reach {
            info!(namespace, "Starting informer");
        }
        let objects_listed = CancellationToken::new();
        let watches_secrets = !self.config().skip_recreate;
        if watches_secrets {
            self.objects.await_secrets(&reach);
        }
        let objects = self
            .clone()
            .watch_objects(reach.clone(), listed, objects_listed.clone());
        self.spawn(tasks, "watch of SealedSecrets", objects);
        if watches_secrets {
            let secrets = self.clone().watch_secrets(reach, objects_listed);
            self.spawn(tasks, "watch of Secrets", secrets);
        }
    }

    /// Waits for a namespace to exist, then watches it. The process need not wait for that to be ready.
    async fn serve_later(self, namespace: String, mut listed: Listed) {
        until_present(&self.shell.cluster, &namespace, |presence| {
            if presence == Presence::Missing {
                listed.tell();
            }
        })
        .await;
        let mut tasks = JoinSet::new();
        self.serve(&mut tasks, Reach::Namespace(namespace), listed);
        while tasks.join_next().await.is_some() {}
    }

    async fn watch_objects(
        self,
        reach: Reach,
        mut listed: Listed,
        objects_listed: CancellationToken,
    ) {
        let selection = Selection {
            labels: self.config().label_selector.clone(),
            page: Some(PAGE_OF_BODIES),
            ..Selection::default()
        };
        let mut watch =
            Watch::<Decoded>::new(&self.shell.cluster, "SealedSecrets", &reach, selection);
        let mut fold = SealedSecretFold::new(self.objects.clone(), reach);
        loop {
            let complete = match watch.next().await {
                Happening::Event(event) => fold.take(event),
                // What RBAC refuses will not come by waiting: the rest is ready.
                Happening::Failed { forbidden } => forbidden,
            };
            if complete {
                listed.tell();
                objects_listed.cancel();
            }
        }
    }

    /// Begins when the objects are known: of other Secrets than theirs nothing is kept.
    async fn watch_secrets(self, reach: Reach, objects_listed: CancellationToken) {
        // As long as the list of SealedSecrets gets on, it may take its time: begun too early, the list of Secrets
        // would be no good to those that come after it.
        let mut known = 0;
        loop {
            let waited = tokio::time::timeout(PATIENCE, objects_listed.cancelled()).await;
            let now = self.objects.state().memory.iter().count();
            if waited.is_ok() || now == known {
                break;
            }
            known = now;
        }
        let patience = tokio::time::sleep(PATIENCE);
        tokio::pin!(patience);
        // The label selector is for SealedSecrets; their Secrets carry whatever labels the template says.
        let mut watch = Watch::<SecretMetadata>::new(
            &self.shell.cluster,
            "Secrets",
            &reach,
            Selection::default(),
        );
        let mut fold = SecretFold::new(self.objects.clone(), reach.clone());
        let mut patient = true;
        loop {
            tokio::select! {
                happening = watch.next() => match happening {
                    Happening::Event(event) => fold.take(event),
                    Happening::Failed { forbidden: true } => {
                        self.objects.secrets_known(&reach, false);
                    }
                    Happening::Failed { forbidden: false } => {}
                },
                () = &mut patience, if patient => {
                    patient = false;
                    self.objects.secrets_known(&reach, false);
                }
            }
        }
    }

    async fn follow_keys(self) {
        let mut keyring = self.shell.services.keyring.subscribe();
        while keyring.changed().await.is_ok() {
            let keys = keyring.borrow_and_update().clone();
            self.objects.keys_changed(&keys);
        }
    }

    async fn ask_again(self) {
        let mut asked = None;
        loop {
            tokio::time::sleep(super::jittered(LOOK_FOR_RIGHTS)).await;
            asked = self.objects.ask_again(asked.as_ref());
        }
    }

    async fn resync(self) {
        if self.config().skip_recreate {
            // What is gone is to stay so, and nothing else would be found.
            return self.end.cancelled().await;
        }
        loop {
            tokio::time::sleep(super::jittered(RESYNC)).await;
            self.objects.resync();
        }
    }

    /// Looks at everything before anything is written, if that was asked for. Stays to the end of the term.
    async fn rehearse(self, listed: CancellationToken) {
        let refused = &self.shell.services.shutdown;
        let rehearsal = &self.shell.rehearsal;
        rehearsal.conclude(&self.objects, listed, refused).await;
        self.end.cancelled().await;
    }

    /// Ends when the passes under way do not get on: then a restart is the cure.
    async fn watchdog(self) {
        let mut progress = Progress::new(Instant::now());
        loop {
            tokio::time::sleep(Duration::from_mins(1)).await;
            let queue = self.objects.queue();
            let seen = Seen {
                passes_ended: queue.ended(),
                jobs_ended: self.shell.services.pool.ended(),
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
