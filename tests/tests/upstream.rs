//! The real kubeseal and the real controller on the real control plane: what they do together is what ours are
//! compared with, so first it must be seen to work.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::PostParams;
use sealed_api::SealedSecret;
use sealed_crypto::Scope;
use testkit::cluster::{HOME, SERVICE_ACCOUNT};
use testkit::fixtures::{self, KEY, sealed_secrets};
use testkit::{Cluster, Controller, Program, eventually};

const SOON: Duration = Duration::from_secs(30);

/// A real controller that holds [`KEY`] and makes no other.
async fn controller(cluster: &Cluster) -> Result<Controller> {
    let keys: Api<Secret> = Api::namespaced(cluster.client().await?, HOME);
    if keys.get_opt("fixture-key").await?.is_none() {
        let key = KEY.key_secret(HOME, "fixture-key")?;
        keys.create(&PostParams::default(), &key).await?;
    }
    Controller::upstream()
        .args(["--key-renew-period=0", "--kubeclient-qps=-1"])
        .start(cluster)
        .await
}

#[tokio::test]
async fn the_real_controller_opens_what_the_real_kubeseal_sealed() -> Result<()> {
    let Some(cluster) = testkit::cluster().await? else {
        return Ok(());
    };
    let _turn = cluster.turn().await;
    cluster
        .with_namespace(async |client, namespace| {
            let controller = controller(cluster).await?;
            let secret = fixtures::secret(namespace, "db", [("password", "hunter2"), ("user", "")]);
            let sealed = Program::upstream_kubeseal()?
                .arg("--cert")
                .arg(KEY.certificate_path())
                .stdin(fixtures::manifest(&secret)?)
                .succeed()
                .await?;
            let objects = sealed_secrets(client.clone(), namespace);
            let created = objects
                .create(&PostParams::default(), &serde_json::from_str(&sealed)?)
                .await?;

            let secrets: Api<Secret> = Api::namespaced(client, namespace);
            let opened = eventually("the Secret is there", SOON, async || {
                secrets.get_opt("db").await?.context("not yet")
            })
            .await?;
            assert_eq!(opened.data, secret.data);
            let owners = opened.metadata.owner_references.unwrap_or_default();
            assert_eq!(owners.len(), 1);
            assert_eq!(Some(&owners[0].uid), created.metadata.uid.as_ref());

            eventually("the status says so", SOON, async || {
                let object = objects.get("db").await?;
                let condition = &object.data["status"]["conditions"][0];
                ensure!(
                    condition["type"] == "Synced" && condition["status"] == "True",
                    "{condition}"
                );
                Ok(())
            })
            .await?;
            let status = controller.stop().await?;
            assert_eq!(status.code(), Some(0));
            Ok(())
        })
        .await
}

#[tokio::test]
async fn the_real_kubeseal_reaches_the_controller_through_the_service_proxy() -> Result<()> {
    let Some(cluster) = testkit::cluster().await? else {
        return Ok(());
    };
    let _turn = cluster.turn().await;
    cluster
        .with_namespace(async |_, namespace| {
            let controller = controller(cluster).await?;
            assert_eq!(controller.certificate().await?, KEY.certificate()?);
            let kubeseal =
                || anyhow::Ok(Program::upstream_kubeseal()?.kubeconfig(&cluster.kubeconfig()));

            // Both forms that are installed: the chart names the port, the plain manifest does not.
            for port_name in [Some("http"), None] {
                cluster
                    .expose(&controller, HOME, SERVICE_ACCOUNT, port_name)
                    .await?;
                let certificate = kubeseal()?.arg("--fetch-cert").succeed().await?;
                assert_eq!(certificate, KEY.certificate()?);
            }

            let secret = fixtures::secret(namespace, "db", [("password", "hunter2")]);
            let sealed = kubeseal()?
                .stdin(fixtures::manifest(&secret)?)
                .succeed()
                .await?;
            kubeseal()?
                .arg("--validate")
                .stdin(sealed.clone())
                .succeed()
                .await?;
            let moved = sealed.replace("\"db\"", "\"moved\"");
            let refused = kubeseal()?.arg("--validate").stdin(moved).run().await?;
            assert_eq!(refused.code, Some(1));
            ensure!(
                refused.stderr.contains("unable to decrypt sealed secret"),
                "{}",
                refused.stderr
            );
            let again = kubeseal()?
                .arg("--re-encrypt")
                .stdin(sealed.clone())
                .succeed()
                .await?;
            assert_ne!(again, sealed);
            Ok(())
        })
        .await
}

#[tokio::test]
async fn the_real_controller_opens_values_sealed_by_our_library() -> Result<()> {
    let Some(cluster) = testkit::cluster().await? else {
        return Ok(());
    };
    let _turn = cluster.turn().await;
    cluster
        .with_namespace(async |client, namespace| {
            let _controller = controller(cluster).await?;
            let objects: Api<SealedSecret> = Api::namespaced(client.clone(), namespace);
            let secrets: Api<Secret> = Api::namespaced(client, namespace);
            for scope in [Scope::Strict, Scope::NamespaceWide, Scope::ClusterWide] {
                let name = scope.to_string();
                let object = fixtures::sealed_secret(scope, namespace, &name, [("key", "value")])?;
                objects.create(&PostParams::default(), &object).await?;
                let opened = eventually("the Secret is there", SOON, async || {
                    secrets.get_opt(&name).await?.context("not yet")
                })
                .await?;
                assert_eq!(
                    opened.data,
                    fixtures::secret(namespace, &name, [("key", "value")]).data
                );
            }
            Ok(())
        })
        .await
}
