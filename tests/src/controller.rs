//! Controllers as processes: ours and the real upstream one.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use http::StatusCode;

use crate::cluster::{self, Cluster, ServiceAccount};
use crate::components;
use crate::http as web;
use crate::process::{Process, Signal, free_port, tied};
use crate::wait::eventually;

/// Making the first sealing key takes seconds, and a busy machine its time.
const START: Duration = Duration::from_mins(1);

/// What a kubelet grants before it uses force.
const GRACE: Duration = Duration::from_secs(30);

/// A running controller, ended with SIGKILL when dropped.
#[derive(Debug)]
pub struct Controller {
    process: Process,
    port: u16,
    metrics_port: u16,
}

impl Controller {
    /// Prepares ours, as its `ServiceAccount` in [`cluster::HOME`].
    pub fn ours() -> Launch {
        Launch::new(Which::Ours)
    }

    /// Prepares the real upstream controller, in the same place and with the same rights.
    pub fn upstream() -> Launch {
        Launch::new(Which::Upstream)
    }

    /// The port of the API, on 127.0.0.1 and, where there is one, on [`cluster::ADDRESS`].
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port of the metrics.
    pub fn metrics_port(&self) -> u16 {
        self.metrics_port
    }

    /// Its process id, for measurements.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// All it has logged, both streams in one.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The certificate it offers, in PEM.
    pub async fn certificate(&self) -> Result<String> {
        let answer = web::get(self.port, "/v1/cert.pem").await?;
        ensure!(
            answer.status == StatusCode::OK,
            "/v1/cert.pem answers {}",
            answer.status
        );
        Ok(answer.body)
    }

    /// Its metrics as it presents them.
    pub async fn metrics(&self) -> Result<String> {
        Ok(web::get(self.metrics_port, "/metrics").await?.body)
    }

    /// One of its metrics: the sum of all series of exactly that name, or `None` when there is none.
    pub async fn metric(&self, name: &str) -> Result<Option<u64>> {
        let metrics = self.metrics().await?;
        let mut total = None;
        for line in metrics.lines() {
            let series = line
                .strip_prefix(name)
                .filter(|rest| rest.starts_with(['{', ' ']));
            if let Some((_, value)) = series.and_then(|rest| rest.rsplit_once(' ')) {
                let value: u64 = value.parse().with_context(|| format!("{line:?}"))?;
                total = Some(total.unwrap_or(0) + value);
            }
        }
        Ok(total)
    }

    /// Ends it as a kubelet does.
    pub async fn stop(mut self) -> Result<ExitStatus> {
        self.process.terminate(GRACE).await
    }

    /// Stops it as a frozen machine would.
    pub fn freeze(&self) -> Result<()> {
        self.process.freeze()
    }

    /// Lets it go on.
    pub fn thaw(&self) -> Result<()> {
        self.process.signal(Signal::CONT)
    }

    /// Asks it for one more sealing key.
    pub fn ask_for_a_key(&self) -> Result<()> {
        self.process.signal(Signal::USR1)
    }

    /// How it ended, if it has by itself.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.process.ended()
    }
}

#[derive(Debug, Clone, Copy)]
enum Which {
    Ours,
    Upstream,
}

/// A controller about to be started.
#[derive(Debug, Clone)]
#[must_use]
pub struct Launch {
    which: Which,
    namespace: String,
    service_account: String,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    with_old_credentials: bool,
    in_pod: bool,
}

impl Launch {
    fn new(which: Which) -> Self {
        Self {
            which,
            namespace: cluster::HOME.to_owned(),
            service_account: cluster::SERVICE_ACCOUNT.to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            with_old_credentials: false,
            in_pod: false,
        }
    }

    /// Runs it with the credentials of an earlier one, which takes no API server.
    pub fn with_old_credentials(mut self) -> Self {
        self.with_old_credentials = true;
        self
    }

    /// Runs it as the shipped pod does: its credentials where a kubelet puts them, as user 1001 without any
    /// capability, on a root file system that is read-only but for `/tmp`. Only root can arrange that.
    pub fn in_pod(mut self) -> Self {
        self.in_pod = true;
        self
    }

    /// Runs it as another `ServiceAccount`, whose namespace is then its home.
    pub fn service_account(mut self, namespace: &str, name: &str) -> Self {
        namespace.clone_into(&mut self.namespace);
        name.clone_into(&mut self.service_account);
        self
    }

    /// More arguments.
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.arguments.extend(
            arguments
                .into_iter()
                .map(|argument| argument.as_ref().to_owned()),
        );
        self
    }

    /// An environment variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Starts it and waits until it is ready.
    pub async fn start(self, cluster: &Cluster) -> Result<Controller> {
        let mut controller = self.spawn(cluster).await?;
        eventually("the controller is ready", START, async || {
            controller.process.still_runs()?;
            let status = web::get(controller.port, "/readyz").await?.status;
            ensure!(status == StatusCode::OK, "/readyz answers {status}");
            Ok(())
        })
        .await?;
        Ok(controller)
    }

    /// Starts it and waits for nothing: for tests of the start itself.
    pub async fn spawn(self, cluster: &Cluster) -> Result<Controller> {
        let account = if self.with_old_credentials {
            cluster.known_service_account(&self.namespace, &self.service_account)
        } else {
            cluster
                .service_account(&self.namespace, &self.service_account)
                .await?
        };
        let (name, mut command) = match self.which {
            Which::Ours if self.in_pod => {
                let program = components::own()?.controller;
                let command = pod(&account, cluster.port(), AS_SHIPPED, &program);
                ("controller", command)
            }
            Which::Ours => ("controller", ours(&account)?),
            Which::Upstream => {
                let program = components::upstream()?.controller;
                let command = pod(&account, cluster.port(), "", &program);
                ("upstream-controller", command)
            }
        };
        let (port, metrics_port) = (free_port()?, free_port()?);
        // Not on a machine's real addresses unless a namespace shields them.
        let host = if cluster::has_address() {
            "0.0.0.0"
        } else {
            "127.0.0.1"
        };
        command
            .arg(format!("--listen-addr={host}:{port}"))
            .arg(format!("--listen-metrics-addr={host}:{metrics_port}"))
            .args(self.arguments)
            .envs(self.environment);
        let log = cluster.directory().join(format!("{name}-{port}.log"));
        Ok(Controller {
            process: Process::spawn(name, command, &log)?,
            port,
            metrics_port,
        })
    }
}

fn ours(account: &ServiceAccount) -> Result<Command> {
    let mut command = tied(components::own()?.controller);
    command.env_clear().env("KUBECONFIG", &account.kubeconfig);
    command.env("POD_NAMESPACE", read(account, "namespace")?);
    with_path(&mut command);
    Ok(command)
}

/// What `deploy/deployment.yaml` asks for. The program is copied to where user 1001 can reach it.
const AS_SHIPPED: &str = r#"
cp -- "$1" /var/run/controller
shift
chown -R 1001 "$mounted"
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -o remount,bind,ro /
set -- setpriv --reuid 1001 --regid 1001 --clear-groups --bounding-set=-all --no-new-privs --pdeathsig KILL -- \
    /var/run/controller "$@"
"#;

/// A program in a pod, as far as it can tell: in a mount namespace of its own, it finds its credentials in the usual
/// place, and the machine's `/var/run` stays as it is. Upstream knows no other configuration. `conditions` is what else
/// is to be arranged.
fn pod(account: &ServiceAccount, port: u16, conditions: &str, program: &Path) -> Command {
    let script = format!(
        r#"
set -e
mount -t tmpfs -o mode=755 tmpfs "$(readlink -f /var/run)"
mounted=/var/run/secrets/kubernetes.io/serviceaccount
mkdir -p "$mounted"
cp -- "$1"/* "$mounted"
shift
{conditions}
exec "$@"
"#
    );
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    // setpriv comes after unshare: the kernel forgets the order to kill when a process gains rights.
    command.args(["--mount", "--", "setpriv", "--pdeathsig", "KILL", "--"]);
    command
        .args(["sh", "-c", &script, "sh"])
        .arg(&account.directory)
        .arg(program);
    command
        .env_clear()
        .env("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        .env("KUBERNETES_SERVICE_PORT", port.to_string());
    with_path(&mut command);
    command
}

fn with_path(command: &mut Command) {
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
}

fn read(account: &ServiceAccount, file: &str) -> Result<String> {
    let path = account.directory.join(file);
    std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}
