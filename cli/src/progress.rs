//! How far a long job is, for a person at a terminal.

use std::mem;
use std::time::{Duration, Instant};

use crate::environment::Environment;
use crate::io::Talk;

/// What is over before that needs no word.
const PATIENCE: Duration = Duration::from_secs(1);

/// A line that replaces itself, and is gone when the job is done.
pub(crate) struct Progress<'t, 'io> {
    talk: &'t mut Talk<'io>,
    is_wanted: bool,
    begun: Instant,
    is_shown: bool,
}

impl<'t, 'io> Progress<'t, 'io> {
    /// Of a job that begins now. Nobody but a person at a terminal is told.
    pub(crate) fn of(environment: &Environment, talk: &'t mut Talk<'io>) -> Self {
        Self {
            talk,
            is_wanted: environment.stderr_is_terminal,
            begun: Instant::now(),
            is_shown: false,
        }
    }

    /// For what has to be said meanwhile, on a line of its own.
    pub(crate) fn talk(&mut self) -> &mut Talk<'io> {
        if mem::take(&mut self.is_shown) {
            self.talk.replace("");
        }
        self.talk
    }

    /// Shows `line` in place of the one before.
    pub(crate) fn show(&mut self, line: &str) {
        if self.is_wanted && self.begun.elapsed() >= PATIENCE {
            self.is_shown = true;
            self.talk.replace(line);
        }
    }
}

impl Drop for Progress<'_, '_> {
    fn drop(&mut self) {
        if self.is_shown {
            self.talk.replace("");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(is_wanted: bool, ago: Duration) -> String {
        let mut text = Vec::new();
        let mut talk = Talk(&mut text);
        let mut progress = Progress {
            talk: &mut talk,
            is_wanted,
            begun: Instant::now().checked_sub(ago).unwrap(),
            is_shown: false,
        };
        progress.show("7 of 9");
        progress.talk().say("note");
        progress.show("8 of 9");
        drop(progress);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_long_job_is_told_at_a_terminal_and_leaves_nothing_behind() {
        assert_eq!(
            shown(true, PATIENCE),
            "\r\u{1b}[K7 of 9\r\u{1b}[Knote\n\r\u{1b}[K8 of 9\r\u{1b}[K"
        );
        assert_eq!(shown(true, Duration::ZERO), "note\n");
        assert_eq!(shown(false, PATIENCE), "note\n");
    }
}
