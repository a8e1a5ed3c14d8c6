//! Counts requests to the API server; the watches tell of themselves by the same means.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use jiff::Timestamp;
use kube::client::Body;
use tower::{BoxError, Layer, Service};

use crate::metrics::Metrics;

/// What requests and watches are told to. As a layer it counts every request that goes through.
#[derive(Clone)]
pub(crate) struct Meter {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: fn() -> Timestamp,
}

impl Meter {
    /// A meter that nobody reads.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self {
            metrics: Arc::new(Metrics::new("v0", false).unwrap()),
            clock: || Timestamp::UNIX_EPOCH,
        }
    }
}

impl<S> Layer<S> for Meter {
    type Service = Metered<S>;

    fn layer(&self, inner: S) -> Metered<S> {
        Metered {
            inner,
            metrics: Arc::clone(&self.metrics),
        }
    }
}

/// A service whose requests are counted.
#[derive(Clone)]
pub(crate) struct Metered<S> {
    inner: S,
    metrics: Arc<Metrics>,
}

impl<S, B> Service<Request<Body>> for Metered<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let method = request.method().clone();
        let metrics = Arc::clone(&self.metrics);
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            let code = answer.as_ref().ok().map(Response::status);
            metrics.api_answered(&method, code);
            answer
        })
    }
}

#[cfg(test)]
mod tests {
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn answers_and_their_absence_are_counted() {
        let meter = Meter::for_tests();
        let server = tower::service_fn(|request: Request<Body>| async move {
            match request.uri().path() {
                "/silent" => Err(BoxError::from("connection refused")),
                _ => Ok(Response::builder().status(409).body(()).unwrap()),
            }
        });
        for path in ["/silent", "/taken", "/taken"] {
            let request = Request::post(path).body(Body::empty()).unwrap();
            drop(meter.layer(server).oneshot(request).await);
        }
        let page = String::from_utf8(meter.metrics.to_text().unwrap()).unwrap();
        for line in [
            "api_requests_total{code=\"409\",method=\"post\"} 2\n",
            "api_requests_total{code=\"<error>\",method=\"post\"} 1\n",
        ] {
            assert!(page.contains(line), "{page}");
        }
    }
}
