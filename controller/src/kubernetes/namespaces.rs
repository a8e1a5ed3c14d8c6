//! Which namespaces are served.
//!
//! The rules are the existing controller's (compat/controller.md §4.8) without its traps: a listed namespace that
//! does not exist yet is waited for instead of being skipped for ever, and one that we may not look up is served
//! anyway instead of ending the process.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use tracing::{error, info, warn};

use super::client::Cluster;
use super::watch::Reach;
use crate::config::Namespaces;

/// How often a missing namespace is looked for: the first try comes soon, because a namespace and the controller are
/// often installed together.
const FIRST_LOOK: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// Which watches the flags come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Coverage {
    /// What is served from the start, without asking whether it exists.
    pub(super) at_once: Reach,
    /// The namespaces whose existence is checked first.
    pub(super) to_check: BTreeSet<String>,
}

impl Coverage {
    /// One watch for everything, or one for each namespace; `home` is where the controller and its keys are.
    pub(super) fn of(namespaces: &Namespaces, home: &str) -> Self {
        match namespaces {
            Namespaces::All => Self {
                at_once: Reach::Cluster,
                to_check: BTreeSet::new(),
            },
            Namespaces::OwnAnd(others) => Self {
                at_once: Reach::Namespace(home.to_owned()),
                to_check: others
                    .iter()
                    .filter(|other| *other != home)
                    .cloned()
                    .collect(),
            },
        }
    }
}

/// Whether a listed namespace can be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// It is there, or we may not know.
    Serve,
    /// Not yet.
    Missing,
}

/// Waits until a namespace exists. `looked` is told what each look found, so that readiness need not wait for it.
pub(crate) async fn until_present<F>(cluster: &Cluster, namespace: &str, mut looked: F)
where
    F: FnMut(Presence),
{
    let mut pause = FIRST_LOOK;
    let mut told = false;
    while look(cluster, namespace, &mut told).await == Presence::Missing {
        looked(Presence::Missing);
        tokio::time::sleep(super::jittered(pause)).await;
        pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
    }
    looked(Presence::Serve);
}

async fn look(cluster: &Cluster, namespace: &str, told: &mut bool) -> Presence {
    match cluster.read::<Namespace>(None, namespace).await {
        Ok(Some(_)) => {
            if *told {
                info!(namespace, "namespace exists");
            }
            Presence::Serve
        }
        Ok(None) => {
            if !std::mem::replace(told, true) {
                error!(namespace, "namespace doesn't exist");
            }
            Presence::Missing
        }
        // Without the right to look it up (a Role instead of a ClusterRole), or with an API server that does not
        // answer, the watch finds out by itself.
        Err(error) => {
            warn!(namespace, %error, "cannot look the namespace up; serving it unchecked");
            Presence::Serve
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_namespaces_is_one_watch() {
        let coverage = Coverage::of(&Namespaces::All, "home");
        assert_eq!(coverage.at_once, Reach::Cluster);
        assert!(coverage.to_check.is_empty());
    }

    #[test]
    fn listed_namespaces_are_checked_and_the_own_one_is_served_once() {
        let others = ["b", "home", "a"].map(str::to_owned).to_vec();
        let coverage = Coverage::of(&Namespaces::OwnAnd(others), "home");
        assert_eq!(coverage.at_once, Reach::Namespace("home".into()));
        assert_eq!(coverage.to_check.iter().collect::<Vec<_>>(), ["a", "b"]);
    }
}
