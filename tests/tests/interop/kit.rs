//! What every test here needs: an installed cluster, its keys, and command lines that can stand in for each other.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, DynamicObject, ListParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::Value;
use testkit::cluster::HOME;
use testkit::fixtures::{self, KeyPair};
use testkit::{Cluster, Controller, Program, eventually};

/// Generous: a 4096-bit key may have to be made on a busy machine.
pub(crate) const SOON: Duration = Duration::from_mins(1);

/// How long something must stay as it is to be believed.
pub(crate) const A_WHILE: Duration = Duration::from_secs(1);

/// What both controllers get in every test with keys of its own choice: the recorded certificates are years old, so on
/// schedule they would be renewed at once; the limits of requests are tested elsewhere.
pub(crate) const CONTROLLER: [&str; 4] = [
    "--key-size=2048",
    "--key-renew-period=0",
    "--kubeclient-qps=-1",
    "--rate-limit-burst=1000",
];

/// What a tool says besides which cluster it asks, which `seal` says first.
pub(crate) fn without_note(tool: Tool, stderr: &str) -> &str {
    match stderr.split_once('\n') {
        Some((note, rest))
            if tool == Tool::Seal && note.starts_with("note: asking the cluster of ") =>
        {
            rest
        }
        _ => stderr,
    }
}

/// A command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    /// The real kubeseal.
    Upstream,
    /// Our drop-in.
    Kubeseal,
    /// Ours under its own name.
    Seal,
}

impl Tool {
    pub(crate) const ALL: [Self; 3] = [Self::Upstream, Self::Kubeseal, Self::Seal];
    pub(crate) const OURS: [Self; 2] = [Self::Kubeseal, Self::Seal];

    /// It without arguments.
    pub(crate) fn program(self) -> Result<Program> {
        match self {
            Self::Upstream => Program::upstream_kubeseal(),
            Self::Kubeseal => Program::kubeseal(),
            Self::Seal => Program::seal(),
        }
    }

    /// A Secret, sealed with a certificate in a file.
    pub(crate) async fn seal(self, certificate: &Path, secret: &Secret) -> Result<String> {
        self.program()?
            .arg("--cert")
            .arg(certificate)
            .stdin(fixtures::manifest(secret)?)
            .succeed()
            .await
    }

    /// Part of an object's name.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Kubeseal => "kubeseal",
            Self::Seal => "seal",
        }
    }
}

/// A namespace of an installed cluster, whose turn to run controllers this is.
pub(crate) struct World {
    pub(crate) cluster: &'static Cluster,
    pub(crate) client: Client,
    pub(crate) namespace: String,
    pub(crate) objects: Api<DynamicObject>,
    pub(crate) secrets: Api<Secret>,
    /// The Secrets of the namespace that the controllers live in.
    keys: Api<Secret>,
}

/// Runs a test in one; not at all when clusters are to be skipped.
pub(crate) async fn with_world(test: impl AsyncFnOnce(&World) -> Result<()>) -> Result<()> {
    let Some(cluster) = testkit::installed_cluster().await? else {
        return Ok(());
    };
    let _turn = cluster.turn().await;
    cluster
        .with_namespace(async |client, namespace| {
            test(&World {
                cluster,
                objects: fixtures::sealed_secrets(client.clone(), namespace),
                secrets: Api::namespaced(client.clone(), namespace),
                keys: Api::namespaced(client.clone(), HOME),
                client,
                namespace: namespace.to_owned(),
            })
            .await
        })
        .await
}

impl World {
    /// All sealing keys of the cluster.
    pub(crate) async fn keys(&self) -> Result<Vec<Secret>> {
        let label = ListParams::default().labels("sealedsecrets.bitnami.com/sealed-secrets-key");
        Ok(self.keys.list(&label).await?.items)
    }

    /// Takes every sealing key away: no controller runs, and no object that was sealed before matters any more.
    pub(crate) async fn without_keys(&self) -> Result<()> {
        for key in self.keys().await? {
            self.keys
                .delete(&key.name_any(), &DeleteParams::default())
                .await?;
        }
        Ok(())
    }

    /// Takes a recorded pair away.
    pub(crate) async fn remove_key(&self, pair: KeyPair) -> Result<()> {
        self.keys.delete(pair.0, &DeleteParams::default()).await?;
        Ok(())
    }

    /// Makes a recorded pair the only sealing key.
    pub(crate) async fn with_key(&self, pair: KeyPair) -> Result<()> {
        self.without_keys().await?;
        let key = pair.key_secret(HOME, pair.0)?;
        self.keys.create(&PostParams::default(), &key).await?;
        Ok(())
    }

    /// Starts our controller with [`CONTROLLER`].
    pub(crate) async fn ours(&self) -> Result<Controller> {
        let launch = Controller::ours().args(CONTROLLER);
        launch.start(self.cluster).await
    }

    /// A command line that finds this cluster.
    pub(crate) fn online(&self, tool: Tool) -> Result<Program> {
        Ok(tool.program()?.kubeconfig(&self.cluster.kubeconfig()))
    }

    /// Creates what a command line printed, as a person would, with a complaint about every field that is not known.
    pub(crate) async fn create(&self, sealed: &str) -> Result<()> {
        self.cluster
            .kubectl()?
            .args(["create", "--validate=strict", "-f", "-"])
            .stdin(sealed)
            .succeed()
            .await?;
        Ok(())
    }

    /// The Secret that came of a SealedSecret, once the status says that all is done.
    pub(crate) async fn opened(&self, name: &str) -> Result<Secret> {
        self.with_condition(name, "True").await?;
        self.secrets
            .get_opt(name)
            .await?
            .with_context(|| format!("{name} is synced, but there is no Secret"))
    }

    /// What the status says about one that cannot be opened.
    pub(crate) async fn refused(&self, name: &str) -> Result<String> {
        let condition = self.with_condition(name, "False").await?;
        ensure!(
            self.secrets.get_opt(name).await?.is_none(),
            "{name} is not synced, and yet there is a Secret"
        );
        Ok(text(&condition["message"]))
    }

    /// The condition `Synced`, once it has this status.
    pub(crate) async fn with_condition(&self, name: &str, status: &str) -> Result<Value> {
        let what = format!("{}/{name} is Synced={status}", self.namespace);
        eventually(&what, SOON, async || {
            let object = self.objects.get(name).await?;
            let condition = object.data["status"]["conditions"][0].clone();
            ensure!(
                condition["type"] == "Synced" && condition["status"] == status,
                "{condition}"
            );
            Ok(condition)
        })
        .await
    }
}

/// The text of a value, empty if it is none.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What a Secret holds.
pub(crate) fn contents(secret: &Secret) -> BTreeMap<String, Vec<u8>> {
    let data = secret.data.iter().flatten();
    data.map(|(key, value)| (key.clone(), value.0.clone()))
        .collect()
}

/// The same SealedSecret under another name, as somebody would forge it.
pub(crate) fn renamed(sealed: &str, name: &str) -> Result<String> {
    let mut object: Value = serde_json::from_str(sealed)?;
    object["metadata"]["name"] = name.into();
    object["spec"]["template"]["metadata"]["name"] = name.into();
    Ok(object.to_string())
}
