//! Keys and objects that cost nothing to make.
//!
//! Wire strings are written out here instead of being taken from `sealed_api::names`: a test must not share a mistake
//! with the code it tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DynamicObject, ObjectMeta};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use sealed_api::{SealedSecret, SealedSecretSpec};
use sealed_crypto::{Certificate, Label, Scope, seal};

/// A key pair of `tests/vectors/keys`, whose certificate is valid until 2119.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPair(pub &'static str);

/// RSA-2048: the smallest that is accepted, so the cheapest.
pub const KEY: KeyPair = KeyPair("rsa2048-a");

/// Another one of the same size.
pub const OTHER_KEY: KeyPair = KeyPair("rsa2048-b");

impl KeyPair {
    /// The file of its certificate.
    pub fn certificate_path(self) -> PathBuf {
        keys().join(format!("{}.crt.pem", self.0))
    }

    /// The file of its private key, PKCS#1.
    pub fn private_key_path(self) -> PathBuf {
        keys().join(format!("{}.pkcs1.pem", self.0))
    }

    /// Its certificate in PEM.
    pub fn certificate(self) -> Result<String> {
        read(&self.certificate_path())
    }

    /// Its private key in PEM, PKCS#1.
    pub fn private_key(self) -> Result<String> {
        read(&self.private_key_path())
    }

    /// The Secret that makes a controller load this pair.
    pub fn key_secret(self, namespace: &str, name: &str) -> Result<Secret> {
        let entries = [
            ("tls.crt", self.certificate()?),
            ("tls.key", self.private_key()?),
        ];
        let mut secret = secret(namespace, name, entries);
        secret.type_ = Some("kubernetes.io/tls".to_owned());
        let label = (
            "sealedsecrets.bitnami.com/sealed-secrets-key".to_owned(),
            "active".to_owned(),
        );
        secret.metadata.labels = Some([label].into());
        Ok(secret)
    }

    /// A SealedSecret with these entries, sealed for its own place by this pair.
    pub fn sealed_secret<K: Into<String>, V: AsRef<[u8]>>(
        self,
        scope: Scope,
        namespace: &str,
        name: &str,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<SealedSecret> {
        let certificate = Certificate::from_pem(self.certificate()?.as_bytes())?;
        let label = Label::for_scope(scope, namespace, name)?;
        let annotation = match scope {
            Scope::Strict => None,
            Scope::NamespaceWide => Some("sealedsecrets.bitnami.com/namespace-wide"),
            Scope::ClusterWide => Some("sealedsecrets.bitnami.com/cluster-wide"),
        };
        let mut encrypted_data = BTreeMap::new();
        for (key, value) in entries {
            let sealed = seal(&certificate, &label, value.as_ref())?;
            encrypted_data.insert(key.into(), sealed.to_string());
        }
        Ok(SealedSecret {
            metadata: ObjectMeta {
                namespace: Some(namespace.to_owned()),
                name: Some(name.to_owned()),
                annotations: annotation.map(|key| [(key.to_owned(), "true".to_owned())].into()),
                ..ObjectMeta::default()
            },
            spec: SealedSecretSpec {
                encrypted_data,
                ..SealedSecretSpec::default()
            },
            status: None,
        })
    }
}

/// A Secret with these entries.
pub fn secret<K: Into<String>, V: Into<Vec<u8>>>(
    namespace: &str,
    name: &str,
    entries: impl IntoIterator<Item = (K, V)>,
) -> Secret {
    Secret {
        metadata: ObjectMeta {
            namespace: Some(namespace.to_owned()),
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        data: Some(
            entries
                .into_iter()
                .map(|(key, value)| (key.into(), ByteString(value.into())))
                .collect(),
        ),
        ..Secret::default()
    }
}

/// A SealedSecret with these entries, sealed for its own place by [`KEY`].
pub fn sealed_secret<K: Into<String>, V: AsRef<[u8]>>(
    scope: Scope,
    namespace: &str,
    name: &str,
    entries: impl IntoIterator<Item = (K, V)>,
) -> Result<SealedSecret> {
    KEY.sealed_secret(scope, namespace, name, entries)
}

/// The SealedSecrets of a namespace as the API server has them, unknown fields and all.
pub fn sealed_secrets(client: Client, namespace: &str) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("bitnami.com", "v1alpha1", "SealedSecret");
    Api::namespaced_with(client, namespace, &ApiResource::from_gvk(&kind))
}

/// A Secret as a person hands it to a command line.
pub fn manifest(secret: &Secret) -> Result<String> {
    serde_json::to_string(secret).context("cannot write a Secret as JSON")
}

fn keys() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/keys")
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
