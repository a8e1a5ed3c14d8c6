//! A real control plane: etcd, kube-apiserver, kube-controller-manager.

mod access;
mod control_plane;
mod namespace;
mod proxy;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use kube::Client;
use tokio::sync::{Mutex, MutexGuard};

pub use access::ServiceAccount;
pub use proxy::{ADDRESS, has_address};

use crate::run_directory::RunDirectory;
use crate::wait::eventually;
use crate::{Program, components};
use control_plane::ControlPlane;

/// The namespace that controllers live in, by default and by upstream's.
pub const HOME: &str = "kube-system";

/// The `ServiceAccount` that the shipped rules give their rights to.
pub const SERVICE_ACCOUNT: &str = "sealed-secrets-controller";

/// All that is shipped, as one applies it.
pub const DEPLOY: &str = "deploy";

/// The SealedSecret type as it is shipped.
pub const DEFINITION: &str = "deploy/crd.yaml";

/// The rights as they are shipped.
pub const RIGHTS: &str = "deploy/rbac.yaml";

/// The right to elect a leader, as it is shipped.
pub const ELECTION_RIGHTS: &str = "deploy/leader-election.yaml";

/// The SealedSecret type of an installed v0.40, which stays when only the controller is replaced.
pub const UPSTREAM_DEFINITION: &str = "tests/fixtures/upstream-crd.yaml";

/// Exactly the rights that an installed v0.40 gives its controller.
pub const UPSTREAM_RIGHTS: &str = "tests/fixtures/upstream-rbac.yaml";

/// What may differ between clusters.
#[derive(Debug, Clone)]
pub struct Options {
    /// Added to the API server's command line, such as `--feature-gates=WatchList=false`.
    pub api_server_flags: Vec<String>,
    /// Files and kustomizations for `kubectl apply`, in this order; the `SealedSecret` definition must be among them.
    pub manifests: Vec<PathBuf>,
}

impl Options {
    /// A cluster as an installed v0.40 leaves it when only its controller is replaced.
    pub fn installed() -> Self {
        Self {
            manifests: vec![manifest(UPSTREAM_DEFINITION), manifest(UPSTREAM_RIGHTS)],
            ..Self::default()
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            api_server_flags: Vec::new(),
            manifests: vec![manifest(DEFINITION), manifest(RIGHTS)],
        }
    }
}

/// A file of the repository, for [`Options::manifests`].
pub fn manifest(path: &str) -> PathBuf {
    components::repository().join(path)
}

/// A cluster of one's own, gone when dropped.
///
/// Starting one takes seconds: tests that do not harm it share [`crate::cluster()`].
#[derive(Debug)]
pub struct Cluster {
    // Dropped in this order: processes before the directory they write to.
    control_plane: ControlPlane,
    directory: RunDirectory,
    namespaces: AtomicUsize,
    reported: AtomicBool,
    home: Mutex<()>,
}

impl Cluster {
    /// Starts one with the default [`Options`].
    pub async fn start() -> Result<Self> {
        Self::start_with(Options::default()).await
    }

    /// Starts one: when this returns, the manifests are applied and the `SealedSecret` type is served.
    pub async fn start_with(options: Options) -> Result<Self> {
        let program = components::controlplane()?;
        let directory = RunDirectory::create(&components::cache()?.join("run"), "cluster")?;
        let control_plane =
            ControlPlane::start(program, directory.path(), options.api_server_flags)?;
        let cluster = Self {
            control_plane,
            directory,
            namespaces: AtomicUsize::new(0),
            reported: AtomicBool::new(false),
            home: Mutex::new(()),
        };
        if let Err(error) = cluster.set_up(&options.manifests).await {
            cluster.report();
            return Err(error.context("cannot start a cluster"));
        }
        Ok(cluster)
    }

    async fn set_up(&self, manifests: &[PathBuf]) -> Result<()> {
        self.control_plane.wait_until_ready().await?;
        // The API server makes this namespace by itself, a moment after it is ready.
        eventually(
            "the manifests are applied",
            Duration::from_mins(1),
            async || {
                for manifest in manifests {
                    let option = if manifest.is_dir() { "-k" } else { "-f" };
                    self.kubectl()?
                        .args(["apply", "--server-side", option])
                        .arg(manifest)
                        .succeed()
                        .await?;
                }
                Ok(())
            },
        )
        .await?;
        self.kubectl()?
            .args(["wait", "--for=condition=Established", "--timeout=30s"])
            .arg("crd/sealedsecrets.bitnami.com")
            .succeed()
            .await?;
        // Only now: the garbage collector looks for new types every 30 seconds.
        self.control_plane.start_controller_manager()
    }

    /// A client with all rights. It belongs to the runtime of the test that asks: make one per test.
    pub async fn client(&self) -> Result<Client> {
        access::client_of(&self.control_plane.admin()).await
    }

    /// The kubeconfig of a person with all rights.
    pub fn kubeconfig(&self) -> PathBuf {
        self.control_plane.admin()
    }

    /// kubectl as a person with all rights.
    pub fn kubectl(&self) -> Result<Program> {
        // Its discovery cache goes under HOME.
        let program = Program::kubectl()?.env("HOME", self.directory.path());
        Ok(program.kubeconfig(&self.kubeconfig()))
    }

    /// The port of the API server on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.control_plane.port()
    }

    /// Waits for the turn to run controllers in [`HOME`]. Controllers act on the whole cluster, so tests that share one
    /// go one after the other: keep the guard as long as the controllers run.
    pub async fn turn(&self) -> MutexGuard<'_, ()> {
        self.home.lock().await
    }

    /// Kills the API server the hard way. The database goes on.
    pub fn kill_api_server(&self) -> Result<()> {
        self.control_plane.kill_api_server()
    }

    /// Starts the API server again, on its old port, and waits for it.
    pub async fn start_api_server(&self) -> Result<()> {
        self.control_plane.start_api_server()?;
        self.control_plane.wait_until_ready().await
    }

    /// Forgets the history of the database, as it does by itself every few minutes: a watch that was interrupted cannot
    /// go on where it was.
    pub async fn compact(&self) -> Result<()> {
        self.control_plane.compact().await
    }

    /// Stops the API server as a frozen machine would: connections stay open, nobody answers.
    pub fn freeze_api_server(&self) -> Result<()> {
        self.control_plane.freeze_api_server()
    }

    /// Lets a frozen API server go on.
    pub fn thaw_api_server(&self) -> Result<()> {
        self.control_plane.thaw_api_server()
    }

    /// Writes the end of every log to standard error, those of controllers too; once.
    pub fn report(&self) {
        if self.reported.swap(true, Ordering::Relaxed) {
            return;
        }
        for log in self.logs().unwrap_or_default() {
            crate::announce(&crate::process::tail(&log));
        }
    }

    fn logs(&self) -> Result<Vec<PathBuf>> {
        let mut logs: Vec<PathBuf> = fs::read_dir(self.directory.path())
            .context("cannot list the cluster's directory")?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
            .collect();
        logs.sort();
        Ok(logs)
    }

    /// Where logs and credentials of this cluster are.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.report();
        }
    }
}
