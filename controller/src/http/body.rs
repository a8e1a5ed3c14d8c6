//! Reading a request body: bounded in size, in time, and in what all requests together may hold.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes};

/// The largest body that is read: a SealedSecret with one value of 1 MiB takes 1.4 MB.
pub const MAX_BODY: usize = 3 * 1024 * 1024;

/// What all bodies together may hold at one moment.
const BUDGET: usize = 32 * 1024 * 1024;

/// What the bodies of one peer may hold of it, so that one pod cannot shut the others out.
const PEER_BUDGET: usize = 8 * 1024 * 1024;

/// How long a body may make no progress at all.
const STALL: Duration = Duration::from_secs(5);

/// How much of a body that is too large is read and thrown away before the answer. A client that is still sending when
/// the connection closes would otherwise see a reset in place of the answer.
const MAX_DRAINED: usize = 4 * MAX_BODY;
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The connection ended early.
    #[error("the request body ended early")]
    Broken,
    /// Other requests, or others of the same peer, hold all the memory there is for bodies.
    #[error("too many request bodies at once")]
    Busy,
    /// More than [`MAX_BODY`].
    #[error("the request body is larger than {MAX_BODY} bytes")]
    TooLarge,
    /// Not there in time, or nothing of it came for a while.
    #[error("the request body came too slowly")]
    TooSlow,
}

/// Memory for request bodies, shared by all requests.
#[derive(Clone, Debug)]
pub struct BodyBudget {
    all: usize,
    of_peer: usize,
    held: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
}

impl Default for BodyBudget {
    fn default() -> Self {
        Self::of(BUDGET, PEER_BUDGET)
    }
}

/// A body and its share of the budget.
#[derive(Debug)]
pub struct HeldBody {
    bytes: Vec<u8>,
    share: Share,
}

impl HeldBody {
    /// The bytes of the body.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A part of the budget, given back when it is dropped.
#[derive(Debug)]
struct Share {
    budget: BodyBudget,
    peer: IpAddr,
    size: usize,
}

impl Share {
    fn grow(&mut self, size: usize) -> Result<(), BodyError> {
        let mut held = self.budget.held();
        let of_peer = held.get(&self.peer).copied().unwrap_or_default();
        // Few peers have a body on the way, so that adding up is cheap.
        let all: usize = held.values().sum();
        if of_peer.saturating_add(size) > self.budget.of_peer
            || all.saturating_add(size) > self.budget.all
        {
            return Err(BodyError::Busy);
        }
        held.insert(self.peer, of_peer + size);
        drop(held);
        self.size += size;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.budget.held();
        match held.get_mut(&self.peer) {
            Some(size) if *size > self.size => *size -= self.size,
            _ => drop(held.remove(&self.peer)),
        }
    }
}

impl BodyBudget {
    fn of(all: usize, of_peer: usize) -> Self {
        Self {
            all,
            of_peer,
            held: Arc::default(),
        }
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<IpAddr, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the whole of `body`, which `peer` sends, within `timeout`.
    pub async fn read<B>(
        &self,
        body: B,
        peer: IpAddr,
        timeout: Option<Duration>,
    ) -> Result<HeldBody, BodyError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let within = timeout.unwrap_or(Duration::MAX);
        tokio::time::timeout(within, self.collect(body, peer))
            .await
            .unwrap_or(Err(BodyError::TooSlow))
    }

    async fn collect<B>(&self, mut body: B, peer: IpAddr) -> Result<HeldBody, BodyError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        // A client that announces too much has not sent it yet (`Expect: 100-continue`): answer at once.
        if body.size_hint().lower() > MAX_BODY as u64 {
            return Err(BodyError::TooLarge);
        }
        let mut held = HeldBody {
            bytes: Vec::new(),
            share: Share {
                budget: self.clone(),
                peer,
                size: 0,
            },
        };
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
            if held.bytes.len() + data.len() > MAX_BODY {
                drop(held);
                drain(body).await;
                return Err(BodyError::TooLarge);
            }
            held.share.grow(data.len())?;
            held.bytes.extend_from_slice(&data);
        }
        Ok(held)
    }
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

    fn peer(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

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

    #[tokio::test]
    async fn the_limit_is_exact() {
        let budget = BodyBudget::default();
        let read = budget.read(full(MAX_BODY), peer(1), None).await.unwrap();
        assert_eq!(read.bytes().len(), MAX_BODY);
        for refused in [
            budget.read(full(MAX_BODY + 1), peer(1), None).await,
            budget.read(chunked(4, 1024 * 1024), peer(1), None).await,
        ] {
            assert_eq!(refused.unwrap_err(), BodyError::TooLarge);
        }
    }

    #[tokio::test]
    async fn all_bodies_share_one_budget_and_give_it_back() {
        let budget = BodyBudget::of(100, 60);
        let first = budget.read(full(60), peer(1), None).await.unwrap();
        let refused = budget.read(full(41), peer(2), None).await;
        assert_eq!(refused.unwrap_err(), BodyError::Busy);
        drop(first);
        let second = budget.read(full(41), peer(2), None).await;
        assert!(second.is_ok());
        drop(second);
        assert!(budget.held().is_empty());
    }

    #[tokio::test]
    async fn one_peer_cannot_hold_the_whole_budget() {
        let budget = BodyBudget::default();
        let mut held = Vec::new();
        while let Ok(body) = budget.read(full(MAX_BODY), peer(1), None).await {
            held.push(body);
            assert!(held.len() * MAX_BODY <= PEER_BUDGET);
        }
        assert!(!held.is_empty());
        assert!(budget.read(full(MAX_BODY), peer(2), None).await.is_ok());
        held.pop();
        assert!(budget.read(full(MAX_BODY), peer(1), None).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_without_progress_is_given_up() {
        let began = tokio::time::Instant::now();
        let budget = BodyBudget::default();
        let read = budget.read(slow(&[4, 4]), peer(1), None).await;
        assert_eq!(read.unwrap_err(), BodyError::TooSlow);
        assert_eq!(began.elapsed().as_secs(), 8 + STALL.as_secs());
        assert!(budget.held().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_takes_too_long_is_given_up() {
        let timeout = Some(Duration::from_secs(10));
        let began = tokio::time::Instant::now();
        let budget = BodyBudget::default();
        let read = budget.read(slow(&[4, 4, 4]), peer(1), timeout);
        assert_eq!(read.await.unwrap_err(), BodyError::TooSlow);
        assert_eq!(began.elapsed().as_secs(), 10);
    }
}
