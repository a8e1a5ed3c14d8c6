//! The middleware between us and the API server: rate, concurrency, deadline.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use kube::client::Body;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};
use tower::{BoxError, Layer, Service};

/// A client-side rate, as `--kubeclient-qps` and `--kubeclient-burst` give it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rate {
    /// Requests a second, above zero.
    pub(crate) per_second: f64,
    /// Requests that may be sent at once after a pause.
    pub(crate) burst: u32,
}

/// The settings of a [`LimitsLayer`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// No client-side rate without it.
    pub(crate) rate: Option<Rate>,
    /// Requests under way at a time.
    pub(crate) in_flight: usize,
    /// From leaving the queue to the last byte of the answer.
    pub(crate) timeout: Duration,
}

/// A request took longer than [`Limits::timeout`].
#[derive(Debug, thiserror::Error)]
#[error("no answer within {} s", .0.as_secs())]
pub(crate) struct TimedOut(Duration);

/// Puts [`Limits`] around a client; clones share them.
#[derive(Clone)]
pub(crate) struct LimitsLayer {
    bucket: Option<Arc<Mutex<Bucket>>>,
    permits: Arc<Semaphore>,
    timeout: Duration,
}

impl LimitsLayer {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            bucket: limits
                .rate
                .map(|rate| Arc::new(Mutex::new(Bucket::new(rate, Instant::now())))),
            permits: Arc::new(Semaphore::new(limits.in_flight)),
            timeout: limits.timeout,
        }
    }

    /// Waits for the turn that the rate allows.
    async fn paced(&self) {
        if let Some(bucket) = &self.bucket {
            let wait = bucket
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .reserve(Instant::now());
            tokio::time::sleep(wait).await;
        }
    }
}

impl<S> Layer<S> for LimitsLayer {
    type Service = Limited<S>;

    fn layer(&self, inner: S) -> Limited<S> {
        Limited {
            inner,
            limits: self.clone(),
        }
    }
}

/// A service under [`Limits`].
pub(crate) struct Limited<S> {
    inner: S,
    limits: LimitsLayer,
}

impl<S, B> Service<Request<Body>> for Limited<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<LimitedBody<B>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let limits = self.limits.clone();
        let watch = is_watch(&request);
        // Nothing is sent before this is polled.
        let answer = self.inner.call(request);
        Box::pin(async move {
            let permit = if watch {
                None
            } else {
                Some(Arc::clone(&limits.permits).acquire_owned().await?)
            };
            limits.paced().await;
            // A watch, too, must begin to answer in time.
            let deadline = Instant::now() + limits.timeout;
            let response = tokio::time::timeout_at(deadline, answer)
                .await
                .map_err(|_elapsed| TimedOut(limits.timeout))??;
            let sleep = (!watch).then(|| Box::pin(tokio::time::sleep_until(deadline)));
            Ok(response.map(|inner| LimitedBody {
                inner: Box::pin(inner),
                deadline: sleep,
                timeout: limits.timeout,
                _permit: permit,
            }))
        })
    }
}

fn is_watch(request: &Request<Body>) -> bool {
    request
        .uri()
        .query()
        .is_some_and(|query| query.split('&').any(|pair| pair == "watch=true"))
}

/// An answer that must be complete before the deadline, and that counts as under way until then.
pub(crate) struct LimitedBody<B> {
    inner: Pin<Box<B>>,
    deadline: Option<Pin<Box<Sleep>>>,
    timeout: Duration,
    _permit: Option<OwnedSemaphorePermit>,
}

impl<B> HttpBody for LimitedBody<B>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = self.inner.as_mut().poll_frame(cx) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let timeout = self.timeout;
        match &mut self.deadline {
            Some(deadline) => {
                ready!(deadline.as_mut().poll(cx));
                Poll::Ready(Some(Err(TimedOut(timeout).into())))
            }
            None => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A token bucket whose callers reserve their turn, so they are served in order (as client-go's limiter does).
#[derive(Debug)]
struct Bucket {
    rate: Rate,
    /// Below zero: turns already promised.
    tokens: f64,
    at: Instant,
}

impl Bucket {
    fn new(rate: Rate, now: Instant) -> Self {
        Self {
            rate,
            tokens: f64::from(rate.burst),
            at: now,
        }
    }

    /// Takes a turn and says how long to wait for it.
    fn reserve(&mut self, now: Instant) -> Duration {
        let earned = now.saturating_duration_since(self.at).as_secs_f64() * self.rate.per_second;
        self.tokens = (self.tokens + earned).min(f64::from(self.rate.burst)) - 1.0;
        self.at = now;
        // Out of the range of a Duration only for a rate that lets nothing through anyway.
        Duration::try_from_secs_f64(-self.tokens / self.rate.per_second).unwrap_or(Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http_body_util::{BodyExt, Full};
    use tower::ServiceExt;

    use super::*;

    fn request(uri: &str) -> Request<Body> {
        Request::get(uri).body(Body::empty()).unwrap()
    }

    fn limits(in_flight: usize) -> LimitsLayer {
        LimitsLayer::new(Limits {
            rate: None,
            in_flight,
            timeout: Duration::from_secs(30),
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_gives_the_burst_at_once_and_then_the_rate() {
        let start = Instant::now();
        let rate = Rate {
            per_second: 5.0,
            burst: 2,
        };
        let mut bucket = Bucket::new(rate, start);
        let waits: Vec<u128> = (0..4).map(|_| bucket.reserve(start).as_millis()).collect();
        assert_eq!(waits, [0, 0, 200, 400]);
        // A second later the two promised turns are paid and the bucket is full again, not fuller.
        let later = start + Duration::from_secs(10);
        let waits: Vec<u128> = (0..3).map(|_| bucket.reserve(later).as_millis()).collect();
        assert_eq!(waits, [0, 0, 200]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_without_an_answer_ends_at_the_deadline() {
        let silent = tower::service_fn(|_: Request<Body>| {
            std::future::pending::<Result<Response<Full<Bytes>>, BoxError>>()
        });
        let start = Instant::now();
        for uri in ["/api/v1/secrets", "/api/v1/secrets?watch=true"] {
            let error = limits(1)
                .layer(silent)
                .oneshot(request(uri))
                .await
                .err()
                .unwrap();
            assert_eq!(error.to_string(), "no answer within 30 s");
        }
        assert_eq!(start.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_covers_the_body_of_everything_but_a_watch() {
        let stalled = tower::service_fn(|_: Request<Body>| async {
            let body = http_body_util::StreamBody::new(futures::stream::pending::<
                Result<Frame<Bytes>, BoxError>,
            >());
            Ok::<_, BoxError>(Response::new(body))
        });
        let answer = limits(1)
            .layer(stalled)
            .oneshot(request("/x"))
            .await
            .unwrap();
        assert!(answer.into_body().collect().await.is_err());
        let answer = limits(1)
            .layer(stalled)
            .oneshot(request("/x?watch=true"))
            .await
            .unwrap();
        let hour = Duration::from_hours(1);
        assert!(
            tokio::time::timeout(hour, answer.into_body().collect())
                .await
                .is_err(),
            "a watch stays open"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_requests_than_allowed_are_under_way_and_watches_do_not_count() {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let counting = tower::service_fn(|_: Request<Body>| async {
            STARTED.fetch_add(1, Ordering::SeqCst);
            Ok::<_, BoxError>(Response::new(Full::new(Bytes::from_static(b"{}"))))
        });
        let layer = limits(1);
        let first = layer.layer(counting).oneshot(request("/x")).await.unwrap();
        let second = tokio::spawn(layer.layer(counting).oneshot(request("/x")));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(
            STARTED.load(Ordering::SeqCst),
            1,
            "the first still holds the permit"
        );
        let watch = layer.layer(counting).oneshot(request("/x?watch=true"));
        watch.await.unwrap();
        assert_eq!(STARTED.load(Ordering::SeqCst), 2);
        first.into_body().collect().await.unwrap();
        second.await.unwrap().unwrap();
        assert_eq!(STARTED.load(Ordering::SeqCst), 3);
    }
}
