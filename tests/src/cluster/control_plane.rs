//! The three processes.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::process::{Process, Signal, free_port, tied};
use crate::wait::eventually;

use super::access;
use super::proxy::ADDRESS;

/// From an empty directory: 5 seconds on an idle machine, several times that beside a build.
const START: Duration = Duration::from_mins(2);

/// Signs `ServiceAccount` tokens. One of the fixtures: making a key takes longer than all else at the start.
const SIGNING_KEY: &str = "vectors/keys/rsa2048-a.pkcs1.pem";

#[derive(Debug)]
pub(super) struct ControlPlane {
    // Killed in this order: an API server without its database takes no other signal than SIGKILL, and is
    // noisy until then.
    api_server: Mutex<Option<Process>>,
    controller_manager: Mutex<Option<Process>>,
    _etcd: Process,
    program: PathBuf,
    directory: PathBuf,
    database: String,
    port: u16,
    api_server_flags: Vec<String>,
}

impl ControlPlane {
    /// Starts etcd and the API server, which waits for etcd by itself.
    pub(super) fn start(
        program: PathBuf,
        directory: &Path,
        api_server_flags: Vec<String>,
    ) -> Result<Self> {
        let database = format!("http://127.0.0.1:{}", free_port()?);
        let mut etcd = tied(&program);
        etcd.arg("etcd")
            .arg("--data-dir")
            .arg(directory.join("etcd"))
            .args(["--client-url", &database])
            .args(["--peer-url", &format!("http://127.0.0.1:{}", free_port()?)]);
        let control_plane = Self {
            _etcd: Process::spawn("etcd", etcd, &directory.join("etcd.log"))?,
            api_server: Mutex::new(None),
            controller_manager: Mutex::new(None),
            program,
            directory: directory.to_owned(),
            database,
            port: free_port()?,
            api_server_flags,
        };
        let token = random_token()?;
        let tokens = format!("{token},admin,1,\"system:masters\"\n");
        write(&control_plane.directory.join("tokens.csv"), &tokens)?;
        control_plane.write_kubeconfig(&control_plane.admin(), &token, "default")?;
        control_plane.start_api_server()?;
        Ok(control_plane)
    }

    pub(super) fn start_api_server(&self) -> Result<()> {
        let key = Path::new(env!("CARGO_MANIFEST_DIR")).join(SIGNING_KEY);
        let mut command = tied(&self.program);
        command
            .arg("kube-apiserver")
            .arg(format!("--etcd-servers={}", self.database))
            // It makes its own certificate there, for 127.0.0.1, the advertised address and kubernetes.default.svc,
            // together with the authority that signs it.
            .arg(format!("--cert-dir={}", self.certificates().display()))
            .args([
                "--bind-address=127.0.0.1",
                &format!("--secure-port={}", self.port),
            ])
            .args([
                &format!("--advertise-address={ADDRESS}"),
                "--endpoint-reconciler-type=none",
            ])
            .arg("--authorization-mode=RBAC")
            .arg(format!(
                "--token-auth-file={}",
                self.directory.join("tokens.csv").display()
            ))
            .arg("--service-account-issuer=https://kubernetes.default.svc")
            .arg(format!("--service-account-key-file={}", key.display()))
            .arg(format!(
                "--service-account-signing-key-file={}",
                key.display()
            ))
            .args([
                "--service-cluster-ip-range=10.96.0.0/24",
                "--profiling=false",
            ])
            .args(&self.api_server_flags);
        let mut slot = lock(&self.api_server);
        ensure!(
            slot.is_none(),
            "the API server has been started and not been killed"
        );
        *slot = Some(self.spawn("kube-apiserver", command)?);
        Ok(())
    }

    pub(super) fn start_controller_manager(&self) -> Result<()> {
        // Owner references, namespace deletion, default ServiceAccounts and their tokens; nothing that needs nodes.
        let controllers = "garbage-collector-controller,namespace-controller,serviceaccount-controller,\
             serviceaccount-token-controller,root-ca-certificate-publisher-controller";
        let key = Path::new(env!("CARGO_MANIFEST_DIR")).join(SIGNING_KEY);
        let mut command = tied(&self.program);
        command
            .arg("kube-controller-manager")
            .arg(format!("--kubeconfig={}", self.admin().display()))
            .arg(format!("--controllers={controllers}"))
            .args([
                "--leader-elect=false",
                "--use-service-account-credentials=false",
                "--secure-port=0",
            ])
            .arg(format!(
                "--service-account-private-key-file={}",
                key.display()
            ))
            .arg(format!("--root-ca-file={}", self.authority().display()))
            // Tests wait for it: its usual politeness is for shared clusters.
            .args(["--kube-api-qps=200", "--kube-api-burst=400"]);
        *lock(&self.controller_manager) = Some(self.spawn("kube-controller-manager", command)?);
        Ok(())
    }

    pub(super) async fn wait_until_ready(&self) -> Result<()> {
        eventually("the API server is ready", START, async || {
            lock(&self.api_server)
                .as_mut()
                .context("it is not started")?
                .still_runs()?;
            let request = http::Request::get("/readyz").body(Vec::new())?;
            access::client_of(&self.admin())
                .await?
                .request_text(request)
                .await?;
            Ok(())
        })
        .await
    }

    pub(super) fn kill_api_server(&self) -> Result<()> {
        lock(&self.api_server)
            .take()
            .context("the API server does not run")?
            .kill()
    }

    pub(super) fn freeze_api_server(&self) -> Result<()> {
        let slot = lock(&self.api_server);
        slot.as_ref()
            .context("the API server does not run")?
            .freeze()
    }

    pub(super) fn thaw_api_server(&self) -> Result<()> {
        let slot = lock(&self.api_server);
        slot.as_ref()
            .context("the API server does not run")?
            .signal(Signal::CONT)
    }

    /// Forgets the history of the database up to now: whoever wants to go on from an earlier version is told that it
    /// is gone.
    pub(super) async fn compact(&self) -> Result<()> {
        let answer = self
            .ask_database("/v3/kv/range", r#"{"key": "AA=="}"#)
            .await?;
        let revision = &answer["header"]["revision"];
        ensure!(revision.is_string(), "the database answers {answer}");
        let body = format!(r#"{{"revision": {revision}, "physical": true}}"#);
        self.ask_database("/v3/kv/compaction", &body).await?;
        Ok(())
    }

    /// etcd's JSON gateway: bytes in base64, numbers as strings.
    async fn ask_database(&self, path: &str, body: &str) -> Result<serde_json::Value> {
        let (_, port) = self.database.rsplit_once(':').context("no port")?;
        let body = body.to_owned();
        let answer = crate::http::request(http::Method::POST, port.parse()?, path, body).await?;
        ensure!(
            answer.status.is_success(),
            "{path}: {} {}",
            answer.status,
            answer.body
        );
        Ok(serde_json::from_str(&answer.body)?)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The kubeconfig with all rights.
    pub(super) fn admin(&self) -> PathBuf {
        self.directory.join("admin.kubeconfig")
    }

    /// The certificate authority of the API server.
    pub(super) fn authority(&self) -> PathBuf {
        self.certificates().join("apiserver.crt")
    }

    pub(super) fn write_kubeconfig(&self, path: &Path, token: &str, namespace: &str) -> Result<()> {
        let server = format!("https://127.0.0.1:{}", self.port);
        let content = access::kubeconfig(&server, &self.authority(), token, namespace);
        write(path, &content)
    }

    fn certificates(&self) -> PathBuf {
        self.directory.join("certificates")
    }

    fn spawn(&self, name: &str, command: Command) -> Result<Process> {
        Process::spawn(name, command, &self.directory.join(format!("{name}.log")))
    }
}

/// A panic in one test says nothing about the processes in here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// In one step: a controller that starts with credentials of an account reads them while another one is given them anew.
pub(super) fn write(path: &Path, content: &str) -> Result<()> {
    let directory = path.parent().unwrap_or_else(|| Path::new("."));
    let written = tempfile::NamedTempFile::new_in(directory).and_then(|mut file| {
        file.write_all(content.as_bytes())?;
        Ok(file.persist(path)?)
    });
    written.with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}

/// The port is open to every user of the machine.
fn random_token() -> Result<String> {
    let mut bytes = [0_u8; 16];
    fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("cannot read /dev/urandom")?;
    Ok(crate::hex(&bytes))
}
