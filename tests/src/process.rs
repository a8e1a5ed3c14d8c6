//! Child processes that cannot outlive the tests.
//!
//! Three ways lead to the end of a child: [`Process`] is dropped; it is ended on purpose; or the test process
//! itself goes away, in whatever manner, and the kernel kills the child (`setpriv --pdeathsig`, prctl(2)
//! `PR_SET_PDEATHSIG`). The last one also reaches children that are stopped, and those of statics, which are never
//! dropped.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{LazyLock, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, kill_process_group};

pub use rustix::process::Signal;

use crate::wait::{Fatal, eventually};

/// Lines of a log that are worth showing when a test fails.
const TAIL: usize = 40;

/// A command that the kernel ends together with the test process. Arguments are added to it as to any other.
pub fn tied(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// A child process in a group of its own, with both output streams in one log file.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`, usually a [`tied`] one; `name` is for messages. The log is appended to.
    pub fn spawn(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        let output = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("cannot open the log {}", log.display()))?;
        command
            .stdin(Stdio::null())
            .stdout(
                output
                    .try_clone()
                    .context("cannot share the log between two streams")?,
            )
            .stderr(output)
            // Ctrl-C in a terminal is for the tests alone; they take their children with them in order.
            .process_group(0);
        let program = command.get_program().to_owned();
        let child = spawn_from_lasting_thread(command).with_context(|| {
            format!(
                "cannot start {name}: `{}` (util-linux installs setpriv and unshare)",
                program.display()
            )
        })?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
        })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child
            .try_wait()
            .with_context(|| format!("cannot ask for the state of {}", self.name))
    }

    /// For use in a probe: a [`Fatal`] error with the end of the log when the process is gone.
    pub fn still_runs(&mut self) -> Result<()> {
        match self.ended()? {
            None => Ok(()),
            Some(status) => Err(Fatal(format!(
                "{} ended with {status}\n{}",
                self.name,
                self.tail()
            ))
            .into()),
        }
    }

    /// Stops the process with SIGSTOP and returns when each of its threads stands still: a thread that was running when
    /// the signal came may go on for a moment and answer one more request.
    pub fn freeze(&self) -> Result<()> {
        self.signal(Signal::STOP)?;
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.stands_still()? {
            ensure!(Instant::now() < deadline, "{} does not stop", self.name);
            std::thread::yield_now();
        }
        Ok(())
    }

    /// Whether the kernel calls every thread stopped: the field behind the name in parentheses (proc(5)).
    fn stands_still(&self) -> Result<bool> {
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.pid()))? {
            let stat = std::fs::read_to_string(thread?.path().join("stat"))?;
            let state = stat
                .rsplit_once(") ")
                .and_then(|(_, rest)| rest.chars().next());
            if state != Some('T') {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Sends a signal to the process and to all it started.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill_process_group(self.group()?, signal)
            .with_context(|| format!("cannot send {signal:?} to {}", self.name))
    }

    /// Ends it with SIGKILL.
    pub fn kill(&mut self) -> Result<()> {
        if self.ended()?.is_none() {
            self.signal(Signal::KILL)?;
            self.child
                .wait()
                .with_context(|| format!("cannot wait for {}", self.name))?;
        }
        Ok(())
    }

    /// Ends it with SIGTERM, as a kubelet does, and gives its exit status.
    pub async fn terminate(&mut self, grace: Duration) -> Result<ExitStatus> {
        if self.ended()?.is_none() {
            self.signal(Signal::TERM)?;
        }
        let name = format!("{} ends after SIGTERM", self.name);
        eventually(&name, grace, async || self.ended()?.context("it runs")).await
    }

    /// All it has written so far, both streams.
    pub fn log(&self) -> String {
        read(&self.log)
    }

    /// The last lines of its log under a heading.
    pub fn tail(&self) -> String {
        tail(&self.log)
    }

    fn group(&self) -> Result<Pid> {
        i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .context("a child's id is a positive i32")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nothing is left to be done about a child that cannot be killed.
        self.kill().ok();
    }
}

/// The last lines of a log under a heading.
pub(crate) fn tail(log: &Path) -> String {
    let text = read(log);
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(TAIL)..].join("\n");
    format!("end of {}\n{tail}\n", log.display())
}

fn read(log: &Path) -> String {
    std::fs::read(log).map_or_else(
        |error| format!("cannot read {}: {error}", log.display()),
        |bytes| String::from_utf8_lossy(&bytes).into_owned(),
    )
}

/// The kernel watches the *thread* that made the child, not its process, and a test's thread ends with the test while
/// a shared cluster goes on: so one thread that never ends makes all children.
fn spawn_from_lasting_thread(command: Command) -> io::Result<Child> {
    type Job = (Command, mpsc::Sender<io::Result<Child>>);
    static SPAWNER: LazyLock<mpsc::Sender<Job>> = LazyLock::new(|| {
        let (jobs, queue) = mpsc::channel::<Job>();
        std::thread::spawn(move || {
            for (mut command, answer) in queue {
                answer.send(command.spawn()).ok();
            }
        });
        jobs
    });
    let (answer, result) = mpsc::channel();
    SPAWNER.send((command, answer)).map_err(io::Error::other)?;
    result.recv().map_err(io::Error::other)?
}

/// A loopback port that nothing listens on.
///
/// From below the range the kernel takes for outgoing connections, of which a control plane has many, and never the
/// same twice in one process: between this look and the use there is a gap.
pub fn free_port() -> Result<u16> {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 10_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Another test process begins its search elsewhere.
    let start = u16::try_from(std::process::id() * 37 % u32::from(COUNT)).unwrap_or_default();
    for _ in 0..COUNT {
        let port = FIRST + (start + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT;
        if std::net::TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return Ok(port);
        }
    }
    anyhow::bail!("all ports from {FIRST} to {} are taken", FIRST + COUNT - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, directory: &Path) -> Process {
        let mut command = tied("sh");
        command.args(["-c", script]);
        Process::spawn("script", command, &directory.join("log")).unwrap()
    }

    fn alive(pid: u32) -> bool {
        // A process that ended but is not waited for is still listed: its state is Z.
        std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[tokio::test]
    async fn a_child_of_an_ended_thread_goes_on_and_ends_with_its_guard() -> Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().to_owned();
        let child = std::thread::spawn(move || shell("exec sleep 600", &path))
            .join()
            .unwrap();
        crate::throughout("it runs", Duration::from_millis(300), async || {
            anyhow::ensure!(alive(child.pid()));
            Ok(())
        })
        .await?;
        let pid = child.pid();
        drop(child);
        assert!(!alive(pid));
        Ok(())
    }

    #[tokio::test]
    async fn a_stopped_child_ends_with_its_guard() -> Result<()> {
        let directory = tempfile::tempdir()?;
        let child = shell("exec sleep 600", directory.path());
        child.signal(Signal::STOP)?;
        let pid = child.pid();
        drop(child);
        assert!(!alive(pid));
        Ok(())
    }

    #[tokio::test]
    async fn termination_gives_the_exit_status() -> Result<()> {
        let directory = tempfile::tempdir()?;
        let mut child = shell(
            "trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done",
            directory.path(),
        );
        eventually("the trap is set", Duration::from_secs(5), async || {
            anyhow::ensure!(child.log().contains("ready"));
            Ok(())
        })
        .await?;
        assert_eq!(
            child.terminate(Duration::from_secs(5)).await?.code(),
            Some(7)
        );
        Ok(())
    }

    #[tokio::test]
    async fn the_end_of_a_process_is_fatal_and_shows_its_log() -> Result<()> {
        let directory = tempfile::tempdir()?;
        let mut child = shell("echo out of milk >&2; exit 3", directory.path());
        let error = eventually("it fetches milk", Duration::from_secs(30), async || {
            child.still_runs()?;
            anyhow::bail!("not back yet")
        });
        let text = format!("{:#}", error.await.map(|()| "came back").unwrap_err());
        assert!(
            text.contains("exit status: 3") && text.contains("out of milk"),
            "{text}"
        );
        Ok(())
    }
}
