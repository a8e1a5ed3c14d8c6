//! What a status says, and when.

use std::time::Duration;

use anyhow::{Result, ensure};
use kube::api::PostParams;
use serde_json::json;
use testkit::eventually;

use super::kit::{SOON, condition, text, with_ours};

/// Cases 1 and 2 of upstream's suite: times that are equal first and differ after a change.
#[tokio::test]
async fn a_status_tells_of_the_generation_it_is_about() -> Result<()> {
    with_ours(&[], async |world, _| {
        world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        let object = world.synced("app").await?;
        let status = &object.data["status"];
        assert_eq!(status["observedGeneration"], 1);
        assert_eq!(
            status["conditions"][0]["type"], "Synced",
            "printer columns look there"
        );
        assert_eq!(status["conditions"][1]["type"], "Ready");
        let first = condition(&object, "Synced")?;
        assert_eq!(first["lastUpdateTime"], first["lastTransitionTime"]);
        ensure!(
            condition(&object, "Stalled").is_err() && condition(&object, "Reconciling").is_err()
        );

        // The times have whole seconds.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        world
            .respecify(&world.sealed("app", [("foo", "baz")])?)
            .await?;
        let object = world.synced("app").await?;
        assert_eq!(object.data["status"]["observedGeneration"], 2);
        let second = condition(&object, "Synced")?;
        assert_eq!(second["lastTransitionTime"], first["lastTransitionTime"]);
        ensure!(second["lastUpdateTime"] != first["lastUpdateTime"]);
        Ok(())
    })
    .await
}

/// Another controller, or a person, writes something else: what the last pass found is written again, once.
#[tokio::test]
async fn a_status_that_somebody_overwrote_is_put_right() -> Result<()> {
    with_ours(&[], async |world, controller| {
        world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        world.synced("app").await?;
        let secret = world.secret("app").await?;
        let mut object = world.objects.get("app").await?;
        object.data["status"]["conditions"] = json!([
            { "type": "Synced", "status": "False", "message": "no key could decrypt secret (foo)" },
        ]);
        world
            .objects
            .replace_status("app", &PostParams::default(), &object)
            .await?;
        eventually("it is true again", 4 * SOON, async || {
            let object = world.objects.get("app").await?;
            ensure!(condition(&object, "Synced")?["status"] == "True");
            ensure!(condition(&object, "Ready")?["status"] == "True");
            Ok(())
        })
        .await?;
        world.untouched(&secret).await?;
        let log = controller.log();
        let updating = format!("msg=Updating key={}/app", world.namespace);
        assert_eq!(log.matches(&updating).count(), 1, "opened twice: {log}");
        Ok(())
    })
    .await
}

/// R14: truthful, for every outcome, and again when only the message changes.
#[tokio::test]
async fn a_failure_is_told_with_its_reason_and_taken_back() -> Result<()> {
    with_ours(&[], async |world, _| {
        let mut sealed = world.sealed("app", [("foo", "bar"), ("key", "value")])?;
        let sound = sealed.clone();
        sealed
            .spec
            .encrypted_data
            .insert("foo".to_owned(), "!".to_owned());
        world.create(&sealed).await?;
        let message = world.failed("app").await?;
        assert_eq!(message, "illegal base64 data at input byte 0 (foo)");
        let object = world.objects.get("app").await?;
        for type_ in ["Synced", "Ready", "Stalled"] {
            let condition = condition(&object, type_)?;
            let expected = if type_ == "Stalled" { "True" } else { "False" };
            assert_eq!(text(&condition, "status"), expected, "{type_}");
            assert_eq!(text(&condition, "reason"), "BadBase64", "{type_}");
        }

        sealed
            .spec
            .encrypted_data
            .insert("foo".to_owned(), "AgAA".to_owned());
        world.respecify(&sealed).await?;
        eventually("the other message is there", SOON, async || {
            let message = world.failed("app").await?;
            ensure!(message == "no key could decrypt secret (foo)", "{message}");
            Ok(())
        })
        .await?;

        world.respecify(&sound).await?;
        let object = world.synced("app").await?;
        ensure!(
            condition(&object, "Stalled").is_err(),
            "it is not stalled any more"
        );
        assert_eq!(text(&condition(&object, "Synced")?, "message"), "");
        Ok(())
    })
    .await
}

/// Conditions of others stay, and a status that somebody else writes at the same time is no obstacle.
#[tokio::test]
async fn conditions_of_others_are_kept() -> Result<()> {
    with_ours(&[], async |world, _| {
        world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        world.synced("app").await?;
        eventually("a foreign condition is there", SOON, async || {
            let mut object = world.objects.get("app").await?;
            let conditions = object.data["status"]["conditions"].as_array_mut();
            conditions
                .ok_or_else(|| anyhow::anyhow!("no conditions"))?
                .push(json!({ "type": "Theirs", "status": "Unknown" }));
            world
                .objects
                .replace_status("app", &PostParams::default(), &object)
                .await?;
            Ok(())
        })
        .await?;
        world
            .respecify(&world.sealed("app", [("foo", "baz")])?)
            .await?;
        let object = world.synced("app").await?;
        assert_eq!(condition(&object, "Theirs")?["status"], "Unknown");
        assert_eq!(object.data["status"]["conditions"][0]["type"], "Synced");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn no_status_is_written_when_asked() -> Result<()> {
    with_ours(&["--update-status=false"], async |world, _| {
        world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        world.secret_with("app", [("foo", "bar")]).await?;
        world.event("app", "Unsealed").await?;
        let object = world.objects.get("app").await?;
        ensure!(
            condition(&object, "Synced").is_err(),
            "{}",
            object.data["status"]
        );
        Ok(())
    })
    .await
}

/// R21: what is in Git stays equal to what is live.
#[tokio::test]
async fn nothing_but_the_status_of_an_object_is_touched() -> Result<()> {
    with_ours(&[], async |world, _| {
        let created = world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        let live = world.synced("app").await?;
        assert_eq!(live.data["spec"], created.data["spec"]);
        assert_eq!(live.metadata.generation, Some(1));
        assert_eq!(live.metadata.annotations, created.metadata.annotations);
        assert_eq!(live.metadata.labels, created.metadata.labels);
        assert_eq!(live.metadata.finalizers, None);
        let managers = live.metadata.managed_fields.unwrap_or_default();
        let ours: Vec<_> = managers
            .iter()
            .filter(|entry| entry.subresource.as_deref() == Some("status"))
            .map(|entry| (entry.manager.as_deref(), entry.operation.as_deref()))
            .collect();
        assert_eq!(
            ours,
            [(Some("controller"), Some("Update"))],
            "as an installed controller signs"
        );
        Ok(())
    })
    .await
}

/// The gauge follows the status, the label and the end of an object.
#[tokio::test]
async fn the_condition_metric_follows_the_object() -> Result<()> {
    with_ours(&[], async |world, controller| {
        let series = |name: &str| {
            format!(
                "sealed_secrets_controller_condition_info{{condition=\"Synced\",name=\"{name}\",namespace=\"{}\",",
                world.namespace
            )
        };
        let lines_of = async |name: &str| {
            let metrics = controller.metrics().await?;
            let prefix = series(name);
            anyhow::Ok(
                metrics
                    .lines()
                    .filter_map(|line| line.strip_prefix(&prefix).map(str::to_owned))
                    .collect::<Vec<_>>(),
            )
        };
        let shows = async |name: &str, expected: &[&str]| {
            eventually(&format!("the metric of {name} is {expected:?}"), SOON, async || {
                let found = lines_of(name).await?;
                ensure!(found == expected, "{found:?}");
                Ok(())
            })
            .await
        };
        world.create(&world.sealed("app", [("foo", "bar")])?).await?;
        shows("app", &["ss_app_kubernetes_io_instance=\"\"} 1"]).await?;
        world
            .merge(
                "app",
                json!({ "metadata": { "labels": { "app.kubernetes.io/instance": "blue" } } }),
            )
            .await?;
        shows("app", &["ss_app_kubernetes_io_instance=\"blue\"} 1"]).await?;
        let mut broken = world.sealed("app", [("foo", "bar")])?;
        broken.spec.encrypted_data.insert("foo".to_owned(), "!".to_owned());
        world.respecify(&broken).await?;
        shows("app", &["ss_app_kubernetes_io_instance=\"blue\"} -1"]).await?;
        world.delete("app").await?;
        shows("app", &[]).await
    })
    .await
}
