//! A restart: what an earlier controller settled and recorded costs nothing, and whatever is in doubt is worked on.

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use sealed_api::SealedSecret;
use sealed_crypto::Scope;
use serde_json::{Value, json};
use testkit::cluster::HOME;
use testkit::fixtures::{KeyPair, OTHER_KEY};
use testkit::{Cluster, Controller, eventually};

use super::cost::{calm, exactly};
use super::kit::{
    SOON, World, condition, contents, decryptions, ours, template, text, with_world_on,
};

/// A cluster, a namespace in it, and controllers that work on nothing else.
struct Stage<'a> {
    cluster: &'a Cluster,
    world: &'a World,
}

async fn on(
    cluster: Option<&Cluster>,
    test: impl AsyncFnOnce(Stage<'_>) -> Result<()>,
) -> Result<()> {
    with_world_on(cluster, async |cluster, world| {
        test(Stage { cluster, world }).await
    })
    .await
}

impl Stage<'_> {
    async fn start(&self) -> Result<Controller> {
        let selector = format!("--label-selector=warm={}", self.world.namespace);
        ours().args([selector]).start(self.cluster).await
    }

    /// An object that the controllers here see, sealed with this key.
    fn sealed(&self, key: KeyPair, name: &str, value: &str) -> Result<SealedSecret> {
        let namespace = &self.world.namespace;
        let mut sealed = key.sealed_secret(Scope::Strict, namespace, name, [("foo", value)])?;
        sealed.metadata.labels = Some([("warm".to_owned(), namespace.clone())].into());
        Ok(sealed)
    }

    /// Objects that are in sync, left behind by a controller that has ended.
    async fn settle(&self, names: &[String]) -> Result<()> {
        let controller = self.start().await?;
        for name in names {
            let sealed = self.sealed(testkit::fixtures::KEY, name, "bar")?;
            self.world.create(&sealed).await?;
        }
        for name in names {
            self.world.synced(name).await?;
            self.world.event(name, "Unsealed").await?;
        }
        assert_eq!(items(&controller).await?, names.len());
        controller.stop().await?;
        Ok(())
    }
}

/// How many sealed values are known to be opened by one key or another.
async fn items(controller: &Controller) -> Result<usize> {
    let metric = "sealed_secrets_controller_sealed_items_by_key";
    Ok(controller.metric(metric).await?.unwrap_or(0).try_into()?)
}

/// Waits until the controller knows by which keys that many values open.
async fn knows(controller: &Controller, values: usize) -> Result<()> {
    eventually("the controller knows its objects", SOON, async || {
        let known = items(controller).await?;
        ensure!(known >= values, "{known} values of {values}");
        Ok(())
    })
    .await
}

/// Waits until somebody says that the Secret was edited.
async fn drifted(world: &World, name: &str) -> Result<()> {
    eventually(&format!("the edit of {name} is told"), SOON, async || {
        let told = condition(&world.objects.get(name).await?, "Drifted")?;
        ensure!(
            text(&told, "message").contains("data changed: foo"),
            "{told}"
        );
        Ok(())
    })
    .await
}

async fn nothing_again(stage: Stage<'_>) -> Result<()> {
    let names: Vec<String> = (0..30).map(|number| format!("app-{number}")).collect();
    stage.settle(&names).await?;

    let before = calm(&stage.world.client).await?;
    let controller = stage.start().await?;
    knows(&controller, names.len()).await?;
    let before = exactly(&stage.world.client, &before, &[]).await?;
    assert_eq!(decryptions(&controller).await?, 0);

    // It is as attentive as any: a deleted Secret comes back.
    stage.world.delete_secret("app-7").await?;
    stage.world.secret_with("app-7", [("foo", "bar")]).await?;
    assert_eq!(decryptions(&controller).await?, 1);
    drop(before);
    controller.stop().await?;
    Ok(())
}

#[tokio::test]
async fn what_is_in_sync_costs_no_request_and_no_private_key_operation() -> Result<()> {
    on(testkit::cluster().await?, nothing_again).await
}

/// Its definition prunes unknown fields of a status; a condition with a message stays.
#[tokio::test]
async fn so_it_is_under_the_definition_of_an_installed_v0_40() -> Result<()> {
    on(testkit::installed_cluster().await?, nothing_again).await
}

#[tokio::test]
async fn a_person_can_read_which_key_opens_an_object() -> Result<()> {
    on(testkit::cluster().await?, async |stage| {
        stage.settle(&["app".to_owned()]).await?;
        let object = stage.world.objects.get("app").await?;
        let settled = condition(&object, "Settled")?;
        assert_eq!(text(&settled, "status"), "True");
        let certificate = testkit::fixtures::KEY.certificate()?;
        let key = sealed_crypto::Certificate::from_pem(certificate.as_bytes())?.fingerprint();
        let record = text(&settled, "message");
        ensure!(record.contains(&format!("opened-by={key}*1 ")), "{record}");
        ensure!(record.len() <= 512);
        Ok(())
    })
    .await
}

/// What somebody did while no controller ran.
#[tokio::test]
async fn changes_made_while_nothing_ran_are_found() -> Result<()> {
    on(testkit::cluster().await?, async |stage| {
        let names = ["kept", "edited", "deleted", "labelled", "changed"].map(str::to_owned);
        stage.settle(&names).await?;
        let world = stage.world;
        let kept = world.secret("kept").await?;
        world
            .merge_secret(
                "edited",
                json!({ "stringData": { "foo": "other", "more": "x" } }),
            )
            .await?;
        world.delete_secret("deleted").await?;
        world
            .merge_secret(
                "labelled",
                json!({ "metadata": { "labels": { "by": "others" } } }),
            )
            .await?;
        let labelled = world.secret("labelled").await?;
        world
            .respecify(&stage.sealed(testkit::fixtures::KEY, "changed", "new")?)
            .await?;

        let controller = stage.start().await?;
        drifted(world, "edited").await?;
        world.secret_with("deleted", [("foo", "bar")]).await?;
        world.secret_with("changed", [("foo", "new")]).await?;
        world.synced("changed").await?;
        knows(&controller, names.len()).await?;
        world.untouched(&labelled).await?;
        world.untouched(&kept).await?;
        assert_eq!(decryptions(&controller).await?, 3);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_label_that_others_added_costs_one_look() -> Result<()> {
    on(testkit::cluster().await?, async |stage| {
        let names = ["app", "labelled"].map(str::to_owned);
        stage.settle(&names).await?;
        let world = stage.world;
        world
            .merge_secret(
                "labelled",
                json!({ "metadata": { "labels": { "by": "others" } } }),
            )
            .await?;
        let before = calm(&world.client).await?;
        let controller = stage.start().await?;
        knows(&controller, names.len()).await?;
        exactly(&world.client, &before, &[("secrets  GET", 1)]).await?;
        assert_eq!(decryptions(&controller).await?, 0);
        Ok(())
    })
    .await
}

/// Without the watch of Secrets each has to be looked at, and nothing more.
#[tokio::test]
async fn without_a_list_of_secrets_each_costs_one_look() -> Result<()> {
    on(testkit::cluster().await?, async |stage| {
        let names = ["a", "b", "c"].map(str::to_owned);
        stage.settle(&names).await?;
        let client = &stage.world.client;
        let before = calm(client).await?;
        let selector = format!("--label-selector=warm={}", stage.world.namespace);
        let launch = ours().args([selector.as_str(), "--skip-recreate"]);
        let controller = launch.start(stage.cluster).await?;
        knows(&controller, names.len()).await?;
        exactly(client, &before, &[("secrets  GET", 3)]).await?;
        assert_eq!(decryptions(&controller).await?, 0);
        Ok(())
    })
    .await
}

/// Replaces the record of an object, as anybody can who may update its status.
async fn forge(world: &World, name: &str, record: &str) -> Result<()> {
    let object = world.objects.get(name).await?;
    let mut conditions = object.data["status"]["conditions"].clone();
    for condition in conditions.as_array_mut().into_iter().flatten() {
        if condition["type"] == "Settled" {
            condition["message"] = Value::from(record);
        }
    }
    let patch = Patch::Merge(json!({ "status": { "conditions": conditions } }));
    world
        .objects
        .patch_status(name, &PatchParams::default(), &patch)
        .await?;
    Ok(())
}

/// A record that was not written by a holder of the key is worth nothing: the values are opened, and what somebody
/// wanted to hide is found.
#[tokio::test]
async fn a_forged_record_hides_nothing() -> Result<()> {
    on(testkit::cluster().await?, async |stage| {
        let names = ["app", "other", "third"].map(str::to_owned);
        stage.settle(&names).await?;
        let world = stage.world;
        let record = async |name: &str| -> Result<String> {
            let object = world.objects.get(name).await?;
            Ok(text(&condition(&object, "Settled")?, "message"))
        };
        // The Secret is changed, and the record made to say that this is how it was left.
        let genuine = record("app").await?;
        let version = |secret: &Secret| {
            let metadata = &secret.metadata;
            let uid = metadata.uid.clone().unwrap_or_default();
            let version = metadata.resource_version.clone().unwrap_or_default();
            format!("secret={uid}@{version}")
        };
        let before = version(&world.secret("app").await?);
        let edited = world
            .merge_secret("app", json!({ "stringData": { "foo": "hidden" } }))
            .await?;
        ensure!(genuine.contains(&before), "{genuine}");
        forge(world, "app", &genuine.replace(&before, &version(&edited))).await?;
        // The record of another object.
        forge(world, "other", &record("third").await?).await?;

        let controller = stage.start().await?;
        drifted(world, "app").await?;
        knows(&controller, names.len()).await?;
        assert_eq!(decryptions(&controller).await?, 2);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_object_that_does_not_open_costs_nothing_either() -> Result<()> {
    on(testkit::cluster().await?, async |stage| {
        let world = stage.world;
        let mut broken = stage.sealed(OTHER_KEY, "broken", "bar")?;
        let sound = stage.sealed(testkit::fixtures::KEY, "broken", "bar")?;
        let value = sound.spec.encrypted_data.get("foo").context("foo")?;
        broken
            .spec
            .encrypted_data
            .insert("sound".to_owned(), value.clone());
        let controller = stage.start().await?;
        world.create(&broken).await?;
        world.failed("broken").await?;
        world.event("broken", "ErrUnsealFailed").await?;
        controller.stop().await?;

        let before = calm(&world.client).await?;
        let controller = stage.start().await?;
        // One of its values opens.
        knows(&controller, 1).await?;
        exactly(&world.client, &before, &[]).await?;
        assert_eq!(decryptions(&controller).await?, 0);

        // The missing key alone is tried when it comes.
        with_other_key(stage.cluster).await?;
        world.synced("broken").await?;
        without_other_key(stage.cluster).await?;
        Ok(())
    })
    .await
}

const OTHER: &str = "warm-other-key";

async fn keys(cluster: &Cluster) -> Result<Api<Secret>> {
    Ok(Api::namespaced(cluster.client().await?, HOME))
}

async fn with_other_key(cluster: &Cluster) -> Result<()> {
    let key = OTHER_KEY.key_secret(HOME, OTHER)?;
    keys(cluster)
        .await?
        .create(&PostParams::default(), &key)
        .await?;
    Ok(())
}

async fn without_other_key(cluster: &Cluster) -> Result<()> {
    keys(cluster)
        .await?
        .delete(OTHER, &DeleteParams::default())
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_key_that_was_removed_meanwhile_is_missed() -> Result<()> {
    on(testkit::cluster().await?, async |stage| {
        let world = stage.world;
        with_other_key(stage.cluster).await?;
        let controller = stage.start().await?;
        world
            .create(&stage.sealed(OTHER_KEY, "app", "bar")?)
            .await?;
        world.synced("app").await?;
        controller.stop().await?;
        without_other_key(stage.cluster).await?;

        let _controller = stage.start().await?;
        let message = world.failed("app").await?;
        assert_eq!(message, "no key could decrypt secret (foo)");
        world.secret_with("app", [("foo", "bar")]).await?;
        Ok(())
    })
    .await
}

/// A password that a template made up belongs to the object that was synced last, not to one that failed since.
#[tokio::test]
async fn what_was_made_up_does_not_outlast_its_object_over_a_failure_and_a_restart() -> Result<()> {
    on(testkit::cluster().await?, async |stage| {
        let world = stage.world;
        let templated = |key: KeyPair, length: u32| {
            let mut object = stage.sealed(key, "app", "bar")?;
            let salt = format!("{{{{ randAlphaNum {length} }}}}");
            object.spec.template = template(&json!({ "data": { "salt": salt } }))?;
            anyhow::Ok(object)
        };
        let controller = stage.start().await?;
        world
            .create(&templated(testkit::fixtures::KEY, 24)?)
            .await?;
        world.synced("app").await?;
        world.respecify(&templated(OTHER_KEY, 25)?).await?;
        world.failed("app").await?;
        controller.stop().await?;

        let _controller = stage.start().await?;
        with_other_key(stage.cluster).await?;
        world.synced("app").await?;
        without_other_key(stage.cluster).await?;
        let secret = world.secrets.get("app").await?;
        let salt = contents(&secret).remove("salt").context("no salt")?;
        assert_eq!(salt.len(), 25);
        Ok(())
    })
    .await
}
