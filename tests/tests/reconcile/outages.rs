//! An API server that goes away, and a controller that is told to.

use std::time::Duration;

use anyhow::{Result, ensure};
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, ResourceExt as _};
use sealed_crypto::Scope;
use testkit::cluster::{DEFINITION, Options, SERVICE_ACCOUNT, manifest};
use testkit::eventually;
use testkit::fixtures::KEY;

use super::kit::{
    World, condition, contents, decryptions, ours, with_ours, with_own_cluster, with_world,
};

/// After an outage the watches come back with a pause of up to half a minute.
const RECOVERY: Duration = Duration::from_mins(2);

/// R17: the API server is killed and comes back, frozen and thawed; `/healthz` stays green, because a restart of the
/// controller would cure nothing, and what happened meanwhile is made up for.
#[tokio::test]
async fn an_outage_is_survived() -> Result<()> {
    // A cluster of its own: the others would suffer. OpenShift has this plugin on; it asks for more rights from whoever
    // blocks the deletion of an owner.
    let options = Options {
        api_server_flags: vec![
            "--enable-admission-plugins=OwnerReferencesPermissionEnforcement".to_owned(),
        ],
        ..Options::default()
    };
    with_own_cluster(options, async |cluster, world| {
        let controller = ours().start(cluster).await?;
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
        comes_back(world, "new").await?;
        comes_back(world, "deleted").await?;
        assert_eq!(world.secret("kept").await?, kept, "nobody had to touch it");

        // Longer than a request may take: nothing answers, and connections stay open.
        cluster.freeze_api_server()?;
        tokio::time::sleep(Duration::from_secs(40)).await;
        healthy(controller.port()).await?;
        cluster.thaw_api_server()?;
        world
            .create(&world.sealed("newer", [("foo", "bar")])?)
            .await?;
        comes_back(world, "newer").await?;
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

/// Rights that are taken away and given back, and a type that is removed and installed again.
#[tokio::test]
async fn rights_and_the_type_may_come_and_go() -> Result<()> {
    let options = Options {
        api_server_flags: vec!["--feature-gates=WatchList=false".to_owned()],
        ..Options::default()
    };
    with_own_cluster(options, async |cluster, world| {
        let client = world.client.clone();
        let controller = ours().start(cluster).await?;
        world
            .create(&world.sealed("first", [("foo", "bar")])?)
            .await?;
        world.synced("first").await?;

        let bindings: Api<ClusterRoleBinding> = Api::all(client.clone());
        let mut binding = bindings.get(SERVICE_ACCOUNT).await?;
        bindings
            .delete(SERVICE_ACCOUNT, &DeleteParams::default())
            .await?;
        world
            .create(&world.sealed("second", [("foo", "bar")])?)
            .await?;
        world.delete_secret("first").await?;
        tokio::time::sleep(Duration::from_secs(5)).await;
        healthy(controller.port()).await?;
        binding.metadata.resource_version = None;
        bindings.create(&PostParams::default(), &binding).await?;
        comes_back(world, "second").await?;
        comes_back(world, "first").await?;

        for verb in ["delete", "apply"] {
            cluster
                .kubectl()?
                .args([verb, "-f"])
                .arg(manifest(DEFINITION))
                .succeed()
                .await?;
        }
        // The objects went with the type, and the Secrets with the objects.
        gone(world, "first").await?;
        cluster
            .kubectl()?
            .args(["wait", "--for=condition=Established", "--timeout=30s"])
            .arg("crd/sealedsecrets.bitnami.com")
            .succeed()
            .await?;
        eventually("objects can be created again", RECOVERY, async || {
            world
                .create(&world.sealed("third", [("foo", "bar")])?)
                .await
        })
        .await?;
        comes_back(world, "third").await?;
        Ok(())
    })
    .await
}

async fn gone(world: &World, name: &str) -> Result<()> {
    eventually(&format!("{name} is gone"), RECOVERY, async || {
        ensure!(world.secrets.get_opt(name).await?.is_none());
        Ok(())
    })
    .await
}

/// Two controllers at once, as in every rolling upgrade: no object fails, and each Secret is made once.
#[tokio::test]
async fn two_controllers_do_not_disturb_each_other() -> Result<()> {
    const OBJECTS: usize = 40;
    with_world(async |cluster, world| {
        let first = ours().start(cluster).await?;
        let second = ours().start(cluster).await?;
        for number in 0..OBJECTS {
            let sealed = world.sealed(&format!("app-{number}"), [("foo", "bar")])?;
            world.create(&sealed).await?;
        }
        for number in 0..OBJECTS {
            let name = format!("app-{number}");
            world.synced(&name).await?;
            let secret = world.secret_with(&name, [("foo", "bar")]).await?;
            let owners = secret.metadata.owner_references.unwrap_or_default();
            ensure!(owners.len() == 1, "{owners:?}");
        }
        for controller in [&first, &second] {
            let metrics = controller.metrics().await?;
            let failed = metrics.lines().find(|line| {
                line.starts_with("sealed_secrets_controller_unseal_errors_total")
                    && line.contains(&world.namespace)
            });
            ensure!(failed.is_none(), "{failed:?}");
        }
        Ok(())
    })
    .await
}

/// A controller that starts before the API server is not a failure.
#[tokio::test]
async fn a_start_without_api_server_waits_for_it() -> Result<()> {
    let options = Options::default();
    with_own_cluster(options, async |cluster, world| {
        // Its credentials are made before the outage.
        let first = ours().start(cluster).await?;
        first.stop().await?;
        world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        cluster.freeze_api_server()?;
        let controller = ours().with_old_credentials().spawn(cluster).await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        healthy(controller.port()).await?;
        let ready = testkit::http::get(controller.port(), "/readyz").await?;
        assert_eq!(ready.status.as_u16(), 503);
        cluster.thaw_api_server()?;
        comes_back(world, "app").await
    })
    .await
}

/// SIGTERM in the middle of a cold start: what was begun is finished, and the next start does the rest.
#[tokio::test]
async fn a_stop_in_the_middle_leaves_nothing_half_done() -> Result<()> {
    const OBJECTS: usize = 1000;
    with_world(async |cluster, world| {
        for number in 0..OBJECTS {
            let name = format!("app-{number}");
            let entries = [("a", "1"), ("b", "2"), ("c", "3")];
            let sealed = KEY.sealed_secret(Scope::Strict, &world.namespace, &name, entries)?;
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
            let before = decryptions(controller).await?;
            let home = World::new(world.client.clone(), testkit::cluster::HOME);
            let key = other.key_secret(&home.namespace, "late-key")?;
            home.secrets.create(&PostParams::default(), &key).await?;
            let mut result = Ok(());
            for number in 0..20 {
                let synced = world.synced(&format!("app-{number}")).await;
                result = result.and_then(|()| synced.map(drop));
            }
            let after = decryptions(controller).await?;
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
