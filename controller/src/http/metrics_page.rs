//! The metrics page, on its own port.
//!
//! Anybody may ask for it as often as they like, and it may be megabytes long. So it is written on a thread where nothing
//! else waits, by one at a time, and shown again for a while that is long in comparison; all who read it share its bytes.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ::http::{Request, StatusCode};
use hyper::body::{Bytes, Incoming};
use sealed_api::names::http as wire;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::Instant;

use super::endpoints::{Answer, error, misdirected, with_type};
use super::server::Handler;
use crate::metrics::Metrics;

/// A page is shown again for so many times as long as it took to write: at most a tenth of one CPU goes into pages.
const REST: u32 = 9;

/// The longest it is shown again, on a machine so busy that writing takes seconds.
const MAX_REST: Duration = Duration::from_secs(5);

/// How many pages are held at once, the latest among them. While slow readers hold the others it is shown again, however
/// old it is.
const MAX_PAGES: usize = 8;

type Write = dyn Fn() -> Result<Vec<u8>, prometheus::Error> + Send + Sync;

/// Shows the metrics.
pub struct MetricsPage {
    write: Arc<Write>,
    latest: Arc<Mutex<Latest>>,
    places: Arc<Semaphore>,
}

struct Latest {
    text: Bytes,
    good_until: Instant,
}

/// A page, and its place among those that are held.
struct Page {
    text: Vec<u8>,
    _place: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Page {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
enum NoPage {
    #[error(transparent)]
    Encode(#[from] prometheus::Error),
    #[error(transparent)]
    Lost(#[from] JoinError),
}

impl MetricsPage {
    /// The page of `metrics`.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self::written_by(move || metrics.to_text())
    }

    fn written_by(
        write: impl Fn() -> Result<Vec<u8>, prometheus::Error> + Send + Sync + 'static,
    ) -> Self {
        // Out of date from the beginning.
        let latest = Latest {
            text: Bytes::new(),
            good_until: Instant::now(),
        };
        Self {
            write: Arc::new(write),
            latest: Arc::new(Mutex::new(latest)),
            places: Arc::new(Semaphore::new(MAX_PAGES)),
        }
    }

    pub(super) async fn respond(&self, path: &str, query: Option<&str>) -> Answer {
        if path != wire::METRICS {
            return misdirected(path, query);
        }
        match self.text().await {
            Ok(text) => with_type(StatusCode::OK, wire::PROMETHEUS, text),
            Err(fault) => {
                tracing::error!(error = %fault, "cannot write the metrics");
                error(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "cannot write the metrics\n",
                )
            }
        }
    }

    async fn text(&self) -> Result<Bytes, NoPage> {
        let mut latest = Arc::clone(&self.latest).lock_owned().await;
        if Instant::now() < latest.good_until {
            return Ok(latest.text.clone());
        }
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return Ok(latest.text.clone());
        };
        let write = Arc::clone(&self.write);
        // The lock goes with the work: after a client that has given up, the next one still waits for the end of it.
        let written = spawn_blocking(move || {
            let began = Instant::now();
            let text = write()?;
            let rest = (began.elapsed() * REST).min(MAX_REST);
            *latest = Latest {
                text: Bytes::from_owner(Page {
                    text,
                    _place: place,
                }),
                good_until: Instant::now() + rest,
            };
            Ok(latest.text.clone())
        });
        written.await?
    }
}

impl Handler for MetricsPage {
    async fn answer(&self, request: Request<Incoming>, _: IpAddr) -> Answer {
        let uri = request.uri();
        self.respond(uri.path(), uri.query()).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::PoisonError;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use tokio::task::yield_now;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Pages that take as long as the test says, and how many of them were begun.
    struct Slow {
        page: Arc<MetricsPage>,
        begun: Arc<AtomicUsize>,
        finish: mpsc::Sender<()>,
    }

    impl Slow {
        fn new() -> Self {
            let (finish, finished) = mpsc::channel();
            let finished = std::sync::Mutex::new(finished);
            let begun = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&begun);
            let write = move || {
                let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                let finished = finished.lock().unwrap_or_else(PoisonError::into_inner);
                finished.recv().unwrap();
                Ok(format!("page {number}").into_bytes())
            };
            Self {
                page: Arc::new(MetricsPage::written_by(write)),
                begun,
                finish,
            }
        }

        fn begun(&self) -> usize {
            self.begun.load(Ordering::SeqCst)
        }

        fn ask(&self) -> tokio::task::JoinHandle<Bytes> {
            let page = Arc::clone(&self.page);
            tokio::spawn(async move { page.text().await.unwrap() })
        }

        async fn until_begun(&self, number: usize) {
            while self.begun() < number {
                yield_now().await;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_meanwhile_or_soon_after_shares_the_page() {
        let slow = Slow::new();
        let asked: Vec<_> = (0..20).map(|_| slow.ask()).collect();
        slow.until_begun(1).await;
        tokio::time::advance(100 * MS).await;
        slow.finish.send(()).unwrap();
        let mut places = Vec::new();
        for page in asked {
            places.push(page.await.unwrap().as_ptr());
        }
        tokio::time::advance(899 * MS).await;
        places.push(slow.ask().await.unwrap().as_ptr());
        assert!(places.iter().all(|place| *place == places[0]), "one copy");
        assert_eq!(slow.begun(), 1);

        tokio::time::advance(2 * MS).await;
        slow.finish.send(()).unwrap();
        assert_eq!(slow.ask().await.unwrap(), "page 2");
    }

    #[tokio::test(start_paused = true)]
    async fn clients_that_give_up_do_not_have_pages_written_side_by_side() {
        let slow = Slow::new();
        for _ in 0..20 {
            let asked = slow.ask();
            slow.until_begun(1).await;
            asked.abort();
            assert!(asked.await.unwrap_err().is_cancelled());
        }
        let last = slow.ask();
        yield_now().await;
        assert_eq!(slow.begun(), 1);
        tokio::time::advance(100 * MS).await;
        slow.finish.send(()).unwrap();
        assert_eq!(last.await.unwrap(), "page 1");
    }

    #[tokio::test(start_paused = true)]
    async fn slow_readers_hold_a_few_pages_and_no_more() {
        let slow = Slow::new();
        let mut held = Vec::new();
        for number in 1..=MAX_PAGES {
            slow.finish.send(()).unwrap();
            held.push(slow.ask().await.unwrap());
            assert_eq!(held[number - 1], format!("page {number}"));
        }
        for _ in 0..3 {
            assert_eq!(slow.ask().await.unwrap(), held[MAX_PAGES - 1]);
        }
        held.remove(0);
        slow.finish.send(()).unwrap();
        assert_eq!(slow.ask().await.unwrap(), format!("page {}", MAX_PAGES + 1));
    }
}
