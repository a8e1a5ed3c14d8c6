//! The real program over a temporary directory.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot set up its site has failed"
)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use rustix::process::{Pid, Signal, kill_process};
use sealed_api::{SealedSecret, seal_secret};
use sealed_crypto::{Certificate, Scope};

const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A directory for `--local`.
pub(crate) struct Site {
    top: tempfile::TempDir,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self {
            top: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.top.path().join(path)
    }

    pub(crate) fn put(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn text(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path(path)).ok()
    }

    fn command(&self, flags: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealed-secrets-controller"));
        command
            .env_clear()
            .args(["--local".as_ref(), self.top.path().as_os_str()])
            .args([
                "--key-size=2048",
                "--listen-addr=127.0.0.1:0",
                "--listen-metrics-addr=127.0.0.1:0",
            ])
            .args(flags);
        command
    }

    pub(crate) fn once(&self, flags: &[&str]) -> Output {
        self.command(flags).arg("--once").output().unwrap()
    }

    /// Starts it and waits until it is ready.
    pub(crate) fn start(&self, flags: &[&str]) -> Running {
        let running = self.open(flags);
        running.wait_ready();
        running
    }

    /// Starts it and waits until its ports are open.
    pub(crate) fn open(&self, flags: &[&str]) -> Running {
        let log = tempfile::NamedTempFile::new().unwrap();
        let stream = || Stdio::from(File::options().append(true).open(log.path()).unwrap());
        let child = self
            .command(flags)
            .stdout(stream())
            .stderr(stream())
            .spawn()
            .unwrap();
        let mut running = Running {
            child,
            log,
            api: ([127, 0, 0, 1], 0).into(),
            metrics: ([127, 0, 0, 1], 0).into(),
        };
        running.api = running.address("HTTP server serving");
        running.metrics = running.address("HTTP metrics server serving");
        running
    }

    /// The value `key` of a Secret's file, once it is there.
    pub(crate) fn value(&self, path: &str, key: &str) -> Option<String> {
        let text = self.text(path)?;
        let document = sealed_manifest::Documents::new(text.as_bytes(), path)
            .next()?
            .ok()?;
        let value = document.value().get("data")?.get(key)?.as_str()?.to_owned();
        let bytes = sealed_crypto::base64::decode(value.as_bytes()).ok()?;
        String::from_utf8(bytes).ok()
    }

    pub(crate) fn wait_value(&self, path: &str, key: &str, expected: &str) {
        wait_for(path, || (self.value(path, key)? == expected).then_some(()));
    }

    pub(crate) fn wait_status(&self, path: &str, parts: &[&str]) {
        wait_for(path, || {
            let text = self.text(path)?;
            parts.iter().all(|part| text.contains(part)).then_some(())
        });
    }
}

/// The program while it runs; killed when dropped.
pub(crate) struct Running {
    child: Child,
    log: tempfile::NamedTempFile,
    pub(crate) api: SocketAddr,
    pub(crate) metrics: SocketAddr,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Running {
    fn address(&mut self, message: &str) -> SocketAddr {
        wait_for(message, || {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("ended with {status}: {}", self.log());
            }
            let log = self.log();
            let line = log.lines().find(|line| line.contains(message))?;
            // `addr=…` at the end of a line of text, `"addr":"…"}` in JSON.
            let (_, address) = line.rsplit_once("addr")?;
            address.trim_matches(['=', '"', ':', '}']).parse().ok()
        })
    }

    pub(crate) fn wait_ready(&self) {
        wait_for("readiness", || {
            (self.get("/readyz").code == 200).then_some(())
        });
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log.path()).unwrap()
    }

    /// The most memory it has held so far, in bytes.
    pub(crate) fn peak_memory(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.unwrap().trim().trim_end_matches(" kB");
        kib.parse::<usize>().unwrap() * 1024
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }

    /// Asks it to stop; its exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        self.signal(Signal::TERM);
        self.child.wait().unwrap().code()
    }

    /// Has it crash, on a system that would dump its memory as far as it allows.
    #[cfg(target_os = "linux")]
    pub(crate) fn crash(mut self) -> std::process::ExitStatus {
        let unlimited = rustix::process::Rlimit {
            current: None,
            maximum: None,
        };
        let pid = Pid::from_child(&self.child);
        // Only root may raise it; for others it stays at nothing.
        rustix::process::prlimit(Some(pid), rustix::process::Resource::Core, unlimited).ok();
        self.signal(Signal::ABORT);
        self.child.wait().unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        request(self.api, "GET", path, &[], b"")
    }

    pub(crate) fn post(&self, path: &str, body: &[u8]) -> Answer {
        request(self.api, "POST", path, &[], body)
    }

    pub(crate) fn metrics(&self) -> String {
        request(self.metrics, "GET", "/metrics", &[], b"").body
    }

    pub(crate) fn certificate(&self) -> Certificate {
        Certificate::from_pem(self.get("/v1/cert.pem").body.as_bytes()).unwrap()
    }

    /// The manifest of a SealedSecret for this controller.
    pub(crate) fn sealed(&self, namespace: &str, name: &str, values: &[(&str, &str)]) -> String {
        sealed_manifest::to_yaml(&self.sealed_object(namespace, name, values))
    }

    pub(crate) fn sealed_object(
        &self,
        namespace: &str,
        name: &str,
        values: &[(&str, &str)],
    ) -> SealedSecret {
        let data = values
            .iter()
            .map(|(key, value)| ((*key).to_owned(), ByteString((*value).into())));
        let secret = Secret {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                namespace: Some(namespace.to_owned()),
                ..ObjectMeta::default()
            },
            data: Some(data.collect::<BTreeMap<_, _>>()),
            ..Secret::default()
        };
        seal_secret(&secret, Scope::Strict, &self.certificate()).unwrap()
    }
}

/// An answer as it came over the wire.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        Some(Self {
            code: head.split(' ').nth(1)?.parse().ok()?,
            head: head.to_owned(),
            body: body.to_owned(),
        })
    }

    /// A header, by the exact spelling on the wire.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let start = format!("{name}: ");
        self.head
            .lines()
            .find_map(|line| line.strip_prefix(start.as_str()))
    }
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

pub(crate) fn read_to_end(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

pub(crate) fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &[u8],
) -> Answer {
    let mut stream = connect(address);
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for header in headers {
        head = head + header + "\r\n";
    }
    stream.write_all((head + "\r\n").as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let text = read_to_end(stream);
    Answer::parse(&text).unwrap_or_else(|| panic!("no answer: {text:?}"))
}

/// The permission bits of a file.
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
