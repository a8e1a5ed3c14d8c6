//! Passes over a real directory, without the loop around them.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, path::Path};

use jiff::Timestamp;

use super::*;
use crate::args;
use crate::config::Config;
use crate::fair_pool::FairPool;
use crate::local::{Sweeper, once, start};
use crate::metrics::Metrics;
use crate::program::Ended;
use crate::render::Renderer;
use crate::services::Services;

thread_local! {
    /// Makes the next look at the clock panic; the runtime of a test has one thread.
    static PANIC: AtomicBool = const { AtomicBool::new(false) };
}

fn clock() -> Timestamp {
    assert!(
        !PANIC.with(|panic| panic.swap(false, Ordering::Relaxed)),
        "asked for by the test"
    );
    "2026-06-01T00:00:00Z".parse().unwrap()
}

/// A directory and its shell.
pub(crate) struct Site {
    top: tempfile::TempDir,
    pub(crate) shell: Arc<Shell>,
    sweeper: Sweeper,
}

impl Site {
    pub(crate) fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        let flags = ["--key-size=2048", "--local", top.path().to_str().unwrap()];
        let matches = args::table().parse([], flags.map(str::to_owned)).unwrap();
        let config = Config::resolve(&matches).unwrap();
        let local = config.local.clone().unwrap();
        let metrics = Metrics::new("v0", false).unwrap();
        let pool = FairPool::start("rsa", NonZeroUsize::MIN, NonZeroUsize::MIN).unwrap();
        let services = Services::new(config, metrics, pool, Renderer::start().unwrap(), clock);
        let (shell, sweeper, _schedule) = start(services, &local).unwrap();
        Self {
            top,
            shell,
            sweeper,
        }
    }

    /// A SealedSecret `web/NAME` without values, which needs no key to become a Secret.
    pub(crate) fn object(name: &str, annotations: &str, template: &str) -> String {
        format!(
            "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n\
             metadata: {{name: {name}, namespace: web, annotations: {annotations}}}\n\
             spec: {{template: {template}, encryptedData: {{}}}}\n"
        )
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.top.path().join(path)
    }

    pub(crate) fn put(&self, path: &str, text: &str) {
        let path: &Path = &self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn panic_once() {
        PANIC.with(|panic| panic.store(true, Ordering::Relaxed));
    }

    pub(crate) fn sweep(&mut self) {
        self.sweeper.sweep(&self.shell);
    }

    /// What `--once` would print.
    pub(crate) async fn once(&mut self) -> (String, Ended) {
        self.sweep();
        once::pass_over_all(&self.shell).await;
        once::report(&self.shell)
    }

    async fn pass(&mut self, key: &ObjectKey) -> Verdict {
        self.sweep();
        self.shell.pass(key).await
    }
}

fn key() -> ObjectKey {
    ObjectKey::new("web", "db")
}

#[tokio::test]
async fn a_panic_costs_one_pass_and_no_worker() {
    let mut site = Site::new();
    for name in ["a", "b"] {
        let file = format!("sealed/{name}.yaml");
        site.put(&file, &Site::object(name, "{}", "{}"));
    }
    Site::panic_once();
    site.sweep();
    let worker = tokio::spawn(Arc::clone(&site.shell).work());
    let told = |name| site.shell.statuses.read(&ObjectKey::new("web", name));
    for _ in 0..1_000 {
        if told("a").or_else(|| told("b")).is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_ne!(told("a").is_some(), told("b").is_some());
    site.shell.queue.close();
    worker.await.unwrap();
}

#[tokio::test]
async fn a_status_that_could_not_be_written_is_written_later() {
    let mut site = Site::new();
    site.put("sealed/db.yaml", &Site::object("db", "{}", "{}"));
    site.put("status/web", "in the way");
    assert_eq!(site.pass(&key()).await, Verdict::Retry(Pace::Fast));
    assert!(site.path("secrets/web/db.yaml").exists());
    fs::remove_file(site.path("status/web")).unwrap();
    assert_eq!(site.pass(&key()).await, Verdict::Settled);
    let status = site.shell.statuses.read(&key()).unwrap();
    assert_eq!(status.conditions[0].status, "True");
}

#[tokio::test]
async fn another_fault_in_a_malformed_object_is_told() {
    let mut site = Site::new();
    let mut messages = Vec::new();
    for template in ["{immutable: maybe}", "{data: [1]}"] {
        site.put("sealed/db.yaml", &Site::object("db", "{}", template));
        site.sweep();
        let patience = std::time::Duration::from_secs(10);
        let asked_for = tokio::time::timeout(patience, site.shell.queue.next()).await;
        let ticket = asked_for.expect("no pass is due").unwrap();
        let verdict = site.shell.pass(ticket.key()).await;
        ticket.finish(verdict);
        let status = site.shell.statuses.read(&key()).unwrap();
        messages.push(status.conditions[0].message.clone().unwrap());
    }
    assert_ne!(messages[0], messages[1], "{messages:?}");
}
