//! The connection to the API server.
//!
//! Every request of this process goes through one stack: a bound on how many are under way, an optional client-side
//! rate, and a deadline that covers the body (kube has no read timeout, and one dead connection would otherwise wedge
//! a worker for ever). Watches are exempt from the bound and the deadline: they are meant to stay open, and
//! `kube::runtime::watcher` gives up on a silent one by itself.

mod limits;
mod meter;
mod refusal;
mod request;

use std::time::Duration;

use http::HeaderValue;
use http::header::USER_AGENT;
use kube::client::ClientBuilder;
use kube::config::{InClusterError, KubeConfigOptions, KubeconfigError};

pub(crate) use limits::Rate;
pub(crate) use limits::{Limits, LimitsLayer};
pub(crate) use meter::Meter;
pub(crate) use request::{ApiError, Cluster};

/// How long one request may take, its answer included.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Requests under way at a time, watches not counted. Each holds a connection of its own (HTTP/1.1), so this also
/// bounds the memory that TLS buffers take; two workers per core keep an API server on the next machine busy.
const IN_FLIGHT: usize = 16;

/// How long a request about the leader lease may take: there must be time for another one before a term ends.
const ELECTION_TIMEOUT: Duration = Duration::from_secs(3);

/// The API server derives the field manager of a write from the text before the slash: `controller` is what managed
/// fields of objects written by the Go controller say, so switching does not leave two managers behind.
const PRODUCT: &str = concat!("controller/v", env!("CARGO_PKG_VERSION"));

/// Why there is no connection to a cluster.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The process runs in a pod, but what the kubelet provides is incomplete.
    #[error("cannot use the in-cluster configuration")]
    InCluster(#[source] InClusterError),
    /// Not in a pod, and no usable kubeconfig either.
    #[error(
        "cannot find a cluster: KUBERNETES_SERVICE_HOST is not set, so this is not a pod, and there is no usable \
         kubeconfig (set KUBECONFIG, or run with --local DIR to need no cluster)"
    )]
    Kubeconfig(#[source] KubeconfigError),
    /// The configuration names credentials or certificates that cannot be used.
    #[error("cannot build a client for {server}")]
    Client {
        /// The API server that the configuration names.
        server: String,
        /// What is wrong with it.
        #[source]
        source: Box<kube::Error>,
    },
}

/// The connections to one API server.
pub(super) struct Connections {
    /// For everything but the election.
    pub(super) work: Cluster,
    /// For the election alone: behind ten thousand other requests, or behind a client-side rate, a lease runs out.
    pub(super) election: Cluster,
}

/// Finds the cluster and builds the clients: the in-cluster configuration when this is a pod, else the kubeconfig.
///
/// `kube::Config::infer` would prefer a kubeconfig that happens to lie in the image.
pub(super) async fn connect(rate: Option<Rate>, meter: Meter) -> Result<Connections, ConnectError> {
    let mut config = if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
        kube::Config::incluster_env().map_err(ConnectError::InCluster)?
    } else {
        kube::Config::from_kubeconfig(&KubeConfigOptions::default())
            .await
            .map_err(ConnectError::Kubeconfig)?
    };
    config
        .headers
        .push((USER_AGENT, HeaderValue::from_static(PRODUCT)));
    let limits = LimitsLayer::new(Limits {
        rate,
        in_flight: IN_FLIGHT,
        timeout: REQUEST_TIMEOUT,
    });
    let client = build(&config, &limits, &meter)?;
    // For the one request that must not be repeated behind our back: a key Secret has a generated name, so a retry
    // after a lost answer would make a second sealing key.
    config.default_retry = false;
    let once = build(&config, &limits, &meter)?;
    let alone = LimitsLayer::new(Limits {
        rate: None,
        in_flight: 1,
        timeout: ELECTION_TIMEOUT,
    });
    let election = build(&config, &alone, &meter)?;
    Ok(Connections {
        work: Cluster::new(client, once, meter.clone()),
        election: Cluster::new(election.clone(), election, meter),
    })
}

fn build(
    config: &kube::Config,
    limits: &LimitsLayer,
    meter: &Meter,
) -> Result<kube::Client, ConnectError> {
    let builder =
        ClientBuilder::try_from(config.clone()).map_err(|source| ConnectError::Client {
            server: config.cluster_url.to_string(),
            source: Box::new(source),
        })?;
    Ok(builder.with_layer(limits).with_layer(meter).build())
}
