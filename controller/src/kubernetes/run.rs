//! Starting, minding and stopping the tasks of the shell.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::client::{Cluster, ConnectError, Connections, Meter, Rate, connect};
use super::events::Recorder;
use super::keys::{KeyTask, Loaded};
use super::leadership::{Leadership, Standing, Term};
use super::leading::Leading;
use super::lease::Elector;
use super::published::Publisher;
use super::rehearsal::Rehearsal;
use super::server_certificate;
use crate::election::Tenure;
use crate::forecast::TooManyChanges;
use crate::http::Gate;
use crate::services::Services;

/// How long passes under way may go on after a stop was asked for. Kubernetes kills after 30 s.
const DRAIN: Duration = Duration::from_secs(20);

/// Runs the controller until [`Services::shutdown`].
///
/// # Errors
///
/// When there is no usable configuration of a cluster, or when more would change at the start than
/// `--max-startup-changes` allows. An API server that does not answer is waited for.
pub async fn run(services: Services) -> Result<(), RunError> {
    let rate = services.config.client.rate.map(|rate| Rate {
        per_second: rate.per_second,
        burst: rate.burst,
    });
    let meter = Meter {
        metrics: Arc::clone(&services.metrics),
        clock: services.clock,
    };
    let connections = connect(rate, meter).await?;
    let home = home_namespace();
    let rehearsal = Rehearsal::new(
        services.config.objects.rehearse,
        Arc::clone(&services.metrics),
        &services.health,
    );

    let work = connections
        .work
        .clone()
        .read_only_until(rehearsal.over().clone());

    // Events outlive the passes that cause them.
    let last_events = CancellationToken::new();
    let (recorder, write_events) = Recorder::new(work.clone(), services.clock, last_events.clone());
    let mut events = JoinSet::new();
    let (writing, stop) = (rehearsal.over().clone(), last_events.clone());
    spawn(&mut events, &services, "events", async move {
        tokio::select! {
            () = writing.cancelled() => write_events.await,
            () = stop.cancelled() => {}
        }
    });

    // The lease outlives what it protects.
    let resign = CancellationToken::new();
    let mut election = JoinSet::new();
    let leadership = if rehearsal.observes() {
        lead_unelected(&services)
    } else {
        stand(
            &services,
            &connections,
            &recorder,
            &home,
            &resign,
            &mut election,
        )
    };

    let shell = Shell {
        loaded: CancellationToken::new(),
        listed: Arc::new(services.health.gate("SealedSecrets")),
        services,
        cluster: work,
        recorder,
        leadership,
        rehearsal,
        home,
    };
    let keys = shell.start_keys();
    let publisher = shell.start_publisher();
    let certificates = shell.follow_certificates();
    let leading = shell.lead().await;
    drop(publisher);
    drop(certificates);
    drain(leading, keys).await;
    resign.cancel();
    while election.join_next().await.is_some() {}
    last_events.cancel();
    while events.join_next().await.is_some() {}
    match shell.rehearsal.refusal() {
        Some(refusal) => Err(refusal.into()),
        None => Ok(()),
    }
}

/// Why the controller does not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no cluster to talk to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The first pass over everything would have changed too much.
    #[error(transparent)]
    TooManyChanges(#[from] TooManyChanges),
}

/// Leads without asking anybody.
fn lead_unelected(services: &Services) -> Leadership {
    services.metrics.leading(true);
    let (_, leadership) = Leadership::new(Standing::Leads(Term {
        tenure: Tenure::Unelected,
        over: CancellationToken::new(),
    }));
    leadership
}

/// Stands for election, or with `--leader-elect=false` simply leads.
fn stand(
    services: &Services,
    connections: &Connections,
    recorder: &Recorder,
    home: &str,
    resign: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> Leadership {
    let Some(config) = &services.config.election else {
        return lead_unelected(services);
    };
    let (elector, leadership) = Elector::new(
        services,
        config,
        connections.election.clone(),
        recorder.clone(),
        home,
    );
    spawn(
        tasks,
        services,
        "leader election",
        elector.run(resign.clone()),
    );
    leadership
}

/// Lets what is under way end, a key that was stored included: it should be told of.
async fn drain(leading: Option<Leading>, mut keys: JoinSet<()>) {
    let ended = async {
        if let Some(leading) = leading {
            leading.drain().await;
        }
        while keys.join_next().await.is_some() {}
    };
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

/// What the tasks share, whoever leads.
#[derive(Clone)]
pub(super) struct Shell {
    pub(super) services: Services,
    pub(super) cluster: Cluster,
    pub(super) recorder: Recorder,
    pub(super) leadership: Leadership,
    /// Whether anything is written.
    pub(super) rehearsal: Rehearsal,
    /// The controller's namespace.
    pub(super) home: String,
    /// Cancelled when there are keys to work with, or none are to be expected.
    pub(super) loaded: CancellationToken,
    /// Readiness: every SealedSecret was listed once, or it is another's business.
    pub(super) listed: Arc<Gate>,
}

impl Shell {
    /// Starts what watches the keys, and makes them when this process leads. It stops in its own time.
    fn start_keys(&self) -> JoinSet<()> {
        let services = &self.services;
        let keys = KeyTask::new(
            services,
            self.cluster.clone(),
            self.recorder.clone(),
            self.leadership.clone(),
            self.rehearsal.over().clone(),
            &self.home,
        );
        let told = Loaded {
            gate: services.health.gate("sealing keys"),
            token: self.loaded.clone(),
        };
        let mut tasks = JoinSet::new();
        spawn(
            &mut tasks,
            services,
            "sealing keys",
            keys.run(told, services.shutdown.clone()),
        );
        tasks
    }

    /// Starts what keeps the certificate in a ConfigMap, if it is to be kept. Whoever leads, all would write the same.
    fn start_publisher(&self) -> JoinSet<()> {
        let services = &self.services;
        let mut tasks = JoinSet::new();
        if let Some(name) = &services.config.keys.publish {
            let publisher = Publisher {
                cluster: self.cluster.clone(),
                namespace: self.home.clone(),
                name: name.clone(),
                keyring: services.keyring.subscribe(),
                clock: services.clock,
            };
            let (loaded, writing) = (self.loaded.clone(), self.rehearsal.over().clone());
            spawn(&mut tasks, services, "published certificate", async move {
                writing.cancelled().await;
                publisher.run(loaded).await;
            });
        }
        tasks
    }

    /// Starts what keeps the certificates of our own ports up to date. Every replica answers requests, whoever leads.
    fn follow_certificates(&self) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        for certificate in self.services.certificates.iter() {
            let (cluster, home) = (self.cluster.clone(), self.home.clone());
            let followed = server_certificate::follow(cluster, home, Arc::clone(certificate));
            spawn(&mut tasks, &self.services, "TLS certificate", followed);
        }
        tasks
    }

    /// Begins and ends with every term what only the leader does. Gives back what is under way at the shutdown.
    async fn lead(&self) -> Option<Leading> {
        let shutdown = &self.services.shutdown;
        let mut leadership = self.leadership.clone();
        loop {
            let term = match leadership.standing() {
                Standing::Undecided => None,
                Standing::Follows => {
                    self.listed.open();
                    self.rehearsal.follow();
                    None
                }
                Standing::Leads(term) => Some(term),
            };
            let Some(term) = term else {
                tokio::select! {
                    () = shutdown.cancelled() => return None,
                    () = leadership.changed() => continue,
                }
            };
            let over = term.over.clone();
            self.rehearsal.begin();
            let leading = Leading::begin(self, term);
            tokio::select! {
                () = shutdown.cancelled() => return Some(leading),
                () = over.cancelled() => leading.abandon().await,
            }
        }
    }
}
