//! What the two endpoints that use private keys for strangers have in common: limits of rate, method, size and time.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use ::http::header::{ALLOW, RETRY_AFTER};
use ::http::{HeaderValue, Method, Request, StatusCode};
use hyper::body::{Body, Bytes};
use sealed_api::names::http as wire;

use super::body::{self, BodyError};
use super::budget::Held;
use super::endpoints::{Answer, Endpoints, error, status};
use super::rate_limit::{Decision, last_forwarded_for};
use super::{rotate, verify};

impl Endpoints {
    /// The two endpoints that use private keys for strangers: limited in rate, method, size and time.
    pub(super) async fn decrypting<B>(
        &self,
        path: &'static str,
        request: Request<B>,
        peer: IpAddr,
    ) -> Answer
    where
        B: Body<Data = Bytes> + Send + Unpin,
    {
        let began = Instant::now();
        let method = request.method().clone();
        let client = last_forwarded_for(request.headers());
        let decision = self
            .limiter
            .check(path, peer, client, began.duration_since(self.started));
        let mut answer = if decision.retry_after.is_some() {
            error(StatusCode::TOO_MANY_REQUESTS, "limit exceeded\n")
        } else if method != Method::POST {
            let mut answer = error(
                StatusCode::METHOD_NOT_ALLOWED,
                "only POST is answered here\n",
            );
            answer
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("POST"));
            answer
        } else {
            match body::read(request.into_body(), &self.bodies, peer, self.read_timeout).await {
                Ok(body) => self.decrypt(path, body, peer).await,
                Err(fault) => refused_body(path, fault),
            }
        };
        add_rate_headers(&mut answer, decision);
        self.counted(path, &method, began, answer)
    }

    async fn decrypt(&self, path: &'static str, body: Held, peer: IpAddr) -> Answer {
        if path == wire::VERIFY {
            verify::answer(self, body).await
        } else {
            rotate::answer(self, body, peer).await
        }
    }
}

fn refused_body(path: &str, fault: BodyError) -> Answer {
    tracing::error!(error = %fault, "Error handling {path} request");
    match fault {
        // Upstream answers every failure to read a body alike.
        BodyError::Broken | BodyError::TooSlow => status(StatusCode::BAD_REQUEST),
        BodyError::Busy(_) => busy(),
        BodyError::TooLarge => error(StatusCode::PAYLOAD_TOO_LARGE, format!("{fault}\n")),
    }
}

fn add_rate_headers(answer: &mut Answer, decision: Decision) {
    let seconds = |time: Duration| {
        let rounded_up = time.as_secs() + u64::from(time.subsec_nanos() > 0);
        HeaderValue::from(rounded_up)
    };
    let headers = answer.headers_mut();
    headers.insert("x-ratelimit-limit", decision.limit.into());
    headers.insert("x-ratelimit-remaining", decision.remaining.into());
    headers.insert("x-ratelimit-reset", seconds(decision.reset_after));
    if let Some(wait) = decision.retry_after {
        headers.insert(RETRY_AFTER, seconds(wait));
    }
}

/// Too much is going on; the client may come back.
pub(super) fn busy() -> Answer {
    let mut answer = error(StatusCode::SERVICE_UNAVAILABLE, "busy\n");
    answer
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

/// The object has more values than one request may have read or opened.
pub(super) fn too_costly() -> Answer {
    error(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too many values for one request\n",
    )
}
