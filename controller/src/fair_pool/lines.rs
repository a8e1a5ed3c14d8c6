//! Who waits, and whose turn it is: the rules of the pool, without any thread.

use std::collections::{BTreeMap, VecDeque};

use super::{HTTP_WAITING, Job, LaneLoad, PoolLoad};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Http,
    /// Of this namespace.
    Reconcile(String),
}

/// Everybody who waits, and who is served.
pub(super) struct Lines {
    namespaces: BTreeMap<String, VecDeque<Job>>,
    turns: VecDeque<String>,
    /// How many threads each namespace holds.
    running: BTreeMap<String, usize>,
    per_namespace: usize,
    http: VecDeque<Job>,
    threads: usize,
    http_running: usize,
    http_limit: usize,
    http_was_last: bool,
    pub(super) ended: u64,
    pub(super) closed: bool,
}

impl Lines {
    pub(super) fn new(threads: usize, per_namespace: usize) -> Self {
        Self {
            namespaces: BTreeMap::new(),
            turns: VecDeque::new(),
            running: BTreeMap::new(),
            per_namespace,
            http: VecDeque::new(),
            threads,
            http_running: 0,
            http_limit: (threads / 2).max(1),
            http_was_last: false,
            ended: 0,
            closed: false,
        }
    }

    pub(super) fn add(&mut self, namespace: &str, job: Job) {
        if let Some(line) = self.namespaces.get_mut(namespace) {
            line.push_back(job);
        } else {
            self.turns.push_back(namespace.to_owned());
            self.namespaces
                .insert(namespace.to_owned(), VecDeque::from([job]));
        }
    }

    pub(super) fn add_http(&mut self, job: Job) -> bool {
        let room = self.http.len() < HTTP_WAITING;
        if room {
            self.http.push_back(job);
        }
        room
    }

    /// The next job. HTTP and reconciling alternate while both wait, which is what shares a
    /// single thread; with more, the limit leaves at least half of them to reconciling.
    pub(super) fn take(&mut self) -> Option<(Job, Line)> {
        let turn = self.turns.iter().position(|namespace| {
            let held = self.running.get(namespace).copied().unwrap_or(0);
            held < self.per_namespace
        });
        let http_may = self.http_running < self.http_limit;
        let http_first = http_may && (!self.http_was_last || turn.is_none());
        let http = if http_first {
            self.http.pop_front()
        } else {
            None
        };
        let (job, line) = if let Some(job) = http {
            (job, Line::Http)
        } else {
            let (job, namespace) = self.take_reconcile(turn?)?;
            (job, Line::Reconcile(namespace))
        };
        self.http_was_last = line == Line::Http;
        match &line {
            Line::Http => self.http_running += 1,
            Line::Reconcile(namespace) => {
                *self.running.entry(namespace.clone()).or_default() += 1;
            }
        }
        Some((job, line))
    }

    /// The first job of the namespace at this place among the turns.
    fn take_reconcile(&mut self, turn: usize) -> Option<(Job, String)> {
        let namespace = self.turns.remove(turn)?;
        let waiting = self.namespaces.get_mut(&namespace)?;
        let job = waiting.pop_front()?;
        if waiting.is_empty() {
            self.namespaces.remove(&namespace);
        } else {
            self.turns.push_back(namespace.clone());
        }
        Some((job, namespace))
    }

    pub(super) fn finished(&mut self, line: &Line) {
        match line {
            Line::Http => self.http_running -= 1,
            Line::Reconcile(namespace) => {
                self.ended = self.ended.wrapping_add(1);
                if let Some(held) = self.running.get_mut(namespace) {
                    *held = held.saturating_sub(1);
                    if *held == 0 {
                        self.running.remove(namespace);
                    }
                }
            }
        }
    }

    pub(super) fn load(&self) -> PoolLoad {
        PoolLoad {
            threads: self.threads,
            reconcile: LaneLoad {
                running: self.running.values().sum(),
                waiting: self.namespaces.values().map(VecDeque::len).sum(),
            },
            http: LaneLoad {
                running: self.http_running,
                waiting: self.http.len(),
            },
        }
    }

    /// Drops what waits, which tells every caller.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.namespaces.clear();
        self.turns.clear();
        self.http.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Runs what waits in the lines on this thread, in the order the rules give.
    fn order(lines: &mut Lines, log: &mpsc::Receiver<&'static str>) -> Vec<&'static str> {
        while let Some((job, line)) = lines.take() {
            job();
            lines.finished(&line);
        }
        log.try_iter().collect()
    }

    fn noting(log: &mpsc::Sender<&'static str>, name: &'static str) -> Job {
        let log = log.clone();
        Box::new(move || log.send(name).expect("the test listens"))
    }

    #[test]
    fn the_load_tells_what_runs_and_what_waits_in_each_lane() {
        let mut lines = Lines::new(4, 4);
        lines.add("a", Box::new(|| {}));
        lines.add("b", Box::new(|| {}));
        assert!(lines.add_http(Box::new(|| {})));
        let lane = |running, waiting| LaneLoad { running, waiting };
        let first = lines.take().map(|(_, line)| line);
        assert_eq!(first, Some(Line::Http));
        let second = lines.take().map(|(_, line)| line);
        let of_a = Line::Reconcile("a".to_owned());
        assert_eq!(second.as_ref(), Some(&of_a));
        let load = lines.load();
        assert_eq!(load.threads, 4);
        assert_eq!((load.http, load.reconcile), (lane(1, 0), lane(1, 1)));
        lines.finished(&Line::Http);
        lines.finished(&of_a);
        let load = lines.load();
        assert_eq!((load.http, load.reconcile), (lane(0, 0), lane(0, 1)));
    }

    #[test]
    fn namespaces_take_turns_value_by_value() {
        let (log, logged) = mpsc::channel();
        let mut lines = Lines::new(2, 2);
        for _ in 0..4 {
            lines.add("hostile", noting(&log, "hostile"));
        }
        lines.add("healthy", noting(&log, "healthy"));
        assert_eq!(
            order(&mut lines, &logged),
            ["hostile", "healthy", "hostile", "hostile", "hostile"]
        );
        assert_eq!(lines.ended, 5);
    }

    #[test]
    fn a_namespace_leaves_a_thread_to_the_others() {
        let mut lines = Lines::new(2, 1);
        for namespace in ["hostile", "hostile", "healthy"] {
            lines.add(namespace, Box::new(|| ()));
        }
        let mut next = || lines.take().map(|(_, line)| line);
        let [hostile, healthy] = ["hostile", "healthy"].map(|name| Line::Reconcile(name.into()));
        assert_eq!(next().as_ref(), Some(&hostile));
        assert_eq!(next().as_ref(), Some(&healthy));
        // A thread is free, but not for what is left.
        assert_eq!(next(), None);
        lines.finished(&healthy);
        assert!(lines.take().is_none());
        // Strangers may have it.
        lines.http_was_last = true;
        assert!(lines.add_http(Box::new(|| ())));
        assert!(lines.take().is_some_and(|(_, line)| line == Line::Http));
        lines.finished(&hostile);
        assert!(lines.take().is_some_and(|(_, line)| line == hostile));
    }

    #[test]
    fn http_and_reconciling_share_a_single_thread() {
        let (log, logged) = mpsc::channel();
        let mut lines = Lines::new(1, 1);
        for _ in 0..3 {
            lines.add("a", noting(&log, "reconcile"));
            assert!(lines.add_http(noting(&log, "http")));
        }
        assert_eq!(
            order(&mut lines, &logged),
            [
                "http",
                "reconcile",
                "http",
                "reconcile",
                "http",
                "reconcile"
            ]
        );
    }

    #[test]
    fn http_never_has_more_than_half_of_the_threads() {
        let mut lines = Lines::new(4, 4);
        for _ in 0..10 {
            assert!(lines.add_http(Box::new(|| ())));
        }
        let taken = std::iter::from_fn(|| lines.take()).count();
        assert_eq!(taken, 2);
        lines.finished(&Line::Http);
        assert_eq!(lines.ended, 0, "strangers are no progress");
        assert!(lines.take().is_some());
        assert!(lines.take().is_none());
    }
}
