//! Secrets that outlive their SealedSecrets: `--retain-deleted`.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use serde_json::json;
use testkit::cluster::{DEFINITION, Options, manifest};
use testkit::{eventually, throughout};

use super::kit::{A_WHILE, World, ours, with_ours, with_own_cluster};

/// The graveyard makes its round every five seconds.
const ROUNDS: Duration = Duration::from_secs(30);

async fn orphaned(world: &World, name: &str) -> Result<(Secret, String)> {
    eventually("the loss is noted on the Secret", ROUNDS, async || {
        let secret = world.secrets.get(name).await?;
        let annotations = secret.metadata.annotations.as_ref();
        let note = annotations.and_then(|all| all.get("seal-tool/orphaned"));
        let note = note.context("not yet")?.clone();
        Ok((secret, note))
    })
    .await
}

/// As if time had passed.
async fn aged(world: &World, name: &str, note: &str) -> Result<()> {
    let note = json!({ "metadata": { "annotations": { "seal-tool/orphaned": note } } });
    world.merge_secret(name, note).await?;
    Ok(())
}

#[tokio::test]
async fn a_secret_outlives_its_sealed_secret_and_is_taken_up_again_or_deleted() -> Result<()> {
    with_ours(&["--retain-deleted=1h"], async |world, _| {
        let sealed = world.sealed("app", [("foo", "bar")])?;
        world.create(&sealed).await?;
        world.synced("app").await?;
        let before = world.secret("app").await?;
        ensure!(before.metadata.owner_references.is_none());

        // Somebody copies it, marks and all: nobody asked for the copy to be deleted some day.
        let mut copy = before.clone();
        copy.metadata = ObjectMeta {
            name: Some("copy".to_owned()),
            annotations: before.metadata.annotations.clone(),
            ..ObjectMeta::default()
        };
        world.secrets.create(&PostParams::default(), &copy).await?;

        world.delete("app").await?;
        let (secret, note) = orphaned(world, "app").await?;
        let copy = world.secrets.get("copy").await?;
        let annotations = copy.metadata.annotations.unwrap_or_default();
        ensure!(!annotations.contains_key("seal-tool/orphaned"));
        ensure!(note.ends_with('Z'), "{note}");
        assert_eq!(
            (&secret.metadata.uid, &secret.data),
            (&before.metadata.uid, &before.data)
        );

        let created = world.create(&sealed).await?;
        world.synced("app").await?;
        let after = world.secret("app").await?;
        assert_eq!(after.metadata.uid, before.metadata.uid);
        let annotations = after.metadata.annotations.unwrap_or_default();
        assert_eq!(
            annotations.get("seal-tool/retained"),
            created
                .metadata
                .uid
                .map(|uid| format!("{uid} {}/app", world.namespace))
                .as_ref()
        );
        ensure!(!annotations.contains_key("seal-tool/orphaned"));

        world.delete("app").await?;
        orphaned(world, "app").await?;
        aged(world, "app", "2020-01-01T00:00:00Z").await?;
        eventually("the Secret is gone", ROUNDS, async || {
            ensure!(world.secrets.get_opt("app").await?.is_none(), "still there");
            Ok(())
        })
        .await
    })
    .await
}

#[tokio::test]
async fn what_is_lost_together_stays() -> Result<()> {
    let arguments = ["--retain-deleted=1m", "--retain-deleted-max-per-minute=2"];
    with_ours(&arguments, async |world, _| {
        let names = ["a", "b", "c"];
        for name in names {
            world.create(&world.sealed(name, [("foo", "bar")])?).await?;
            world.synced(name).await?;
        }
        for name in names {
            world.delete(name).await?;
        }
        for name in names {
            eventually("it is held", ROUNDS, async || {
                let (_, note) = orphaned(world, name).await?;
                ensure!(note.ends_with(" held"), "{note}");
                Ok(())
            })
            .await?;
        }
        aged(world, "a", "2020-01-01T00:00:00Z held").await?;
        aged(world, "b", "2020-01-01T00:00:00Z").await?;
        eventually("what is not held goes", ROUNDS, async || {
            ensure!(world.secrets.get_opt("b").await?.is_none(), "still there");
            Ok(())
        })
        .await?;
        world.secrets.get("a").await?;
        world.secrets.get("c").await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_deleted_type_takes_no_retained_secret_with_it() -> Result<()> {
    const RECOVERY: Duration = Duration::from_mins(2);
    let options = Options {
        api_server_flags: vec!["--feature-gates=WatchList=false".to_owned()],
        ..Options::default()
    };
    with_own_cluster(options, async |cluster, world| {
        let names = ["a", "b", "c"];
        // Fewer than that, so that a loss would be taken for a real one.
        let arguments = ["--retain-deleted=1m", "--retain-deleted-max-per-minute=10"];
        let controller = ours().args(arguments).start(cluster).await?;
        let mut before = Vec::new();
        for name in names {
            world.create(&world.sealed(name, [("foo", "bar")])?).await?;
            world.synced(name).await?;
            before.push(world.secret(name).await?);
        }
        let definition = async |verb| {
            let mut kubectl = cluster.kubectl()?;
            kubectl = kubectl.args([verb, "-f"]).arg(manifest(DEFINITION));
            kubectl.succeed().await
        };
        definition("delete").await?;
        eventually("the loss of the type is noticed", RECOVERY, async || {
            let log = controller.log();
            ensure!(log.contains("the SealedSecret type is gone"), "{log}");
            Ok(())
        })
        .await?;
        for secret in &before {
            world.untouched(secret).await?;
        }

        definition("apply").await?;
        for name in names {
            eventually("objects can be created again", RECOVERY, async || {
                world.create(&world.sealed(name, [("foo", "bar")])?).await
            })
            .await?;
        }
        for (name, before) in names.into_iter().zip(&before) {
            eventually(&format!("{name} is taken up again"), RECOVERY, async || {
                let object = world.objects.get(name).await?;
                let secret = world.secrets.get(name).await?;
                let annotations = secret.metadata.annotations.unwrap_or_default();
                let uid = object.metadata.uid.unwrap_or_default();
                ensure!(annotations["seal-tool/retained"].starts_with(&uid));
                ensure!(!annotations.contains_key("seal-tool/orphaned"));
                ensure!(secret.metadata.uid == before.metadata.uid);
                ensure!(secret.data == before.data);
                Ok(())
            })
            .await?;
        }
        throughout("none goes", A_WHILE, async || {
            for name in names {
                world.secrets.get(name).await?;
            }
            Ok(())
        })
        .await?;
        Ok(())
    })
    .await
}
