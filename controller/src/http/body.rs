//! Reading a request body: bounded in size, in time, and in what all requests together may hold.

use std::net::IpAddr;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes};

use super::budget::{Budget, Exhausted, Held};

/// The largest body that is read: a SealedSecret with one value of 1 MiB takes 1.4 MB.
pub(super) const MAX_BODY: usize = 3 * 1024 * 1024;

/// How long a body may make no progress at all.
const STALL: Duration = Duration::from_secs(5);

/// How much of a body that is too large is read and thrown away before the answer. A client that is still sending when
/// the connection closes would otherwise see a reset in place of the answer.
const MAX_DRAINED: usize = 4 * MAX_BODY;
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    /// The connection ended early.
    #[error("the request body ended early")]
    Broken,
    /// Too many bodies at once.
    #[error(transparent)]
    Busy(#[from] Exhausted),
    /// More than [`MAX_BODY`].
    #[error("the request body is larger than {MAX_BODY} bytes")]
    TooLarge,
    /// Not there in time, or nothing of it came for a while.
    #[error("the request body came too slowly")]
    TooSlow,
}

/// Reads the whole of `body`, which `peer` sends, within `timeout`.
pub(super) async fn read<B>(
    body: B,
    budget: &Budget,
    peer: IpAddr,
    timeout: Option<Duration>,
) -> Result<Held, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    let within = timeout.unwrap_or(Duration::MAX);
    let held = Held::new(budget.share(peer));
    tokio::time::timeout(within, collect(body, held))
        .await
        .unwrap_or(Err(BodyError::TooSlow))
}

async fn collect<B>(mut body: B, mut held: Held) -> Result<Held, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    // A client that announces too much has not sent it yet (`Expect: 100-continue`): answer at once.
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(BodyError::TooLarge);
    }
    while let Some(frame) = tokio::time::timeout(STALL, body.frame())
        .await
        .map_err(|_| BodyError::TooSlow)?
    {
        let Ok(frame) = frame else {
            return Err(BodyError::Broken);
        };
        // Trailers carry nothing for us.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if held.as_ref().len() + data.len() > MAX_BODY {
            drop(held);
            drain(body).await;
            return Err(BodyError::TooLarge);
        }
        held.extend(&data)?;
    }
    Ok(held)
}

async fn drain<B: Body<Data = Bytes> + Unpin>(mut body: B) {
    let discard = async {
        let mut drained = 0;
        while let Some(Ok(frame)) = body.frame().await {
            drained += frame.data_ref().map_or(0, Bytes::len);
            if drained > MAX_DRAINED {
                break;
            }
        }
    };
    // Whether the client finished in time changes nothing: the answer is the same.
    drop(tokio::time::timeout(DRAIN_TIME, discard).await);
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use futures::StreamExt as _;
    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;

    use super::*;

    fn full(size: usize) -> Full<Bytes> {
        Full::new(Bytes::from(vec![b'x'; size]))
    }

    /// A body without a known length, sent in chunks.
    fn chunked(
        chunks: usize,
        size: usize,
    ) -> impl Body<Data = Bytes, Error = std::convert::Infallible> + Unpin {
        let frames = (0..chunks).map(move |_| Ok(Frame::data(Bytes::from(vec![b'x'; size]))));
        StreamBody::new(futures::stream::iter(frames))
    }

    const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    /// A body that sends a byte after each of these pauses, and then nothing more, without an end.
    fn slow(
        pauses: &'static [u64],
    ) -> impl Body<Data = Bytes, Error = std::convert::Infallible> + Unpin {
        let frames = futures::stream::iter(pauses).then(|seconds| async {
            tokio::time::sleep(Duration::from_secs(*seconds)).await;
            Ok(Frame::data(Bytes::from_static(b"x")))
        });
        StreamBody::new(Box::pin(frames.chain(futures::stream::pending())))
    }

    fn budget() -> Budget {
        Budget::of(MAX_BODY, MAX_BODY)
    }

    #[tokio::test]
    async fn the_limit_is_exact() {
        let budget = budget();
        let all = read(full(MAX_BODY), &budget, PEER, None).await.unwrap();
        assert_eq!(all.as_ref().len(), MAX_BODY);
        drop(all);
        for refused in [
            read(full(MAX_BODY + 1), &budget, PEER, None).await,
            read(chunked(4, 1024 * 1024), &budget, PEER, None).await,
        ] {
            assert_eq!(refused.unwrap_err(), BodyError::TooLarge);
        }
    }

    #[tokio::test]
    async fn a_body_that_does_not_fit_any_more_is_refused() {
        let budget = budget();
        let first = read(full(MAX_BODY), &budget, PEER, None).await;
        let second = read(full(1), &budget, PEER, None).await;
        assert_eq!(second.unwrap_err(), BodyError::Busy(Exhausted));
        drop(first);
        assert!(read(full(1), &budget, PEER, None).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_without_progress_is_given_up() {
        let began = tokio::time::Instant::now();
        let budget = budget();
        let refused = read(slow(&[4, 4]), &budget, PEER, None).await;
        assert_eq!(refused.unwrap_err(), BodyError::TooSlow);
        assert_eq!(began.elapsed().as_secs(), 8 + STALL.as_secs());
        assert!(budget.is_whole());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_takes_too_long_is_given_up() {
        let timeout = Some(Duration::from_secs(10));
        let began = tokio::time::Instant::now();
        let refused = read(slow(&[4, 4, 4]), &budget(), PEER, timeout).await;
        assert_eq!(refused.unwrap_err(), BodyError::TooSlow);
        assert_eq!(began.elapsed().as_secs(), 10);
    }
}
