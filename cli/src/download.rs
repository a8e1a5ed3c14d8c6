//! Downloading a certificate, with limits.

use std::time::Duration;

use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use sealed_api::Code;
use tokio::net::TcpStream;

use crate::cluster::{self, network_cause};
use crate::environment::Environment;
use crate::failure::Failure;

/// A certificate or a bundle of them is a few kilobytes.
const MAX_SIZE: usize = 1 << 20;
/// For the whole download.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// As many as Go's client follows.
const MAX_REDIRECTS: usize = 10;

/// Fetches a URL. `typed` is shown in messages.
pub(crate) fn get(url: &Uri, typed: &str, environment: &Environment) -> Result<Vec<u8>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::new(
                Code::Unreachable,
                format!("cannot start the network: {error}"),
            )
        })?;
    let limited = async { tokio::time::timeout(TIME_LIMIT, follow(url, typed, environment)).await };
    runtime.block_on(limited).unwrap_or_else(|_| {
        Err(failed(
            typed,
            &format!("no answer within {} seconds", TIME_LIMIT.as_secs()),
        ))
    })
}

async fn follow(url: &Uri, typed: &str, environment: &Environment) -> Result<Vec<u8>, Failure> {
    let mut url = url.clone();
    for _ in 0..=MAX_REDIRECTS {
        let response = if url.scheme_str() == Some("https") {
            over_tls(&url, typed, environment).await?
        } else {
            in_clear(&url, typed, environment).await?
        };
        if response.status().is_redirection()
            && let Some(next) = response.headers().get(header::LOCATION)
        {
            url = redirected(&url, next).map_err(|cause| failed(typed, cause))?;
            continue;
        }
        if response.status() != StatusCode::OK {
            let status = response.status().to_string();
            return Err(Failure::new(
                Code::NoCertificate,
                format!("cannot fetch `{typed}`: {status}"),
            )
            .kubeseal(format!(
                "cannot fetch {}: {status}",
                sealed_pflag::quote(typed)
            )));
        }
        return Ok(response.into_body());
    }
    Err(failed(
        typed,
        &format!("stopped after {MAX_REDIRECTS} redirects"),
    ))
}

/// kube's client brings TLS with the system's certificate authorities and the CONNECT proxy.
async fn over_tls(
    url: &Uri,
    typed: &str,
    environment: &Environment,
) -> Result<Response<Vec<u8>>, Failure> {
    let mut config = kube::Config::new(origin_of(url));
    config.default_retry = false;
    config.proxy_url = cluster::proxy_for_url(url, environment)?;
    let client = kube::client::ClientBuilder::try_from(config)
        .map(kube::client::ClientBuilder::build)
        .map_err(|error| failed(typed, &error.to_string()))?;
    let request = Request::builder()
        .method(Method::GET)
        .uri(path_of(url))
        .body(kube::client::Body::empty());
    let request = request.map_err(|error| failed(typed, &error.to_string()))?;
    let response = client
        .send(request)
        .await
        .map_err(|error| failed(typed, &network_cause(&error, &url.to_string())))?;
    collect(response, typed).await
}

/// Plain HTTP. A proxy is sent the whole URL instead of the path.
async fn in_clear(
    url: &Uri,
    typed: &str,
    environment: &Environment,
) -> Result<Response<Vec<u8>>, Failure> {
    let proxy = cluster::proxy_for_url(url, environment)?;
    let peer = proxy.as_ref().unwrap_or(url);
    let on_the_way = |error: &(dyn std::error::Error + 'static)| {
        failed(typed, &network_cause(error, &peer.to_string()))
    };
    let host = peer.host().unwrap_or_default().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, peer.port_u16().unwrap_or(80)))
        .await
        .map_err(|error| on_the_way(&error))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| on_the_way(&error))?;
    let connection = tokio::spawn(connection);
    let target = match &proxy {
        Some(_) => url.to_string(),
        None => path_of(url).to_owned(),
    };
    let mut request = Request::builder().method(Method::GET).uri(target).header(
        header::HOST,
        url.authority().map_or("", http::uri::Authority::as_str),
    );
    if let Some((credentials, _)) = peer
        .authority()
        .and_then(|a| a.as_str().split_once('@'))
        .filter(|_| proxy.is_some())
    {
        let credentials = sealed_crypto::base64::encode(credentials.as_bytes());
        request = request.header(header::PROXY_AUTHORIZATION, format!("Basic {credentials}"));
    }
    let request = request
        .body(Empty::<&[u8]>::new())
        .map_err(|error| failed(typed, &error.to_string()))?;
    let response = sender
        .send_request(request)
        .await
        .map_err(|error| on_the_way(&error))?;
    let response = collect(response, typed).await;
    connection.abort(); // one request is all there is to say
    response
}

fn path_of(url: &Uri) -> &str {
    url.path_and_query()
        .map_or("/", http::uri::PathAndQuery::as_str)
}

async fn collect<B>(response: Response<B>, typed: &str) -> Result<Response<Vec<u8>>, Failure>
where
    B: hyper::body::Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, MAX_SIZE).collect().await;
    let body =
        body.map_err(|error| failed(typed, &format!("the answer cannot be read: {error}")))?;
    Ok(Response::from_parts(parts, body.to_bytes().to_vec()))
}

fn failed(typed: &str, cause: &str) -> Failure {
    Failure::new(
        Code::Unreachable,
        format!("cannot fetch `{typed}`: {cause}"),
    )
    .kubeseal(format!("Get {}: {cause}", sealed_pflag::quote(typed)))
}

/// Scheme and host alone.
fn origin_of(url: &Uri) -> Uri {
    let mut parts = url.clone().into_parts();
    parts.path_and_query = Some(http::uri::PathAndQuery::from_static("/"));
    Uri::from_parts(parts).unwrap_or_else(|_| url.clone())
}

/// Where a redirection leads. Whoever typed `https://` wants to know whose certificate it is, so that it never comes in clear.
fn redirected(url: &Uri, next: &HeaderValue) -> Result<Uri, &'static str> {
    let next = next
        .to_str()
        .ok()
        .and_then(|next| resolve(url, next))
        .ok_or("the server redirects to something that is no URL")?;
    if url.scheme_str() == Some("https") && next.scheme_str() != Some("https") {
        return Err(
            "the server redirects from https to http, where anyone on the way can change the certificate",
        );
    }
    Ok(next)
}

/// Whether anyone on the way can change what is fetched: plain HTTP to another machine.
pub(crate) fn comes_in_clear(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    url.scheme_str() == Some("http") && !cluster::is_loopback(host)
}

/// A redirection is a whole URL or a path on the same server.
fn resolve(base: &Uri, next: &str) -> Option<Uri> {
    if next.contains("://") {
        return next
            .parse()
            .ok()
            .filter(|url: &Uri| matches!(url.scheme_str(), Some("http" | "https")));
    }
    let mut parts = base.clone().into_parts();
    let path = if next.starts_with('/') {
        next.to_owned()
    } else {
        let directory = base
            .path()
            .rsplit_once('/')
            .map_or("", |(directory, _)| directory);
        format!("{directory}/{next}")
    };
    parts.path_and_query = Some(path.parse().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn a_redirection_never_leaves_https() {
        let to = |from: &str, next: &'static str| {
            redirected(&uri(from), &HeaderValue::from_static(next)).map(|url| url.to_string())
        };
        for next in ["http://a/x", "HTTP://a/x", "http://127.0.0.1/x"] {
            let cause = to("https://a/", next).unwrap_err();
            assert!(cause.contains("from https to http"), "{cause}");
        }
        for (from, next, led) in [
            ("https://a/", "https://b/x", "https://b/x"),
            ("https://a/b/c", "/x", "https://a/x"),
            ("https://a/b/c", "x", "https://a/b/x"),
            ("http://a/", "https://b/x", "https://b/x"),
            ("http://a/", "http://b/x", "http://b/x"),
        ] {
            assert_eq!(to(from, next).as_deref(), Ok(led));
        }
    }

    #[test]
    fn only_plain_http_to_others_comes_in_clear() {
        for url in [
            "http://a.example/x",
            "http://192.0.2.1:8080/x",
            "HTTP://[2001:db8::1]/",
        ] {
            assert!(comes_in_clear(&uri(url)), "{url}");
        }
        for url in [
            "https://a.example/x",
            "http://localhost:8080/x",
            "http://127.0.0.2/x",
            "http://[::1]:80/x",
        ] {
            assert!(!comes_in_clear(&uri(url)), "{url}");
        }
    }
}
