//! What both shells run on: made once by [`crate::program`], handed to the one that runs.

use std::sync::Arc;

use jiff::Timestamp;
use sealed_crypto::Keyring;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::fair_pool::FairPool;
use crate::http::{Health, ServerCertificates, Sources};
use crate::metrics::Metrics;
use crate::render::Renderer;
use crate::unseal::LatestKey;

/// Everything a shell shares with the rest of the process. Clones share it too.
#[derive(Clone)]
pub struct Services {
    /// What the flags decide.
    pub config: Arc<Config>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// What the probes ask for: a shell registers its tasks and gates.
    pub health: Health,
    /// The certificates of the ports that speak TLS: the shell replaces them.
    pub certificates: ServerCertificates,
    /// Where private keys are used.
    pub pool: Arc<FairPool>,
    /// What renders templates.
    pub renderer: Arc<Renderer>,
    /// The key that opened something last.
    pub latest: LatestKey,
    /// The time of day.
    pub clock: fn() -> Timestamp,
    /// The sealing keys: the shell replaces them, everybody else subscribes.
    pub keyring: Arc<watch::Sender<Keyring>>,
    /// Wakes the shell when somebody asks for a new sealing key now (SIGUSR1). A request that comes while none is
    /// awaited is kept.
    pub renew_key: Arc<Notify>,
    /// Cancelled when the process is to stop.
    pub shutdown: CancellationToken,
}

impl Services {
    /// Services without any key yet.
    pub fn new(
        config: Config,
        metrics: Metrics,
        pool: FairPool,
        renderer: Renderer,
        clock: fn() -> Timestamp,
    ) -> Self {
        let health = Health::default();
        Self {
            certificates: ServerCertificates::new(&config.http, &health),
            config: Arc::new(config),
            metrics: Arc::new(metrics),
            health,
            pool: Arc::new(pool),
            renderer: Arc::new(renderer),
            latest: LatestKey::default(),
            clock,
            keyring: Arc::new(watch::Sender::new(Keyring::default())),
            renew_key: Arc::default(),
            shutdown: CancellationToken::new(),
        }
    }

    /// What the HTTP endpoints read.
    pub fn http_sources(&self) -> Sources {
        Sources {
            keyring: self.keyring.subscribe(),
            pool: Arc::clone(&self.pool),
            metrics: Arc::clone(&self.metrics),
            health: self.health.clone(),
            clock: self.clock,
        }
    }
}
