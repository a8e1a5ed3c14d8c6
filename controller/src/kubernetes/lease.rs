//! Taking part in the election: a Lease in the controller's namespace, read and written by conditional requests.
//!
//! When to do what is decided in [`crate::election`]. Installed roles grant no right on Leases; then every replica does
//! the work, as those of the existing controller do, and one line says so.

mod record;
mod tell;

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::client::{ApiError, Cluster};
use super::events::Recorder;
use super::leadership::{Leadership, Standing, Term};
use crate::config::ElectionConfig;
use crate::election::{Election, Identity, Step, Tenure, Timing};
use crate::metrics::Metrics;
use crate::queue::now;
use crate::services::Services;
use tell::Told;

/// Without the right to use Leases it is looked this often whether it was granted.
const LOOK_FOR_RIGHTS: Duration = Duration::from_secs(30);

/// The task that keeps this replica in the election.
pub(super) struct Elector {
    cluster: Cluster,
    namespace: String,
    name: String,
    election: Election,
    stored: Stored,
    standing: watch::Sender<Standing>,
    recorder: Recorder,
    metrics: Arc<Metrics>,
    clock: fn() -> Timestamp,
    told: Told,
}

/// The Lease as the next write of it must find it.
enum Stored {
    /// It was not read yet, or the answer to a write did not come.
    Unknown,
    /// There is none.
    Absent,
    /// This one.
    Present(Box<Lease>),
}

impl Elector {
    /// A candidate for the leadership of the installation in the namespace `home`, and what its tasks are told.
    ///
    /// `cluster` should have a client of its own: a lease that waits behind other requests is lost.
    pub(super) fn new(
        services: &Services,
        config: &ElectionConfig,
        cluster: Cluster,
        recorder: Recorder,
        home: &str,
    ) -> (Self, Leadership) {
        let (standing, leadership) = Leadership::new(Standing::Undecided);
        let elector = Self {
            cluster,
            namespace: home.to_owned(),
            name: config.lease.clone(),
            election: Election::new(identity(), Timing::DEFAULT),
            stored: Stored::Unknown,
            standing,
            recorder,
            metrics: Arc::clone(&services.metrics),
            clock: services.clock,
            told: Told::default(),
        };
        (elector, leadership)
    }

    /// Takes part until `resign`, then gives the Lease back.
    pub(super) async fn run(mut self, resign: CancellationToken) {
        self.tell_attempt();
        loop {
            let next = tokio::select! {
                next = self.turn() => next,
                () = resign.cancelled() => break,
            };
            let next = match self.election.step(now()) {
                Step::Lead { until, .. } => next.min(until),
                _ => next,
            };
            tokio::select! {
                () = tokio::time::sleep_until(next.into()) => {}
                () = resign.cancelled() => break,
            }
            self.settle();
        }
        self.give_back().await;
    }

    /// Does what is to be done now. Says when to come back.
    async fn turn(&mut self) -> Instant {
        let started = now();
        match self.election.step(started) {
            Step::Lead { renew_at, .. } if renew_at > started => return renew_at,
            Step::Lead { .. } | Step::Acquire => self.claim().await,
            Step::Look | Step::Follow { .. } | Step::LeadUnelected => {
                self.look().await;
                if self.election.step(now()) == Step::Acquire {
                    self.claim().await;
                }
            }
        }
        self.settle();
        // Counted from the start: a request that was waited for in vain is repeated at once.
        let retry = self.election.timing().retry;
        let soon = started + super::jittered(retry);
        match self.election.step(now()) {
            Step::Look | Step::Acquire => soon,
            Step::Follow { until } => soon.min(until),
            Step::Lead { renew_at, .. } => renew_at.max(started + retry),
            Step::LeadUnelected => started + super::jittered(LOOK_FOR_RIGHTS),
        }
    }

    /// Reads the Lease.
    async fn look(&mut self) {
        let (cluster, namespace, name) = self.target();
        let read = self
            .ask(async move { cluster.read::<Lease>(Some(&namespace), &name).await })
            .await;
        match read {
            Ok(lease) => {
                self.election.saw(lease.as_ref().map(record::claim), now());
                self.stored = match lease {
                    Some(lease) => Stored::Present(Box::new(lease)),
                    None => Stored::Absent,
                };
                self.tell_answer();
            }
            Err(error) => self.failed(&error),
        }
    }

    /// Writes our name into the Lease, if it is as we know it.
    async fn claim(&mut self) {
        if matches!(self.stored, Stored::Unknown) {
            self.look().await;
            if !matches!(self.election.step(now()), Step::Acquire | Step::Lead { .. }) {
                return;
            }
        }
        // Until the answer comes nobody knows what is stored.
        let before = match std::mem::replace(&mut self.stored, Stored::Unknown) {
            Stored::Unknown => return,
            Stored::Absent => None,
            Stored::Present(lease) => Some(lease),
        };
        let lease = record::held(
            before.map(|lease| *lease),
            &self.name,
            self.election.identity(),
            self.election.timing().lease,
            (self.clock)(),
        );
        let sent = now();
        match self.write(lease).await {
            Ok(lease) => {
                self.election.wrote(sent);
                self.stored = Stored::Present(Box::new(lease));
                self.tell_answer();
            }
            // Somebody else was faster, or deleted it.
            Err(error) if error.is_conflict() || error.is_not_found() => self.look().await,
            Err(error) => self.failed(&error),
        }
    }

    /// Stores a Lease: a new one, or exactly in place of the one that was read.
    async fn write(&mut self, mut lease: Lease) -> Result<Lease, ApiError> {
        let (cluster, namespace, name) = self.target();
        self.ask(async move {
            lease.metadata = if lease.metadata.resource_version.is_none() {
                cluster.create(&namespace, &lease).await?
            } else {
                cluster.replace(&namespace, &name, &lease).await?
            };
            Ok(lease)
        })
        .await
    }

    fn target(&self) -> (Cluster, String, String) {
        (
            self.cluster.clone(),
            self.namespace.clone(),
            self.name.clone(),
        )
    }

    /// Waits for an answer, and does not forget meanwhile that a term ends.
    async fn ask<T>(&mut self, request: impl Future<Output = T>) -> T {
        let mut request = pin!(request);
        if let Step::Lead { until, .. } = self.election.step(now()) {
            tokio::select! {
                biased;
                answer = &mut request => return answer,
                () = tokio::time::sleep_until(until.into()) => self.settle(),
            }
        }
        request.await
    }

    fn failed(&mut self, error: &ApiError) {
        if error.is_forbidden() {
            self.election.refused();
        }
        self.tell_failure(error);
    }

    /// Makes the standing of this process follow from what is known.
    fn settle(&mut self) {
        let tenure = self.election.step(now()).tenure();
        let before = self.standing.borrow().clone();
        match (before, tenure) {
            (Standing::Leads(term), Some(tenure)) => {
                if term.tenure != tenure {
                    if term.tenure == Tenure::Unelected {
                        self.tell_begin();
                    }
                    self.standing
                        .send_replace(Standing::Leads(Term { tenure, ..term }));
                }
            }
            (Standing::Leads(term), None) => {
                self.standing.send_replace(Standing::Follows);
                term.over.cancel();
                self.tell_end();
            }
            (Standing::Undecided | Standing::Follows, Some(tenure)) => {
                self.tell_begin();
                let over = CancellationToken::new();
                self.standing
                    .send_replace(Standing::Leads(Term { tenure, over }));
            }
            (Standing::Undecided, None) if self.election.leader().is_some() => {
                self.standing.send_replace(Standing::Follows);
            }
            (Standing::Undecided | Standing::Follows, None) => {}
        }
    }

    /// Spares the others the wait, as far as it can be done at once.
    async fn give_back(mut self) {
        let led = matches!(*self.standing.borrow(), Standing::Leads(_));
        if !led || !matches!(self.election.step(now()), Step::Lead { .. }) {
            return;
        }
        if matches!(self.stored, Stored::Unknown) {
            self.look().await;
        }
        let Stored::Present(lease) = std::mem::replace(&mut self.stored, Stored::Unknown) else {
            return;
        };
        if record::claim(&lease).holder.as_deref() != Some(self.election.identity()) {
            return;
        }
        match self.write(record::released(*lease, (self.clock)())).await {
            Ok(lease) => {
                self.stored = Stored::Present(Box::new(lease));
                self.tell_release();
            }
            Err(error) => self.tell_unreleased(&error),
        }
    }
}

/// Who we are. The downward API tells of the pod; its uid, unlike a name, is never given twice.
fn identity() -> Identity {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let host = set("POD_NAME").or_else(|| set("HOSTNAME"));
    let own = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    Identity::new(
        host.as_deref().unwrap_or("controller"),
        set("POD_UID").as_deref(),
        &own.to_string(),
    )
}
