//! Looking before writing: `--observe` and `--max-startup-changes`.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};
use sealed_crypto::Scope;
use serde_json::json;
use testkit::cluster::HOME;
use testkit::fixtures::OTHER_KEY;
use testkit::{Cluster, Controller, eventually, throughout};

use super::kit::{A_WHILE, SOON, World, ours, with_key};

/// Every version there is: of the objects, of Secrets here and of the keys.
async fn versions(world: &World) -> Result<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for object in world.objects.list(&ListParams::default()).await? {
        let version = object.resource_version().unwrap_or_default();
        all.insert(format!("object {}", object.name_any()), version);
    }
    let keys: Api<Secret> = Api::namespaced(world.client.clone(), HOME);
    for (where_, secrets) in [("secret", &world.secrets), ("key", &keys)] {
        for secret in secrets.list(&ListParams::default()).await? {
            let version = secret.resource_version().unwrap_or_default();
            all.insert(format!("{where_} {}", secret.name_any()), version);
        }
    }
    let events: Api<k8s_openapi::api::core::v1::Event> =
        Api::namespaced(world.client.clone(), &world.namespace);
    let events = events.list(&ListParams::default()).await?.items.len();
    all.insert("events".to_owned(), events.to_string());
    Ok(all)
}

/// Objects of which a controller that starts now would have something to say.
async fn history(world: &World, cluster: &Cluster) -> Result<()> {
    let controller = ours().start(cluster).await?;
    for name in ["same", "changed", "edited", "labelled"] {
        world.create(&world.sealed(name, [("foo", "bar")])?).await?;
        world.synced(name).await?;
    }
    let ended = controller.stop().await?;
    ensure!(ended.success(), "the controller ended with {ended}");

    let sealed = world.sealed("changed", [("foo", "hunter2-new"), ("more", "x")])?;
    world.respecify(&sealed).await?;
    let edit = json!({ "stringData": { "foo": "hunter2-edited" } });
    world.merge_secret("edited", edit).await?;
    let label = json!({ "metadata": { "labels": { "theirs": "yes" } } });
    world.merge_secret("labelled", label).await?;
    world
        .create(&world.sealed("fresh", [("foo", "bar")])?)
        .await?;
    let broken =
        OTHER_KEY.sealed_secret(Scope::Strict, &world.namespace, "broken", [("foo", "bar")])?;
    world.create(&broken).await?;
    world.existing("foreign", [("a", "b")], &[]).await?;
    world
        .create(&world.sealed("foreign", [("foo", "bar")])?)
        .await?;
    let mut paused = world.sealed("paused", [("foo", "bar")])?;
    let pause = ("seal-tool/paused".to_owned(), "true".to_owned());
    paused
        .metadata
        .annotations
        .get_or_insert_default()
        .extend([pause]);
    world.create(&paused).await?;
    Ok(())
}

/// Runs a test in a namespace with that history, without any controller.
async fn with_history(test: impl AsyncFnOnce(&World, &Cluster) -> Result<()>) -> Result<()> {
    let Some(cluster) = testkit::cluster().await? else {
        return Ok(());
    };
    let _turn = cluster.turn().await;
    with_key(cluster).await?;
    cluster
        .with_namespace(async |client, namespace| {
            let world = World::new(client, namespace);
            history(&world, cluster).await?;
            test(&world, cluster).await
        })
        .await
}

/// Waits for the line about one object.
async fn foreseen(controller: &Controller, world: &World, name: &str, says: &[&str]) -> Result<()> {
    let key = format!("{}/{name}", world.namespace);
    eventually(&format!("{key} is foreseen"), SOON, async || {
        let log = controller.log();
        let found = log.lines().any(|line| {
            line.contains("foreseen")
                && line.contains(&key)
                && says.iter().all(|part| line.contains(part))
        });
        ensure!(found, "no {says:?} of {key} in\n{log}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn observing_tells_what_would_happen_and_writes_nothing() -> Result<()> {
    with_history(async |world, cluster| {
        let before = versions(world).await?;
        let controller = ours().args(["--observe"]).start(cluster).await?;
        for (name, says) in [
            ("same", &["verdict=same"][..]),
            ("labelled", &["verdict=same"]),
            ("changed", &["would change", "change foo; add more"]),
            ("edited", &["edited", "data changed: foo"]),
            ("fresh", &["would create"]),
            ("broken", &["would fail", "wrong-key"]),
            ("foreign", &["would fail", "not-managed"]),
            ("paused", &["left alone"]),
        ] {
            foreseen(&controller, world, name, says).await?;
        }
        eventually("all is summed up", SOON, async || {
            let log = controller.log();
            ensure!(log.contains("nothing was written"), "{log}");
            Ok(())
        })
        .await?;
        let metrics = controller.metrics().await?;
        let series = "sealed_secrets_controller_foreseen_objects{verdict=\"would change\"} 1";
        ensure!(metrics.contains(series), "{metrics}");
        ensure!(!controller.log().contains("hunter2"));

        // It follows what happens meanwhile.
        let edit_back = json!({ "stringData": { "foo": "bar" } });
        let repaired = world.merge_secret("edited", edit_back).await?;
        foreseen(&controller, world, "edited", &["verdict=same"]).await?;
        controller.ask_for_a_key()?;
        let mut after = before.clone();
        let version = repaired.resource_version().unwrap_or_default();
        after.insert("secret edited".to_owned(), version);
        throughout("nothing is written", A_WHILE, async || {
            let now = versions(world).await?;
            ensure!(now == after, "{before:#?}\nbecame\n{now:#?}");
            Ok(())
        })
        .await?;
        let ended = controller.stop().await?;
        ensure!(ended.success(), "the controller ended with {ended}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn too_many_changes_at_the_start_end_the_process_before_it_writes() -> Result<()> {
    with_history(async |world, cluster| {
        let before = versions(world).await?;
        let mut controller = ours()
            .args(["--max-startup-changes=0"])
            .spawn(cluster)
            .await?;
        let ended = eventually("the process ends", SOON, async || {
            let ended = controller.ended()?;
            anyhow::Context::context(ended, "it runs")
        })
        .await?;
        ensure!(!ended.success(), "it ended with {ended}");
        let log = controller.log();
        let line = format!("{}/changed: change foo; add more", world.namespace);
        ensure!(log.contains(&line), "{log}");
        ensure!(
            !log.contains(&format!("{}/edited: ", world.namespace)),
            "{log}"
        );
        assert_eq!(versions(world).await?, before);

        // One is allowed: all goes on as it would have without the flag.
        let controller = ours()
            .args(["--max-startup-changes=1"])
            .start(cluster)
            .await?;
        world
            .secret_with("changed", [("foo", "hunter2-new"), ("more", "x")])
            .await?;
        world.secret_with("fresh", [("foo", "bar")]).await?;
        world.synced("changed").await?;
        world.failed("broken").await?;
        let ended = controller.stop().await?;
        ensure!(ended.success(), "the controller ended with {ended}");
        Ok(())
    })
    .await
}
