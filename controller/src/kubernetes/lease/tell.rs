//! What is said of the election: log lines, events, the metric.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealed_api::names::{events, lease};
use tracing::{debug, info, warn};

use super::{Elector, Stored};
use crate::election::Step;
use crate::kubernetes::client::ApiError;
use crate::kubernetes::events::{About, Note};
use crate::queue::now;

/// What was said already.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Whom the last line named as the leader.
    leader: Option<String>,
    /// Why the Lease cannot be read or written at present.
    trouble: Option<String>,
    /// That there is no right to use it.
    unelected: bool,
}

impl Elector {
    pub(super) fn tell_attempt(&self) {
        info!(
            lease = self.shown(),
            identity = self.election.identity(),
            "attempting to acquire leader lease"
        );
    }

    /// An answer came: says whom it names, and that all is well again.
    pub(super) fn tell_answer(&mut self) {
        if self.told.trouble.take().is_some() {
            info!(lease = self.shown(), "the leader lease can be used again");
        }
        self.told.unelected = false;
        let leader = self.election.leader();
        if leader.is_some() && leader != self.told.leader.as_deref() {
            info!(
                lease = self.shown(),
                leader, "another replica leads; this one serves the HTTP API only"
            );
        }
        self.told.leader = leader.map(str::to_owned);
    }

    pub(super) fn tell_failure(&mut self, error: &ApiError) {
        let text = error.to_string();
        if self.election.step(now()) == Step::LeadUnelected {
            if !std::mem::replace(&mut self.told.unelected, true) {
                warn!(
                    lease = self.shown(),
                    error = text,
                    "leases are not granted, so this replica reconciles without leader election, as if it were the \
                     only one (grant get, create and update on leases.coordination.k8s.io; --leader-elect=false ends \
                     the attempts)"
                );
            }
        } else if self.told.trouble.as_ref() == Some(&text) {
            debug!(lease = self.shown(), error = text, "still no lease");
        } else {
            warn!(
                lease = self.shown(),
                error = text,
                "cannot use the leader lease; trying again"
            );
            self.told.trouble = Some(text);
        }
    }

    pub(super) fn tell_begin(&self) {
        self.metrics.leading(true);
        if self.election.step(now()) == Step::LeadUnelected {
            return;
        }
        info!(lease = self.shown(), "successfully acquired lease");
        self.note("became leader");
    }

    pub(super) fn tell_end(&self) {
        self.metrics.leading(false);
        let why = match self.election.leader() {
            Some(leader) => format!("the lease is held by {leader}"),
            None => format!(
                "the lease was not renewed within {} s",
                self.election.timing().renew_deadline.as_secs()
            ),
        };
        warn!(
            lease = self.shown(),
            why, "lost the lease: reconciling stops here"
        );
        self.note("stopped leading");
    }

    pub(super) fn tell_release(&self) {
        info!(lease = self.shown(), "released the leader lease");
        self.note("stopped leading");
    }

    pub(super) fn tell_unreleased(&self, error: &ApiError) {
        warn!(
            lease = self.shown(),
            %error,
            "cannot release the leader lease; another replica takes over when it has run out"
        );
    }

    fn shown(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// An event on the Lease, as far as we know which one it is.
    fn note(&self, what: &str) {
        let metadata = match &self.stored {
            Stored::Present(lease) => lease.metadata.clone(),
            Stored::Unknown | Stored::Absent => ObjectMeta::default(),
        };
        self.recorder.record(Note {
            about: About {
                api_version: lease::API_VERSION,
                kind: lease::KIND,
                namespace: self.namespace.clone(),
                name: self.name.clone(),
                uid: metadata.uid.unwrap_or_default(),
                resource_version: metadata.resource_version.unwrap_or_default(),
            },
            kind: events::NORMAL,
            reason: events::LEADER_ELECTION,
            message: format!("{} {what}", self.election.identity()),
        });
    }
}
