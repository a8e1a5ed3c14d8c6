//! When the cluster is gone: what was sealed opens with a backup of its keys, whoever made them.

use anyhow::Result;
use k8s_openapi::api::core::v1::Secret;
use testkit::cluster::HOME;
use testkit::controller::Launch;
use testkit::{Controller, fixtures};

use super::kit::{Tool, World, contents, with_world};

#[tokio::test]
async fn everybody_recovers_with_a_key_that_ours_made() -> Result<()> {
    with_world(async |world| recovers(world, Controller::ours(), &Tool::ALL).await).await
}

#[tokio::test]
async fn ours_recovers_with_a_key_that_the_real_one_made() -> Result<()> {
    with_world(async |world| recovers(world, Controller::upstream(), &Tool::OURS).await).await
}

async fn recovers(world: &World, launch: Launch, tools: &[Tool]) -> Result<()> {
    world.without_keys().await?;
    // Small, since it makes no difference here.
    let controller = launch
        .args(["--key-size=2048"])
        .start(world.cluster)
        .await?;
    let directory = tempfile::tempdir()?;
    let certificate = directory.path().join("cert.pem");
    std::fs::write(&certificate, controller.certificate().await?)?;
    controller.stop().await?;

    // As the documentation of either says to back them up.
    let label = "sealedsecrets.bitnami.com/sealed-secrets-key";
    let mut backups = Vec::new();
    for format in ["yaml", "json"] {
        let backup = directory.path().join(format!("keys.{format}"));
        let text = world
            .cluster
            .kubectl()?
            .args(["get", "secret", "-n", HOME, "-l", label, "-o", format])
            .succeed()
            .await?;
        std::fs::write(&backup, text)?;
        backups.push(backup);
    }
    let bare = directory.path().join("key.pem");
    let data = world.keys().await?.remove(0).data.unwrap_or_default();
    std::fs::write(&bare, &data["tls.key"].0)?;
    backups.push(bare);

    let secret = fixtures::secret(&world.namespace, "db", [("password", "hunter2")]);
    for tool in Tool::ALL {
        let sealed = tool.seal(&certificate, &secret).await?;
        for recoverer in tools {
            for backup in &backups {
                let printed = recoverer
                    .program()?
                    .args(["--recovery-unseal", "--recovery-private-key"])
                    .arg(backup)
                    .stdin(sealed.clone())
                    .succeed()
                    .await?;
                let recovered: Secret = serde_json::from_str(&printed)?;
                assert_eq!(recovered.metadata.name, secret.metadata.name);
                assert_eq!(recovered.metadata.namespace, secret.metadata.namespace);
                assert_eq!(contents(&recovered), contents(&secret));
            }
        }
    }
    Ok(())
}
