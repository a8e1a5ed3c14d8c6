//! Reading a request body: bounded in size, in time, and in what all requests together may hold.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The largest body that is read: a SealedSecret with one value of 1 MiB takes 1.4 MB.
pub const MAX_BODY: usize = 3 * 1024 * 1024;

/// What all bodies together may hold at one moment.
const BUDGET: usize = 32 * 1024 * 1024;

/// How much of a body that is too large is read and thrown away before the answer. A client that is still sending when
/// the connection closes would otherwise see a reset in place of the answer.
const MAX_DRAINED: usize = 4 * MAX_BODY;
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The connection ended early, or sent too slowly.
    #[error("the request body ended early or came too slowly")]
    Broken,
    /// Other requests hold all the memory there is for bodies.
    #[error("too many request bodies at once")]
    Busy,
    /// More than [`MAX_BODY`].
    #[error("the request body is larger than {MAX_BODY} bytes")]
    TooLarge,
}

/// Memory for request bodies, shared by all requests.
#[derive(Clone, Debug)]
pub struct BodyBudget(Arc<Semaphore>);

impl Default for BodyBudget {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(BUDGET)))
    }
}

/// A body and its share of the budget.
#[derive(Debug)]
pub struct HeldBody {
    bytes: Vec<u8>,
    share: Option<OwnedSemaphorePermit>,
}

impl HeldBody {
    /// The bytes of the body.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl BodyBudget {
    /// Reads the whole of `body` within `timeout`.
    pub async fn read<B>(&self, body: B, timeout: Option<Duration>) -> Result<HeldBody, BodyError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let within = timeout.unwrap_or(Duration::MAX);
        tokio::time::timeout(within, self.collect(body))
            .await
            .unwrap_or(Err(BodyError::Broken))
    }

    async fn collect<B>(&self, mut body: B) -> Result<HeldBody, BodyError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        // A client that announces too much has not sent it yet (`Expect: 100-continue`): answer at once.
        if body.size_hint().lower() > MAX_BODY as u64 {
            return Err(BodyError::TooLarge);
        }
        let mut held = HeldBody {
            bytes: Vec::new(),
            share: None,
        };
        while let Some(frame) = body.frame().await {
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
            self.take_share(&mut held, data.len())?;
            held.bytes.extend_from_slice(&data);
        }
        Ok(held)
    }

    fn take_share(&self, held: &mut HeldBody, size: usize) -> Result<(), BodyError> {
        let size = u32::try_from(size).map_err(|_| BodyError::TooLarge)?;
        let share = Arc::clone(&self.0)
            .try_acquire_many_owned(size)
            .map_err(|_| BodyError::Busy)?;
        match &mut held.share {
            Some(all) => all.merge(share),
            none => *none = Some(share),
        }
        Ok(())
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

    #[tokio::test]
    async fn the_limit_is_exact() {
        let budget = BodyBudget::default();
        let read = budget.read(full(MAX_BODY), None).await.unwrap();
        assert_eq!(read.bytes().len(), MAX_BODY);
        assert_eq!(
            budget.read(full(MAX_BODY + 1), None).await.unwrap_err(),
            BodyError::TooLarge
        );
        assert_eq!(
            budget
                .read(chunked(4, 1024 * 1024), None)
                .await
                .unwrap_err(),
            BodyError::TooLarge
        );
    }

    #[tokio::test]
    async fn all_bodies_share_one_budget_and_give_it_back() {
        let budget = BodyBudget(Arc::new(Semaphore::new(100)));
        let first = budget.read(full(60), None).await.unwrap();
        assert_eq!(
            budget.read(full(60), None).await.unwrap_err(),
            BodyError::Busy
        );
        drop(first);
        assert!(budget.read(full(60), None).await.is_ok());
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_given_up() {
        let never = StreamBody::new(futures::stream::pending::<
            Result<Frame<Bytes>, std::convert::Infallible>,
        >());
        let budget = BodyBudget::default();
        let read = budget.read(never, Some(Duration::from_millis(5)));
        assert_eq!(read.await.unwrap_err(), BodyError::Broken);
    }
}
