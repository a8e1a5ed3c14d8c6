//! One controller after the other, over the same keys and objects: nothing is sealed again, nothing is written.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::api::{DynamicObject, ListParams, PostParams};
use serde_json::Value;
use testkit::controller::Launch;
use testkit::fixtures;
use testkit::{Controller, eventually, throughout};

use super::kit::{A_WHILE, SOON, Tool, World, contents, with_world};

#[tokio::test]
async fn ours_takes_over_from_the_real_one_and_back() -> Result<()> {
    with_world(async |world| {
        hand_over(
            world,
            [Controller::upstream, Controller::ours, Controller::upstream],
        )
        .await
    })
    .await
}

#[tokio::test]
async fn the_real_one_takes_over_from_ours_and_back() -> Result<()> {
    with_world(async |world| {
        hand_over(
            world,
            [Controller::ours, Controller::upstream, Controller::ours],
        )
        .await
    })
    .await
}

/// The first makes the key on an empty cluster; the others, one by one, find it with all that came of it.
async fn hand_over(world: &World, [first, second, third]: [fn() -> Launch; 3]) -> Result<()> {
    world.without_keys().await?;
    // As installed: keys of the default size, renewed on schedule.
    let controller = first().start(world.cluster).await?;
    let certificate = controller.certificate().await?;
    let keys = world.keys().await?;
    ensure!(keys.len() == 1, "there are {} keys", keys.len());

    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(&file, &certificate)?;
    let mut sealed = BTreeMap::new();
    for (index, secret) in secrets(world).into_iter().enumerate() {
        let name = secret.metadata.name.clone().context("no name")?;
        let tool = Tool::ALL[index % Tool::ALL.len()];
        sealed.insert(name, tool.seal(file.path(), &secret).await?);
    }
    // One is there already, and is only added to.
    let mut shared = fixtures::secret(&world.namespace, "patched", [("kept", "value")]);
    shared.metadata.annotations = Some(
        [(
            "sealedsecrets.bitnami.com/patch".to_owned(),
            "true".to_owned(),
        )]
        .into(),
    );
    world
        .secrets
        .create(&PostParams::default(), &shared)
        .await?;
    let mut before = BTreeMap::new();
    for (name, text) in &sealed {
        world.create(text).await?;
        before.insert(name.clone(), world.opened(name).await?);
    }
    ensure!(contents(&before["patched"]).len() == 2);
    let conditions = synced(world, &sealed).await?;
    observed(world, &before).await?;
    controller.stop().await?;

    for (round, launch) in [second, third].into_iter().enumerate() {
        let controller = launch().start(world.cluster).await?;
        assert_eq!(controller.certificate().await?, certificate);
        looked_at(world, &controller, sealed.keys()).await?;
        throughout("nothing is written", A_WHILE, async || {
            ensure!(world.keys().await? == keys, "the keys changed");
            for (name, secret) in &before {
                let now = world.secrets.get(name).await?;
                ensure!(now == *secret, "{name} was\n{secret:#?}\nand is\n{now:#?}");
            }
            Ok(())
        })
        .await?;
        no_alert(world, &controller).await?;
        // Nobody who waits for a transition sees one.
        assert_eq!(synced(world, &sealed).await?, conditions);
        in_charge(world, file.path(), &mut before, round).await?;
        controller.stop().await?;
    }
    Ok(())
}

/// What the two could disagree about.
fn secrets(world: &World) -> Vec<Secret> {
    let secret = |name: &str| fixtures::secret(&world.namespace, name, [("password", "hunter2")]);
    let annotated = |name: &str, annotation: &str| {
        let mut secret = secret(name);
        let annotation = format!("sealedsecrets.bitnami.com/{annotation}");
        secret.metadata.annotations = Some([(annotation, "true".to_owned())].into());
        secret
    };
    let mut typed = secret("typed");
    typed.type_ = Some("example.com/own".to_owned());
    typed.metadata.labels = Some([("app".to_owned(), "shop".to_owned())].into());
    // Without the second annotation, the real one takes the Secret for somebody else's as soon as it has made it.
    let mut unowned = annotated("unowned", "skip-set-owner-references");
    let managed = "sealedsecrets.bitnami.com/managed".to_owned();
    unowned.annotations_mut().insert(managed, "true".to_owned());
    let mut immutable = secret("immutable");
    immutable.immutable = Some(true);
    vec![
        secret("plain"),
        typed,
        immutable,
        annotated("namespace", "namespace-wide"),
        annotated("cluster", "cluster-wide"),
        annotated("managed", "managed"),
        annotated("patched", "patch"),
        unowned,
    ]
}

/// The times and the message of `Synced` of every object.
async fn synced(
    world: &World,
    sealed: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Value>> {
    let mut all = BTreeMap::new();
    for name in sealed.keys() {
        let condition = world.with_condition(name, "True").await?;
        all.insert(name.clone(), condition["lastTransitionTime"].clone());
    }
    Ok(all)
}

/// Waits until this controller's metrics know the outcome of every object: it has gone through them all.
async fn looked_at(
    world: &World,
    controller: &Controller,
    names: impl Iterator<Item = &String> + Clone,
) -> Result<()> {
    eventually("it has looked at every object", SOON, async || {
        let metrics = controller.metrics().await?;
        for name in names.clone() {
            let labels = [
                "sealed_secrets_controller_condition_info{".to_owned(),
                "condition=\"Synced\"".to_owned(),
                format!("namespace=\"{}\"", world.namespace),
                format!("name=\"{name}\""),
            ];
            let known = metrics.lines().any(|line| {
                line.ends_with(" 1") && labels.iter().all(|label| line.contains(label.as_str()))
            });
            ensure!(known, "nothing is known of {name}");
        }
        Ok(())
    })
    .await
}

/// Ours beside the one in charge: it foresees that nothing changes, and writes nothing.
async fn observed(world: &World, before: &BTreeMap<String, Secret>) -> Result<()> {
    let objects = async || {
        let all = world.objects.list(&ListParams::default()).await?;
        let versions = all
            .iter()
            .map(|one| (one.name_any(), one.resource_version()));
        anyhow::Ok(versions.collect::<BTreeMap<_, _>>())
    };
    let versions = objects().await?;
    let keys = world.keys().await?;
    let observer = Controller::ours()
        .args(["--observe"])
        .start(world.cluster)
        .await?;
    eventually("everything is foreseen", SOON, async || {
        let log = observer.log();
        ensure!(log.contains("nothing was written"), "{log}");
        Ok(())
    })
    .await?;
    let log = observer.log();
    for name in before.keys() {
        let key = format!("{}/{name}", world.namespace);
        let same = log
            .lines()
            .any(|line| line.contains(&key) && line.contains("verdict=same"));
        ensure!(same, "{key} is not the same in\n{log}");
    }
    ensure!(world.keys().await? == keys, "the keys changed");
    ensure!(objects().await? == versions, "an object changed");
    for (name, secret) in before {
        ensure!(world.secrets.get(name).await? == *secret, "{name} changed");
    }
    ensure!(observer.stop().await?.success());
    Ok(())
}

/// The alert that is shipped with the existing controller fires on every condition that is not 1.
async fn no_alert(world: &World, controller: &Controller) -> Result<()> {
    let metrics = controller.metrics().await?;
    let namespace = format!("namespace=\"{}\"", world.namespace);
    let alarming = metrics.lines().find(|line| {
        line.starts_with("sealed_secrets_controller_condition_info{")
            && line.contains(&namespace)
            && !line.ends_with(" 1")
    });
    ensure!(alarming.is_none(), "{alarming:?}");
    Ok(())
}

/// It opens what is sealed from now on, with the certificate handed out before, and follows changes of what was there.
async fn in_charge(
    world: &World,
    certificate: &Path,
    before: &mut BTreeMap<String, Secret>,
    round: usize,
) -> Result<()> {
    let value = format!("value {round}");
    let seal = async |name: &str| {
        let secret = fixtures::secret(&world.namespace, name, [("password", value.as_str())]);
        Tool::Upstream.seal(certificate, &secret).await
    };
    let new = format!("new-{round}");
    world.create(&seal(&new).await?).await?;
    world.opened(&new).await?;

    let fresh: DynamicObject = serde_json::from_str(&seal("plain").await?)?;
    eventually("the object takes a new spec", SOON, async || {
        let mut live = world.objects.get("plain").await?;
        live.data["spec"] = fresh.data["spec"].clone();
        world
            .objects
            .replace("plain", &PostParams::default(), &live)
            .await?;
        Ok(())
    })
    .await?;
    let changed = eventually("the Secret follows", SOON, async || {
        let secret = world.secrets.get("plain").await?;
        ensure!(contents(&secret)["password"] == value.as_bytes(), "not yet");
        Ok(secret)
    })
    .await?;
    before.insert("plain".to_owned(), changed);
    Ok(())
}
