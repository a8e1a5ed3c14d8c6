//! `seal --re-encrypt -f FILE` changes the values in the file and nothing else, whatever the controller sends back.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, ensure};
use sealed_crypto::Certificate;
use testkit::cluster::{HOME, SERVICE_ACCOUNT};
use testkit::controller::Launch;
use testkit::fixtures::{self, KEY};
use testkit::{Controller, eventually};

use super::kit::{CONTROLLER, SOON, Tool, World, contents, with_world};

#[tokio::test]
async fn a_file_survives_our_controller() -> Result<()> {
    with_world(async |world| survives(world, Controller::ours()).await).await
}

/// Which forgets `template.data` and confuses the metadata of the object and of its template.
#[tokio::test]
async fn a_file_survives_the_real_controller() -> Result<()> {
    with_world(async |world| survives(world, Controller::upstream()).await).await
}

async fn survives(world: &World, launch: Launch) -> Result<()> {
    world.with_key(KEY).await?;
    let controller = launch.clone().args(CONTROLLER).start(world.cluster).await?;
    world
        .cluster
        .expose(&controller, HOME, SERVICE_ACCOUNT, None)
        .await?;
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("sealed.yaml");
    write(world, &file).await?;
    let before = std::fs::read_to_string(&file)?;

    controller.ask_for_a_key()?;
    let certificate = eventually("there is a newer key", SOON, async || {
        let certificate = controller.certificate().await?;
        ensure!(certificate != KEY.certificate()?);
        Ok(certificate)
    })
    .await?;
    let printed = world
        .online(Tool::Seal)?
        .args(["--re-encrypt", "-f"])
        .arg(&file)
        .succeed()
        .await?;
    assert_eq!(printed, "");
    controller.stop().await?;

    let after = std::fs::read_to_string(&file)?;
    assert_eq!(after.lines().count(), before.lines().count(), "{after}");
    let changed: Vec<&str> = before
        .lines()
        .zip(after.lines())
        .filter(|(old, new)| old != new)
        .map(|(_, new)| new)
        .collect();
    let key = Certificate::from_pem(certificate.as_bytes())?.fingerprint();
    ensure!(
        changed.len() == 2
            && changed[0] == format!("    seal-tool/keys: {key}")
            && changed[1].starts_with("    password: AQ"),
        "{changed:#?}"
    );

    world.remove_key(KEY).await?;
    let controller = launch.args(CONTROLLER).start(world.cluster).await?;
    world.create(&after).await?;
    let expected = [
        ("password".to_owned(), b"hunter2".to_vec()),
        ("host".to_owned(), b"db.example.com".to_vec()),
    ];
    assert_eq!(
        contents(&world.opened("db").await?),
        BTreeMap::from(expected)
    );
    controller.stop().await?;
    Ok(())
}

/// A file as people keep it: sealed once, then edited by hand.
async fn write(world: &World, file: &Path) -> Result<()> {
    let secret = fixtures::secret(&world.namespace, "db", [("password", "hunter2")]);
    let sealed = world
        .online(Tool::Seal)?
        .args(["-o", "yaml"])
        .stdin(fixtures::manifest(&secret)?)
        .succeed()
        .await?;
    let edited = sealed
        .replace("spec:\n", "spec: # of the shop team\n")
        .replace(
            "  template:\n",
            "  template:\n    data:\n      \"host\":   db.example.com\n",
        );
    ensure!(edited.contains("shop") && edited.contains("db.example.com"));
    let neighbour = format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: db, namespace: {}}}\n",
        world.namespace
    );
    std::fs::write(file, format!("# Rotate yearly.\n{edited}{neighbour}"))?;
    Ok(())
}
