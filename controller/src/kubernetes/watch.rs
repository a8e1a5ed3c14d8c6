//! Watches: each with its own task, its own back-off and no memory of objects.
//!
//! kube's `Controller` puts all its watches behind one back-off, so that a single forbidden one slows the healthy
//! ones down; and a reflector would hold every object. Here a watch is a sequence of events that its task folds into
//! whatever little it needs to remember.

use std::fmt::Debug;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use kube::Resource;
use kube::api::Api;
use kube::runtime::utils::Backoff as _;
use kube::runtime::watcher::{self, Config, DefaultBackoff, Event};
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::client::{ApiError, Cluster, Meter, REQUEST_TIMEOUT};
use crate::metrics::WatchSeries;

/// Objects to a page: what a list holds in memory at a time, and what is repeated when a page fails.
const PAGE: u32 = 100;
/// SealedSecrets to a page. Anybody may create some of 1.5 MB each, and a page of them is in memory twice.
pub(crate) const PAGE_OF_BODIES: u32 = 25;

/// A watch that was begun again and has said nothing for so long works: the API server would have refused it by now, and
/// there may be nothing to tell for days.
const ANSWERED: Duration = REQUEST_TIMEOUT;

/// After this many refusals in a row a watch begins anew with a list: at the longest pause, every five minutes.
const REFUSALS: u32 = 10;

/// Which objects are watched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// All namespaces; needs a ClusterRole.
    Cluster,
    /// One namespace; a Role there is enough.
    Namespace(String),
}

impl Reach {
    /// Whether an object of that namespace is in reach.
    pub(super) fn holds(&self, namespace: &str) -> bool {
        match self {
            Self::Cluster => true,
            Self::Namespace(own) => own == namespace,
        }
    }

    /// The namespace, or nothing for all.
    fn namespace(&self) -> &str {
        match self {
            Self::Cluster => "",
            Self::Namespace(own) => own,
        }
    }

    fn api<K>(&self, cluster: &Cluster) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    {
        match self {
            Self::Cluster => Api::all(cluster.client()),
            Self::Namespace(namespace) => Api::namespaced(cluster.client(), namespace),
        }
    }
}

impl std::fmt::Display for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cluster => f.write_str("all namespaces"),
            Self::Namespace(namespace) => write!(f, "namespace {namespace}"),
        }
    }
}

/// What to select within a [`Reach`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// Label selector.
    pub(crate) labels: Option<String>,
    /// Field selector.
    pub(crate) fields: Option<String>,
    /// Objects to a page, if not [`PAGE`].
    pub(crate) page: Option<u32>,
}

impl Selection {
    fn config(self) -> Config {
        Config {
            label_selector: self.labels,
            field_selector: self.fields,
            ..Config::default().page_size(self.page.unwrap_or(PAGE))
        }
    }
}

/// What a watch has to say.
#[derive(Debug)]
pub(crate) enum Happening<K> {
    /// An object came, changed or went; or a list began or ended.
    Event(Event<K>),
    /// It does not work at the moment. Already logged; it will be tried again.
    Failed {
        /// Because RBAC does not allow it.
        forbidden: bool,
    },
}

/// The events of one watch. It never ends: whatever fails is logged once, waited for and tried again.
pub(crate) struct Watch<K> {
    api: Api<K>,
    config: Config,
    events: BoxStream<'static, watcher::Result<Event<K>>>,
    backoff: DefaultBackoff,
    resume: Option<Instant>,
    /// After a failure: when silence means that it works.
    silence: Option<Instant>,
    /// Refusals in a row.
    refusals: u32,
    trouble: Trouble,
    meter: Meter,
    series: WatchSeries,
}

impl<K> Watch<K>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + 'static,
{
    /// Begins to watch, with a list; `what` is for log lines.
    pub(crate) fn new(
        cluster: &Cluster,
        what: &'static str,
        reach: &Reach,
        selection: Selection,
    ) -> Self {
        let api = reach.api::<K>(cluster);
        let config = selection.config();
        let meter = cluster.meter().clone();
        Self {
            series: meter.metrics.watch(what, reach.namespace()),
            meter,
            events: watcher::watcher(api.clone(), config.clone()).boxed(),
            api,
            config,
            backoff: DefaultBackoff::default(),
            resume: None,
            silence: None,
            refusals: 0,
            trouble: Trouble {
                what,
                reach: reach.to_string(),
                last: None,
                refused: false,
            },
        }
    }

    /// What happens next. Safe to cancel: a pause goes on where it was.
    pub(crate) async fn next(&mut self) -> Happening<K> {
        if let Some(resume) = self.resume {
            tokio::time::sleep_until(resume).await;
            self.resume = None;
        }
        let next = match self.silence {
            None => self.events.next().await,
            Some(silence) => {
                let told = tokio::time::timeout_at(silence, self.events.next()).await;
                if let Ok(next) = told {
                    next
                } else {
                    self.silence = None;
                    self.series.works();
                    self.trouble.over();
                    self.events.next().await
                }
            }
        };
        match next {
            Some(Ok(event)) => {
                // A list that has only begun has not succeeded yet.
                match event {
                    Event::Init => {}
                    // Nor has a list that may not be followed by a watch.
                    Event::InitApply(_) | Event::InitDone if self.trouble.refused => {}
                    Event::InitApply(_) => self.trouble.over(),
                    // Only now: a list whose later pages fail must not be begun again and again without pause.
                    Event::InitDone => {
                        self.series.listed((self.meter.clock)());
                        self.trouble.over();
                        self.backoff.reset();
                    }
                    Event::Apply(_) | Event::Delete(_) => {
                        self.series.changed((self.meter.clock)());
                        self.trouble.over();
                        self.refusals = 0;
                        self.backoff.reset();
                    }
                }
                Happening::Event(event)
            }
            Some(Err(error)) => {
                self.series.failed();
                self.trouble.met(&error);
                // The iterator has no end; if it had, half a minute would be its last word.
                let pause = self.backoff.next().unwrap_or(Duration::from_secs(30));
                let resume = Instant::now() + pause;
                self.resume = Some(resume);
                self.silence = Some(resume + ANSWERED);
                let forbidden = is_forbidden(&error);
                self.refusals = if forbidden { self.refusals + 1 } else { 0 };
                if self.refusals >= REFUSALS {
                    // Allowed to list and not to watch: look again from time to time.
                    self.refusals = 0;
                    self.events = watcher::watcher(self.api.clone(), self.config.clone()).boxed();
                }
                Happening::Failed { forbidden }
            }
            // Promised not to happen; waiting is better than spinning.
            None => std::future::pending().await,
        }
    }
}

/// What is said of a failing watch: a line when it starts to fail or fails differently, a line when it works again.
#[derive(Debug)]
struct Trouble {
    what: &'static str,
    reach: String,
    last: Option<String>,
    /// It may be listed and not be watched.
    refused: bool,
}

impl Trouble {
    fn met(&mut self, error: &watcher::Error) {
        self.refused = matches!(error, watcher::Error::WatchStartFailed(_)) && is_forbidden(error);
        let told = describe(error);
        if self.last.as_ref() == Some(&told) {
            debug!(
                error = told,
                "still cannot watch {} in {}", self.what, self.reach
            );
            return;
        }
        warn!(error = told, "cannot watch {} in {}", self.what, self.reach);
        self.last = Some(told);
    }

    fn over(&mut self) {
        if self.last.take().is_some() {
            info!("watching {} in {} again", self.what, self.reach);
        }
    }
}

fn describe(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => ApiError::text(error),
        watcher::Error::WatchError(status) => status.message.clone(),
        watcher::Error::NoResourceVersion => "the answer has no resourceVersion".to_owned(),
    }
}

fn is_forbidden(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => status.code == 403,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Secret;

    use super::*;

    fn api_error(code: u16, message: &str) -> kube::Error {
        let mut status = kube::core::Status::failure(message, "");
        status.code = code;
        kube::Error::Api(Box::new(status))
    }

    #[test]
    fn a_refusal_is_told_in_the_words_of_the_api_server() {
        let error = watcher::Error::InitialListFailed(api_error(403, "secrets is forbidden"));
        assert_eq!(describe(&error), "secrets is forbidden");
        assert!(is_forbidden(&error));
        let error = watcher::Error::WatchStartFailed(api_error(500, "etcd"));
        assert!(!is_forbidden(&error));
    }

    #[test]
    fn the_same_trouble_is_remembered_until_it_is_over() {
        let mut trouble = Trouble {
            what: "Secrets",
            reach: Reach::Cluster.to_string(),
            last: None,
            refused: false,
        };
        trouble.met(&watcher::Error::NoResourceVersion);
        assert!(trouble.last.is_some());
        trouble.over();
        assert_eq!(trouble.last, None);
    }

    /// A watch of what is given instead of a server's answers.
    fn watch(events: Vec<watcher::Result<Event<Secret>>>) -> Watch<Secret> {
        let nobody = tower::service_fn(|_: http::Request<kube::client::Body>| {
            std::future::pending::<Result<http::Response<kube::client::Body>, tower::BoxError>>()
        });
        let meter = Meter::for_tests();
        Watch {
            series: meter.metrics.watch("Secrets", ""),
            meter,
            api: Api::all(kube::Client::new(nobody, "default")),
            config: Config::default(),
            events: futures::stream::iter(events).boxed(),
            backoff: DefaultBackoff::default(),
            resume: None,
            silence: None,
            refusals: 0,
            trouble: Trouble {
                what: "Secrets",
                reach: Reach::Cluster.to_string(),
                last: None,
                refused: false,
            },
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_success_the_pauses_begin_anew() {
        let failures = || (0..8).map(|_| Err(watcher::Error::NoResourceVersion));
        for success in [Event::InitDone, Event::Apply(Secret::default())] {
            let events = failures().chain([Ok(success)]).chain(failures());
            let mut watch = watch(events.collect());
            let mut pauses = Vec::new();
            for _ in 0..17 {
                let before = Instant::now();
                watch.next().await;
                pauses.push(before.elapsed());
            }
            // The pause after a failure is waited for before the next event.
            let (grown, anew) = (pauses[8], pauses[10]);
            assert!(grown > Duration::from_secs(10), "{pauses:?}");
            assert!(anew < Duration::from_secs(5), "{pauses:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_is_not_refused_again_works_though_nothing_happens() {
        let failure = futures::stream::iter([Err(watcher::Error::NoResourceVersion)]);
        let mut watch = watch(Vec::new());
        watch.events = failure.chain(futures::stream::pending()).boxed();
        assert!(matches!(watch.next().await, Happening::Failed { .. }));
        assert!(watch.trouble.last.is_some());
        let waited = tokio::time::timeout(ANSWERED / 2, watch.next()).await;
        assert!(waited.is_err() && watch.trouble.last.is_some());
        let waited = tokio::time::timeout(ANSWERED * 2, watch.next()).await;
        assert!(waited.is_err() && watch.trouble.last.is_none());
    }

    #[test]
    fn a_namespace_holds_its_own_objects_only() {
        assert!(Reach::Cluster.holds("a"));
        assert!(Reach::Namespace("a".into()).holds("a"));
        assert!(!Reach::Namespace("a".into()).holds("ab"));
    }
}
