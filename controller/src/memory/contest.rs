//! Somebody else wants a Secret to be otherwise: how often it is written again.
//!
//! Without this, another controller or a script that deletes or changes the Secret would be answered at the speed of
//! the watch, for ever.

use std::time::{Duration, Instant};

/// So often within [`WINDOW`] a Secret is written again without a pause.
const FREE: usize = 3;
/// What happened longer ago than this has nothing to do with what happens now.
const WINDOW: Duration = Duration::from_mins(10);
/// The first pause between two rewrites; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(10);
/// The longest pause.
const LONGEST: Duration = Duration::from_hours(1);

/// The rewrites of one Secret while its SealedSecret stays the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Contest {
    /// The last ones, oldest first.
    recent: Vec<Instant>,
    /// Between the last one and the next; none while there were few.
    pause: Option<Duration>,
}

impl Contest {
    /// The Secret was written again. Returns whether pauses begin with this.
    pub(super) fn rewritten(&mut self, now: Instant) -> bool {
        let calm = WINDOW + self.pause.unwrap_or_default();
        self.recent
            .retain(|then| now.saturating_duration_since(*then) < calm);
        if self.recent.is_empty() {
            self.pause = None;
        }
        if let Some(pause) = self.pause {
            self.pause = Some(pause.saturating_mul(2).min(LONGEST));
            self.recent = vec![now];
            return false;
        }
        self.recent.push(now);
        self.pause = (self.recent.len() >= FREE).then_some(FIRST);
        self.pause.is_some()
    }

    /// If a rewrite now begins pauses or comes between them: how long nobody must want another
    /// before they are over.
    pub(super) fn calm_after_rewrite(&self, now: Instant) -> Option<Duration> {
        let mut then = self.clone();
        then.rewritten(now);
        then.pause.map(|pause| WINDOW + pause)
    }

    /// How long the next rewrite has to wait.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        let next = self.recent.last().copied().zip(self.pause);
        next.map_or(Duration::ZERO, |(last, pause)| {
            (last + pause).saturating_duration_since(now)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody undoes every rewrite at once: the seconds between the rewrites.
    fn intervals(contest: &mut Contest, now: &mut Instant, rewrites: u32) -> Vec<u64> {
        let one = |_| {
            let wait = contest.wait(*now);
            *now += wait;
            contest.rewritten(*now);
            wait.as_secs()
        };
        (0..rewrites).map(one).collect()
    }

    #[test]
    fn three_rewrites_are_free_and_the_next_wait_longer_and_longer() {
        let (mut contest, mut now) = (Contest::default(), Instant::now());
        assert_eq!(
            intervals(&mut contest, &mut now, 14),
            [
                0, 0, 0, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600
            ]
        );
    }

    #[test]
    fn the_beginning_is_told_once() {
        let (mut contest, now) = (Contest::default(), Instant::now());
        let told = [0, 1, 2, 12, 32].map(|at| contest.rewritten(now + Duration::from_secs(at)));
        assert_eq!(told, [false, false, true, false, false]);
    }

    #[test]
    fn it_is_known_beforehand_what_a_rewrite_begins() {
        let (mut contest, now) = (Contest::default(), Instant::now());
        for expected in [None, None, Some(WINDOW + FIRST), Some(WINDOW + FIRST * 2)] {
            assert_eq!(contest.calm_after_rewrite(now), expected);
            contest.rewritten(now);
        }
        let calm = contest.calm_after_rewrite(now).expect("pauses are on");
        assert_eq!(contest.calm_after_rewrite(now + calm), None);
    }

    #[test]
    fn seldom_rewrites_are_never_delayed() {
        let (mut contest, mut now) = (Contest::default(), Instant::now());
        for _ in 0..20 {
            now += Duration::from_mins(6);
            assert!(!contest.rewritten(now));
            assert_eq!(contest.wait(now), Duration::ZERO);
        }
    }

    #[test]
    fn after_a_calm_time_it_begins_anew() {
        let (mut contest, mut now) = (Contest::default(), Instant::now());
        intervals(&mut contest, &mut now, 6);
        now += contest.pause.unwrap_or_default() + WINDOW;
        assert_eq!(intervals(&mut contest, &mut now, 4), [0, 0, 0, 10]);
    }
}
