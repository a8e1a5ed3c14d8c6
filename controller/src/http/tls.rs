//! The certificates of our own ports.
//!
//! Each comes from a Secret of type `kubernetes.io/tls` and is replaced while the port serves: whoever renews it changes
//! the Secret, and the next handshake shows the new one. A Secret that is broken or gone changes nothing but the log.
//! Until there was a good one, every handshake fails and the process is not ready.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use sealed_api::names::key_secret::{CERTIFICATE, PRIVATE_KEY};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{self, InconsistentKeys, ServerConfig};

use super::health::{Gate, Health};
use crate::config::HttpConfig;

/// Why a Secret gives no certificate to serve with. Says nothing of what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// No such Secret.
    #[error("there is no such Secret")]
    Absent,
    /// `tls.crt` is not what it should be.
    #[error("`tls.crt` holds no certificate in PEM that can be read")]
    Certificate,
    /// `tls.key` belongs to another certificate.
    #[error("`tls.key` is not the key of the first certificate in `tls.crt`")]
    Mismatch,
    /// `tls.key` is not what it should be.
    #[error("`tls.key` holds no RSA, ECDSA or Ed25519 key in PEM that can be used")]
    PrivateKey,
    /// What should be the Secret is something else.
    #[error("it is not a Secret that can be read")]
    Unreadable,
}

/// The certificates of both ports; `None` where a port speaks plain HTTP.
#[derive(Clone, Debug)]
pub struct ServerCertificates {
    /// Of the HTTP API.
    pub api: Option<Arc<ServerCertificate>>,
    /// Of the metrics.
    pub metrics: Option<Arc<ServerCertificate>>,
}

impl ServerCertificates {
    /// What the flags ask for. The process is not ready before each was there once.
    pub fn new(config: &HttpConfig, health: &Health) -> Self {
        let certificate = |secret: &Option<String>, port| {
            let secret = secret.clone()?;
            Some(Arc::new(ServerCertificate::new(secret, port, health)))
        };
        Self {
            api: certificate(&config.tls_secret, "TLS certificate of the HTTP API"),
            metrics: certificate(&config.metrics_tls_secret, "TLS certificate of the metrics"),
        }
    }

    /// Those that there are.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ServerCertificate>> {
        self.api.iter().chain(&self.metrics)
    }
}

/// What one port serves with.
pub struct ServerCertificate {
    secret: String,
    name: &'static str,
    gate: Gate,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<Arc<CertifiedKey>>,
    /// What was said of the Secret since it was last good.
    told: Option<TlsFault>,
}

impl ServerCertificate {
    fn new(secret: String, name: &'static str, health: &Health) -> Self {
        Self {
            secret,
            name,
            gate: health.gate(name),
            state: Mutex::default(),
        }
    }

    /// The name of the Secret to look for.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// What it is the certificate of, for people.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Serves with the certificate of `secret` from the next handshake on, or says why not and goes on as before.
    pub fn replace(&self, secret: &Secret) {
        match certified_key(secret) {
            Ok(key) => self.take(key),
            Err(fault) => self.refuse(fault),
        }
    }

    /// Goes on as before, and says once why the Secret is of no use.
    pub fn refuse(&self, fault: TlsFault) {
        let mut state = self.state();
        if state.told == Some(fault) {
            return;
        }
        state.told = Some(fault);
        let effect = if state.current.is_some() {
            "the one before stays in use"
        } else {
            "no connection is answered before it can be used"
        };
        drop(state);
        tracing::error!(
            secret = self.secret,
            error = %fault,
            "cannot use the {}; {effect}",
            self.name
        );
    }

    fn take(&self, key: CertifiedKey) {
        let mut state = self.state();
        let known = state.current.as_ref();
        let is_news = known.is_none_or(|known| known.cert != key.cert) || state.told.is_some();
        *state = State {
            current: Some(Arc::new(key)),
            told: None,
        };
        drop(state);
        if is_news {
            tracing::info!(secret = self.secret, "serving with the {}", self.name);
        }
        self.gate.open();
    }

    /// What makes TLS of a connection: version 1.2 or later, and always the newest certificate.
    ///
    /// # Errors
    ///
    /// Never with the provider that is built in.
    pub fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as _);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResolvesServerCert for ServerCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.state().current.clone()
    }
}

impl fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerCertificate")
            .field("secret", &self.secret)
            .finish_non_exhaustive()
    }
}

fn certified_key(secret: &Secret) -> Result<CertifiedKey, TlsFault> {
    let entry = |key: &str| {
        let data = secret.data.as_ref().and_then(|data| data.get(key));
        data.map_or(&[][..], |ByteString(bytes)| bytes)
    };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(entry(CERTIFICATE))
        .collect::<Result<_, _>>()
        .map_err(|_| TlsFault::Certificate)?;
    if chain.is_empty() {
        return Err(TlsFault::Certificate);
    }
    let key =
        PrivateKeyDer::from_pem_slice(entry(PRIVATE_KEY)).map_err(|_| TlsFault::PrivateKey)?;
    let provider = default_provider();
    // Apart, so that a key that cannot be used is not taken for a certificate that cannot be read.
    provider
        .key_provider
        .load_private_key(key.clone_key())
        .map_err(|_| TlsFault::PrivateKey)?;
    CertifiedKey::from_der(chain, key, &provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsFault::Mismatch,
        _ => TlsFault::Certificate,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sealed_crypto::{CertificateRequest, PrivateKey};

    use super::*;

    fn pem(file: &str) -> Vec<u8> {
        let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys");
        std::fs::read(format!("{vectors}/{file}")).unwrap()
    }

    fn certificate_of(file: &str) -> Vec<u8> {
        let key = PrivateKey::from_pem(&pem(file)).unwrap();
        let request = CertificateRequest {
            common_name: "localhost".to_owned(),
            not_before: "2026-06-01T00:00:00Z".parse().unwrap(),
            not_after: "2036-06-01T00:00:00Z".parse().unwrap(),
        };
        key.self_signed(&request).unwrap().to_pem().into_bytes()
    }

    fn secret(certificate: &[u8], key: &[u8]) -> Secret {
        let data = [(CERTIFICATE, certificate), (PRIVATE_KEY, key)];
        let data = data.map(|(key, value)| (key.to_owned(), ByteString(value.to_vec())));
        Secret {
            data: Some(BTreeMap::from(data)),
            ..Secret::default()
        }
    }

    const A: &str = "rsa2048-a.pkcs1.pem";
    const B: &str = "rsa2048-b.pkcs1.pem";

    fn good(file: &str) -> Secret {
        secret(&certificate_of(file), &pem(file))
    }

    fn faulty() -> Vec<(Secret, TlsFault)> {
        let (certificate, key) = (certificate_of(A), pem(A));
        let nonsense = b"-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
        vec![
            (Secret::default(), TlsFault::Certificate),
            (secret(b"", &key), TlsFault::Certificate),
            (secret(nonsense, &key), TlsFault::Certificate),
            (secret(&certificate[..100], &key), TlsFault::Certificate),
            (secret(&certificate, b""), TlsFault::PrivateKey),
            (secret(&certificate, &certificate), TlsFault::PrivateKey),
            (secret(&certificate, &key[..500]), TlsFault::PrivateKey),
            (secret(&certificate, &pem(B)), TlsFault::Mismatch),
        ]
    }

    fn shown(certificate: &ServerCertificate) -> Option<Vec<CertificateDer<'static>>> {
        let state = certificate.state();
        state.current.as_ref().map(|key| key.cert.clone())
    }

    #[test]
    fn each_fault_of_a_secret_has_its_name() {
        for (secret, fault) in faulty() {
            assert_eq!(certified_key(&secret).err(), Some(fault));
        }
    }

    #[test]
    fn a_broken_secret_changes_nothing_and_a_good_one_is_taken() {
        let health = Health::default();
        let certificate = ServerCertificate::new("web".to_owned(), "TLS certificate", &health);
        for (secret, _) in faulty() {
            certificate.replace(&secret);
            assert!(shown(&certificate).is_none() && !health.is_ready());
        }
        certificate.replace(&good(A));
        let first = shown(&certificate);
        assert!(first.is_some() && health.is_ready());
        certificate.refuse(TlsFault::Absent);
        for (secret, _) in faulty() {
            certificate.replace(&secret);
            assert_eq!(shown(&certificate), first);
        }
        certificate.replace(&good(B));
        let second = shown(&certificate);
        assert!(second.is_some() && second != first);
    }

    #[test]
    fn nothing_of_the_key_is_shown() {
        let health = Health::default();
        let certificate = ServerCertificate::new("web".to_owned(), "TLS certificate", &health);
        certificate.replace(&good(A));
        assert_eq!(
            format!("{certificate:?}"),
            "ServerCertificate { secret: \"web\", .. }"
        );
    }
}
