//! What a process cost: wall time, CPU time, peak memory.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::time::{ClockId, clock_gettime};

/// The cost of one run of a program.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// From start to end.
    pub(crate) wall: Duration,
    /// User and system time together.
    pub(crate) cpu: Duration,
    /// Peak resident memory in KiB.
    pub(crate) peak_kib: u64,
}

impl Cost {
    /// The median of each figure by itself, so that one disturbed run does not decide.
    pub(crate) fn median(runs: &[Self]) -> Self {
        Self {
            wall: median(runs.iter().map(|run| run.wall)),
            cpu: median(runs.iter().map(|run| run.cpu)),
            peak_kib: median(runs.iter().map(|run| run.peak_kib)),
        }
    }
}

/// The middle one of `values`; the lower of two middles. The default of an empty list.
pub(crate) fn median<T: Ord + Default>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    let middle = values.len().saturating_sub(1) / 2;
    values.into_iter().nth(middle).unwrap_or_default()
}

/// Runs `program arguments < input > /dev/null` to its end and measures it.
///
/// The kernel accounts ended children together and keeps only the largest peak, so each run gets a parent of its own: this
/// binary again, as `bench run-one`.
pub(crate) fn run(program: &Path, arguments: &[&str], input: &Path) -> Result<Cost> {
    let output = Command::new(std::env::current_exe().context("cannot find this program")?)
        .arg(RUN_ONE)
        .arg(program)
        .args(arguments)
        .stdin(File::open(input).with_context(|| format!("cannot open {}", input.display()))?)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start the measuring process")?;
    ensure!(output.status.success(), "{} failed", program.display());
    let text =
        String::from_utf8(output.stdout).context("the measuring process printed something else")?;
    let figures: Vec<u64> = text
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let [wall, cpu, peak_kib] = figures[..] else {
        bail!("the measuring process printed {text:?}")
    };
    Ok(Cost {
        wall: Duration::from_micros(wall),
        cpu: Duration::from_micros(cpu),
        peak_kib,
    })
}

/// The hidden first argument that makes this binary the parent of one measured run.
pub(crate) const RUN_ONE: &str = "run-one";

/// Runs one program with this process's standard input and returns the line that [`run`] reads.
pub(crate) fn run_one(program: &str, arguments: &[String]) -> Result<String> {
    let start = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("cannot start {program}"))?;
    let wall = start.elapsed();
    ensure!(status.success(), "{program}: {status}");
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = micros(usage.user_time()) + micros(usage.system_time());
    Ok(format!("{} {cpu} {}", wall.as_micros(), usage.max_rss()))
}

fn micros(time: nix::sys::time::TimeVal) -> i64 {
    time.tv_sec() * 1_000_000 + time.tv_usec()
}

/// What a running process has cost so far; `wall` is left to the caller.
pub(crate) fn so_far(pid: u32) -> Result<Cost> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is the program's name in parentheses and may hold blanks; times are the 14th and 15th.
    let (_, rest) = stat
        .rsplit_once(") ")
        .context("unreadable /proc/PID/stat")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let ticks: u64 = fields
        .get(11..=12)
        .context("short /proc/PID/stat")?
        .iter()
        .map(|f| f.parse::<u64>())
        .sum::<Result<_, _>>()?;
    Ok(Cost {
        wall: Duration::ZERO,
        cpu: Duration::from_millis(ticks * 10),
        peak_kib: status_kib(pid, "VmHWM:")?,
    })
}

/// What a running process holds in memory at this moment, in KiB.
pub(crate) fn resident_kib(pid: u32) -> Result<u64> {
    status_kib(pid, "VmRSS:")
}

fn status_kib(pid: u32, field: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let value = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.trim().strip_suffix(" kB"));
    Ok(value
        .with_context(|| format!("no {field} in /proc/PID/status"))?
        .parse()?)
}

/// How many processors there are to share work.
pub(crate) fn cores() -> Result<u32> {
    Ok(u32::try_from(std::thread::available_parallelism()?.get())?)
}

/// CPU time of the calling thread: what one operation costs, whatever else the machine does.
pub(crate) fn thread_cpu() -> Result<Duration> {
    Ok(Duration::from(clock_gettime(
        ClockId::CLOCK_THREAD_CPUTIME_ID,
    )?))
}
