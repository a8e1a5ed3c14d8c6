//! What is shipped is what is tested: a fresh cluster, `kubectl apply -k deploy`, and the main job.

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::DeleteParams;
use testkit::cluster::{DEPLOY, HOME, Options, SERVICE_ACCOUNT, manifest};
use testkit::fixtures::{self, sealed_secrets};
use testkit::{Cluster, Controller, Program, Skip, eventually};

use super::kit::{SOON, contents};

#[tokio::test]
async fn the_shipped_manifests_do_the_main_job() -> Result<()> {
    if testkit::skipped(Skip::Cluster) {
        return Ok(());
    }
    let cluster = Cluster::start_with(Options {
        manifests: vec![manifest(DEPLOY)],
        ..Options::default()
    })
    .await?;
    let (account, arguments) = deployment(&cluster).await?;
    let controller = Controller::ours()
        .service_account(HOME, &account)
        .args(arguments)
        .start(&cluster)
        .await?;
    // As the Service's selector would find its pod.
    cluster
        .stand_behind(&controller, HOME, SERVICE_ACCOUNT, None)
        .await?;

    // Nothing but the cluster is known to any of these.
    let secret = fixtures::secret("default", "app", [("password", "hunter2")]);
    let sealed = as_somebody(&cluster, &["sealed-secrets-users"], Program::seal()?)
        .stdin(fixtures::manifest(&secret)?);
    let refused = sealed.clone().run().await?;
    ensure!(
        refused.code == Some(1) && refused.stderr.contains("forbidden"),
        "the role is bound to nobody, and yet: {refused:?}"
    );
    kubectl(
        &cluster,
        "apply",
        manifest("deploy/service-proxier-binding.yaml"),
    )
    .await?;
    let sealed = eventually("the binding is known", SOON, async || {
        sealed.clone().succeed().await
    })
    .await?;
    for program in [
        Program::seal()?,
        Program::kubeseal()?,
        Program::upstream_kubeseal()?,
    ] {
        as_somebody(&cluster, &["sealed-secrets-users"], program.clone())
            .arg("--validate")
            .stdin(sealed.clone())
            .succeed()
            .await?;
        let stranger = as_somebody(&cluster, &[], program)
            .arg("--fetch-cert")
            .run()
            .await?;
        ensure!(
            stranger.code == Some(1) && stranger.stderr.contains("forbidden"),
            "{stranger:?}"
        );
    }

    let client = cluster.client().await?;
    let secrets: Api<Secret> = Api::namespaced(client.clone(), "default");
    let file = tempfile::Builder::new().suffix(".json").tempfile()?;
    std::fs::write(&file, &sealed)?;
    kubectl(&cluster, "apply", file.path()).await?;
    // What people and pipelines wait for.
    cluster
        .kubectl()?
        .args(["wait", "sealedsecret/app", "--timeout=30s"])
        .arg("--for=condition=Synced")
        .succeed()
        .await?;
    assert_eq!(contents(&secrets.get("app").await?), contents(&secret));
    sealed_secrets(client, "default")
        .delete("app", &DeleteParams::default())
        .await?;
    eventually("the Secret is gone", SOON, async || {
        ensure!(secrets.get_opt("app").await?.is_none());
        Ok(())
    })
    .await?;
    let ended = controller.stop().await?;
    ensure!(ended.success(), "the controller ended with {ended}");

    // Everything goes as it came.
    cluster
        .kubectl()?
        .args(["delete", "--timeout=30s", "-k"])
        .arg(manifest(DEPLOY))
        .succeed()
        .await?;
    Ok(())
}

/// Under which account, and with which arguments, the Deployment runs the controller.
async fn deployment(cluster: &Cluster) -> Result<(String, Vec<String>)> {
    let deployments: Api<Deployment> = Api::namespaced(cluster.client().await?, HOME);
    let deployment = deployments.get(SERVICE_ACCOUNT).await?;
    let pod = deployment.spec.and_then(|spec| spec.template.spec);
    let pod = pod.context("no pod")?;
    let container = pod.containers.into_iter().next().context("no container")?;
    Ok((
        pod.service_account_name.context("no account")?,
        container.args.unwrap_or_default(),
    ))
}

/// A program as a person with no rights but those of some groups.
fn as_somebody(cluster: &Cluster, groups: &[&str], program: Program) -> Program {
    let groups = groups.iter().map(|group| format!("--as-group={group}"));
    program
        .kubeconfig(&cluster.kubeconfig())
        .arg("--as=somebody")
        .args(groups)
}

async fn kubectl(
    cluster: &Cluster,
    verb: &str,
    file: impl AsRef<std::path::Path>,
) -> Result<String> {
    cluster
        .kubectl()?
        .args([verb, "-f"])
        .arg(file.as_ref())
        .succeed()
        .await
}
