use proptest::prelude::*;

use super::*;

const NOBODY: f64 = 0.5;
/// More than any test has passes under way: who may have how many does not show.
const MANY: usize = 1_000;

fn key(text: &str) -> ObjectKey {
    let (namespace, name) = text.split_once('/').expect("namespace/name");
    ObjectKey::new(namespace, name)
}

fn queue() -> (Queue, Instant) {
    (Queue::new(Backoff::default(), MANY), Instant::now())
}

fn drain(queue: &mut Queue, now: Instant) -> Vec<String> {
    std::iter::from_fn(|| queue.pop(now))
        .map(|key| key.to_string())
        .collect()
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[test]
fn an_object_added_twice_is_handed_out_once() {
    let (mut queue, now) = queue();
    queue.add(key("a/x"), Urgency::Change, now);
    queue.add(key("a/x"), Urgency::Backlog, now);
    assert_eq!(drain(&mut queue, now), ["a/x"]);
}

#[test]
fn an_object_is_never_worked_on_twice_at_once() {
    let (mut queue, now) = queue();
    queue.add(key("a/x"), Urgency::Change, now);
    assert_eq!(queue.pop(now), Some(key("a/x")));
    queue.add(key("a/x"), Urgency::Change, now);
    assert_eq!(queue.pop(now), None);
    queue.done(&key("a/x"), Verdict::Settled, now, NOBODY);
    assert_eq!(queue.pop(now), Some(key("a/x")));
}

#[test]
fn a_settled_object_leaves_nothing_behind() {
    let (mut queue, now) = queue();
    queue.add(key("a/x"), Urgency::Change, now);
    queue.pop(now);
    queue.done(&key("a/x"), Verdict::Settled, now, NOBODY);
    assert_eq!(queue.load(), Load::default());
    assert!(queue.entries.is_empty());
}

#[test]
fn namespaces_take_turns() {
    let (mut queue, now) = queue();
    for name in ["a/1", "a/2", "a/3", "b/1", "c/1", "c/2"] {
        queue.add(key(name), Urgency::Backlog, now);
    }
    assert_eq!(
        drain(&mut queue, now),
        ["a/1", "b/1", "c/1", "a/2", "c/2", "a/3"]
    );
}

#[test]
fn a_change_goes_before_the_backlog() {
    let (mut queue, now) = queue();
    for name in ["a/1", "a/2", "b/1"] {
        queue.add(key(name), Urgency::Backlog, now);
    }
    queue.add(key("z/new"), Urgency::Change, now);
    queue.add(key("a/2"), Urgency::Change, now);
    assert_eq!(drain(&mut queue, now), ["a/2", "z/new", "a/1", "b/1"]);
}

#[test]
fn a_flood_of_changes_does_not_stop_the_backlog() {
    let (mut queue, now) = queue();
    queue.add(key("quiet/app"), Urgency::Backlog, now);
    for number in 0..20 {
        queue.add(key(&format!("busy/{number}")), Urgency::Change, now);
    }
    let order = drain(&mut queue, now);
    assert_eq!(
        order.iter().position(|name| name == "quiet/app"),
        Some(CHANGES_IN_A_ROW as usize)
    );
}

#[test]
fn what_is_due_earlier_comes_first_whatever_was_added_first() {
    let (mut queue, now) = queue();
    queue.add(key("a/late"), Urgency::Backlog, now + millis(20));
    queue.add(key("a/soon"), Urgency::Backlog, now + millis(10));
    assert_eq!(queue.pop(now), None);
    assert_eq!(queue.next_due(), Some(now + millis(10)));
    assert_eq!(drain(&mut queue, now + millis(20)), ["a/soon", "a/late"]);
}

#[test]
fn a_later_request_does_not_delay_an_earlier_one() {
    let (mut queue, now) = queue();
    queue.add(key("a/x"), Urgency::Backlog, now);
    queue.add(key("a/x"), Urgency::Change, now + millis(1_000));
    assert_eq!(queue.pop(now), Some(key("a/x")));
}

#[test]
fn a_request_made_for_later_while_running_is_kept_for_later() {
    let (mut queue, now) = queue();
    queue.add(key("a/x"), Urgency::Change, now);
    queue.pop(now);
    queue.add(key("a/x"), Urgency::Change, now + millis(1_000));
    queue.done(&key("a/x"), Verdict::Settled, now, NOBODY);
    assert_eq!(queue.next_due(), Some(now + millis(1_000)));
}

#[test]
fn failures_wait_longer_each_time_and_success_forgets_them() {
    let (mut queue, mut now) = queue();
    queue.add(key("a/x"), Urgency::Change, now);
    let mut waits = Vec::new();
    for _ in 0..3 {
        queue.pop(now).expect("due");
        queue.done(&key("a/x"), Verdict::Retry(Pace::Fast), now, NOBODY);
        let due = queue.next_due().expect("retried");
        waits.push((due - now).as_millis());
        now = due;
    }
    assert_eq!(waits, [5, 10, 20]);
    queue.pop(now).expect("due");
    queue.done(&key("a/x"), Verdict::After(millis(7)), now, NOBODY);
    now += millis(7);
    queue.pop(now).expect("due");
    queue.done(&key("a/x"), Verdict::Retry(Pace::Fast), now, NOBODY);
    assert_eq!(queue.next_due(), Some(now + millis(5)));
}

#[test]
fn a_change_forgets_the_failures() {
    let (mut queue, now) = queue();
    queue.add(key("a/x"), Urgency::Change, now);
    for _ in 0..9 {
        queue.add(key("a/x"), Urgency::Change, now);
        queue.pop(now).expect("due");
        queue.done(&key("a/x"), Verdict::Retry(Pace::Fast), now, NOBODY);
        assert_eq!(queue.next_due(), Some(now + millis(5)));
    }
}

#[test]
fn a_failing_object_delays_nobody_else() {
    let (mut queue, now) = queue();
    queue.add(key("a/broken"), Urgency::Change, now);
    queue.pop(now);
    queue.done(&key("a/broken"), Verdict::Retry(Pace::Slow), now, NOBODY);
    queue.add(key("a/healthy"), Urgency::Backlog, now);
    assert_eq!(queue.pop(now), Some(key("a/healthy")));
}

#[test]
fn a_forgotten_object_is_not_handed_out() {
    let (mut queue, now) = queue();
    queue.add(key("a/running"), Urgency::Change, now);
    queue.pop(now).expect("due");
    queue.add(key("a/running"), Urgency::Change, now);
    queue.add(key("a/ready"), Urgency::Change, now);
    queue.promote(now);
    queue.add(key("a/later"), Urgency::Change, now + millis(5));
    for name in ["a/running", "a/ready", "a/later"] {
        queue.forget(&key(name));
    }
    queue.done(&key("a/running"), Verdict::Settled, now, NOBODY);
    assert_eq!(queue.pop(now + millis(5)), None);
    assert_eq!(queue.load(), Load::default());
}

#[test]
fn the_load_counts_every_object_once() {
    let (mut queue, now) = queue();
    for name in ["a/running", "a/ready"] {
        queue.add(key(name), Urgency::Change, now);
    }
    queue.add(key("b/later"), Urgency::Change, now + millis(5));
    queue.pop(now);
    let expected = Load {
        ready: 1,
        later: 1,
        running: 1,
    };
    assert_eq!(queue.load(), expected);
}

#[test]
fn passes_that_do_not_end_leave_workers_to_other_namespaces() {
    let now = Instant::now();
    let mut queue = Queue::new(Backoff::default(), 8);
    for number in 0..20 {
        for namespace in ["hostile", "hostile-too"] {
            queue.add(key(&format!("{namespace}/{number}")), Urgency::Change, now);
        }
    }
    let held = drain(&mut queue, now);
    assert!(held.len() < 8, "{held:?}");
    for urgency in [Urgency::Change, Urgency::Backlog] {
        queue.add(key("healthy/app"), urgency, now);
        assert_eq!(queue.pop(now), Some(key("healthy/app")));
        queue.done(&key("healthy/app"), Verdict::Settled, now, NOBODY);
    }
    assert_eq!(queue.pop(now), None, "the rest has to wait for its own");

    queue.done(&key("hostile/0"), Verdict::Settled, now, NOBODY);
    assert!(queue.pop(now).is_some());
}

#[test]
fn a_namespace_alone_gets_half_of_the_workers_and_many_get_all() {
    let now = Instant::now();
    let begun = |workers, namespaces: &[&str]| {
        let mut queue = Queue::new(Backoff::default(), workers);
        for number in 0..20 {
            for namespace in namespaces {
                let object = key(&format!("{namespace}/{number}"));
                queue.add(object, Urgency::Backlog, now);
            }
        }
        drain(&mut queue, now).len()
    };
    assert_eq!(begun(8, &["a"]), 4);
    assert_eq!(begun(1, &["a"]), 1);
    assert_eq!(begun(8, &["a", "b", "c", "d", "e", "f", "g", "h"]), 8);
    assert_eq!(begun(1, &["a", "b"]), 1);
}

#[test]
fn every_end_of_a_pass_counts() {
    let (mut queue, now) = queue();
    for count in 1..=3 {
        queue.add(key("a/x"), Urgency::Change, now);
        queue.pop(now).expect("due");
        queue.done(&key("a/x"), Verdict::Settled, now, NOBODY);
        queue.done(&key("a/x"), Verdict::Settled, now, NOBODY);
        assert_eq!(queue.ended(), count);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Add(usize, Urgency, u64),
    Pop,
    Done(usize, Verdict),
    Forget(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let urgency = prop_oneof![Just(Urgency::Change), Just(Urgency::Backlog)];
    let verdict = prop_oneof![
        Just(Verdict::Settled),
        Just(Verdict::Retry(Pace::Fast)),
        Just(Verdict::Retry(Pace::Slow)),
        Just(Verdict::After(millis(3))),
    ];
    prop_oneof![
        4 => (0..6_usize, urgency, 0..10_u64).prop_map(|(key, urgency, wait)| Step::Add(key, urgency, wait)),
        4 => Just(Step::Pop),
        3 => (0..6_usize, verdict).prop_map(|(key, verdict)| Step::Done(key, verdict)),
        1 => (0..6_usize).prop_map(Step::Forget),
        2 => (0..10_u64).prop_map(Step::Wait),
    ]
}

proptest! {
    /// Whatever happens: nobody runs twice at once, and everything asked for is handed out.
    #[test]
    fn no_request_is_lost_and_none_runs_beside_itself(workers in 1..10_usize, steps in prop::collection::vec(step(), 0..200)) {
        let keys: Vec<_> = ["a/1", "a/2", "a/3", "b/1", "b/2", "c/1"].map(key).into();
        let mut queue = Queue::new(Backoff::default(), workers);
        let mut now = Instant::now();
        let mut running = BTreeSet::new();
        let mut wanted = BTreeSet::new();
        for step in steps {
            match step {
                Step::Add(index, urgency, wait) => {
                    queue.add(keys[index].clone(), urgency, now + millis(wait));
                    wanted.insert(keys[index].clone());
                }
                Step::Pop => {
                    if let Some(key) = queue.pop(now) {
                        wanted.remove(&key);
                        prop_assert!(running.insert(key), "handed out while running");
                        prop_assert!(running.len() <= workers);
                    }
                }
                Step::Done(index, verdict) => {
                    if running.remove(&keys[index]) {
                        queue.done(&keys[index], verdict, now, NOBODY);
                        if verdict != Verdict::Settled {
                            wanted.insert(keys[index].clone());
                        }
                    }
                }
                Step::Forget(index) => {
                    queue.forget(&keys[index]);
                    wanted.remove(&keys[index]);
                }
                Step::Wait(wait) => now += millis(wait),
            }
        }
        for key in std::mem::take(&mut running) {
            queue.done(&key, Verdict::Settled, now, NOBODY);
        }
        let far = now + Duration::from_hours(1);
        let mut rest = BTreeSet::new();
        while let Some(key) = queue.pop(far) {
            queue.done(&key, Verdict::Settled, far, NOBODY);
            prop_assert!(rest.insert(key), "handed out twice");
        }
        prop_assert_eq!(rest, wanted);
    }
}

mod shared {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_waiting_worker_is_woken_by_an_addition() {
        let queue = WorkQueue::new(Backoff::default(), MANY);
        let worker = tokio::spawn({
            let queue = queue.clone();
            async move { queue.next().await.map(|ticket| ticket.key().clone()) }
        });
        tokio::time::sleep(millis(10)).await;
        queue.add(key("a/x"), Urgency::Change);
        assert_eq!(worker.await.expect("no panic"), Some(key("a/x")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiting_worker_is_woken_by_time() {
        let queue = WorkQueue::new(Backoff::default(), MANY);
        let start = tokio::time::Instant::now();
        queue.add_after(key("a/x"), Urgency::Change, millis(1_500));
        let ticket = queue.next().await.expect("open");
        assert_eq!(ticket.key(), &key("a/x"));
        ticket.finish(Verdict::Settled);
        let waited = start.elapsed();
        assert!(
            (millis(1_500)..millis(1_510)).contains(&waited),
            "{waited:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_ticket_retries_the_object() {
        let queue = WorkQueue::new(Backoff::default(), MANY);
        queue.add(key("a/x"), Urgency::Change);
        drop(queue.next().await.expect("open"));
        let again = queue.next().await.expect("open");
        assert_eq!(again.key(), &key("a/x"));
    }

    #[tokio::test(start_paused = true)]
    async fn closing_ends_every_waiting_worker() {
        let queue = WorkQueue::new(Backoff::default(), MANY);
        let workers: Vec<_> = (0..3)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move { queue.next().await.is_none() })
            })
            .collect();
        tokio::time::sleep(millis(1)).await;
        queue.close();
        for worker in workers {
            assert!(worker.await.expect("no panic"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn many_workers_share_the_work() {
        let queue = WorkQueue::new(Backoff::default(), MANY);
        for number in 0..100 {
            queue.add(key(&format!("n{}/{number}", number % 7)), Urgency::Backlog);
        }
        let workers: Vec<_> = (0..4)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move {
                    let mut count = 0;
                    while let Some(ticket) = queue.next().await {
                        tokio::time::sleep(millis(1)).await;
                        ticket.finish(Verdict::Settled);
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(queue.load(), Load::default());
        queue.close();
        let mut total = 0;
        for worker in workers {
            total += worker.await.expect("no panic");
        }
        assert_eq!(total, 100);
    }
}
