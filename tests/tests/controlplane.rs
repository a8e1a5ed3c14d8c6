//! The control plane itself: what all other cluster tests take for granted.

use std::time::Duration;

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::Api;
use kube::api::{DeleteParams, DynamicObject, ListParams, ObjectMeta, PostParams};
use serde_json::json;
use testkit::cluster::{HOME, SERVICE_ACCOUNT};
use testkit::fixtures::{self, sealed_secrets};
use testkit::{Cluster, Program, Skip, eventually};

const SOON: Duration = Duration::from_secs(30);

fn sealed_secret(name: &str) -> Result<DynamicObject> {
    Ok(serde_json::from_value(json!({
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": { "name": name },
        "spec": { "encryptedData": { "password": "AgAA" }, "unknown": "field" },
    }))?)
}

/// Whether the API server refuses for want of a right.
fn forbidden<T: std::fmt::Debug>(result: kube::Result<T>) -> Result<()> {
    match result {
        Err(kube::Error::Api(status)) if status.code == 403 => Ok(()),
        other => anyhow::bail!("expected a 403, got {other:?}"),
    }
}

#[tokio::test]
async fn the_sealed_secret_type_is_served_and_pruned() -> Result<()> {
    let Some(cluster) = testkit::cluster().await? else {
        return Ok(());
    };
    cluster
        .with_namespace(async |client, namespace| {
            let api = sealed_secrets(client, namespace);
            let created = api
                .create(&PostParams::default(), &sealed_secret("db")?)
                .await?;
            assert_eq!(
                created.data["spec"],
                json!({ "encryptedData": { "password": "AgAA" } })
            );
            assert_eq!(created.metadata.generation, Some(1));
            Ok(())
        })
        .await
}

#[tokio::test]
async fn owned_objects_are_collected_with_their_owner() -> Result<()> {
    let Some(cluster) = testkit::cluster().await? else {
        return Ok(());
    };
    cluster
        .with_namespace(async |client, namespace| {
            let owners = sealed_secrets(client.clone(), namespace);
            let owner = owners
                .create(&PostParams::default(), &sealed_secret("owner")?)
                .await?;
            let reference = json!({
                "apiVersion": "bitnami.com/v1alpha1",
                "kind": "SealedSecret",
                "name": "owner",
                "uid": owner.metadata.uid,
                "controller": true,
            });
            let secrets: Api<Secret> = Api::namespaced(client, namespace);
            let mut dependent = fixtures::secret(namespace, "owned", [("key", "value")]);
            dependent.metadata.owner_references = Some(vec![serde_json::from_value(reference)?]);
            secrets.create(&PostParams::default(), &dependent).await?;
            let free = fixtures::secret(namespace, "free", [("key", "value")]);
            secrets.create(&PostParams::default(), &free).await?;

            owners.delete("owner", &DeleteParams::default()).await?;
            eventually("the owned Secret is gone", SOON, async || {
                ensure!(secrets.get_opt("owned").await?.is_none());
                Ok(())
            })
            .await?;
            ensure!(
                secrets.get_opt("free").await?.is_some(),
                "the other Secret is gone too"
            );
            Ok(())
        })
        .await
}

#[tokio::test]
async fn namespaces_are_emptied_and_removed() -> Result<()> {
    let Some(cluster) = testkit::cluster().await? else {
        return Ok(());
    };
    let client = cluster.client().await?;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let name = cluster
        .with_namespace(async |client, namespace| {
            let maps: Api<ConfigMap> = Api::namespaced(client, namespace);
            let map = ConfigMap {
                metadata: ObjectMeta {
                    name: Some("map".to_owned()),
                    ..ObjectMeta::default()
                },
                ..ConfigMap::default()
            };
            maps.create(&PostParams::default(), &map).await?;
            Ok(namespace.to_owned())
        })
        .await?;
    eventually("the namespace is gone", SOON, async || {
        ensure!(namespaces.get_opt(&name).await?.is_none());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_service_account_may_do_what_is_granted_and_nothing_else() -> Result<()> {
    let Some(cluster) = testkit::cluster().await? else {
        return Ok(());
    };
    let client = cluster
        .service_account(HOME, SERVICE_ACCOUNT)
        .await?
        .client()
        .await?;

    let secrets: Api<Secret> = Api::namespaced(client.clone(), "default");
    secrets.list(&ListParams::default()).await?;
    sealed_secrets(client.clone(), "default")
        .list(&ListParams::default())
        .await?;

    // Upstream's rules grant neither, and a drop-in has to do without.
    let merge = kube::api::Patch::Merge(json!({ "metadata": { "labels": { "a": "b" } } }));
    forbidden(
        secrets
            .patch("any", &kube::api::PatchParams::default(), &merge)
            .await,
    )?;
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), HOME);
    forbidden(maps.list(&ListParams::default()).await)?;
    let deleted = sealed_secrets(client, "default")
        .delete("any", &DeleteParams::default())
        .await;
    forbidden(deleted.map(|_| ()))
}

#[tokio::test]
async fn kubectl_comes_with_the_control_plane() -> Result<()> {
    let Some(cluster) = testkit::cluster().await? else {
        return Ok(());
    };
    let version = cluster
        .kubectl()?
        .args(["version", "-o", "json"])
        .succeed()
        .await?;
    let version: serde_json::Value = serde_json::from_str(&version)?;
    assert_eq!(
        version["clientVersion"]["gitVersion"],
        version["serverVersion"]["gitVersion"]
    );
    Ok(())
}

#[tokio::test]
async fn the_api_server_can_be_killed_frozen_and_started_again() -> Result<()> {
    if testkit::skipped(Skip::Cluster) {
        return Ok(());
    }
    let cluster = Cluster::start().await?;
    let secrets: Api<Secret> = Api::namespaced(cluster.client().await?, "default");
    let kept = fixtures::secret("default", "kept", [("key", "value")]);
    secrets.create(&PostParams::default(), &kept).await?;

    cluster.freeze_api_server()?;
    let answer = tokio::time::timeout(Duration::from_millis(500), secrets.get("kept")).await;
    ensure!(answer.is_err(), "a frozen API server answers: {answer:?}");
    cluster.thaw_api_server()?;
    secrets.get("kept").await?;

    cluster.kill_api_server()?;
    ensure!(
        secrets.get("kept").await.is_err(),
        "a dead API server answers"
    );
    cluster.start_api_server().await?;
    // A person's own kubectl, started afterwards, sees the same cluster.
    let found = Program::kubectl()?
        .kubeconfig(&cluster.kubeconfig())
        .env("HOME", std::env::temp_dir())
        .args(["get", "secret", "kept", "-o", "name"])
        .succeed()
        .await?;
    assert_eq!(found, "secret/kept\n");
    Ok(())
}
