//! The task without its loop, over an API server that refuses every request.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::known::tests::secret;
use super::*;
use crate::args;
use crate::config::Config;
use crate::election::Tenure;
use crate::fair_pool::FairPool;
use crate::kubernetes::leadership::Term;
use crate::logging::tests::Captured;
use crate::render::Renderer;

const CUTOFF: &str = "--key-cutoff-time=Mon, 14 Oct 2024 21:45:30 +0200";

fn clock() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

fn leads() -> Standing {
    Standing::Leads(Term {
        tenure: Tenure::Unelected,
        over: CancellationToken::new(),
    })
}

/// A task, and who is told of it.
struct Bench {
    task: KeyTask,
    loaded: Loaded,
    elector: watch::Sender<Standing>,
}

impl Bench {
    fn new(flags: &[&str], standing: Standing, clock: fn() -> Timestamp) -> Self {
        let flags = flags.iter().map(|flag| (*flag).to_owned());
        let matches = args::table().parse([], flags).unwrap();
        let config = Config::resolve(&matches).unwrap();
        let metrics = Metrics::new("v0", false).unwrap();
        let pool = FairPool::start("rsa", NonZeroUsize::MIN, NonZeroUsize::MIN).unwrap();
        let services = Services::new(config, metrics, pool, Renderer::start().unwrap(), clock);
        let cluster = Cluster::refusing(403, "no");
        let stop = CancellationToken::new();
        let (recorder, _writer) = Recorder::new(cluster.clone(), clock, stop);
        let (elector, leadership) = Leadership::new(standing);
        let writing = CancellationToken::new();
        writing.cancel();
        let loaded = Loaded {
            gate: services.health.gate("sealing keys"),
            token: CancellationToken::new(),
        };
        Self {
            task: KeyTask::new(&services, cluster, recorder, leadership, writing, "home"),
            loaded,
            elector,
        }
    }

    /// The first lists show these Secrets.
    fn finds(&mut self, secrets: impl IntoIterator<Item = Secret>) {
        for secret in secrets {
            self.sees(Event::InitApply(secret));
        }
        self.sees(Event::InitDone);
        let done = Happening::Event(Event::InitDone);
        self.task.happened(Source::Legacy, done);
    }

    fn sees(&mut self, event: Event<Secret>) {
        let happening = Happening::Event(event);
        self.task.happened(Source::Labelled, happening);
    }

    /// How long until the next look.
    async fn goes_on(&mut self) -> Duration {
        self.task.go_on(&self.loaded).await - now()
    }

    fn is_ready(&self) -> bool {
        self.loaded.token.is_cancelled()
    }
}

fn key(name: &str) -> Secret {
    secret(name, "1", 0, Some("rsa2048-a"))
}

fn broken(name: &str) -> Secret {
    secret(name, "1", 0, None)
}

#[tokio::test(start_paused = true)]
async fn work_begins_with_an_old_key_when_the_one_that_should_replace_it_cannot_be_stored() {
    let mut bench = Bench::new(&[CUTOFF], leads(), clock);
    bench.sees(Event::InitApply(key("old")));
    bench.goes_on().await;
    assert!(!bench.is_ready(), "there may be more");
    let log = Captured::start();
    bench.finds([]);
    assert_eq!(bench.goes_on().await, Duration::from_secs(1));
    assert!(log.text().contains("Failed to generate new key"));
    assert!(bench.is_ready());

    let mut bench = Bench::new(&[CUTOFF], leads(), clock);
    bench.finds([]);
    bench.goes_on().await;
    assert!(!bench.is_ready(), "there is nothing to work with");
}

#[tokio::test(start_paused = true)]
async fn a_follower_works_with_an_old_key_as_soon_as_it_knows_that_it_follows() {
    let mut bench = Bench::new(&[CUTOFF], Standing::Undecided, clock);
    bench.finds([key("old")]);
    let log = Captured::start();
    bench.goes_on().await;
    assert!(!bench.is_ready());
    bench.elector.send_replace(Standing::Follows);
    bench.task.leadership.decided().await;
    bench.goes_on().await;
    assert!(bench.is_ready());
    assert_eq!(log.text(), "", "the key is another's to make");
}

#[tokio::test(start_paused = true)]
async fn what_was_demanded_of_a_follower_and_could_not_be_stored_is_tried_again() {
    let mut bench = Bench::new(&["--key-renew-period=0"], Standing::Follows, clock);
    bench.finds([key("a")]);
    let hour = Duration::from_hours(1);
    assert_eq!(bench.goes_on().await, hour);
    let log = Captured::start();
    bench.task.schedule.demanded();
    assert_eq!(bench.goes_on().await, Duration::from_secs(10));
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(bench.goes_on().await, Duration::from_secs(20));
    let told = log.text();
    let tries = told.matches("occasion=\"on demand\"").count();
    assert_eq!(tries, 2, "{told}");
}

#[tokio::test]
async fn the_leader_alone_makes_events_of_keys_and_none_of_what_a_start_finds() {
    for (standing, expected) in [(leads(), 2), (Standing::Follows, 0)] {
        let flags = ["--key-renew-period=0", "--backup-reminder=0"];
        let mut bench = Bench::new(&flags, standing, clock);
        let log = Captured::start();
        bench.finds([key("a"), broken("b")]);
        bench.goes_on().await;
        assert_eq!(log.text().matches("Event(").count(), 0, "{}", log.text());
        bench.sees(Event::Apply(broken("c")));
        bench.sees(Event::Apply(secret("d", "1", 0, Some("rsa2048-b"))));
        bench.goes_on().await;
        let told = log.text();
        assert_eq!(told.matches("Event(").count(), expected, "{told}");
        let refused = told.matches("reason: 'ErrKeyUnusable'").count();
        assert_eq!(refused, expected / 2, "{told}");
        assert_eq!(told.matches("Error reading key").count(), 2, "{told}");
    }
}

/// A key whose certificate ends in 2049.
fn ending(name: &str) -> Secret {
    let mut secret = key(name);
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/vectors/keys/cert-until-2049.crt.pem"
    );
    let certificate = k8s_openapi::ByteString(std::fs::read(file).unwrap());
    let data = secret.data.get_or_insert_default();
    data.insert("tls.crt".to_owned(), certificate);
    secret
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_certificate_is_not_overslept_and_told_to_the_cluster_by_the_leader() {
    let ten_minutes_before: fn() -> Timestamp = || "2049-12-30T23:50:00Z".parse().unwrap();
    let after: fn() -> Timestamp = || "2049-12-31T00:00:01Z".parse().unwrap();
    let flags = ["--key-renew-period=0", "--backup-reminder=0"];
    for (standing, expected) in [(leads(), 1), (Standing::Follows, 0)] {
        let mut bench = Bench::new(&flags, standing, ten_minutes_before);
        bench.finds([ending("a")]);
        assert_eq!(bench.goes_on().await, Duration::from_secs(601));
        bench.task.clock = after;
        let log = Captured::start();
        assert_eq!(bench.goes_on().await, Duration::from_hours(1));
        bench.goes_on().await;
        let told = log.text();
        assert_eq!(told.matches("level=WARN").count(), 1, "{told}");
        let events = told.matches("reason: 'ErrNoCertificate'").count();
        assert_eq!(events, expected, "{told}");
    }

    // Found at a start, it is for the log alone.
    let mut bench = Bench::new(&flags, leads(), after);
    bench.finds([ending("a")]);
    let log = Captured::start();
    bench.goes_on().await;
    bench.goes_on().await;
    let told = log.text();
    assert_eq!(told.matches("level=WARN").count(), 1, "{told}");
    assert_eq!(told.matches("Event(").count(), 0, "{told}");
}
