//! Sealing keys: made once, watched, renewed, and never lost to a broken one.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::api::PostParams;
use sealed_crypto::Certificate;
use serde_json::json;
use testkit::fixtures::{KEY, OTHER_KEY};
use testkit::{eventually, throughout};

use super::home::{Home, fingerprint, offers, with_home};
use super::kit::{A_WHILE, SOON, annotation};

/// compat/controller.md §5.3 and §5.4.
#[tokio::test]
async fn the_first_key_has_upstreams_shape() -> Result<()> {
    with_home(async |cluster, home| {
        let controller = home
            .controller()
            .args([
                "--privatekey-labels=a=b",
                "--privatekey-annotations=c=d=e",
                "--my-cn=somebody",
                "--key-ttl=48h",
            ])
            .start(cluster)
            .await?;
        let keys = home.keys().await?;
        ensure!(keys.len() == 1, "{} keys", keys.len());
        let key = &keys[0];
        let name = key.name_any();
        ensure!(
            name.starts_with("sealed-secrets-key") && name.len() == 23,
            "{name}"
        );
        assert_eq!(
            key.metadata.generate_name.as_deref(),
            Some("sealed-secrets-key")
        );
        assert_eq!(key.type_.as_deref(), Some("kubernetes.io/tls"));
        let expected = [
            ("a".to_owned(), "b".to_owned()),
            (annotation("sealed-secrets-key"), "active".to_owned()),
        ];
        assert_eq!(*key.labels(), BTreeMap::from(expected));
        assert_eq!(key.annotations()["c"], "d");
        ensure!(key.owner_references().is_empty());
        let data = key.data.clone().unwrap_or_default();
        assert_eq!(data.keys().collect::<Vec<_>>(), ["tls.crt", "tls.key"]);
        let pem = String::from_utf8(data["tls.key"].0.clone())?;
        ensure!(pem.starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));

        let offered = controller.certificate().await?;
        assert_eq!(offered.as_bytes(), data["tls.crt"].0);
        let certificate = Certificate::from_pem(offered.as_bytes())?;
        assert_eq!(certificate.fingerprint().to_string(), fingerprint(key)?);
        assert_eq!(certificate.subject_common_name(), Some("somebody"));
        let life = certificate
            .not_after()
            .duration_since(certificate.not_before());
        assert_eq!(life.as_hours(), 48);
        let log = controller.log();
        ensure!(
            log.contains("New key written") && log.contains(&name),
            "{log}"
        );
        ensure!(!log.contains("PRIVATE KEY"));
        controller.stop().await?;

        // Found again, not made again.
        let _again = home.controller().start(cluster).await?;
        ensure!(home.keys().await?.len() == 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn controllers_that_start_together_make_one_key() -> Result<()> {
    with_home(async |cluster, home| {
        let starts = (0..4).map(|_| home.controller().spawn(cluster));
        let mut controllers = Vec::new();
        for start in starts {
            controllers.push(start.await?);
        }
        let mut offered = Vec::new();
        for controller in &controllers {
            let certificate = eventually("a certificate is offered", SOON, async || {
                controller.certificate().await
            });
            offered.push(certificate.await?);
        }
        offered.dedup();
        ensure!(
            offered.len() == 1,
            "they offer {} certificates",
            offered.len()
        );
        ensure!(home.keys().await?.len() == 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_operator_may_bring_the_first_key() -> Result<()> {
    with_home(async |cluster, home| {
        let controller = home
            .controller()
            .args(["--auto-first-key=false"])
            .start(cluster)
            .await?;
        ensure!(home.keys().await?.is_empty());
        let world = &home.world;
        world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        world.failed("app").await?;
        // R37: restored into a running controller, nothing has to be touched.
        home.add(KEY, "restored").await?;
        world.synced("app").await?;
        offers(&controller, KEY).await?;
        ensure!(home.keys().await?.len() == 1);
        Ok(())
    })
    .await
}

/// Added, relabelled, deleted, replaced: at once.
#[tokio::test]
async fn keys_are_watched() -> Result<()> {
    with_home(async |cluster, home| {
        let world = &home.world;
        home.add(KEY, "a").await?;
        let controller = home.controller().start(cluster).await?;
        offers(&controller, KEY).await?;

        let other = OTHER_KEY.sealed_secret(
            sealed_crypto::Scope::Strict,
            &world.namespace,
            "app",
            [("foo", "bar")],
        )?;
        world.create(&other).await?;
        world.failed("app").await?;
        home.add(OTHER_KEY, "b").await?;
        world.synced("app").await?;
        world.secret_with("app", [("foo", "bar")]).await?;

        // A key that is gone opens nothing more, and the status says so.
        home.relabel("b", "compromised").await?;
        let message = world.failed("app").await?;
        assert_eq!(message, "no key could decrypt secret (foo)");
        home.relabel("b", "active").await?;
        world.synced("app").await?;
        world.delete_secret("b").await?;
        world.failed("app").await?;

        // The same Secret with another key.
        let pair = OTHER_KEY.key_secret(&world.namespace, "a")?;
        let data = serde_json::to_value(&pair.data)?;
        world.merge_secret("a", json!({ "data": data })).await?;
        world.synced("app").await?;
        offers(&controller, OTHER_KEY).await?;
        Ok(())
    })
    .await
}

/// Upstream ends in a panic, for everybody.
#[tokio::test]
async fn a_broken_key_is_reported_and_skipped() -> Result<()> {
    with_home(async |cluster, home| {
        let world = &home.world;
        let create = async |secret: Secret| {
            let parameters = PostParams::default();
            world.secrets.create(&parameters, &secret).await
        };
        home.add(KEY, "good").await?;
        create(broken(home, "broken")?).await?;
        // It opens, and is not offered.
        create(mismatched(home, "mismatched")?).await?;

        let controller = home.controller().start(cluster).await?;
        offers(&controller, KEY).await?;
        let log = controller.log();
        ensure!(
            log.lines()
                .any(|line| line.contains("Error reading key") && line.contains("broken")),
            "{log}"
        );
        let other = OTHER_KEY.sealed_secret(
            sealed_crypto::Scope::Strict,
            &world.namespace,
            "app",
            [("foo", "bar")],
        )?;
        world.create(&other).await?;
        world.synced("app").await?;

        create(broken(home, "broken-later")?).await?;
        create(mismatched(home, "mismatched-later")?).await?;
        home.event("broken-later", "ErrKeyUnusable").await?;
        home.event("mismatched-later", "ErrKeyUnusable").await?;
        // Every start would tell of them again.
        for found in ["broken", "mismatched"] {
            let events = home.events(found).await?;
            ensure!(events.is_empty(), "{events:?}");
        }
        Ok(())
    })
    .await
}

/// A key Secret that holds no key.
fn broken(home: &Home, name: &str) -> Result<Secret> {
    let mut secret = OTHER_KEY.key_secret(&home.world.namespace, name)?;
    secret.data.get_or_insert_default().insert(
        "tls.key".to_owned(),
        ByteString(b"-----BEGIN RSA PRIVATE KEY-----\ngarbage\n".to_vec()),
    );
    Ok(secret)
}

/// A key Secret whose certificate belongs to another key.
fn mismatched(home: &Home, name: &str) -> Result<Secret> {
    let mut secret = OTHER_KEY.key_secret(&home.world.namespace, name)?;
    secret.data.get_or_insert_default().insert(
        "tls.crt".to_owned(),
        ByteString(KEY.certificate()?.into_bytes()),
    );
    Ok(secret)
}

/// Only broken keys: a new one would hide that, and nothing sealed so far would open.
#[tokio::test]
async fn no_key_is_made_behind_broken_or_deleted_ones() -> Result<()> {
    with_home(async |cluster, home| {
        let world = &home.world;
        let mut broken = OTHER_KEY.key_secret(&world.namespace, "broken")?;
        broken.type_ = None;
        broken.data = None;
        world
            .secrets
            .create(&PostParams::default(), &broken)
            .await?;
        let controller = home.controller().start(cluster).await?;
        ensure!(
            controller.certificate().await.is_err(),
            "nothing is offered"
        );

        home.add(KEY, "good").await?;
        offers(&controller, KEY).await?;
        world.delete_secret("good").await?;
        world.delete_secret("broken").await?;
        eventually("nothing is offered any more", SOON, async || {
            ensure!(controller.certificate().await.is_err());
            Ok(())
        })
        .await?;
        throughout("there is no key", A_WHILE, async || {
            ensure!(home.keys().await?.is_empty());
            Ok(())
        })
        .await
    })
    .await
}

/// R19: what was sealed before any number of renewals still opens.
#[tokio::test]
async fn renewals_add_keys_and_keep_the_old_ones() -> Result<()> {
    with_home(async |cluster, home| {
        let world = &home.world;
        home.add(KEY, "old").await?;
        // The recorded certificate is years old, so the first renewal is due at once.
        let controller = home
            .controller()
            .args(["--key-renew-period=2s"])
            .start(cluster)
            .await?;
        eventually("three keys are there", SOON, async || {
            let keys = home.keys().await?.len();
            ensure!(keys >= 3, "{keys}");
            Ok(())
        })
        .await?;
        let offered = controller.certificate().await?;
        ensure!(offered != KEY.certificate()?);
        world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        world.synced("app").await?;

        // And what is sealed with the newest one opens too.
        let certificate = Certificate::from_pem(offered.as_bytes())?;
        let label = sealed_crypto::Label::strict(&world.namespace, "new")?;
        let mut sealed = world.sealed("new", [])?;
        let value = sealed_crypto::seal(&certificate, &label, b"bar")?;
        sealed
            .spec
            .encrypted_data
            .insert("foo".to_owned(), value.to_string());
        world.create(&sealed).await?;
        world.synced("new").await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_signal_makes_one_more_key() -> Result<()> {
    with_home(async |cluster, home| {
        home.add(KEY, "old").await?;
        let controller = home.controller().start(cluster).await?;
        controller.ask_for_a_key()?;
        eventually("there are two keys", SOON, async || {
            let keys = home.keys().await?.len();
            ensure!(keys == 2, "{keys}");
            ensure!(controller.certificate().await? != KEY.certificate()?);
            Ok(())
        })
        .await
    })
    .await
}

/// A flag that nothing satisfies but the right to create ConfigMaps: until that is granted, no key can be stored.
fn unstorable() -> String {
    let identity = age::x25519::Identity::generate();
    format!("--escrow-recipient={}", identity.to_public())
}

/// Whoever sends the signal does not have to send it again.
#[tokio::test]
async fn a_key_that_was_asked_for_by_a_signal_is_made_as_soon_as_it_can_be_stored() -> Result<()> {
    with_home(async |cluster, home| {
        home.add(KEY, "old").await?;
        let controller = home.controller().args([unstorable()]);
        let controller = controller.start(cluster).await?;
        controller.ask_for_a_key()?;
        let failed = "occasion=\"on demand\"";
        eventually("it is told", SOON, async || {
            ensure!(controller.log().contains(failed), "not yet");
            Ok(())
        })
        .await?;
        ensure!(home.keys().await?.len() == 1);
        home.grant_config_maps(&["create"]).await?;
        home.has_keys(2).await?;
        Ok(())
    })
    .await
}

/// The recorded key is older than this.
const CUTOFF: &str = "--key-cutoff-time=Mon, 18 Nov 2024 21:45:30 +0000";

/// A key older than the cut-off is replaced at start, and kept for opening.
#[tokio::test]
async fn a_cutoff_replaces_an_old_key_once() -> Result<()> {
    with_home(async |cluster, home| {
        home.add(KEY, "old").await?;
        let cutoff_matters = Certificate::from_pem(KEY.certificate()?.as_bytes())?
            .not_before()
            .as_second()
            < 1_731_966_330;
        ensure!(cutoff_matters, "the recorded key is newer than the cut-off");
        for _ in 0..2 {
            let controller = home.controller().args([CUTOFF]).start(cluster).await?;
            ensure!(home.keys().await?.len() == 2);
            ensure!(controller.certificate().await? != KEY.certificate()?);
            controller.stop().await?;
        }
        Ok(())
    })
    .await
}

/// Upstream does not start. What the old key opens must not wait for the new one.
#[tokio::test]
async fn a_cutoff_that_cannot_replace_an_old_key_stops_nothing() -> Result<()> {
    with_home(async |cluster, home| {
        let world = &home.world;
        home.add(KEY, "old").await?;
        // It is ready.
        let controller = home.controller().args([CUTOFF.to_owned(), unstorable()]);
        let controller = controller.start(cluster).await?;
        let log = controller.log();
        ensure!(log.contains("because it is not in escrow"), "{log}");
        world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        world.synced("app").await?;
        offers(&controller, KEY).await?;
        ensure!(home.keys().await?.len() == 1);

        home.grant_config_maps(&["create"]).await?;
        home.has_keys(2).await?;
        Ok(())
    })
    .await
}

/// The oldest form: a Secret named like the prefix, whatever its labels.
#[tokio::test]
async fn a_key_of_the_oldest_form_is_loaded() -> Result<()> {
    with_home(async |cluster, home| {
        let mut oldest = KEY.key_secret(&home.world.namespace, "sealed-secrets-key")?;
        oldest.metadata.labels = None;
        home.world
            .secrets
            .create(&PostParams::default(), &oldest)
            .await?;
        let controller = home.controller().start(cluster).await?;
        offers(&controller, KEY).await?;
        ensure!(home.keys().await?.is_empty(), "none is made");
        Ok(())
    })
    .await
}
