//! Controllers that may not, or shall not, see the whole cluster.

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::{Namespace, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::{DeleteParams, ObjectMeta, PostParams};
use kube::{Api, Client};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use testkit::fixtures::KEY;
use testkit::{Controller, eventually};

use super::kit::{SOON, World, condition, ours, with_world};

const ACCOUNT: &str = "confined";

async fn namespace(client: &Client, name: &str) -> Result<World> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace = Namespace {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    };
    namespaces
        .create(&PostParams::default(), &namespace)
        .await?;
    Ok(World::new(client.clone(), name))
}

async fn remove(client: &Client, name: &str) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces.delete(name, &DeleteParams::default()).await?;
    Ok(())
}

async fn create<K>(world: &World, object: Value) -> Result<()>
where
    K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + serde::Serialize
        + DeserializeOwned
        + Clone
        + std::fmt::Debug,
{
    let api: Api<K> = Api::namespaced(world.client.clone(), &world.namespace);
    api.create(&PostParams::default(), &serde_json::from_value(object)?)
        .await?;
    Ok(())
}

/// Grants the account of `home` what it needs in this namespace, by a Role: nothing about the cluster, not even
/// whether a namespace exists.
async fn confine(world: &World, home: &str) -> Result<()> {
    let group = "rbac.authorization.k8s.io";
    let rules = json!([
        { "apiGroups": ["bitnami.com"], "resources": ["sealedsecrets"], "verbs": ["get", "list", "watch"] },
        { "apiGroups": ["bitnami.com"], "resources": ["sealedsecrets/status"], "verbs": ["update"] },
        { "apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "create", "update", "delete", "watch"] },
        { "apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"] },
    ]);
    let name = json!({ "name": ACCOUNT });
    create::<Role>(world, json!({ "metadata": name, "rules": rules })).await?;
    let binding = json!({
        "metadata": name,
        "roleRef": { "apiGroup": group, "kind": "Role", "name": ACCOUNT },
        "subjects": [{ "kind": "ServiceAccount", "name": ACCOUNT, "namespace": home }],
    });
    create::<RoleBinding>(world, binding).await
}

#[tokio::test]
async fn roles_are_enough_for_listed_namespaces() -> Result<()> {
    with_world(async |cluster, world| {
        let (home, client, name) = (world, &world.client, world.namespace.as_str());
        let team = namespace(client, &format!("{name}-team")).await?;
        let stranger = namespace(client, &format!("{name}-stranger")).await?;
        create::<ServiceAccount>(home, json!({ "metadata": { "name": ACCOUNT } })).await?;
        confine(home, name).await?;
        confine(&team, name).await?;
        let key = KEY.key_secret(name, "key")?;
        home.secrets.create(&PostParams::default(), &key).await?;

        let controller = Controller::ours()
            .service_account(name, ACCOUNT)
            .args([
                "--key-renew-period=0".to_owned(),
                format!("--additional-namespaces={}", team.namespace),
            ])
            .start(cluster)
            .await?;
        for world in [home, &team, &stranger] {
            world
                .create(&world.sealed("app", [("foo", "bar")])?)
                .await?;
        }
        for world in [home, &team] {
            world.synced("app").await?;
            world.event("app", "Unsealed").await?;
            world.delete_secret("app").await?;
            world.secret("app").await?;
        }
        stranger.stays_absent("app").await?;
        let object = stranger.objects.get("app").await?;
        ensure!(
            condition(&object, "Synced").is_err(),
            "it was told something"
        );
        let log = controller.log();
        ensure!(log.contains("Starting informer"), "{log}");
        remove(client, &team.namespace).await?;
        remove(client, &stranger.namespace).await
    })
    .await
}

/// Upstream skips a namespace that does not exist at start for ever.
#[tokio::test]
async fn a_listed_namespace_may_come_later() -> Result<()> {
    with_world(async |cluster, world| {
        let (client, name) = (&world.client, world.namespace.as_str());
        let later = format!("{name}-later");
        let controller = ours()
            .args([format!("--additional-namespaces={name}, {later}")])
            .start(cluster)
            .await?;
        world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        world.synced("app").await?;
        let log = controller.log();
        ensure!(
            log.lines()
                .any(|line| line.contains("namespace doesn't exist") && line.contains(&later)),
            "{log}"
        );
        let later = namespace(client, &later).await?;
        later
            .create(&later.sealed("app", [("foo", "bar")])?)
            .await?;
        // It is looked for after five seconds, then ten.
        later.synced("app").await?;
        remove(client, &later.namespace).await
    })
    .await
}

/// Without the right to write statuses and events, Secrets are still made.
#[tokio::test]
async fn missing_rights_are_said_once_and_lived_with() -> Result<()> {
    with_world(async |cluster, world| {
        let name = world.namespace.as_str();
        create::<ServiceAccount>(world, json!({ "metadata": { "name": ACCOUNT } })).await?;
        let rules = json!([
            { "apiGroups": ["bitnami.com"], "resources": ["sealedsecrets"], "verbs": ["list", "watch"] },
            { "apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "create", "update"] },
        ]);
        let metadata = json!({ "name": ACCOUNT });
        create::<Role>(world, json!({ "metadata": metadata, "rules": rules })).await?;
        let binding = json!({
            "metadata": metadata,
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ACCOUNT },
            "subjects": [{ "kind": "ServiceAccount", "name": ACCOUNT, "namespace": name }],
        });
        create::<RoleBinding>(world, binding).await?;
        let key = KEY.key_secret(name, "key")?;
        let keys: Api<Secret> = world.secrets.clone();
        keys.create(&PostParams::default(), &key).await?;

        let controller = Controller::ours()
            .service_account(name, ACCOUNT)
            .args(["--key-renew-period=0", "--all-namespaces=false"])
            .start(cluster)
            .await?;
        for app in ["a", "b", "c"] {
            world.create(&world.sealed(app, [("foo", "bar")])?).await?;
            world.secret_with(app, [("foo", "bar")]).await?;
        }
        let said = |what: &str| controller.log().matches(what).count();
        eventually("both rights are missed", SOON, async || {
            ensure!(said("statuses are not written") == 1 && said("events are not recorded") == 1);
            Ok(())
        })
        .await?;
        let health = testkit::http::get(controller.port(), "/healthz").await?;
        assert_eq!(health.status.as_u16(), 200);
        Ok(())
    })
    .await
}
