//! Templates of `spec.template.data`: what they render, what they must not publish, and what they must not hold up.

use anyhow::{Context as _, Result, ensure};
use sealed_api::SealedSecret;
use serde_json::{Value, json};
use testkit::Cluster;

use super::kit::{World, contents, handled, ours, template, with_ours, with_world};

/// A SealedSecret with two sealed items and these entries of `template.data`.
fn templated(world: &World, name: &str, data: &Value) -> Result<SealedSecret> {
    let mut object = world.sealed(name, [("password", "hunter2/x"), ("user", "app")])?;
    object.spec.template = template(&json!({ "data": data }))?;
    Ok(object)
}

#[tokio::test]
async fn configuration_is_made_of_sealed_values() -> Result<()> {
    with_ours(&[], async |world, _| {
        let data = json!({
            "url": "postgres://{{ .user }}:{{ .password | urlquery }}@{{ .host }}/db",
            "host": "db.example.com",
            "alert": "{{ `{{ .Labels.alertname }}` }}",
            "password": null,
        });
        world.create(&templated(world, "app", &data)?).await?;
        world
            .secret_with(
                "app",
                [
                    ("url", "postgres://app:hunter2%2Fx@db.example.com/db"),
                    ("host", "db.example.com"),
                    ("alert", "{{ .Labels.alertname }}"),
                    ("user", "app"),
                ],
            )
            .await?;
        world.synced("app").await?;
        Ok(())
    })
    .await
}

/// Upstream makes it up anew at every pass, and so at every restart.
#[tokio::test]
async fn what_was_made_up_stays_over_a_restart_until_the_object_changes() -> Result<()> {
    with_world(async |cluster, world| made_up(cluster, world).await).await
}

async fn made_up(cluster: &Cluster, world: &World) -> Result<()> {
    let object = templated(
        world,
        "app",
        &json!({ "salt": "{{ randAlphaNum 24 }}", "user": null }),
    )?;
    let controller = ours().start(cluster).await?;
    world.create(&object).await?;
    world.synced("app").await?;
    let salt = async || -> Result<String> {
        let secret = world.secrets.get("app").await?;
        contents(&secret).remove("salt").context("no salt")
    };
    let before = salt().await?;
    ensure!(before.len() == 24);

    // Another pass over the same object, with the Secret labelled by somebody.
    world
        .merge_secret("app", json!({"metadata": {"labels": {"team": "a"}}}))
        .await?;
    world
        .merge(
            "app",
            json!({"metadata": {"annotations": {"seal-tool/resync": "1"}}}),
        )
        .await?;
    handled(&controller, 2).await?;
    assert_eq!(salt().await?, before);
    controller.stop().await?;

    // With its record, and as if there were none.
    ours().start(cluster).await?.stop().await?;
    assert_eq!(salt().await?, before);
    let cold = ours()
        .args(["--update-status=false"])
        .start(cluster)
        .await?;
    handled(&cold, 1).await?;
    assert_eq!(salt().await?, before);
    cold.stop().await?;
    let controller = ours().start(cluster).await?;

    let mut changed = object.clone();
    changed.spec.template = template(&json!({"data": {"salt": "{{ randAlphaNum 25 }}"}}))?;
    world.respecify(&changed).await?;
    world.synced("app").await?;
    assert_eq!(salt().await?.len(), 25);
    controller.stop().await?;
    Ok(())
}

#[tokio::test]
async fn nothing_that_a_failed_template_saw_is_published() -> Result<()> {
    with_ours(&[], async |world, controller| {
        let data = json!({
            "a": "{{ fail .password }}",
            "b": "{{ index .user 1 2 .password }}",
            "c": "{{ .password",
        });
        world.create(&templated(world, "app", &data)?).await?;
        let message = world.failed("app").await?;
        assert_eq!(
            message,
            "template failed: function-failed (a, b)\ntemplate: c:1: unclosed action (c)"
        );
        let event = world.event("app", "ErrUnsealFailed").await?;
        let told = format!("{:?} {:?}", event.message, world.events("app").await?);
        ensure!(!told.contains("hunter2") && !controller.log().contains("hunter2"));
        world.stays_absent("app").await?;
        Ok(())
    })
    .await
}

/// A template that runs for as long as it may does not keep its neighbours waiting.
#[tokio::test]
async fn a_hostile_template_fails_and_holds_nobody_up() -> Result<()> {
    with_ours(&[], async |world, _| {
        for (number, text) in [
            "{{ range 100000000 }}{{ range 100000000 }}{{ end }}{{ end }}",
            "{{ define \"r\" }}{{ template \"r\" . }}{{ end }}{{ template \"r\" . }}",
            "{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ $d }}",
            "{{ repeat 1000000000 \"x\" }}",
            "{{ range 1000 }}{{ genPrivateKey \"rsa\" | len }}{{ end }}",
        ]
        .into_iter()
        .enumerate()
        {
            let name = format!("hostile-{number}");
            world
                .create(&templated(world, &name, &json!({ "t": text }))?)
                .await?;
        }
        world.create(&world.sealed("plain", [("a", "b")])?).await?;
        world.synced("plain").await?;
        let sound = templated(world, "sound", &json!({ "t": "{{ .user | upper }}" }))?;
        world.create(&sound).await?;
        world.synced("sound").await?;
        for number in 0..5 {
            let message = world.failed(&format!("hostile-{number}")).await?;
            ensure!(message.starts_with("template failed: limit-"), "{message}");
        }
        Ok(())
    })
    .await
}
