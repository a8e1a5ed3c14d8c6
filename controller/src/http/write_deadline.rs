//! A connection whose peer must take each answer within a time.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Passes everything through, and fails what a peer has not taken `limit` after it first had to be waited for: hyper has
/// timeouts for reading only. The limit is on all that is written until it is flushed, as with Go's `WriteTimeout`, and not
/// on each step, or a peer that takes a byte now and then holds an answer for ever.
///
/// Nothing is read from a peer that has to be waited for: hyper would go on to its next requests, and collect their answers.
pub(super) struct WriteDeadline<S> {
    inner: S,
    limit: Option<Duration>,
    deadline: Option<Pin<Box<Sleep>>>,
    /// Whether the last write has to wait for the peer.
    is_stalled: bool,
    /// Who wants to read as soon as it need not.
    reader: Option<Waker>,
}

impl<S> WriteDeadline<S> {
    pub(super) fn new(inner: S, limit: Option<Duration>) -> Self {
        Self {
            inner,
            limit,
            deadline: None,
            is_stalled: false,
            reader: None,
        }
    }

    fn judge<T>(
        &mut self,
        progress: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        self.is_stalled = progress.is_pending();
        if !self.is_stalled {
            if let Some(reader) = self.reader.take() {
                reader.wake();
            }
            return progress;
        }
        let Some(limit) = self.limit else {
            return progress;
        };
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteDeadline<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_stalled {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Pin::new(&mut self.inner).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteDeadline<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.judge(progress, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.inner).poll_write_vectored(cx, bytes);
        self.judge(progress, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.inner).poll_flush(cx);
        if progress.is_ready() {
            self.deadline = None;
        }
        self.judge(progress, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.judge(progress, cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    use tokio::time::Instant;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(200);

    /// A stream whose peer can be sent four bytes before it reads.
    fn narrow() -> (WriteDeadline<DuplexStream>, DuplexStream) {
        let (ours, theirs) = tokio::io::duplex(4);
        (WriteDeadline::new(ours, Some(LIMIT)), theirs)
    }

    /// Takes four bytes each 60 ms.
    async fn take_slowly(mut from: DuplexStream, count: usize) -> Vec<u8> {
        let mut all = Vec::new();
        let mut some = [0; 4];
        while all.len() < count {
            sleep(Duration::from_millis(60)).await;
            match from.read(&mut some).await.unwrap() {
                0 => break,
                n => all.extend_from_slice(&some[..n]),
            }
        }
        all
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_given_up() {
        let (mut stream, _theirs) = narrow();
        let error = stream.write_all(b"more than four bytes").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_too_little_is_given_up_too() {
        let (mut stream, theirs) = narrow();
        let began = Instant::now();
        let reader = tokio::spawn(take_slowly(theirs, 100));
        let error = stream.write_all(&[b'x'; 100]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed(), LIMIT);
        drop(stream);
        assert!(reader.await.unwrap().len() < 30);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_peer_has_the_whole_time_for_each_answer() {
        let (mut stream, theirs) = narrow();
        let reader = tokio::spawn(take_slowly(theirs, 36));
        for _ in 0..3 {
            stream.write_all(b"twelve bytes").await.unwrap();
            stream.flush().await.unwrap();
        }
        assert_eq!(reader.await.unwrap(), b"twelve bytes".repeat(3));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_read_before_what_was_written_is_taken() {
        let (stream, mut theirs) = narrow();
        let (mut reads, mut ours) = tokio::io::split(stream);
        theirs.write_all(b"next").await.unwrap();
        let writer = tokio::spawn(async move { ours.write_all(b"eight by").await });
        tokio::task::yield_now().await;
        let mut next = [0; 4];
        let early = tokio::time::timeout(LIMIT / 2, reads.read_exact(&mut next)).await;
        assert!(early.is_err());
        theirs.read_exact(&mut [0; 8]).await.unwrap();
        writer.await.unwrap().unwrap();
        reads.read_exact(&mut next).await.unwrap();
        assert_eq!(&next, b"next");
    }
}
