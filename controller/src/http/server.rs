//! Listeners and connections: everything about HTTP that is not about a request.
//!
//! HTTP/1.1, plain or over TLS. A connection that sends its head or body too slowly, takes its answer too slowly or idles too long is
//! closed; nobody can [hold all connections](super::connections); a handler that panics costs its own connection only.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::connections::{Connections, Slot};
use super::write_deadline::WriteDeadline;
use crate::config::ListenAddress;

/// Open connections of one listener. Both together leave half of 1024 file descriptors, the usual limit, to the API client.
const MAX_CONNECTIONS: usize = 256;

/// What is read of a request head, about: each connection may hold one, and no proxy sends as much.
const MAX_HEAD: usize = 64 * 1024;

/// What the kernel takes of an answer that the client has not. Left to itself it takes megabytes for each connection.
const SEND_BUFFER: usize = 64 * 1024;

/// How long requests may go on after the process was told to stop. Kubernetes kills after 30 s.
const DRAIN: Duration = Duration::from_secs(10);

/// How long a TLS handshake may take, if the time for a request head is not shorter.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Pause after a failed `accept`, which mostly means that the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Timeouts of a connection; `None` waits for ever, as 0 does in upstream's flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the request head, and between two requests.
    pub read: Option<Duration>,
    /// For an answer, until the peer has taken all of it.
    pub write: Option<Duration>,
}

/// What answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request of `peer`.
    fn answer(
        &self,
        request: Request<Incoming>,
        peer: IpAddr,
    ) -> impl Future<Output = Response<Full<Bytes>>> + Send;
}

/// A port that could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on `{address}`")]
pub struct BindError {
    address: String,
    #[source]
    source: io::Error,
}

/// Opens `address`. Without a host every interface is meant, IPv6 included where the machine has it.
pub async fn bind(address: &ListenAddress) -> Result<TcpListener, BindError> {
    let port = address.port();
    let bound = match address.host() {
        Some(host) => TcpListener::bind((host, port)).await,
        None => match TcpListener::bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))).await {
            Err(e)
                if e.kind() == io::ErrorKind::AddrInUse
                    || e.kind() == io::ErrorKind::PermissionDenied =>
            {
                Err(e)
            }
            Err(_) => TcpListener::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))).await,
            bound => bound,
        },
    };
    let limited = bound.and_then(|listener| {
        // Every connection inherits it.
        SockRef::from(&listener).set_send_buffer_size(SEND_BUFFER)?;
        Ok(listener)
    });
    limited.map_err(|source| BindError {
        address: address.to_string(),
        source,
    })
}

/// Serves until `shutdown`, then lets running requests finish within `DRAIN`.
pub async fn serve<H: Handler>(
    listener: TcpListener,
    timeouts: Timeouts,
    tls: Option<TlsAcceptor>,
    handler: Arc<H>,
    shutdown: CancellationToken,
) {
    let graceful = GracefulShutdown::new();
    let connections = Connections::of(MAX_CONNECTIONS);
    let mut stop = pin!(shutdown.cancelled());
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(error = %error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let slot = Arc::new(connections.admit(peer.ip()));
        let watcher = graceful.watcher();
        let (tls, handler, shutdown) = (tls.clone(), Arc::clone(&handler), shutdown.clone());
        tokio::spawn(async move {
            let stream = WriteDeadline::new(stream, timeouts.write);
            let place = Arc::clone(&slot);
            // A connection that broke is the client's affair.
            let conversation = async {
                match tls {
                    None => drop(
                        watcher
                            .watch(connection(stream, timeouts, handler, place))
                            .await,
                    ),
                    Some(tls) => {
                        if let Some(stream) = handshake(&tls, stream, timeouts, &shutdown).await {
                            drop(
                                watcher
                                    .watch(connection(stream, timeouts, handler, place))
                                    .await,
                            );
                        }
                    }
                }
            };
            tokio::select! {
                () = slot.evicted() => tracing::debug!(%peer, "closed a connection to make room for another"),
                () = conversation => {}
            }
        });
    }
    drop(listener);
    drop(tokio::time::timeout(DRAIN, graceful.shutdown()).await);
}

/// The encrypted side of a connection, if the peer gets that far in time.
async fn handshake<S>(
    tls: &TlsAcceptor,
    stream: S,
    timeouts: Timeouts,
    shutdown: &CancellationToken,
) -> Option<tokio_rustls::server::TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let within = timeouts.read.map_or(HANDSHAKE, |read| read.min(HANDSHAKE));
    let done = tokio::select! {
        () = shutdown.cancelled() => return None,
        done = tokio::time::timeout(within, tls.accept(stream)) => done,
    };
    match done {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a TLS handshake failed");
            None
        }
        Err(_elapsed) => None,
    }
}

fn connection<S, H>(
    stream: S,
    timeouts: Timeouts,
    handler: Arc<H>,
    slot: Arc<Slot>,
) -> impl hyper_util::server::graceful::GracefulConnection<Output: Send> + Send
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Handler,
{
    let service = service_fn(move |request| {
        let (handler, answering) = (Arc::clone(&handler), slot.answering());
        async move {
            let answer = handler.answer(request, answering.peer()).await;
            drop(answering);
            Ok::<_, Infallible>(answer)
        }
    });
    http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .timer(TokioTimer::new())
        .header_read_timeout(timeouts.read)
        // The spelling Go writes: scripts grep for `X-Ratelimit-Remaining`.
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpStream;

    use super::*;

    /// Answers everything with much head and no body, and counts.
    #[derive(Default)]
    struct Redirects(AtomicUsize);

    impl Handler for Redirects {
        async fn answer(&self, _: Request<Incoming>, _: IpAddr) -> Response<Full<Bytes>> {
            self.0.fetch_add(1, Ordering::Relaxed);
            let location = "x".repeat(16 * 1024);
            let answer = Response::builder().header("location", location);
            answer.body(Full::default()).unwrap()
        }
    }

    #[tokio::test]
    async fn no_answers_are_collected_for_a_client_that_takes_none() {
        let listener = bind(&"127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let timeouts = Timeouts {
            read: None,
            write: Some(Duration::from_secs(2)),
        };
        let handler = Arc::new(Redirects::default());
        let stop = CancellationToken::new();
        let served = tokio::spawn(serve(
            listener,
            timeouts,
            None,
            Arc::clone(&handler),
            stop.clone(),
        ));
        let mut client = TcpStream::connect(address).await.unwrap();
        // Behind a small body that was sent too early hyper reads on, whether or not the answer was taken.
        let requests =
            b"GET / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx".repeat(100);
        // Until the server gives the client up.
        while client.write_all(&requests).await.is_ok() {}
        let answered = handler.0.load(Ordering::Relaxed);
        assert!(answered < 200, "{answered} answers of 16 KiB");
        stop.cancel();
        served.await.unwrap();
    }

    #[tokio::test]
    async fn a_port_in_use_is_an_error_that_names_it() {
        let address: ListenAddress = "127.0.0.1:0".parse().unwrap();
        let listener = bind(&address).await.unwrap();
        let taken: ListenAddress = listener.local_addr().unwrap().to_string().parse().unwrap();
        let error = bind(&taken).await.unwrap_err();
        assert_eq!(error.to_string(), format!("cannot listen on `{taken}`"));
    }
}
