//! The standalone shell: `--local DIR`, the controller over a directory instead of a cluster.
//!
//! ```text
//! DIR/keys/*.yaml                    sealing keys, as a cluster keeps them in Secrets
//! DIR/escrow/*.age                   with --escrow-recipient: the same, encrypted, to be committed
//! DIR/sealed/**.yaml                 SealedSecrets; .yml and .json too, many documents to a file
//! DIR/secrets/NAMESPACE/NAME.yaml    the Secrets, written for the owner alone
//! DIR/status/NAMESPACE/NAME.yaml     what became of each SealedSecret
//! DIR/tls/NAME.yaml                  the Secret that --tls-secret NAME serves with
//! ```
//!
//! It is no mock: keys, opening, ownership, what is written and when is decided by the same code. For a first run, local
//! development, disaster drills and the CI of people who have no cluster at hand.
//!
//! Private keys and plain Secrets on a disk are worth protecting from accidents: their directories get a `.gitignore` and are
//! refused where git tracks files in them, names are checked before they become paths, and no link below `DIR` is followed.

mod changes;
mod directory;
mod identity;
mod key_schedule;
mod keys;
mod manifests;
mod object_files;
mod once;
mod reconcile;
mod sealed;
mod server_certificate;
mod shell;
mod statuses;
mod targets;
mod tracked;

use std::ffi::OsStr;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::task::JoinSet;

use self::changes::Changes;
use self::directory::Directory;
use self::key_schedule::KeySchedule;
use self::keys::Keys;
use self::reconcile::blocking;
use self::sealed::Sealed;
use self::shell::Shell;
use self::statuses::Statuses;
use self::targets::Targets;
use crate::config::LocalConfig;
use crate::content::ContentKey;
use crate::drift::DriftRule;
use crate::http::Gate;
use crate::plan::Rules;
use crate::program::Ended;
use crate::queue::{Backoff, WorkQueue};
use crate::services::Services;

const KEYS: &str = "keys";
const ESCROW: &str = "escrow";
const SEALED: &str = "sealed";
const SECRETS: &str = "secrets";
const STATUS: &str = "status";
const TLS: &str = "tls";

/// Passes at a time: more than there are threads for keys, since some wait for the disk.
const WORKERS: usize = 8;

/// Time for a burst of changes to end: an editor writes a file in several steps.
const SETTLE: Duration = Duration::from_millis(50);

/// Everything is looked at this often, news or none.
const SWEEP: Duration = Duration::from_secs(30);

/// Runs until everything is settled (`--once`) or the process is told to stop.
pub async fn run(services: Services, local: &LocalConfig) -> anyhow::Result<Ended> {
    let gate = services.health.gate("directory");
    // There is one to a directory.
    services.metrics.leading(true);
    let (shell, sweeper, schedule) = start(services, local)?;
    if local.once {
        once::settle(shell, sweeper, schedule).await
    } else {
        let changes = Changes::below(&local.directory);
        serve(shell, sweeper, schedule, changes, &gate).await
    }
}

/// Opens the directory, or says why it cannot be used.
fn start(
    services: Services,
    local: &LocalConfig,
) -> anyhow::Result<(Arc<Shell>, Sweeper, KeySchedule)> {
    let shown = local.directory.display();
    let root =
        Directory::open_root(&local.directory).with_context(|| format!("cannot open `{shown}`"))?;
    if !root
        .lock()
        .with_context(|| format!("cannot lock `{shown}`"))?
    {
        bail!("`{shown}` is in use by another controller");
    }
    tracked::refuse_tracked(&local.directory, &[KEYS, SECRETS, TLS])?;
    let made =
        |name: &str| make(&root, name).with_context(|| format!("cannot use `{shown}/{name}`"));
    let (keys, secrets, status) = (made(KEYS)?, made(SECRETS)?, made(STATUS)?);
    made(SEALED)?;
    let tls = services.certificates.iter().next().map(|_| made(TLS));
    let tls = tls.transpose()?;
    for private in [&keys, &secrets].into_iter().chain(&tls) {
        ignore(private)
            .with_context(|| format!("cannot write to `{}`", private.path().display()))?;
    }
    let config = &services.config;
    let rules = Rules {
        key_namespace: keys::NAMESPACE.to_owned(),
        key_prefix: config.keys.prefix.clone(),
        allow_sealed_keys: config.keys.allow_sealed,
        update_status: true,
        own_statuses: true,
        retain: false,
        drift: DriftRule::Off,
        content_key: ContentKey::new(&rand::random()),
    };
    let escrow = match &config.keys.escrow {
        Some(recipients) => Some((recipients.clone(), made(ESCROW)?)),
        None => None,
    };
    let keys = Keys::new(keys, escrow, config.keys.clone());
    let schedule = KeySchedule::new(&services, keys);
    let backoff = Backoff::with_fast_retries(config.objects.max_unseal_retries);
    let queue = WorkQueue::new(backoff, WORKERS);
    services.metrics.show_queue(&queue);
    let shell = Shell::new(
        services,
        rules,
        Targets::new(secrets),
        Statuses::new(status),
        queue,
    );
    let sweeper = Sweeper {
        root,
        sealed: Sealed::new(),
    };
    Ok((Arc::new(shell), sweeper, schedule))
}

fn make(root: &Directory, name: &str) -> io::Result<Directory> {
    root.make_subdirectory(OsStr::new(name))
}

/// Keeps git from picking up what must never be committed.
fn ignore(directory: &Directory) -> io::Result<()> {
    let name = OsStr::new(".gitignore");
    if directory.kind(name)?.is_none() {
        directory.replace(
            name,
            b"# Private keys and plain Secrets do not belong in git.\n*\n",
        )?;
    }
    Ok(())
}

/// Looks at `DIR/sealed` and `DIR/secrets`.
struct Sweeper {
    root: Directory,
    sealed: Sealed,
}

impl Sweeper {
    fn sweep(&mut self, shell: &Shell) {
        let scan = match self.root.subdirectory(OsStr::new(SEALED)) {
            Ok(Some(directory)) => self.sealed.scan(&directory),
            // Not the same as an empty one: nothing may be deleted for it.
            Ok(None) => sealed::Scan::failed(&"the directory is gone"),
            Err(error) => sealed::Scan::failed(&error),
        };
        shell.take(&scan);
        for certificate in shell.services.certificates.iter() {
            server_certificate::load(&self.root, certificate);
        }
    }
}

/// Sweeps off the runtime.
async fn sweep(mut sweeper: Sweeper, shell: &Arc<Shell>) -> Sweeper {
    let shell = Arc::clone(shell);
    blocking(move || {
        sweeper.sweep(&shell);
        sweeper
    })
    .await
}

async fn serve(
    shell: Arc<Shell>,
    mut sweeper: Sweeper,
    mut schedule: KeySchedule,
    changes: Changes,
    gate: &Gate,
) -> anyhow::Result<Ended> {
    let services = shell.services.clone();
    let running = services.health.task("directory");
    // Without keys every object would fail, and say so in its status.
    schedule = schedule.load(&shell).await;
    schedule = schedule.start(&shell).await;
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let (shell, running) = (Arc::clone(&shell), services.health.task("reconcile"));
        workers.spawn(async move {
            shell.work().await;
            drop(running);
        });
    }
    loop {
        sweeper = sweep(sweeper, &shell).await;
        gate.open();
        let due;
        (schedule, due) = schedule.go_on(&shell).await;
        tokio::select! {
            () = services.shutdown.cancelled() => break,
            () = changes.next() => tokio::time::sleep(SETTLE).await,
            () = tokio::time::sleep(SWEEP) => {}
            () = tokio::time::sleep_until(due.into()) => {}
            () = services.renew_key.notified() => schedule.demanded(),
        }
        schedule = schedule.load(&shell).await;
    }
    shell.queue.close();
    // Passes under way end in milliseconds, and their writes are whole or not there.
    while workers.join_next().await.is_some() {}
    drop(running);
    Ok(Ended::Well)
}
