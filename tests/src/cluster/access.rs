//! Kubeconfigs, clients, and the credentials of `ServiceAccounts`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount as ServiceAccountObject;
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::json;

use super::Cluster;
use super::control_plane::write;
use crate::wait::eventually;

/// The credentials of a `ServiceAccount`, in files.
#[derive(Debug, Clone)]
pub struct ServiceAccount {
    /// What the kubelet mounts into a pod: `token`, `ca.crt`, `namespace`.
    pub directory: PathBuf,
    /// The same for programs outside.
    pub kubeconfig: PathBuf,
}

impl ServiceAccount {
    /// A client with the rights of this account and no others.
    pub async fn client(&self) -> Result<Client> {
        client_of(&self.kubeconfig).await
    }
}

impl Cluster {
    /// Asks for a token of an account, which must exist or be about to.
    pub async fn service_account(&self, namespace: &str, name: &str) -> Result<ServiceAccount> {
        let accounts: Api<ServiceAccountObject> = Api::namespaced(self.client().await?, namespace);
        let request = TokenRequest {
            spec: TokenRequestSpec {
                expiration_seconds: Some(24 * 60 * 60),
                ..TokenRequestSpec::default()
            },
            ..TokenRequest::default()
        };
        let what = format!("there is a token for {namespace}/{name}");
        let token = eventually(&what, Duration::from_secs(30), async || {
            let answer = accounts
                .create_token_request(name, &PostParams::default(), &request)
                .await?;
            Ok(answer.status.context("an answer without status")?.token)
        })
        .await?;

        let account = self.known_service_account(namespace, name);
        let directory = &account.directory;
        std::fs::create_dir_all(directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        let authority = self.control_plane.authority();
        std::fs::copy(&authority, directory.join("ca.crt"))
            .with_context(|| format!("cannot copy {}", authority.display()))?;
        write(&directory.join("token"), &token)?;
        write(&directory.join("namespace"), namespace)?;
        self.control_plane
            .write_kubeconfig(&account.kubeconfig, &token, namespace)?;
        Ok(account)
    }

    /// Where the credentials of an account are, if it was asked for before.
    pub(crate) fn known_service_account(&self, namespace: &str, name: &str) -> ServiceAccount {
        let directory = self.directory().join(format!("account-{namespace}-{name}"));
        ServiceAccount {
            kubeconfig: directory.join("kubeconfig"),
            directory,
        }
    }
}

/// The text of a kubeconfig with one user.
pub(super) fn kubeconfig(server: &str, authority: &Path, token: &str, namespace: &str) -> String {
    let cluster = json!({ "server": server, "certificate-authority": authority });
    let context = json!({ "cluster": "test", "user": "test", "namespace": namespace });
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "test", "cluster": cluster }],
        "users": [{ "name": "test", "user": { "token": token } }],
        "contexts": [{ "name": "test", "context": context }],
        "current-context": "test",
    })
    .to_string()
}

/// A client for the one user of a kubeconfig.
pub(super) async fn client_of(path: &Path) -> Result<Client> {
    let content = Kubeconfig::read_from(path)?;
    let config = Config::from_custom_kubeconfig(content, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}
