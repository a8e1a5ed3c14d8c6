//! Sealing keys for the scenarios: RSA-4096, the size that both controllers make.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use sealed_crypto::{
    Certificate, CertificateRequest, KeyOrder, Keyring, Label, PrivateKey, SealedValue, SealingKey,
};
use testkit::cluster::HOME;
use testkit::fixtures::{self, KeyPair};

use crate::measure::thread_cpu;

/// The key of every scenario that needs only one.
pub(crate) const RECORDED: KeyPair = KeyPair("rsa4096-a");

const BITS: u32 = 4096;

/// A value of usual length.
const PLAINTEXT: &[u8] = b"correct-horse-battery-staple";

/// A key with its certificate.
pub(crate) struct BenchKey {
    key: PrivateKey,
    pub(crate) certificate: Certificate,
}

impl BenchKey {
    /// [`RECORDED`].
    pub(crate) fn recorded() -> Result<Self> {
        Ok(Self {
            key: PrivateKey::from_pem(RECORDED.private_key()?.as_bytes())?,
            certificate: Certificate::from_pem(RECORDED.certificate()?.as_bytes())?,
        })
    }

    /// A new one whose certificate is valid from `not_before` for a hundred years: 0.3 s to several.
    pub(crate) fn generate(not_before: Timestamp) -> Result<Self> {
        let key = PrivateKey::generate(BITS)?;
        let certificate = certify(&key, not_before)?;
        Ok(Self { key, certificate })
    }

    /// The same key with a certificate that is valid from another time on.
    pub(crate) fn renewed(self, not_before: Timestamp) -> Result<Self> {
        let certificate = certify(&self.key, not_before)?;
        Ok(Self {
            certificate,
            ..self
        })
    }

    /// The Secret that makes a controller load it.
    pub(crate) fn secret(&self, name: &str) -> Result<Secret> {
        let entries = [
            ("tls.crt", self.certificate.to_pem()),
            ("tls.key", self.key.to_pkcs1_pem()?.to_string()),
        ];
        let mut secret = fixtures::secret(HOME, name, entries);
        secret.type_ = Some("kubernetes.io/tls".to_owned());
        let label = (
            "sealedsecrets.bitnami.com/sealed-secrets-key".to_owned(),
            "active".to_owned(),
        );
        secret.metadata.labels = Some([label].into());
        Ok(secret)
    }

    /// What opening one value with it costs on this machine: the floor below which no controller can go.
    pub(crate) fn one_decrypt(self) -> Result<Duration> {
        const TIMES: u32 = 100;
        let label = Label::strict("bench", "value")?;
        let value: SealedValue = sealed_crypto::seal(&self.certificate, &label, PLAINTEXT)?;
        let key = SealingKey::new(self.key, Some(self.certificate), Timestamp::UNIX_EPOCH);
        let keyring = Keyring::new([Arc::new(key)]);
        let start = thread_cpu()?;
        for _ in 0..TIMES {
            keyring.unseal(&label, &value, &KeyOrder::default())?;
        }
        Ok(thread_cpu()?.saturating_sub(start) / TIMES)
    }

    /// What sealing one value for it costs on this machine: the floor below which no `seal` can go.
    pub(crate) fn one_encrypt(&self) -> Result<Duration> {
        const TIMES: u32 = 2000;
        let label = Label::strict("bench", "value")?;
        let start = thread_cpu()?;
        for _ in 0..TIMES {
            sealed_crypto::seal(&self.certificate, &label, PLAINTEXT)?;
        }
        Ok(thread_cpu()?.saturating_sub(start) / TIMES)
    }
}

fn certify(key: &PrivateKey, not_before: Timestamp) -> Result<Certificate> {
    const HOURS: i64 = 100 * 8766;
    Ok(key.self_signed(&CertificateRequest {
        common_name: String::new(),
        not_before,
        not_after: not_before + jiff::SignedDuration::from_hours(HOURS),
    })?)
}
