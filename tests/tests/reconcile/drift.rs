//! Hand edits of Secrets that were in sync.

use anyhow::{Context as _, Result, ensure};
use kube::ResourceExt as _;
use serde_json::json;
use testkit::{eventually, throughout};

use super::kit::{
    A_WHILE, SOON, World, condition, contents, decryptions, template, text, with_ours,
};

/// What the condition says, once it says `part`.
async fn drifted(world: &World, name: &str, part: &str) -> Result<String> {
    eventually("the edit is told", SOON, async || {
        let object = world.objects.get(name).await?;
        let told = condition(&object, "Drifted")?;
        let message = text(&told, "message");
        ensure!(message.contains(part), "{message}");
        for type_ in ["Synced", "Ready", "Drifted"] {
            let status = text(&condition(&object, type_)?, "status");
            ensure!(status == "True", "{type_} is {status}");
        }
        Ok(message)
    })
    .await
}

async fn not_drifted(world: &World, name: &str) -> Result<()> {
    eventually("nothing is said of an edit", SOON, async || {
        let object = world.objects.get(name).await?;
        ensure!(condition(&object, "Drifted").is_err(), "it still is");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_hand_edit_is_told_and_left_until_somebody_asks() -> Result<()> {
    with_ours(&[], async |world, controller| {
        let mut sealed = world.sealed("app", [("foo", "bar"), ("baz", "qux")])?;
        sealed.spec.template = template(&json!({ "metadata": { "labels": { "mine": "yes" } } }))?;
        world.create(&sealed).await?;
        world.synced("app").await?;

        // What others put on it costs a look, and opens nothing.
        let opened = decryptions(controller).await?;
        world
            .merge_secret(
                "app",
                json!({ "metadata": { "labels": { "theirs": "yes" } } }),
            )
            .await?;
        throughout("nothing is opened", A_WHILE, async || {
            let now = decryptions(controller).await?;
            ensure!(now == opened, "{now} instead of {opened}");
            Ok(())
        })
        .await?;

        let edited = world
            .merge_secret(
                "app",
                json!({
                    "metadata": { "labels": { "mine": "no" } },
                    "data": { "baz": null },
                    "stringData": { "foo": "hunter2-edited", "extra": "x" },
                }),
            )
            .await?;
        let message = drifted(world, "app", "foo").await?;
        let expected =
            "data changed: foo; data missing: baz; data added: extra; labels changed: mine";
        ensure!(message.contains(expected), "{message}");
        ensure!(!message.contains("hunter2"), "{message}");
        let event = world.event("app", "Drifted").await?;
        ensure!(event.message.unwrap_or_default().contains(expected));
        let told = controller
            .metric("sealed_secrets_controller_drift_total")
            .await?;
        ensure!(told == Some(1), "{told:?}");
        world.untouched(&edited).await?;

        let request = json!({ "metadata": { "annotations": { "seal-tool/resync": "1" } } });
        world.merge("app", request).await?;
        let restored = world
            .secret_with("app", [("foo", "bar"), ("baz", "qux")])
            .await?;
        assert_eq!(restored.labels()["mine"], "yes");
        assert_eq!(restored.metadata.uid, edited.metadata.uid);
        not_drifted(world, "app").await
    })
    .await
}

#[tokio::test]
async fn what_is_edited_back_by_hand_is_not_told_any_more() -> Result<()> {
    with_ours(&[], async |world, _| {
        world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        world.synced("app").await?;
        let edit = |value: &str| json!({ "stringData": { "foo": value } });
        world.merge_secret("app", edit("edited")).await?;
        drifted(world, "app", "data changed: foo").await?;
        world.merge_secret("app", edit("bar")).await?;
        not_drifted(world, "app").await
    })
    .await
}

/// R16: what is sealed comes back, what others added stays; whoever keeps editing is answered with pauses.
#[tokio::test]
async fn a_repair_restores_what_is_sealed_and_tells_a_contest() -> Result<()> {
    with_ours(&["--drift=repair"], async |world, _| {
        world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        world.synced("app").await?;
        for round in 1..=3 {
            world
                .merge_secret(
                    "app",
                    json!({ "stringData": { "foo": format!("edited {round}"), "extra": "x" } }),
                )
                .await?;
            world
                .secret_with("app", [("foo", "bar"), ("extra", "x")])
                .await?;
        }
        let event = world.event("app", "Drifted").await?;
        ensure!(event.message.unwrap_or_default().contains("restored"));
        let object = eventually("the contest is told", SOON, async || {
            let object = world.objects.get("app").await?;
            condition(&object, "Drifted").context("not yet")?;
            Ok(object)
        })
        .await?;
        assert_eq!(text(&condition(&object, "Drifted")?, "reason"), "Contested");
        assert_eq!(text(&condition(&object, "Synced")?, "status"), "True");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn with_drift_off_nobody_looks() -> Result<()> {
    with_ours(&["--drift=off"], async |world, _| {
        world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        world.synced("app").await?;
        let edited = world
            .merge_secret("app", json!({ "stringData": { "foo": "edited" } }))
            .await?;
        world.untouched(&edited).await?;
        let object = world.objects.get("app").await?;
        ensure!(condition(&object, "Drifted").is_err());
        assert_eq!(contents(&edited)["foo"], "edited");
        Ok(())
    })
    .await
}

/// The annotation that stops everything, and what is told meanwhile.
#[tokio::test]
async fn a_paused_object_is_left_alone_in_everything() -> Result<()> {
    with_ours(&["--drift=repair"], async |world, _| {
        world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        let before = world.synced("app").await?;
        let pause = |value: serde_json::Value| json!({ "metadata": { "annotations": { "seal-tool/paused": value } } });
        world.merge("app", pause(json!("true"))).await?;
        let edited = world
            .merge_secret("app", json!({ "stringData": { "foo": "edited" } }))
            .await?;
        world
            .respecify(&world.sealed("app", [("foo", "new")])?)
            .await?;
        world.untouched(&edited).await?;
        let object = world.objects.get("app").await?;
        assert_eq!(
            object.data["status"]["observedGeneration"],
            before.data["status"]["observedGeneration"]
        );
        world.delete_secret("app").await?;
        world.stays_absent("app").await?;

        world.merge("app", pause(serde_json::Value::Null)).await?;
        world.secret_with("app", [("foo", "new")]).await?;
        world.synced("app").await?;
        Ok(())
    })
    .await
}
