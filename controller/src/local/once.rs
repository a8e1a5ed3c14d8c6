//! `--once`: settle everything, say how it went, end.

use std::sync::Arc;

use futures::StreamExt;

use super::key_schedule::KeySchedule;
use super::shell::Shell;
use super::{Sweeper, WORKERS, sweep};
use crate::outcome::Outcome;
use crate::program::Ended;

/// One line for each object and each file that cannot be read, on stdout; nothing else is printed there.
pub(super) async fn settle(
    shell: Arc<Shell>,
    sweeper: Sweeper,
    schedule: KeySchedule,
) -> anyhow::Result<Ended> {
    let schedule = schedule.load(&shell).await;
    let schedule = schedule.start(&shell).await;
    sweep(sweeper, &shell).await;
    let keys: Vec<_> = shell.outcomes().into_iter().map(|(key, _)| key).collect();
    let passes = futures::stream::iter(keys).for_each_concurrent(WORKERS, |key| {
        let shell = Arc::clone(&shell);
        async move {
            shell.pass(&key).await;
        }
    });
    let shutdown = shell.services.shutdown.clone();
    tokio::select! {
        () = passes => {}
        () = shutdown.cancelled() => anyhow::bail!("stopped before everything was settled"),
    }
    drop(schedule);
    let (text, ended) = report(&shell);
    crate::program::print(&text)?;
    Ok(ended)
}

fn report(shell: &Shell) -> (String, Ended) {
    let mut ended = Ended::Well;
    let mut lines = String::new();
    for (key, outcome) in shell.outcomes() {
        let line = match outcome {
            Some(Outcome::Synced) => format!("ok {key}"),
            None => format!("paused {key}"),
            Some(Outcome::Failed(failure)) => {
                ended = Ended::WithFailures;
                format!("failed {key}: {}", one_line(&failure.message))
            }
        };
        lines = lines + &line + "\n";
    }
    for fault in shell.faults() {
        ended = Ended::WithFailures;
        lines = lines + "failed " + &one_line(&fault) + "\n";
    }
    (lines, ended)
}

/// Messages hold names from files, which may hold anything: no line breaks, no terminal controls.
fn one_line(text: &str) -> String {
    let parts: Vec<&str> = text.lines().collect();
    let line = parts.join("; ");
    line.chars()
        .flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            escaped
                .into_iter()
                .flatten()
                .chain((!c.is_control()).then_some(c))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_stays_on_its_line_and_drives_no_terminal() {
        assert_eq!(one_line("a\nb\u{1b}[31m é"), "a; b\\u{1b}[31m é");
    }
}
