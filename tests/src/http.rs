//! Plain HTTP requests to the ports of a controller.

use std::time::Duration;

use anyhow::{Context as _, Result};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(10);

/// An answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its whole body.
    pub body: String,
}

/// Sends one request to a loopback port, on a connection of its own.
pub async fn request(
    method: Method,
    port: u16,
    path: &str,
    body: impl Into<Bytes>,
) -> Result<Response> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(http::header::HOST, format!("127.0.0.1:{port}"))
        .body(Full::new(body.into()))?;
    tokio::time::timeout(PATIENCE, exchange(port, request))
        .await
        .context("no answer")?
        .with_context(|| format!("cannot ask 127.0.0.1:{port} for {path}"))
}

/// A GET request to a loopback port.
pub async fn get(port: u16, path: &str) -> Result<Response> {
    request(Method::GET, port, path, Bytes::new()).await
}

async fn exchange(port: u16, request: Request<Full<Bytes>>) -> Result<Response> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    // The answer is complete: how the connection ends does not matter.
    driver.abort();
    Ok(Response {
        status: head.status,
        headers: head.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}
