//! Events, as `kubectl describe` shows them.

use anyhow::{Result, ensure};
use serde_json::json;
use testkit::eventually;

use super::kit::{A_WHILE, SOON, with_ours};

#[tokio::test]
async fn an_event_has_the_shape_that_is_known() -> Result<()> {
    with_ours(&[], async |world, controller| {
        world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        let object = world.synced("app").await?;
        let event = world.event("app", "Unsealed").await?;
        assert_eq!(event.type_.as_deref(), Some("Normal"));
        assert_eq!(
            event.message.as_deref(),
            Some("SealedSecret unsealed successfully")
        );
        assert_eq!(event.count, Some(1));
        assert_eq!(event.first_timestamp, event.last_timestamp);
        assert_eq!(event.event_time, None);
        assert_eq!(event.reporting_component.as_deref(), Some("sealed-secrets"));
        let source = event.source.unwrap_or_default();
        assert_eq!(
            (source.component.as_deref(), source.host),
            (Some("sealed-secrets"), None)
        );
        let about = event.involved_object;
        assert_eq!(about.api_version.as_deref(), Some("bitnami.com/v1alpha1"));
        assert_eq!(about.kind.as_deref(), Some("SealedSecret"));
        assert_eq!(about.uid, object.metadata.uid);
        ensure!(about.resource_version.is_some());
        let name = event.metadata.name.unwrap_or_default();
        let suffix = name.strip_prefix("app.").unwrap_or_default();
        ensure!(u64::from_str_radix(suffix, 16).is_ok(), "{name}");

        let log = controller.log();
        ensure!(
            log.contains("type: 'Normal' reason: 'Unsealed' SealedSecret unsealed successfully"),
            "{log}"
        );
        Ok(())
    })
    .await
}

/// The same again is counted on the first event, not posted anew; and an unchanged object says nothing.
#[tokio::test]
async fn repeats_are_counted() -> Result<()> {
    with_ours(&[], async |world, _| {
        world.create(&world.sealed("app", [("foo", "0")])?).await?;
        world.synced("app").await?;
        for value in ["1", "2"] {
            world
                .respecify(&world.sealed("app", [("foo", value)])?)
                .await?;
            world.secret_with("app", [("foo", value)]).await?;
        }
        eventually("the event is counted", SOON, async || {
            let events = world.events("app").await?;
            let counts: Vec<_> = events.iter().map(|event| event.count).collect();
            ensure!(counts == [Some(3)], "{counts:?}");
            Ok(())
        })
        .await?;
        world
            .merge(
                "app",
                json!({ "metadata": { "labels": { "any": "label" } } }),
            )
            .await?;
        tokio::time::sleep(A_WHILE).await;
        let events = world.events("app").await?;
        assert_eq!(
            events.iter().map(|event| event.count).collect::<Vec<_>>(),
            [Some(3)]
        );
        Ok(())
    })
    .await
}
