//! Passes, and requests to the API server.

use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};
use sealed_api::names::metrics as names;

use super::{Metrics, method_label};
use crate::queue::Verdict;

/// From the echo of our own write to an object of thousands of values.
const PASS_BUCKETS: [f64; 13] = [
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0,
];

/// The label `code` of a request that was not answered, as Go's client library calls it.
const NO_ANSWER: &str = "<error>";

pub(super) struct Activity {
    passes: HistogramVec,
    api_requests: IntCounterVec,
}

impl Activity {
    pub(super) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let passes = HistogramVec::new(
            HistogramOpts::new(
                names::RECONCILE_DURATION,
                "How long a pass over a SealedSecret took, by what becomes of the object.",
            )
            .buckets(PASS_BUCKETS.to_vec()),
            &["result"],
        )?;
        let api_requests = IntCounterVec::new(
            Opts::new(
                names::API_REQUESTS,
                "Total number of requests to the API server by answer; <error> is none at all.",
            ),
            &["code", "method"],
        )?;
        registry.register(Box::new(passes.clone()))?;
        registry.register(Box::new(api_requests.clone()))?;
        Ok(Self {
            passes,
            api_requests,
        })
    }
}

impl Metrics {
    /// Counts one pass that took so long.
    pub fn pass_ended(&self, verdict: Verdict, took: Duration) {
        let result = match verdict {
            Verdict::Settled => "settled",
            Verdict::Retry(_) => "retry",
            Verdict::After(_) => "later",
        };
        let passes = &self.activity.passes;
        passes
            .with_label_values(&[result])
            .observe(took.as_secs_f64());
    }

    /// Counts one request to the API server; `None` was not answered.
    pub fn api_answered(&self, method: &http::Method, code: Option<http::StatusCode>) {
        let code = code.as_ref().map_or(NO_ANSWER, http::StatusCode::as_str);
        self.activity
            .api_requests
            .with_label_values(&[code, method_label(method)])
            .inc();
    }
}
