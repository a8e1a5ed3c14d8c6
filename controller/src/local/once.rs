//! `--once`: settle everything, say how it went, end.

use std::sync::Arc;

use futures::StreamExt;

use super::key_schedule::KeySchedule;
use super::shell::{Progress, Shell};
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
    let shutdown = shell.services.shutdown.clone();
    tokio::select! {
        () = pass_over_all(&shell) => {}
        () = shutdown.cancelled() => anyhow::bail!("stopped before everything was settled"),
    }
    drop(schedule);
    let (text, ended) = report(&shell);
    crate::program::print(&text)?;
    Ok(ended)
}

/// One pass over each object.
pub(super) async fn pass_over_all(shell: &Arc<Shell>) {
    let keys = shell.progress().into_iter().map(|(key, _)| key);
    let passes = futures::stream::iter(keys).for_each_concurrent(WORKERS, |key| async move {
        shell.pass(&key).await;
    });
    passes.await;
}

pub(super) fn report(shell: &Shell) -> (String, Ended) {
    let mut ended = Ended::Well;
    let mut lines = String::new();
    for (key, progress) in shell.progress() {
        let line = match progress {
            Progress::Ended(Outcome::Synced | Outcome::Drifted(_)) => format!("ok {key}"),
            Progress::Paused => format!("paused {key}"),
            Progress::Ended(Outcome::Failed(failure)) => {
                ended = Ended::WithFailures;
                format!("failed {key}: {}", one_line(&failure.message))
            }
            Progress::Unfinished => {
                ended = Ended::WithFailures;
                format!("failed {key}: not worked on to the end; the log says why")
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
    use super::super::reconcile::tests::Site;
    use super::*;

    #[tokio::test]
    async fn only_what_is_paused_is_called_so() {
        let mut site = Site::new();
        site.put(
            "sealed/a.yaml",
            &Site::object("a", "{seal-tool/paused: \"true\"}", "{}"),
        );
        assert_eq!(
            site.once().await,
            ("paused web/a\n".to_owned(), Ended::Well)
        );
        site.put("sealed/b.yaml", &Site::object("b", "{}", "{}"));
        Site::panic_once();
        let (told, ended) = site.once().await;
        assert_eq!(
            (told.as_str(), ended),
            (
                "paused web/a\nfailed web/b: not worked on to the end; the log says why\n",
                Ended::WithFailures
            )
        );
        let told = site.once().await;
        assert_eq!(told, ("paused web/a\nok web/b\n".to_owned(), Ended::Well));
    }

    #[test]
    fn a_message_stays_on_its_line_and_drives_no_terminal() {
        assert_eq!(one_line("a\nb\u{1b}[31m é"), "a; b\\u{1b}[31m é");
    }
}
