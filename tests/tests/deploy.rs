//! The files under deploy/, as an API server sees them.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod, ServiceAccount};
use kube::Api;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use sealed_manifest::Documents;
use serde_json::{Value, json};
use testkit::cluster::{RIGHTS, UPSTREAM_RIGHTS, manifest};

/// In a cluster with an installed v0.40, so this is also what replaces an installation.
#[tokio::test]
async fn every_manifest_is_accepted_to_the_last_field() -> Result<()> {
    let Some(cluster) = testkit::installed_cluster().await? else {
        return Ok(());
    };
    cluster
        .kubectl()?
        .args(["apply", "--server-side", "--force-conflicts"])
        .args(["--dry-run=server", "--validate=strict", "-k"])
        .arg(manifest("deploy"))
        .succeed()
        .await?;
    for option in [
        "service-proxier-binding",
        "certificate-configmap",
        "escrow",
        "network-policy",
    ] {
        cluster
            .kubectl()?
            .args(["apply", "--dry-run=server", "--validate=strict", "-f"])
            .arg(manifest(&format!("deploy/{option}.yaml")))
            .succeed()
            .await?;
    }
    Ok(())
}

/// Every other cluster test runs the controller under these rights, and takes them for those of an installed v0.40.
#[test]
fn the_rights_are_those_of_an_installation() -> Result<()> {
    let installed = rights(UPSTREAM_RIGHTS)?;
    let mut shipped = rights(RIGHTS)?;
    // For people, and bound to nobody.
    shipped.remove("Role sealed-secrets-service-proxier");
    assert!(!installed.is_empty());
    assert_eq!(shipped, installed);
    Ok(())
}

/// What each object of a file grants, and to whom.
fn rights(path: &str) -> Result<BTreeMap<String, Value>> {
    let text = fs::read(manifest(path))?;
    let mut rights = BTreeMap::new();
    for document in Documents::new(text.as_slice(), path) {
        let object = document?.into_value();
        let kind = object["kind"].as_str().context("no kind")?;
        let name = object["metadata"]["name"].as_str().context("no name")?;
        let granted = json!({
            "namespace": object["metadata"]["namespace"],
            "rules": object["rules"],
            "role": object["roleRef"],
            "subjects": object["subjects"],
        });
        rights.insert(format!("{kind} {name}"), granted);
    }
    Ok(rights)
}

/// Some clusters allow nothing else.
#[tokio::test]
async fn the_pod_fits_the_restricted_security_profile() -> Result<()> {
    let Some(cluster) = testkit::installed_cluster().await? else {
        return Ok(());
    };
    cluster
        .with_namespace(async |client, namespace| {
            let restricted = json!({ "metadata": { "labels": {
                "pod-security.kubernetes.io/enforce": "restricted",
            } } });
            Api::<Namespace>::all(client.clone())
                .patch(
                    namespace,
                    &PatchParams::default(),
                    &Patch::Merge(restricted),
                )
                .await?;
            let template = deployment()?.spec.context("no spec")?.template;
            let spec = template.spec.context("no pod")?;
            let account = ServiceAccount {
                metadata: named(spec.service_account_name.clone()),
                ..ServiceAccount::default()
            };
            Api::namespaced(client.clone(), namespace)
                .create(&PostParams::default(), &account)
                .await?;
            let pod = Pod {
                metadata: named(Some("controller".to_owned())),
                spec: Some(spec),
                status: None,
            };
            let pods: Api<Pod> = Api::namespaced(client, namespace);
            pods.create(&PostParams::default(), &pod).await?;

            // That the profile is enforced at all:
            let mut root = pod;
            root.metadata = named(Some("root".to_owned()));
            let context = root
                .spec
                .as_mut()
                .and_then(|spec| spec.security_context.as_mut());
            context.context("no security context")?.run_as_non_root = Some(false);
            let refusal = pods.create(&PostParams::default(), &root).await.err();
            let refusal = refusal.context("a pod that may be root was accepted")?;
            assert!(refusal.to_string().contains("restricted"), "{refusal}");
            Ok(())
        })
        .await
}

fn named(name: Option<String>) -> ObjectMeta {
    ObjectMeta {
        name,
        ..ObjectMeta::default()
    }
}

fn deployment() -> Result<Deployment> {
    let text = fs::read(manifest("deploy/deployment.yaml"))?;
    let document = Documents::new(text.as_slice(), "deployment.yaml").next();
    let value = document.context("deployment.yaml is empty")??.into_value();
    Ok(serde_json::from_value(value)?)
}
