//! What people ask of keys while the controller runs: a new one, a way back, a copy in escrow, a public certificate.

use std::io::Read as _;

use age::x25519::Identity;
use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{DeleteParams, ListParams};
use kube::{Api, ResourceExt as _};
use sealed_crypto::{Certificate, Scope};
use serde_json::json;
use testkit::fixtures::{KEY, OTHER_KEY};
use testkit::{Controller, eventually, throughout};

use super::home::{Home, fingerprint, offers, with_home};
use super::kit::{A_WHILE, SOON, text};

const RENEW: &str = "seal-tool/renew";

/// The value of one of our metrics.
async fn metric(controller: &Controller, name: &str) -> Result<u64> {
    let value = controller
        .metric(&format!("sealed_secrets_controller_{name}"))
        .await?;
    value.with_context(|| format!("no {name}"))
}

/// Asked for on every key, since whoever asks seldom knows the newest; over a restart; and by a key that is retired.
#[tokio::test]
async fn a_request_makes_exactly_one_key() -> Result<()> {
    with_home(async |cluster, home| {
        home.add(KEY, "a").await?;
        home.add(OTHER_KEY, "b").await?;
        let controller = home.controller().start(cluster).await?;
        for name in ["a", "b"] {
            home.annotate(name, RENEW, "2026-06-01T00:00:00Z").await?;
        }
        let keys = home.has_keys(3).await?;
        let new = keys
            .iter()
            .map(Secret::name_any)
            .find(|name| name != "a" && name != "b")
            .context("no new key")?;
        home.event(&new, "KeyRenewed").await?;
        let three = async || {
            ensure!(home.keys().await?.len() == 3);
            Ok(())
        };
        throughout("there is no fourth key", A_WHILE, three).await?;
        let log = controller.log();
        let told = log.lines().find(|line| line.contains("New key written"));
        let told = told.context("not told")?;
        for part in ["audit=key-renewed", "occasion=\"on request\"", &new] {
            ensure!(told.contains(part), "{told}");
        }
        controller.stop().await?;

        // Somebody else, who was not there, at the same time as another one.
        let first = home.controller().start(cluster).await?;
        let second = home.controller().start(cluster).await?;
        throughout("nobody makes a fourth key", A_WHILE, three).await?;
        home.relabel(&new, "retired").await?;
        first.stop().await?;
        second.stop().await?;
        let controller = home.controller().start(cluster).await?;
        throughout("a retired key answers too", A_WHILE, async || {
            ensure!(home.keys().await?.len() == 2);
            Ok(())
        })
        .await?;

        home.annotate("a", RENEW, "2026-07-01T00:00:00Z").await?;
        home.has_keys(3).await?;
        controller.stop().await?;
        Ok(())
    })
    .await
}

/// A key Secret that is damaged and repaired, or deleted and restored, while the controller runs.
#[tokio::test]
async fn a_damaged_key_comes_back_with_its_backup() -> Result<()> {
    with_home(async |cluster, home| {
        let world = &home.world;
        home.add(KEY, "good").await?;
        let backup = home.add(OTHER_KEY, "other").await?;
        let controller = home.controller().start(cluster).await?;
        let object =
            OTHER_KEY.sealed_secret(Scope::Strict, &world.namespace, "app", [("foo", "bar")])?;
        world.create(&object).await?;
        world.synced("app").await?;

        let damaged = json!({ "data": { "tls.key": "Z2FyYmFnZQ==" } });
        world.merge_secret("other", damaged).await?;
        home.event("other", "ErrKeyUnusable").await?;
        home.event("other", "KeyRetired").await?;
        ensure!(metric(&controller, "unusable_key_secrets").await? > 0);
        let message = world.failed("app").await?;
        assert_eq!(message, "no key could decrypt secret (foo)");
        offers(&controller, KEY).await?;

        let data = serde_json::to_value(&backup.data)?;
        world.merge_secret("other", json!({ "data": data })).await?;
        world.synced("app").await?;
        home.event("other", "KeyRegistered").await?;
        eventually("nothing is unusable", SOON, async || {
            ensure!(metric(&controller, "unusable_key_secrets").await? == 0);
            Ok(())
        })
        .await?;

        world.delete_secret("other").await?;
        world.failed("app").await?;
        home.add(OTHER_KEY, "restored").await?;
        world.synced("app").await?;
        let log = controller.log();
        for trail in ["key-registered", "key-refused", "key-retired"] {
            ensure!(log.contains(&format!("audit={trail}")), "{trail}\n{log}");
        }
        ensure!(!log.contains("Z2FyYmFnZQ") && !log.contains("PRIVATE KEY"));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_certificate_is_replaced_before_it_ends() -> Result<()> {
    with_home(async |cluster, home| {
        // Due after nine tenths of it, and long before the period.
        let controller = home
            .controller()
            .args(["--key-ttl=20s", "--key-renew-period=720h"])
            .start(cluster)
            .await?;
        let first = Certificate::from_pem(controller.certificate().await?.as_bytes())?;
        eventually(
            "another certificate is offered",
            std::time::Duration::from_secs(40),
            async || {
                let offered = controller.certificate().await?;
                let second = Certificate::from_pem(offered.as_bytes())?;
                ensure!(second != first, "still the same");
                ensure!(second.not_before() < first.not_after(), "too late");
                Ok(())
            },
        )
        .await?;
        home.has_keys(2).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_missing_backup_is_told_until_it_is_made() -> Result<()> {
    with_home(async |cluster, home| {
        home.add(KEY, "key").await?;
        let controller = home.controller().start(cluster).await?;
        let told = home.event("key", "KeyWithoutBackup").await?;
        assert_eq!(told.type_.as_deref(), Some("Warning"));
        assert_eq!(metric(&controller, "keys_without_backup").await?, 1);
        home.annotate("key", "seal-tool/backed-up", "2026-06-01T00:00:00Z")
            .await?;
        eventually("the backup is shown", SOON, async || {
            let newest = metric(&controller, "newest_key_backup_timestamp_seconds").await?;
            ensure!(newest == 1_780_272_000, "{newest}");
            ensure!(metric(&controller, "keys_without_backup").await? == 0);
            Ok(())
        })
        .await?;
        let log = controller.log();
        let reminders = log
            .lines()
            .filter(|line| line.contains("level=WARN") && line.contains("no backup of the newest"));
        assert_eq!(reminders.count(), 1, "{log}");
        Ok(())
    })
    .await
}

/// Without the right to publish it, no key comes into use; with it, Git and one identity bring everything back.
#[tokio::test]
async fn a_key_in_escrow_rebuilds_an_empty_cluster() -> Result<()> {
    with_home(async |cluster, home| {
        let world = &home.world;
        let identity = Identity::generate();
        let recipient = format!("--escrow-recipient={}", identity.to_public());
        let with_escrow = home.controller().args([&recipient]);
        let controller = with_escrow.clone().spawn(cluster).await?;
        eventually("the missing right is told", SOON, async || {
            let log = controller.log();
            ensure!(log.contains("because it is not in escrow"), "{log}");
            Ok(())
        })
        .await?;
        ensure!(home.keys().await?.is_empty(), "a key without escrow");

        home.grant_config_maps(&["create"]).await?;
        let key = home.has_keys(1).await?.remove(0);
        let escrows = escrows(home).await?;
        ensure!(escrows.len() == 1, "{} escrows", escrows.len());
        let escrow = &escrows[0];
        assert_eq!(escrow.annotations()["seal-tool/key-secret"], key.name_any());
        assert_eq!(
            escrow.annotations()["seal-tool/fingerprint"],
            fingerprint(&key)?
        );
        world
            .create(&sealed_for(&controller, home, "app").await?)
            .await?;
        world.synced("app").await?;
        controller.stop().await?;

        // The cluster is gone.
        world.delete_secret(&key.name_any()).await?;
        world.delete("app").await?;
        world.vanishes("app").await?;
        let plain = decrypt(
            &escrow.data.clone().unwrap_or_default()["key.age"],
            &identity,
        )?;
        cluster
            .kubectl()?
            .args(["apply", "-f", "-"])
            .stdin(plain)
            .succeed()
            .await?;
        let restored = home.has_keys(1).await?.remove(0);
        assert_eq!(restored.data, key.data);
        assert_eq!(restored.labels(), key.labels());

        let controller = with_escrow.start(cluster).await?;
        ensure!(home.keys().await?.len() == 1, "another key was made");
        world
            .create(&sealed_for(&controller, home, "again").await?)
            .await?;
        world.synced("again").await?;
        Ok(())
    })
    .await
}

async fn escrows(home: &Home) -> Result<Vec<ConfigMap>> {
    let maps: Api<ConfigMap> = Api::namespaced(home.world.client.clone(), &home.world.namespace);
    let labelled = ListParams::default().labels("seal-tool/escrow=sealing-key");
    Ok(maps.list(&labelled).await?.items)
}

fn decrypt(file: &str, identity: &Identity) -> Result<String> {
    let armor = age::armor::ArmoredReader::new(file.as_bytes());
    let decryptor = age::Decryptor::new_buffered(armor)?;
    let mut plain = String::new();
    decryptor
        .decrypt(std::iter::once(identity as &dyn age::Identity))?
        .read_to_string(&mut plain)?;
    Ok(plain)
}

/// An object that is sealed with what the controller offers.
async fn sealed_for(
    controller: &Controller,
    home: &Home,
    name: &str,
) -> Result<sealed_api::SealedSecret> {
    let certificate = Certificate::from_pem(controller.certificate().await?.as_bytes())?;
    let label = sealed_crypto::Label::strict(&home.world.namespace, name)?;
    let value = sealed_crypto::seal(&certificate, &label, b"bar")?;
    let mut sealed = home.world.sealed(name, [])?;
    sealed
        .spec
        .encrypted_data
        .insert("foo".to_owned(), value.to_string());
    Ok(sealed)
}

#[tokio::test]
async fn the_certificate_is_published_where_it_is_asked_for_and_allowed() -> Result<()> {
    with_home(async |cluster, home| {
        let world = &home.world;
        let maps: Api<ConfigMap> = Api::namespaced(world.client.clone(), &world.namespace);
        home.add(KEY, "key").await?;
        let publishing = home.controller().args(["--publish-certificates=cert"]);
        let controller = publishing.clone().start(cluster).await?;
        eventually("the missing right is told", SOON, async || {
            let log = controller.log();
            ensure!(log.contains("the certificate is not published"), "{log}");
            Ok(())
        })
        .await?;
        controller.stop().await?;

        home.grant_config_maps(&["create", "get", "update"]).await?;
        let controller = publishing.start(cluster).await?;
        let published = async || {
            eventually("what is offered is published", SOON, async || {
                let map = maps.get("cert").await?;
                let data = map.data.clone().unwrap_or_default();
                let offered = controller.certificate().await?;
                ensure!(data.get("cert.pem") == Some(&offered), "another one");
                let certificate = Certificate::from_pem(offered.as_bytes())?;
                let fingerprint = certificate.fingerprint().to_string();
                ensure!(data.get("fingerprint") == Some(&fingerprint));
                Ok(map)
            })
            .await
        };
        let before = published().await?;
        controller.ask_for_a_key()?;
        home.has_keys(2).await?;
        let after = eventually("the new one is published", SOON, async || {
            let map = published().await?;
            ensure!(map.data != before.data, "the old one");
            Ok(map)
        })
        .await?;
        // Nothing is written that is there already.
        controller.stop().await?;
        let publishing = home.controller().args(["--publish-certificates=cert"]);
        let _again = publishing.start(cluster).await?;
        throughout("nothing is written", A_WHILE, async || {
            let now = maps.get("cert").await?;
            ensure!(now.resource_version() == after.resource_version());
            Ok(())
        })
        .await?;
        maps.delete("cert", &DeleteParams::default()).await?;
        Ok(())
    })
    .await
}

/// Who had what re-encrypted: the log tells, without a value.
#[tokio::test]
async fn every_rotation_leaves_a_line() -> Result<()> {
    with_home(async |cluster, home| {
        let world = &home.world;
        home.add(KEY, "key").await?;
        let controller = home
            .controller()
            .args(["--log-format=json", "--rate-limit-burst=9"])
            .start(cluster)
            .await?;
        let own = serde_json::to_string(&world.sealed("app", [("foo", "hunter2")])?)?;
        let foreign = OTHER_KEY.sealed_secret(
            Scope::Strict,
            &world.namespace,
            "far",
            [("foo", "hunter2")],
        )?;
        let foreign = serde_json::to_string(&foreign)?;
        let bodies = [own.as_str(), foreign.as_str(), "hunter2"];
        for body in bodies {
            let body = body.to_owned();
            testkit::http::request(http::Method::POST, controller.port(), "/v1/rotate", body)
                .await?;
        }
        let log = controller.log();
        let lines: Vec<serde_json::Value> = log
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(|line: &serde_json::Value| line["audit"] == "rotate")
            .collect();
        let told: Vec<[String; 4]> = lines
            .iter()
            .map(|line| ["outcome", "key", "scope", "peer"].map(|field| text(line, field)))
            .collect();
        let (app, far) = (
            format!("{}/app", world.namespace),
            format!("{}/far", world.namespace),
        );
        let expected = [
            ["re-encrypted", app.as_str(), "strict", "127.0.0.1"],
            ["not-opened", far.as_str(), "strict", "127.0.0.1"],
            ["not-an-object", "", "", "127.0.0.1"],
        ];
        assert_eq!(told, expected.map(|line| line.map(str::to_owned)));
        ensure!(!log.contains("hunter2"), "{log}");
        Ok(())
    })
    .await
}
