//! A controller behind the API server's service proxy, as `kubeseal --fetch-cert` finds it.

use std::time::Duration;

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::{Endpoints, Pod, Service};
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::Cluster;
use crate::Controller;
use crate::wait::eventually;

/// The address that exposed controllers have. The API server refuses to proxy to loopback; this one is reserved for
/// documentation (RFC 5737), and `tests/netns` puts it on the loopback device of a network namespace.
pub const ADDRESS: &str = "192.0.2.10";

/// Whether this machine, or the network namespace around this process, has [`ADDRESS`].
pub fn has_address() -> bool {
    std::net::TcpListener::bind((ADDRESS, 0)).is_ok()
}

impl Cluster {
    /// Puts `controller` behind the Service `name` in `namespace`, with the name its first port has (upstream's plain
    /// manifest names none, its chart says `http`), and waits until the proxy reaches it.
    pub async fn expose(
        &self,
        controller: &Controller,
        namespace: &str,
        name: &str,
        port_name: Option<&str>,
    ) -> Result<()> {
        let client = self.client().await?;
        let port = with_name(json!({ "port": controller.port() }), port_name);
        apply::<Service>(&Api::namespaced(client.clone(), namespace), json!({
            "apiVersion": "v1",
            "kind": "Service",
            // No selector: there is no kubelet that would run what it selects.
            "metadata": { "name": name, "labels": { "app.kubernetes.io/name": "sealed-secrets" } },
            "spec": { "ports": [&port] },
        }))
        .await?;
        self.stand_behind(controller, namespace, name, port_name)
            .await
    }

    /// Puts `controller` behind a Service that is there already, as if its selector had found the controller's pod, and
    /// waits until the proxy reaches it.
    pub async fn stand_behind(
        &self,
        controller: &Controller,
        namespace: &str,
        name: &str,
        port_name: Option<&str>,
    ) -> Result<()> {
        ensure!(
            has_address(),
            "the API server can proxy only to {ADDRESS}, which this machine does not have\n\
             hint: run the tests in a network namespace: tests/netns cargo test --workspace"
        );
        let client = self.client().await?;
        let port = with_name(json!({ "port": controller.port() }), port_name);
        // The proxy follows only addresses that belong to a pod.
        let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": { "name": name },
            "spec": {
                "nodeName": "nowhere",
                "automountServiceAccountToken": false,
                "containers": [{ "name": "controller", "image": "none" }],
            },
        });
        // The namespace's default account may still be on its way.
        eventually("there is a pod", Duration::from_secs(30), async || {
            apply(&pods, pod.clone()).await
        })
        .await?;
        let status = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "status": { "phase": "Running", "podIP": ADDRESS, "podIPs": [{ "ip": ADDRESS }] },
        });
        pods.patch_status(name, &parameters(), &Patch::Apply(status))
            .await?;
        let address = json!({
            "ip": ADDRESS,
            "targetRef": { "kind": "Pod", "namespace": namespace, "name": name },
        });
        apply::<Endpoints>(
            &Api::namespaced(client.clone(), namespace),
            json!({
                "apiVersion": "v1",
                "kind": "Endpoints",
                "metadata": { "name": name },
                "subsets": [{ "addresses": [address], "ports": [&port] }],
            }),
        )
        .await?;

        let path = format!(
            "/api/v1/namespaces/{namespace}/services/http:{name}:{}/proxy/healthz",
            port_name.unwrap_or_default()
        );
        eventually(
            "the proxy reaches the controller",
            Duration::from_secs(30),
            async || {
                let request = http::Request::get(&path).body(Vec::new())?;
                let answer = client.request_text(request).await?;
                ensure!(answer == "ok\n", "it answers {answer:?}");
                Ok(())
            },
        )
        .await
    }
}

fn with_name(mut port: Value, name: Option<&str>) -> Value {
    if let Some(name) = name {
        port["name"] = Value::from(name);
    }
    port
}

fn parameters() -> PatchParams {
    PatchParams::apply("testkit").force()
}

async fn apply<K>(api: &Api<K>, object: Value) -> Result<()>
where
    K: kube::Resource + Clone + std::fmt::Debug + DeserializeOwned + Serialize,
{
    let name = object["metadata"]["name"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let applied = api
        .patch(&name, &parameters(), &Patch::Apply(object))
        .await?;
    ensure!(applied.name_any() == name, "applied another object");
    Ok(())
}
