//! Whose Secret it is: the table of upstream's behaviour, and where ours differs on purpose.

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::api::PostParams;
use serde_json::json;
use testkit::{eventually, fixtures};

use super::kit::{SOON, World, annotation, condition, contents, template, text, with_ours};

fn owner_uids(secret: &Secret) -> Vec<String> {
    let owners = secret.metadata.owner_references.iter().flatten();
    owners.map(|owner| owner.uid.clone()).collect()
}

/// Nothing on the SealedSecret gives the right to overwrite a stranger's Secret.
#[tokio::test]
async fn a_foreign_secret_is_left_alone_until_it_goes() -> Result<()> {
    with_ours(&[], async |world, _| {
        let foreign = world.existing("app", [("a", "b")], &[]).await?;
        let mut sealed = world.sealed("app", [("foo", "bar")])?;
        sealed
            .metadata
            .annotations
            .get_or_insert_default()
            .insert(annotation("managed"), "true".to_owned());
        world.create(&sealed).await?;
        let message = world.failed("app").await?;
        assert_eq!(
            message,
            "failed update: Resource \"app\" already exists and is not managed by SealedSecret"
        );
        let event = world.event("app", "ErrUpdateFailed").await?;
        assert_eq!(
            event.message.as_deref(),
            Some("Resource \"app\" already exists and is not managed by SealedSecret")
        );
        world.untouched(&foreign).await?;

        // R17: the blocker goes, and nobody has to touch the object.
        world.delete_secret("app").await?;
        world.secret_with("app", [("foo", "bar")]).await?;
        world.synced("app").await?;
        Ok(())
    })
    .await
}

/// R24, and `managed` added later, which upstream does not notice.
#[tokio::test]
async fn a_managed_secret_is_taken_over_without_a_gap() -> Result<()> {
    with_ours(&[], async |world, _| {
        let before = world.existing("app", [("a", "b")], &["managed"]).await?;
        let created = world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        let after = world.secret_with("app", [("foo", "bar")]).await?;
        assert_eq!(
            after.metadata.uid, before.metadata.uid,
            "it was never absent"
        );
        assert_eq!(
            owner_uids(&after),
            [created.metadata.uid.unwrap_or_default()]
        );
        assert_eq!(after.metadata.annotations, None);
        world.event("app", "Unsealed").await?;

        world.existing("late", [("a", "b")], &[]).await?;
        world
            .create(&world.sealed("late", [("foo", "bar")])?)
            .await?;
        world.failed("late").await?;
        world
            .merge_secret(
                "late",
                json!({ "metadata": { "annotations": { annotation("managed"): "true" } } }),
            )
            .await?;
        world.secret_with("late", [("foo", "bar")]).await?;
        world.synced("late").await?;

        // Only the exact word counts.
        let mut loud = fixtures::secret(&world.namespace, "loud", [("a", "b")]);
        loud.metadata.annotations = Some([(annotation("managed"), "True".to_owned())].into());
        let loud = world.secrets.create(&PostParams::default(), &loud).await?;
        world
            .create(&world.sealed("loud", [("foo", "bar")])?)
            .await?;
        world.failed("loud").await?;
        world.untouched(&loud).await
    })
    .await
}

/// Cases 6 to 8 and 12 of upstream's suite.
#[tokio::test]
async fn a_patched_secret_keeps_what_it_has() -> Result<()> {
    with_ours(&[], async |world, _| {
        let labelled = |name: &str| {
            let mut sealed = world.sealed(name, [("foo", "bar")])?;
            sealed.spec.template =
                template(&json!({ "metadata": { "labels": { "mine": "yes" } } }))?;
            anyhow::Ok(sealed)
        };
        world
            .existing("app", [("foo2", "bar2")], &["patch"])
            .await?;
        world
            .merge_secret(
                "app",
                json!({ "metadata": { "labels": { "theirs": "yes" } } }),
            )
            .await?;
        world.create(&labelled("app")?).await?;
        let secret = world
            .secret_with("app", [("foo", "bar"), ("foo2", "bar2")])
            .await?;
        assert_eq!(owner_uids(&secret), Vec::<String>::new());
        assert_eq!(
            secret.annotations().keys().collect::<Vec<_>>(),
            [&annotation("patch")]
        );
        assert_eq!(
            secret.labels().keys().collect::<Vec<_>>(),
            ["mine", "theirs"]
        );
        world.synced("app").await?;

        // It is not ours: it survives its SealedSecret, and is not made again.
        world.create(&labelled("gone")?).await?;
        world
            .existing("patched", [("foo2", "bar2")], &["patch"])
            .await?;
        world.create(&labelled("patched")?).await?;
        world
            .secret_with("patched", [("foo", "bar"), ("foo2", "bar2")])
            .await?;
        world.synced("patched").await?;
        world.delete_secret("patched").await?;
        world.stays_absent("patched").await?;
        world.delete("app").await?;
        world.untouched(&world.secret("app").await?).await?;

        let both = world
            .existing("both", [("foo2", "bar2")], &["managed", "patch"])
            .await?;
        let created = world.create(&labelled("both")?).await?;
        let secret = world
            .secret_with("both", [("foo", "bar"), ("foo2", "bar2")])
            .await?;
        assert_eq!(secret.metadata.uid, both.metadata.uid);
        assert_eq!(
            owner_uids(&secret),
            [created.metadata.uid.unwrap_or_default()]
        );
        assert_eq!(secret.annotations().len(), 2);
        Ok(())
    })
    .await
}

/// Upstream reports a failure after it has succeeded.
#[tokio::test]
async fn a_secret_without_owner_is_a_success() -> Result<()> {
    with_ours(&[], async |world, _| {
        let mut sealed = world.sealed("app", [("foo", "bar")])?;
        sealed.spec.template = template(&json!({
            "metadata": { "annotations": { annotation("skip-set-owner-references"): "true" } },
        }))?;
        world.create(&sealed).await?;
        let secret = world.secret_with("app", [("foo", "bar")]).await?;
        assert_eq!(owner_uids(&secret), Vec::<String>::new());
        world.synced("app").await?;
        world.delete("app").await?;
        world.untouched(&secret).await
    })
    .await
}

/// Others may own it too; there is one controller.
#[tokio::test]
async fn owners_of_others_are_kept() -> Result<()> {
    with_ours(&[], async |world, _| {
        let owner = world.existing("owner", [("a", "b")], &[]).await?;
        let mut secret = fixtures::secret(&world.namespace, "app", [("a", "b")]);
        secret.metadata.annotations = Some([(annotation("managed"), "true".to_owned())].into());
        secret.metadata.owner_references = Some(serde_json::from_value(json!([
            { "apiVersion": "v1", "kind": "Secret", "name": "owner", "uid": owner.metadata.uid },
            { "apiVersion": "example.com/v1", "kind": "Other", "name": "x", "uid": "1", "controller": true },
        ]))?);
        world.secrets.create(&PostParams::default(), &secret).await?;
        let created = world.create(&world.sealed("app", [("foo", "bar")])?).await?;
        let secret = world.secret_with("app", [("foo", "bar")]).await?;
        let expected = [created.metadata.uid, owner.metadata.uid].map(Option::unwrap_or_default);
        assert_eq!(owner_uids(&secret), expected);
        Ok(())
    })
    .await
}

/// Cases 16 and 17 of upstream's suite.
#[tokio::test]
async fn an_immutable_secret_is_reported_until_it_is_deleted() -> Result<()> {
    with_ours(&[], async |world, _| {
        let immutable = |value: &str| {
            let mut sealed = world.sealed("app", [("foo", value)])?;
            sealed.spec.template = template(&json!({ "immutable": true }))?;
            anyhow::Ok(sealed)
        };
        world.create(&immutable("bar")?).await?;
        let secret = world.secret_with("app", [("foo", "bar")]).await?;
        assert_eq!(secret.immutable, Some(true));
        world.event("app", "Unsealed").await?;

        world.respecify(&immutable("baz")?).await?;
        let message = world.failed("app").await?;
        assert_eq!(
            message,
            "Secret \"app\" is invalid: data: Forbidden: field is immutable when `immutable` is set"
        );
        let event = world.event("app", "ErrUpdateFailed").await?;
        let message = event.message.unwrap_or_default();
        ensure!(
            message.contains("the target Secret is immutable"),
            "{message}"
        );
        world.untouched(&secret).await?;

        world.delete_secret("app").await?;
        world.secret_with("app", [("foo", "baz")]).await?;
        world.synced("app").await?;
        Ok(())
    })
    .await
}

/// Case 15 of upstream's suite, and a type that cannot change.
#[tokio::test]
async fn a_type_is_set_and_never_changed() -> Result<()> {
    with_ours(&[], async |world, _| {
        let docker = "{\"auths\":{}}";
        let typed = |name: &str| {
            let mut sealed = world.sealed(name, [(".dockerconfigjson", docker)])?;
            sealed.spec.template = template(&json!({ "type": "kubernetes.io/dockerconfigjson" }))?;
            anyhow::Ok(sealed)
        };
        world.create(&typed("app")?).await?;
        let secret = world
            .secret_with("app", [(".dockerconfigjson", docker)])
            .await?;
        assert_eq!(
            secret.type_.as_deref(),
            Some("kubernetes.io/dockerconfigjson")
        );
        world.synced("app").await?;

        let opaque = world.existing("opaque", [("a", "b")], &["managed"]).await?;
        world.create(&typed("opaque")?).await?;
        let message = world.failed("opaque").await?;
        ensure!(message.contains("field is immutable"), "{message}");
        world.untouched(&opaque).await
    })
    .await
}

/// Whoever may create a SealedSecret where the keys are could otherwise make everybody seal for a key of their own.
#[tokio::test]
async fn a_sealing_key_cannot_be_sealed() -> Result<()> {
    with_ours(&[], async |world, _| {
        let home = World::new(world.client.clone(), testkit::cluster::HOME);
        let mut sealed = home.sealed("evil", [("tls.key", "x"), ("tls.crt", "y")])?;
        sealed.spec.template = template(&json!({
            "metadata": { "labels": { annotation("sealed-secrets-key"): "active" } },
        }))?;
        home.create(&sealed).await?;
        let message = home.failed("evil").await;
        let object = home.objects.get("evil").await?;
        home.delete("evil").await?;
        ensure!(message?.contains("sealing key"));
        assert_eq!(
            text(&condition(&object, "Synced")?, "reason"),
            "ReservedKey"
        );
        ensure!(home.secrets.get_opt("evil").await?.is_none());
        Ok(())
    })
    .await
}

/// What the API server refuses is told, and tried again when the object changes.
#[tokio::test]
async fn a_refused_secret_is_reported() -> Result<()> {
    with_ours(&[], async |world, _| {
        world
            .create(&world.sealed("app", [("not a key", "hunter2-value")])?)
            .await?;
        let message = world.failed("app").await?;
        ensure!(message.contains("not a key"), "{message}");
        ensure!(!message.contains("hunter2"), "{message}");
        world.event("app", "ErrUpdateFailed").await?;
        world
            .respecify(&world.sealed("app", [("a-key", "hunter2-value")])?)
            .await?;
        world.synced("app").await?;
        Ok(())
    })
    .await
}

/// R16 in part: an edit is not reverted here, but a Secret that lost its owner by hand is not forgotten.
#[tokio::test]
async fn a_secret_stripped_of_its_owner_and_deleted_comes_back() -> Result<()> {
    with_ours(&[], async |world, _| {
        world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        world.synced("app").await?;
        world
            .merge_secret("app", json!({ "metadata": { "ownerReferences": null } }))
            .await?;
        // It is a stranger's now, as far as anybody can tell.
        eventually("the loss is noticed", SOON, async || {
            let object = world.objects.get("app").await?;
            let synced = condition(&object, "Synced")?;
            ensure!(synced["status"] == "False", "{synced}");
            Ok(())
        })
        .await?;
        world.delete_secret("app").await?;
        let secret = world.secret_with("app", [("foo", "bar")]).await?;
        assert_eq!(contents(&secret).len(), 1);
        assert_eq!(owner_uids(&secret).len(), 1);
        world.synced("app").await?;
        Ok(())
    })
    .await
}
