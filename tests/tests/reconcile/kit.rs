//! What every test here needs: a controller with a known key, a namespace, and patient questions.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use k8s_openapi::api::core::v1::{Event, Secret};
use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use sealed_api::names::annotations::BACKED_UP;
use sealed_api::{SealedSecret, SecretTemplate};
use sealed_crypto::Scope;
use serde_json::{Value, json};
use testkit::cluster::{HOME, Options};
use testkit::controller::Launch;
use testkit::fixtures::{self, KEY};
use testkit::{Cluster, Controller, Skip, eventually, skipped};

/// What upstream's own suite grants.
pub(crate) const SOON: Duration = Duration::from_secs(15);

/// How long something must stay as it is to be believed.
pub(crate) const A_WHILE: Duration = Duration::from_millis(700);

/// Ours, with [`KEY`] and no renewal.
pub(crate) fn ours() -> Launch {
    Controller::ours().args(["--key-renew-period=0"])
}

/// Makes sure that [`KEY`] is the cluster's sealing key.
pub(crate) async fn with_key(cluster: &Cluster) -> Result<()> {
    let keys: Api<Secret> = Api::namespaced(cluster.client().await?, HOME);
    if keys.get_opt("fixture-key").await?.is_none() {
        let mut key = KEY.key_secret(HOME, "fixture-key")?;
        // Or each start would tell that it has none.
        let backup = (BACKED_UP.to_owned(), "2026-01-01T00:00:00Z".to_owned());
        key.metadata.annotations = Some([backup].into());
        keys.create(&PostParams::default(), &key).await?;
    }
    Ok(())
}

/// Runs a test with a namespace of its own and [`KEY`], when it is its turn; not at all when clusters are to be
/// skipped.
pub(crate) async fn with_world(
    test: impl AsyncFnOnce(&Cluster, &World) -> Result<()>,
) -> Result<()> {
    with_world_on(testkit::cluster().await?, test).await
}

/// The same on a cluster of one's choice, or on none.
pub(crate) async fn with_world_on(
    cluster: Option<&Cluster>,
    test: impl AsyncFnOnce(&Cluster, &World) -> Result<()>,
) -> Result<()> {
    let Some(cluster) = cluster else {
        return Ok(());
    };
    let _turn = cluster.turn().await;
    with_key(cluster).await?;
    cluster
        .with_namespace(async |client, namespace| {
            test(cluster, &World::new(client, namespace)).await
        })
        .await
}

/// The same on a cluster that is this test's alone, because others would suffer from what it does to it.
pub(crate) async fn with_own_cluster(
    options: Options,
    test: impl AsyncFnOnce(&Cluster, &World) -> Result<()>,
) -> Result<()> {
    if skipped(Skip::Cluster) {
        return Ok(());
    }
    with_world_on(Some(&Cluster::start_with(options).await?), test).await
}

/// The same with our controller.
pub(crate) async fn with_ours(
    arguments: &[&str],
    test: impl AsyncFnOnce(&World, &Controller) -> Result<()>,
) -> Result<()> {
    with_world(async |cluster, world| {
        let controller = ours().args(arguments).start(cluster).await?;
        test(world, &controller).await?;
        let ended = controller.stop().await?;
        ensure!(ended.success(), "the controller ended with {ended}");
        Ok(())
    })
    .await
}

/// A namespace and what is in it.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) client: Client,
    pub(crate) namespace: String,
    pub(crate) objects: Api<DynamicObject>,
    pub(crate) secrets: Api<Secret>,
}

impl World {
    pub(crate) fn new(client: Client, namespace: &str) -> Self {
        Self {
            objects: fixtures::sealed_secrets(client.clone(), namespace),
            secrets: Api::namespaced(client.clone(), namespace),
            namespace: namespace.to_owned(),
            client,
        }
    }

    /// A SealedSecret for this namespace, strict, sealed with [`KEY`].
    pub(crate) fn sealed<const N: usize>(
        &self,
        name: &str,
        entries: [(&str, &str); N],
    ) -> Result<SealedSecret> {
        fixtures::sealed_secret(Scope::Strict, &self.namespace, name, entries)
    }

    /// Creates it.
    pub(crate) async fn create(&self, object: &SealedSecret) -> Result<DynamicObject> {
        let object = serde_json::from_value(serde_json::to_value(object)?)?;
        Ok(self.objects.create(&PostParams::default(), &object).await?)
    }

    /// Gives an existing object the spec of this one.
    pub(crate) async fn respecify(&self, object: &SealedSecret) -> Result<DynamicObject> {
        let name = object.name();
        eventually(&format!("{name} takes a new spec"), SOON, async || {
            let mut live = self.objects.get(name).await?;
            live.data["spec"] = serde_json::to_value(&object.spec)?;
            // The status may be written meanwhile.
            Ok(self
                .objects
                .replace(name, &PostParams::default(), &live)
                .await?)
        })
        .await
    }

    /// Merges into an object.
    pub(crate) async fn merge(&self, name: &str, patch: Value) -> Result<DynamicObject> {
        Ok(self
            .objects
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await?)
    }

    /// Merges into a Secret.
    pub(crate) async fn merge_secret(&self, name: &str, patch: Value) -> Result<Secret> {
        Ok(self
            .secrets
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await?)
    }

    /// Creates a Secret with these entries and annotations.
    pub(crate) async fn existing<const N: usize>(
        &self,
        name: &str,
        entries: [(&str, &str); N],
        annotations: &[&str],
    ) -> Result<Secret> {
        let mut secret = fixtures::secret(&self.namespace, name, entries);
        let annotations = annotations
            .iter()
            .map(|key| (annotation(key), "true".to_owned()));
        secret.metadata.annotations = Some(annotations.collect());
        Ok(self.secrets.create(&PostParams::default(), &secret).await?)
    }

    /// Deletes a SealedSecret.
    pub(crate) async fn delete(&self, name: &str) -> Result<()> {
        self.objects.delete(name, &DeleteParams::default()).await?;
        Ok(())
    }

    /// Deletes a Secret.
    pub(crate) async fn delete_secret(&self, name: &str) -> Result<()> {
        self.secrets.delete(name, &DeleteParams::default()).await?;
        Ok(())
    }

    /// The object, once its status tells of its present generation that it is synced.
    pub(crate) async fn synced(&self, name: &str) -> Result<DynamicObject> {
        self.with_condition(name, "True").await
    }

    /// The message, once its status tells of its present generation that it is not synced.
    pub(crate) async fn failed(&self, name: &str) -> Result<String> {
        let object = self.with_condition(name, "False").await?;
        Ok(text(&condition(&object, "Synced")?, "message"))
    }

    async fn with_condition(&self, name: &str, status: &str) -> Result<DynamicObject> {
        let what = format!("{}/{name} is Synced={status}", self.namespace);
        eventually(&what, SOON, async || {
            let object = self.objects.get(name).await?;
            let told = &object.data["status"];
            let synced = condition(&object, "Synced")?;
            ensure!(synced["status"] == status, "{told}");
            ensure!(
                told["observedGeneration"].as_i64() == object.metadata.generation,
                "{told} for generation {:?}",
                object.metadata.generation
            );
            Ok(object)
        })
        .await
    }

    /// The Secret as soon as it is there.
    pub(crate) async fn secret(&self, name: &str) -> Result<Secret> {
        eventually(&format!("there is a Secret {name}"), SOON, async || {
            self.secrets.get_opt(name).await?.context("not yet")
        })
        .await
    }

    /// The Secret as soon as it holds exactly these entries.
    pub(crate) async fn secret_with<const N: usize>(
        &self,
        name: &str,
        entries: [(&str, &str); N],
    ) -> Result<Secret> {
        let expected: BTreeMap<String, String> = entries
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        eventually(
            &format!("Secret {name} holds {expected:?}"),
            SOON,
            async || {
                let secret = self.secrets.get(name).await?;
                let data = contents(&secret);
                ensure!(data == expected, "it holds {data:?}");
                Ok(secret)
            },
        )
        .await
    }

    /// The Secret must stay as it is for a while.
    pub(crate) async fn untouched(&self, secret: &Secret) -> Result<()> {
        let name = secret.name_any();
        testkit::throughout(
            &format!("Secret {name} is untouched"),
            A_WHILE,
            async || {
                let now = self.secrets.get(&name).await?;
                ensure!(now == *secret, "it is now {:?}", now.metadata);
                Ok(())
            },
        )
        .await
    }

    /// There must be no Secret of that name for a while.
    pub(crate) async fn stays_absent(&self, name: &str) -> Result<()> {
        testkit::throughout(&format!("there is no Secret {name}"), A_WHILE, async || {
            ensure!(self.secrets.get_opt(name).await?.is_none(), "there is one");
            Ok(())
        })
        .await
    }

    /// The Secret goes.
    pub(crate) async fn vanishes(&self, name: &str) -> Result<()> {
        eventually(&format!("Secret {name} is gone"), SOON, async || {
            ensure!(self.secrets.get_opt(name).await?.is_none(), "still there");
            Ok(())
        })
        .await
    }

    /// The events about an object.
    pub(crate) async fn events(&self, name: &str) -> Result<Vec<Event>> {
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        let selector = format!("involvedObject.name={name},involvedObject.kind=SealedSecret");
        Ok(events
            .list(&ListParams::default().fields(&selector))
            .await?
            .items)
    }

    /// The event about an object with that reason, once there is one.
    pub(crate) async fn event(&self, name: &str, reason: &str) -> Result<Event> {
        eventually(
            &format!("there is an event {reason} about {name}"),
            SOON,
            async || {
                let events = self.events(name).await?;
                let reasons: Vec<_> = events.iter().map(|event| event.reason.clone()).collect();
                let found = events
                    .into_iter()
                    .find(|event| event.reason.as_deref() == Some(reason));
                found.with_context(|| format!("there are {reasons:?}"))
            },
        )
        .await
    }
}

/// What a Secret holds, as text.
pub(crate) fn contents(secret: &Secret) -> BTreeMap<String, String> {
    let data = secret.data.iter().flatten();
    data.map(|(key, value)| (key.clone(), String::from_utf8_lossy(&value.0).into_owned()))
        .collect()
}

/// A condition of an object's status.
pub(crate) fn condition(object: &DynamicObject, type_: &str) -> Result<Value> {
    let all = &object.data["status"]["conditions"];
    let found = all
        .as_array()
        .and_then(|all| all.iter().find(|condition| condition["type"] == type_));
    match found {
        Some(condition) => Ok(condition.clone()),
        None => bail!("no condition {type_} in {all}"),
    }
}

/// A text field, empty if absent.
pub(crate) fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

/// The full name of one of the existing system's annotations.
pub(crate) fn annotation(key: &str) -> String {
    format!("sealedsecrets.bitnami.com/{key}")
}

/// A template, written as in a manifest.
pub(crate) fn template(template: &Value) -> Result<Option<SecretTemplate>> {
    let object = SealedSecret::decode(json!({
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "spec": { "encryptedData": {}, "template": template },
    }))?;
    Ok(object.spec.template)
}

/// How often a controller has used a private key.
pub(crate) async fn decryptions(controller: &Controller) -> Result<u64> {
    let metric = "sealed_secrets_controller_rsa_decryptions_total";
    Ok(controller.metric(metric).await?.unwrap_or(0))
}

/// Waits until a controller has made that many passes.
pub(crate) async fn handled(controller: &Controller, passes: u32) -> Result<()> {
    eventually("the passes are over", SOON, async || {
        let count = controller
            .metric("sealed_secrets_controller_unseal_requests_total")
            .await?
            .unwrap_or(0);
        ensure!(count >= u64::from(passes), "{count}");
        Ok(())
    })
    .await?;
    // The last pass counts when it begins.
    tokio::time::sleep(A_WHILE).await;
    Ok(())
}
