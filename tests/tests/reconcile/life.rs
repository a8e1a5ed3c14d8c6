//! A SealedSecret from its creation to its end.

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{DeleteParams, ObjectMeta, PostParams, PropagationPolicy};
use sealed_crypto::Scope;
use serde_json::json;
use testkit::eventually;
use testkit::fixtures::{self, OTHER_KEY};

use super::kit::{
    SOON, World, annotation, contents, handled, ours, template, with_ours, with_world,
};

/// R13, R49: apply, change, delete; in a namespace that did not exist when the controller started.
#[tokio::test]
async fn a_secret_follows_its_sealed_secret() -> Result<()> {
    with_ours(&[], async |world, _| {
        let created = world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        let secret = world.secret_with("app", [("foo", "bar")]).await?;
        assert_eq!(secret.type_.as_deref(), Some("Opaque"));
        let owners = secret.metadata.owner_references.unwrap_or_default();
        assert_eq!(
            serde_json::to_value(&owners)?,
            json!([{
                "apiVersion": "bitnami.com/v1alpha1",
                "kind": "SealedSecret",
                "name": "app",
                "uid": created.metadata.uid,
                "controller": true,
            }])
        );
        world.synced("app").await?;

        // An item renamed, one changed, one added: what is gone from the one is gone from the other.
        world
            .respecify(&world.sealed("app", [("xyzzy", "baz"), ("foo2", "")])?)
            .await?;
        world
            .secret_with("app", [("xyzzy", "baz"), ("foo2", "")])
            .await?;
        world.synced("app").await?;

        world.delete("app").await?;
        world.vanishes("app").await
    })
    .await
}

/// R20: the objects are there before the controller.
#[tokio::test]
async fn objects_older_than_the_controller_are_served() -> Result<()> {
    with_world(async |cluster, world| {
        for number in 0..5 {
            let name = format!("app-{number}");
            world
                .create(&world.sealed(&name, [("foo", "bar")])?)
                .await?;
        }
        let _controller = ours().start(cluster).await?;
        for number in 0..5 {
            world.synced(&format!("app-{number}")).await?;
            world
                .secret_with(&format!("app-{number}"), [("foo", "bar")])
                .await?;
        }
        Ok(())
    })
    .await
}

/// R3, R64, and cases 18 to 25 of upstream's suite: what a scope binds to.
#[tokio::test]
async fn values_open_where_their_scope_allows_and_nowhere_else() -> Result<()> {
    with_ours(&[], async |world, _| {
        let elsewhere = format!("{}-b", world.namespace);
        let namespaces: Api<Namespace> = Api::all(world.client.clone());
        let namespace = Namespace {
            metadata: ObjectMeta {
                name: Some(elsewhere.clone()),
                ..ObjectMeta::default()
            },
            ..Namespace::default()
        };
        namespaces
            .create(&PostParams::default(), &namespace)
            .await?;
        let other = World::new(world.client.clone(), &elsewhere);

        for (scope, name) in [
            (Scope::Strict, "strict"),
            (Scope::NamespaceWide, "namespace"),
            (Scope::ClusterWide, "cluster"),
        ] {
            let sealed = fixtures::sealed_secret(scope, &world.namespace, name, [("foo", "bar")])?;
            world.create(&sealed).await?;
            world.secret_with(name, [("foo", "bar")]).await?;

            let renamed = format!("{name}-renamed");
            let mut moved = sealed.clone();
            moved.metadata.name = Some(renamed.clone());
            world.create(&moved).await?;
            moved.metadata.namespace = Some(elsewhere.clone());
            other.create(&moved).await?;
            for (place, opens) in [
                (world, scope != Scope::Strict),
                (&other, scope == Scope::ClusterWide),
            ] {
                if opens {
                    place.synced(&renamed).await?;
                    place.secret_with(&renamed, [("foo", "bar")]).await?;
                } else {
                    let message = place.failed(&renamed).await?;
                    assert_eq!(message, "no key could decrypt secret (foo)");
                    place.event(&renamed, "ErrUnsealFailed").await?;
                    ensure!(place.secrets.get_opt(&renamed).await?.is_none());
                }
            }
        }
        namespaces
            .delete(&elsewhere, &DeleteParams::default())
            .await?;
        Ok(())
    })
    .await
}

/// The annotation that was forgotten: upstream ignores it when it is added later.
#[tokio::test]
async fn a_scope_annotation_added_later_is_noticed() -> Result<()> {
    with_ours(&[], async |world, _| {
        let mut sealed = fixtures::sealed_secret(
            Scope::ClusterWide,
            &world.namespace,
            "app",
            [("foo", "bar")],
        )?;
        let annotations = sealed.metadata.annotations.take();
        world.create(&sealed).await?;
        world.failed("app").await?;
        world
            .merge("app", json!({ "metadata": { "annotations": annotations } }))
            .await?;
        world.synced("app").await?;
        world.secret_with("app", [("foo", "bar")]).await?;
        Ok(())
    })
    .await
}

/// Case 9 of upstream's suite.
#[tokio::test]
async fn a_deleted_secret_comes_back() -> Result<()> {
    with_ours(&[], async |world, _| {
        world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        world.synced("app").await?;
        for _ in 0..3 {
            let before = world.secret("app").await?;
            world.delete_secret("app").await?;
            eventually("another Secret is there", SOON, async || {
                let now = world.secrets.get("app").await?;
                ensure!(now.metadata.uid != before.metadata.uid, "the old one");
                assert_eq!(contents(&now), contents(&before));
                Ok(())
            })
            .await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_deleted_secret_stays_away_when_asked() -> Result<()> {
    with_ours(&["--skip-recreate"], async |world, _| {
        world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        world.synced("app").await?;
        world.delete_secret("app").await?;
        world.stays_absent("app").await
    })
    .await
}

/// R18: `kubectl replace --force`, after which upstream's Secret is collected and never comes back.
#[tokio::test]
async fn a_sealed_secret_made_again_keeps_its_secret() -> Result<()> {
    with_ours(&[], async |world, _| {
        let sealed = world.sealed("app", [("foo", "bar")])?;
        world.create(&sealed).await?;
        world.secret("app").await?;
        for _ in 0..3 {
            world
                .objects
                .delete("app", &DeleteParams::background())
                .await?;
            let created = world.create(&sealed).await?;
            eventually("the new object owns the Secret", SOON, async || {
                let secret = world.secrets.get("app").await?;
                let owners = secret.metadata.owner_references.unwrap_or_default();
                ensure!(
                    owners.len() == 1 && Some(&owners[0].uid) == created.metadata.uid.as_ref(),
                    "{owners:?}"
                );
                Ok(())
            })
            .await?;
            world.synced("app").await?;
        }
        Ok(())
    })
    .await
}

/// `--cascade=orphan` takes the owner off the Secret: whoever asked for that has it to themselves, until they say
/// otherwise.
#[tokio::test]
async fn an_orphaned_secret_is_nobodys_until_its_owner_lends_it() -> Result<()> {
    with_ours(&[], async |world, _| {
        let sealed = world.sealed("app", [("foo", "bar")])?;
        world.create(&sealed).await?;
        let before = world.secret("app").await?;
        world.synced("app").await?;
        let orphan = DeleteParams {
            propagation_policy: Some(PropagationPolicy::Orphan),
            ..DeleteParams::default()
        };
        world.objects.delete("app", &orphan).await?;
        eventually("the object is gone", SOON, async || {
            ensure!(world.objects.get_opt("app").await?.is_none(), "it is there");
            Ok(())
        })
        .await?;
        let created = world.create(&sealed).await?;
        let message = world.failed("app").await?;
        ensure!(message.contains("is not managed by"), "{message}");
        let managed = json!({ "metadata": { "annotations": { annotation("managed"): "true" } } });
        world.merge_secret("app", managed).await?;
        world.synced("app").await?;
        let after = world.secret("app").await?;
        assert_eq!(after.metadata.uid, before.metadata.uid);
        let owners = after.metadata.owner_references.unwrap_or_default();
        assert_eq!(Some(&owners[0].uid), created.metadata.uid.as_ref());
        Ok(())
    })
    .await
}

/// Objects that pass the schema and cannot be read stop upstream for everybody.
#[tokio::test]
async fn a_malformed_object_fails_alone() -> Result<()> {
    with_ours(&[], async |world, _| {
        for (name, poison) in [
            ("time", json!({ "creationTimestamp": "x" })),
            ("owners", json!({ "ownerReferences": "x" })),
            ("generation", json!({ "generation": "1" })),
        ] {
            let object = serde_json::from_value(json!({
                "apiVersion": "bitnami.com/v1alpha1",
                "kind": "SealedSecret",
                "metadata": { "name": name },
                "spec": { "encryptedData": { "foo": "AgA=" }, "template": { "metadata": poison } },
            }))?;
            world
                .objects
                .create(&PostParams::default(), &object)
                .await?;
            let message = world.failed(name).await?;
            let field = poison
                .as_object()
                .and_then(|fields| fields.keys().next())
                .unwrap();
            ensure!(message.contains(field), "{message}");
            world.event(name, "ErrUnsealFailed").await?;
        }
        world
            .create(&world.sealed("good", [("foo", "bar")])?)
            .await?;
        world.synced("good").await?;

        // Repaired, it works like any other.
        world
            .respecify(&world.sealed("time", [("foo", "bar")])?)
            .await?;
        world.synced("time").await?;
        Ok(())
    })
    .await
}

/// R63: a hundred that cannot be opened, and one that can.
#[tokio::test]
async fn broken_objects_do_not_delay_a_good_one() -> Result<()> {
    with_ours(&[], async |world, _| {
        let mut broken =
            OTHER_KEY.sealed_secret(Scope::ClusterWide, &world.namespace, "x", [("foo", "bar")])?;
        for number in 0..100 {
            broken.metadata.name = Some(format!("broken-{number}"));
            world.create(&broken).await?;
        }
        // And one with as many worthless values as fit: they wait for their turn one by one.
        let value = broken.spec.encrypted_data["foo"].clone();
        broken.metadata.name = Some("huge".to_owned());
        broken.spec.encrypted_data = (0..2_000)
            .map(|number| (format!("value-{number}"), value.clone()))
            .collect();
        world.create(&broken).await?;
        world
            .create(&world.sealed("good", [("foo", "bar")])?)
            .await?;
        world.synced("good").await?;
        Ok(())
    })
    .await
}

/// `--old-gc-behavior` deletes what is ours; upstream deletes whatever has the name.
#[tokio::test]
async fn the_old_way_of_collecting_spares_strangers() -> Result<()> {
    with_ours(&["--old-gc-behavior"], async |world, controller| {
        let foreign = world.existing("foreign", [("a", "b")], &[]).await?;
        world
            .create(&world.sealed("foreign", [("foo", "bar")])?)
            .await?;
        world.failed("foreign").await?;
        world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        world.synced("app").await?;
        // Held, so that the garbage collector cannot be faster.
        let held = json!({ "metadata": { "finalizers": ["example.com/hold"] } });
        world.merge_secret("app", held).await?;
        for name in ["foreign", "app"] {
            world.delete(name).await?;
        }
        world.untouched(&foreign).await?;
        let free = json!({ "metadata": { "finalizers": null } });
        world.merge_secret("app", free).await?;
        world.vanishes("app").await?;
        let log = controller.log();
        let said = |name: &str| {
            let place = format!("sealed-secret={}/{name}", world.namespace);
            log.lines().any(|line| {
                line.contains("SealedSecret has gone, deleting Secret") && line.contains(&place)
            })
        };
        ensure!(said("app") && !said("foreign"), "{log}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_label_selector_is_for_sealed_secrets_only() -> Result<()> {
    with_ours(&["--label-selector=team=a"], async |world, _| {
        let labelled = |name: &str, team: &str| {
            let mut sealed = world.sealed(name, [("foo", "bar")])?;
            sealed.metadata.labels = Some([("team".to_owned(), team.to_owned())].into());
            anyhow::Ok(sealed)
        };
        world.create(&labelled("other", "b")?).await?;
        world.create(&labelled("app", "a")?).await?;
        world.synced("app").await?;
        // The Secret carries no label, and comes back all the same.
        world.delete_secret("app").await?;
        world.secret("app").await?;
        world.stays_absent("other").await?;
        // An object that gains the label is served.
        world
            .merge(
                "other",
                json!({ "metadata": { "labels": { "team": "a" } } }),
            )
            .await?;
        world.synced("other").await?;
        Ok(())
    })
    .await
}

/// A restart changes nothing and tells nothing.
#[tokio::test]
async fn a_restart_is_silent() -> Result<()> {
    with_world(async |cluster, world| {
        let controller = ours().start(cluster).await?;
        world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        let mut typed = world.sealed("typed", [("foo", "bar")])?;
        typed.spec.template = template(&json!({
            "type": "Opaque", "metadata": { "labels": { "a": "b" }, "annotations": { "c": "d" } },
        }))?;
        world.create(&typed).await?;
        let objects = [world.synced("app").await?, world.synced("typed").await?];
        let secrets = [world.secret("app").await?, world.secret("typed").await?];
        world.event("app", "Unsealed").await?;
        controller.stop().await?;

        // Without records both are looked at.
        let cold = &["--update-status=false"][..];
        for (arguments, passes) in [(&[][..], 0), (cold, 2)] {
            let again = ours().args(arguments).start(cluster).await?;
            handled(&again, passes).await?;
            for (object, secret) in objects.iter().zip(&secrets) {
                let name = object.metadata.name.as_deref().unwrap_or_default();
                assert_eq!(world.objects.get(name).await?, *object);
                assert_eq!(world.secrets.get(name).await?, *secret);
                assert_eq!(world.events(name).await?.len(), 1);
            }
            again.stop().await?;
        }
        Ok(())
    })
    .await
}
