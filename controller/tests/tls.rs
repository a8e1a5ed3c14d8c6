//! The ports over TLS, over a directory: whose certificate is shown, and when.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot make a certificate or a connection has failed"
)]

#[expect(
    dead_code,
    reason = "shared with the other test programs, which use other parts"
)]
#[path = "support/site.rs"]
mod site;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::ToSpan;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use sealed_crypto::{CertificateRequest, PrivateKey};
use site::{Answer, Site, connect, read_to_end, wait_for};
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::crypto::{
    CryptoProvider, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    self, ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned,
    SupportedProtocolVersion,
};

/// Trusts any certificate, as the API server does when it proxies: which one it is, the tests compare.
#[derive(Debug)]
struct Anybody(CryptoProvider);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// One GET over TLS: the answer, and the certificate that was shown.
fn get(
    address: SocketAddr,
    path: &str,
    version: &'static SupportedProtocolVersion,
) -> std::io::Result<(Answer, Vec<u8>)> {
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(default_provider())))
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(client, connect(address));
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let shown = stream.conn.peer_certificates().unwrap()[0].to_vec();
    Ok((Answer::parse(&text).unwrap(), shown))
}

/// A key of the recorded vectors and a certificate for it, as a Secret; and the certificate as it is shown.
fn identity(file: &str) -> (String, Vec<u8>) {
    let path = format!(
        "{}/../tests/vectors/keys/{file}",
        env!("CARGO_MANIFEST_DIR")
    );
    let pem = std::fs::read(path).unwrap();
    let key = PrivateKey::from_pem(&pem).unwrap();
    let not_before: jiff::Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
    let request = CertificateRequest {
        common_name: "localhost".to_owned(),
        not_before,
        not_after: not_before.checked_add((24 * 3650).hours()).unwrap(),
    };
    let certificate = key.self_signed(&request).unwrap();
    let text = certificate.to_pem();
    let base64: String = text
        .lines()
        .filter(|line| !line.contains("-----"))
        .collect();
    let shown = sealed_crypto::base64::decode(base64.as_bytes()).unwrap();
    (secret(text.into_bytes(), pem), shown)
}

fn secret(certificate: Vec<u8>, key: Vec<u8>) -> String {
    let data = [("tls.crt", certificate), ("tls.key", key)];
    let data = data.map(|(name, value)| (name.to_owned(), ByteString(value)));
    sealed_manifest::to_yaml(&Secret {
        type_: Some("kubernetes.io/tls".to_owned()),
        data: Some(data.into()),
        ..Secret::default()
    })
}

const A: &str = "rsa2048-a.pkcs1.pem";
const B: &str = "rsa2048-b.pkcs1.pem";
const FILE: &str = "tls/web.yaml";

#[test]
fn a_port_serves_with_the_newest_good_certificate() {
    let site = Site::new();
    let running = site.open(&["--metrics-tls-secret=web"]);
    wait_for("the missing file", || {
        running
            .log()
            .contains("there is no such Secret")
            .then_some(())
    });
    assert_eq!(running.get("/readyz").code, 503);
    assert_eq!(running.get("/livez").code, 200);
    let metrics = |version| get(running.metrics, "/metrics", version);
    assert!(metrics(&TLS13).is_err(), "there is nothing to show");

    let (first, shown_first) = identity(A);
    site.put(FILE, &first);
    running.wait_ready();
    for version in [&TLS12, &TLS13] {
        let (answer, shown) = metrics(version).unwrap();
        assert_eq!((answer.code, shown), (200, shown_first.clone()));
        assert!(answer.body.contains("build_info"), "{}", answer.body);
    }

    let (second, shown_second) = identity(B);
    site.put(FILE, &second);
    wait_for("the second certificate", || {
        (metrics(&TLS13).unwrap().1 == shown_second).then_some(())
    });
    site.put(FILE, &secret(b"hunter2".to_vec(), b"hunter2".to_vec()));
    let told = || {
        let log = running.log();
        let lines = log.lines().filter(|line| line.contains("stays in use"));
        lines.count()
    };
    wait_for("the complaint", || (told() > 0).then_some(()));
    // Looked at again, and not told again.
    site.put("sealed/other.yaml", &running.sealed("a", "b", &[]));
    site.wait_status("status/a/b.yaml", &["Synced"]);
    assert_eq!(told(), 1, "{}", running.log());
    assert_eq!(metrics(&TLS13).unwrap().1, shown_second);
    let log = running.log();
    assert!(
        !log.contains("hunter2") && !log.contains("PRIVATE"),
        "{log}"
    );
    assert_eq!(running.stop(), Some(0));
}

#[test]
fn old_protocols_and_slow_handshakes_are_cut_off() {
    let site = Site::new();
    site.put(FILE, &identity(A).0);
    let running = site.open(&["--tls-secret=web", "--read-timeout=300ms"]);
    wait_for("an answer over TLS", || {
        let (answer, _) = get(running.api, "/readyz", &TLS13).ok()?;
        (answer.code == 200).then_some(())
    });

    let mut plain = connect(running.api);
    plain
        .write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    drop(plain.read_to_end(&mut answer));
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");

    // A ClientHello of TLS 1.1 with one cipher suite.
    let mut hello = vec![3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0x00, 0x2f, 1, 0]);
    let length = u8::try_from(hello.len()).unwrap();
    let mut record = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
    record.append(&mut hello);
    let mut old = connect(running.api);
    old.write_all(&record).unwrap();
    let mut alert = Vec::new();
    drop(old.read_to_end(&mut alert));
    // Type alert, fatal; nothing else was ever sent.
    assert_eq!(
        (alert.first(), alert.get(5), alert.len()),
        (Some(&21), Some(&2), 7)
    );

    let began = Instant::now();
    let silent = connect(running.api);
    assert_eq!(read_to_end(silent), "");
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(get(running.api, "/livez", &TLS13).is_ok());
    assert_eq!(running.stop(), Some(0));
}
