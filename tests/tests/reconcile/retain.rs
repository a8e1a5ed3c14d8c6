//! Secrets that outlive their SealedSecrets: `--retain-deleted`.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use serde_json::json;
use testkit::eventually;

use super::kit::{World, with_ours};

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

        world.delete("app").await?;
        let (secret, note) = orphaned(world, "app").await?;
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
            created.metadata.uid.as_ref()
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
