//! An API server that goes away, and a controller that is told to.

use std::time::Duration;

use anyhow::{Result, ensure};
use kube::ResourceExt as _;
use kube::api::{DeleteParams, ListParams};
use sealed_crypto::Scope;
use testkit::fixtures::KEY;
use testkit::{Cluster, Skip, eventually, skipped};

use super::kit::{World, condition, contents, ours, with_key, with_ours};

/// After an outage the watches come back with a pause of up to half a minute.
const RECOVERY: Duration = Duration::from_mins(2);

/// R17: the API server is killed and comes back, frozen and thawed; `/healthz` stays green, because a restart of the
/// controller would cure nothing, and what happened meanwhile is made up for.
#[tokio::test]
async fn an_outage_is_survived() -> Result<()> {
    if skipped(Skip::Cluster) {
        return Ok(());
    }
    // A cluster of its own: the others would suffer.
    let cluster = Cluster::start().await?;
    with_key(&cluster).await?;
    cluster
        .with_namespace(async |client, namespace| {
            let world = World::new(client, namespace);
            let controller = ours().start(&cluster).await?;
            for name in ["kept", "deleted"] {
                world.create(&world.sealed(name, [("foo", "bar")])?).await?;
                world.synced(name).await?;
            }
            let kept = world.secret("kept").await?;

            cluster.kill_api_server()?;
            tokio::time::sleep(Duration::from_secs(3)).await;
            healthy(controller.port()).await?;
            cluster.start_api_server().await?;
            // Deleted before the watch is back: the event is gone for good if it was compacted, and in any case not
            // seen yet.
            world.delete_secret("deleted").await?;
            world
                .create(&world.sealed("new", [("foo", "bar")])?)
                .await?;
            comes_back(&world, "new").await?;
            comes_back(&world, "deleted").await?;
            assert_eq!(world.secret("kept").await?, kept, "nobody had to touch it");

            cluster.freeze_api_server()?;
            tokio::time::sleep(Duration::from_secs(5)).await;
            healthy(controller.port()).await?;
            cluster.thaw_api_server()?;
            world
                .create(&world.sealed("newer", [("foo", "bar")])?)
                .await?;
            comes_back(&world, "newer").await?;
            let ended = controller.stop().await?;
            ensure!(ended.success(), "{ended}");
            Ok(())
        })
        .await
}

async fn comes_back(world: &World, name: &str) -> Result<()> {
    eventually(&format!("{name} is there"), RECOVERY, async || {
        let secret = world.secrets.get(name).await?;
        ensure!(contents(&secret)["foo"] == "bar");
        Ok(())
    })
    .await
}

async fn healthy(port: u16) -> Result<()> {
    let answer = testkit::http::get(port, "/healthz").await?;
    ensure!(answer.status.is_success(), "{}", answer.body);
    Ok(())
}

/// A controller that starts before the API server is not a failure.
#[tokio::test]
async fn a_start_without_api_server_waits_for_it() -> Result<()> {
    if skipped(Skip::Cluster) {
        return Ok(());
    }
    let cluster = Cluster::start().await?;
    with_key(&cluster).await?;
    // Its credentials are made before the outage.
    let first = ours().start(&cluster).await?;
    first.stop().await?;
    cluster
        .with_namespace(async |client, namespace| {
            let world = World::new(client, namespace);
            world
                .create(&world.sealed("app", [("foo", "bar")])?)
                .await?;
            cluster.freeze_api_server()?;
            let controller = ours().with_old_credentials().spawn(&cluster).await?;
            tokio::time::sleep(Duration::from_secs(2)).await;
            healthy(controller.port()).await?;
            let ready = testkit::http::get(controller.port(), "/readyz").await?;
            assert_eq!(ready.status.as_u16(), 503);
            cluster.thaw_api_server()?;
            comes_back(&world, "app").await
        })
        .await
}

/// SIGTERM in the middle of a cold start: what was begun is finished, and the next start does the rest.
#[tokio::test]
async fn a_stop_in_the_middle_leaves_nothing_half_done() -> Result<()> {
    const OBJECTS: usize = 200;
    let Some(cluster) = testkit::cluster().await? else {
        return Ok(());
    };
    let _turn = cluster.turn().await;
    with_key(cluster).await?;
    cluster
        .with_namespace(async |client, namespace| {
            let world = World::new(client, namespace);
            for number in 0..OBJECTS {
                let name = format!("app-{number}");
                let entries = [("a", "1"), ("b", "2"), ("c", "3")];
                let sealed = KEY.sealed_secret(Scope::Strict, namespace, &name, entries)?;
                world.create(&sealed).await?;
            }
            let controller = ours().spawn(cluster).await?;
            eventually("some Secrets are there", RECOVERY, async || {
                let some = world.secrets.list(&ListParams::default().limit(1)).await?;
                ensure!(!some.items.is_empty());
                Ok(())
            })
            .await?;
            let ended = controller.stop().await?;
            ensure!(ended.success(), "{ended}");

            let secrets = world.secrets.list(&ListParams::default()).await?.items;
            ensure!(secrets.len() < OBJECTS, "it was not in the middle");
            for secret in &secrets {
                assert_eq!(contents(secret).len(), 3, "{}", secret.name_any());
                let object = world.objects.get(&secret.name_any()).await?;
                assert_eq!(condition(&object, "Synced")?["status"], "True");
            }

            let _again = ours().start(cluster).await?;
            eventually("all are there", RECOVERY, async || {
                let count = world
                    .secrets
                    .list(&ListParams::default())
                    .await?
                    .items
                    .len();
                ensure!(count == OBJECTS, "{count}");
                Ok(())
            })
            .await?;
            for secret in &secrets {
                assert_eq!(world.secrets.get(&secret.name_any()).await?, *secret);
            }
            Ok(())
        })
        .await
}

/// R17: a key that comes later is enough, also for many, and each is tried with that key only.
#[tokio::test]
async fn a_late_key_opens_everything_that_waited() -> Result<()> {
    // Nothing that other tests have left is counted.
    with_ours(
        &["--label-selector=waits=yes"],
        async |world, controller| {
            let other = testkit::fixtures::OTHER_KEY;
            for number in 0..20 {
                let name = format!("app-{number}");
                let mut sealed = other.sealed_secret(
                    Scope::Strict,
                    &world.namespace,
                    &name,
                    [("foo", "bar")],
                )?;
                sealed.metadata.labels = Some([("waits".to_owned(), "yes".to_owned())].into());
                world.create(&sealed).await?;
            }
            for number in 0..20 {
                world.failed(&format!("app-{number}")).await?;
            }
            let before = decryptions(&controller.metrics().await?)?;
            let home = World::new(world.client.clone(), testkit::cluster::HOME);
            let key = other.key_secret(&home.namespace, "late-key")?;
            home.secrets
                .create(&kube::api::PostParams::default(), &key)
                .await?;
            let mut result = Ok(());
            for number in 0..20 {
                let synced = world.synced(&format!("app-{number}")).await;
                result = result.and_then(|()| synced.map(drop));
            }
            let after = decryptions(&controller.metrics().await?)?;
            home.secrets
                .delete("late-key", &DeleteParams::default())
                .await?;
            result?;
            assert_eq!(after - before, 20, "one decryption each, with the new key");
            Ok(())
        },
    )
    .await
}

fn decryptions(metrics: &str) -> Result<u64> {
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("sealed_secrets_controller_rsa_decryptions_total "));
    Ok(line.unwrap_or("0").parse()?)
}
