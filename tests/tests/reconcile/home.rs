//! A controller with a home of its own, and so with keys of its own.

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::{Event, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{
    ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject,
};
use kube::Api;
use kube::api::{DeleteParams, ListParams, ObjectMeta, PostParams};
use sealed_crypto::PrivateKey;
use serde_json::json;
use testkit::controller::Launch;
use testkit::fixtures::KeyPair;
use testkit::{Cluster, Controller, eventually};

use super::kit::{SOON, World, annotation, with_world};

pub(crate) const ACCOUNT: &str = "keys";

/// Such a controller.
pub(crate) struct Home {
    pub(crate) world: World,
    binding: String,
}

impl Home {
    /// Gives an account in this namespace the rights of an installed controller.
    async fn make(world: World) -> Result<Self> {
        let namespace = &world.namespace;
        let accounts: Api<ServiceAccount> = Api::namespaced(world.client.clone(), namespace);
        let account = ServiceAccount {
            metadata: ObjectMeta {
                name: Some(ACCOUNT.to_owned()),
                ..ObjectMeta::default()
            },
            ..ServiceAccount::default()
        };
        accounts.create(&PostParams::default(), &account).await?;
        let binding = ClusterRoleBinding {
            metadata: ObjectMeta {
                name: Some(namespace.clone()),
                ..ObjectMeta::default()
            },
            role_ref: RoleRef {
                api_group: "rbac.authorization.k8s.io".to_owned(),
                kind: "ClusterRole".to_owned(),
                name: "secrets-unsealer".to_owned(),
            },
            subjects: Some(vec![Subject {
                kind: "ServiceAccount".to_owned(),
                name: ACCOUNT.to_owned(),
                namespace: Some(namespace.clone()),
                ..Subject::default()
            }]),
        };
        let bindings: Api<ClusterRoleBinding> = Api::all(world.client.clone());
        bindings.create(&PostParams::default(), &binding).await?;
        Ok(Self {
            binding: namespace.clone(),
            world,
        })
    }

    pub(crate) fn controller(&self) -> Launch {
        // Small keys are made quickly. The recorded certificates are years old: on schedule they would be renewed at once.
        Controller::ours()
            .service_account(&self.world.namespace, ACCOUNT)
            .args(["--key-size=2048", "--key-renew-period=0"])
    }

    pub(crate) async fn add(&self, pair: KeyPair, name: &str) -> Result<Secret> {
        let secret = pair.key_secret(&self.world.namespace, name)?;
        Ok(self
            .world
            .secrets
            .create(&PostParams::default(), &secret)
            .await?)
    }

    /// The key Secrets there are, by the label.
    pub(crate) async fn keys(&self) -> Result<Vec<Secret>> {
        let label = format!("{}=active", annotation("sealed-secrets-key"));
        let listed = self
            .world
            .secrets
            .list(&ListParams::default().labels(&label))
            .await?;
        Ok(listed.items)
    }

    /// Lets the controller do this with ConfigMaps.
    pub(crate) async fn grant_config_maps(&self, verbs: &[&str]) -> Result<()> {
        let (client, namespace) = (&self.world.client, &self.world.namespace);
        let metadata = ObjectMeta {
            name: Some("config-maps".to_owned()),
            ..ObjectMeta::default()
        };
        let role = Role {
            metadata: metadata.clone(),
            rules: Some(vec![PolicyRule {
                api_groups: Some(vec![String::new()]),
                resources: Some(vec!["configmaps".to_owned()]),
                verbs: verbs.iter().map(|verb| (*verb).to_owned()).collect(),
                ..PolicyRule::default()
            }]),
        };
        let roles: Api<Role> = Api::namespaced(client.clone(), namespace);
        roles.create(&PostParams::default(), &role).await?;
        let binding = RoleBinding {
            metadata,
            role_ref: RoleRef {
                api_group: "rbac.authorization.k8s.io".to_owned(),
                kind: "Role".to_owned(),
                name: "config-maps".to_owned(),
            },
            subjects: Some(vec![Subject {
                kind: "ServiceAccount".to_owned(),
                name: ACCOUNT.to_owned(),
                namespace: Some(namespace.clone()),
                ..Subject::default()
            }]),
        };
        let bindings: Api<RoleBinding> = Api::namespaced(client.clone(), namespace);
        bindings.create(&PostParams::default(), &binding).await?;
        Ok(())
    }

    /// Annotates a key Secret.
    pub(crate) async fn annotate(&self, name: &str, key: &str, value: &str) -> Result<()> {
        let annotations = json!({ key: value });
        self.world
            .merge_secret(name, json!({ "metadata": { "annotations": annotations } }))
            .await?;
        Ok(())
    }

    /// Waits until there are that many keys.
    pub(crate) async fn has_keys(&self, count: usize) -> Result<Vec<Secret>> {
        eventually(&format!("there are {count} keys"), SOON, async || {
            let keys = self.keys().await?;
            ensure!(keys.len() == count, "{}", keys.len());
            Ok(keys)
        })
        .await
    }

    /// The events about a key Secret.
    pub(crate) async fn events(&self, secret: &str) -> Result<Vec<Event>> {
        let events: Api<Event> = Api::namespaced(self.world.client.clone(), &self.world.namespace);
        let selector = format!("involvedObject.name={secret},involvedObject.kind=Secret");
        let about = ListParams::default().fields(&selector);
        Ok(events.list(&about).await?.items)
    }

    /// Waits for an event about a key Secret.
    pub(crate) async fn event(&self, secret: &str, reason: &str) -> Result<Event> {
        eventually(&format!("{reason} about {secret}"), SOON, async || {
            let found = self.events(secret).await?;
            let reasons: Vec<_> = found.iter().map(|event| event.reason.clone()).collect();
            let event = found
                .into_iter()
                .find(|event| event.reason.as_deref() == Some(reason));
            event.ok_or_else(|| anyhow::anyhow!("there are {reasons:?}"))
        })
        .await
    }

    pub(crate) async fn relabel(&self, name: &str, value: &str) -> Result<()> {
        let labels = json!({ annotation("sealed-secrets-key"): value });
        self.world
            .merge_secret(name, json!({ "metadata": { "labels": labels } }))
            .await?;
        Ok(())
    }
}

/// Runs a test with a home of its own.
pub(crate) async fn with_home(test: impl AsyncFnOnce(&Cluster, &Home) -> Result<()>) -> Result<()> {
    with_world(async |cluster, world| {
        let home = Home::make(world.clone()).await?;
        test(cluster, &home).await?;
        let bindings: Api<ClusterRoleBinding> = Api::all(world.client.clone());
        bindings
            .delete(&home.binding, &DeleteParams::default())
            .await?;
        Ok(())
    })
    .await
}

/// The fingerprint of what a key Secret holds.
pub(crate) fn fingerprint(secret: &Secret) -> Result<String> {
    let data = secret.data.clone().unwrap_or_default();
    let pem = data
        .get("tls.key")
        .map(|pem| pem.0.clone())
        .unwrap_or_default();
    Ok(PrivateKey::from_pem(&pem)?.fingerprint().to_string())
}

pub(crate) async fn offers(controller: &Controller, pair: KeyPair) -> Result<()> {
    let expected = pair.certificate()?;
    eventually(
        &format!("the certificate of {pair:?} is offered"),
        SOON,
        async || {
            ensure!(controller.certificate().await? == expected, "another one");
            Ok(())
        },
    )
    .await
}
