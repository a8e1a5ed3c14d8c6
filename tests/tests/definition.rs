//! What an API server accepts, changes and refuses, under the SealedSecret type that is shipped and under the one
//! that an installed v0.40 leaves in place.

use anyhow::{Context as _, Result, ensure};
use kube::Client;
use kube::api::{DynamicObject, PostParams};
use serde_json::{Value, json};
use testkit::cluster::Options;
use testkit::fixtures::sealed_secrets;
use testkit::{Cluster, Skip};

enum Expect {
    /// Stored exactly as given.
    Same,
    /// Stored, as this.
    Stored(Value),
    /// Refused, with this in the message.
    Refused(&'static str),
}
use Expect::{Refused, Same, Stored};

/// Recorded from an API server 1.36 with the definition of v0.40: both definitions agree on these.
fn common() -> Vec<(Value, Expect)> {
    let sealed = |template: Value| json!({ "encryptedData": {}, "template": template });
    vec![
        (json!({ "encryptedData": {} }), Same),
        (
            json!({ "encryptedData": { "": "AgA=", "a b/c": "not base64" } }),
            Same,
        ),
        (
            json!({ "encryptedData": { "a": null, "b": "x" } }),
            Stored(json!({ "encryptedData": { "b": "x" } })),
        ),
        (
            json!({ "encryptedData": {}, "unknown": 1 }),
            Stored(json!({ "encryptedData": {} })),
        ),
        (
            json!({ "encryptedData": {}, "data": null }),
            Stored(json!({ "encryptedData": {} })),
        ),
        (
            json!({ "encryptedData": {}, "template": null }),
            Stored(json!({ "encryptedData": {} })),
        ),
        (Value::Null, Refused("spec: Required value")),
        (json!({}), Refused("spec.encryptedData: Required value")),
        (
            json!({ "encryptedData": null }),
            Refused("spec.encryptedData: Required value"),
        ),
        (
            json!({ "encryptedData": [] }),
            Refused("must be of type object"),
        ),
        (
            json!({ "encryptedData": { "a": 1 } }),
            Refused("must be of type string"),
        ),
        (
            json!({ "encryptedData": {}, "data": "" }),
            Refused("must be of type byte"),
        ),
        (
            json!({ "encryptedData": {}, "data": "%" }),
            Refused("must be of type byte"),
        ),
        (sealed(json!({ "type": "Opaque", "immutable": true })), Same),
        (
            sealed(json!({ "type": null, "immutable": null })),
            Stored(sealed(json!({}))),
        ),
        (sealed(json!({ "metadata": null, "data": null })), Same),
        (
            sealed(json!({ "metadata": { "labels": null } })),
            Stored(sealed(json!({ "metadata": {} }))),
        ),
        (
            sealed(json!({ "metadata": { "creationTimestamp": null } })),
            Same,
        ),
        // Nothing checks the rest of the metadata: a controller has to cope.
        (
            sealed(
                json!({ "metadata": { "creationTimestamp": "x", "ownerReferences": "x", "own": {} } }),
            ),
            Same,
        ),
        (
            sealed(json!({ "metadata": { "labels": { "a": 1 } } })),
            Refused("must be of type string"),
        ),
        (
            sealed(json!({ "immutable": "true" })),
            Refused("must be of type boolean"),
        ),
        (
            sealed(json!({ "data": { "a": 1 } })),
            Refused("must be of type string"),
        ),
    ]
}

/// The documented `null` that drops a key.
fn null_value() -> Value {
    json!({ "encryptedData": {}, "template": { "data": { "a": null, "b": "x" } } })
}

async fn check(client: Client, namespace: &str, cases: Vec<(Value, Expect)>) -> Result<()> {
    let api = sealed_secrets(client, namespace);
    for (number, (spec, expect)) in cases.into_iter().enumerate() {
        let object: DynamicObject = serde_json::from_value(json!({
            "apiVersion": "bitnami.com/v1alpha1",
            "kind": "SealedSecret",
            "metadata": { "name": format!("case-{number}") },
            "spec": spec,
        }))?;
        let answer = api.create(&PostParams::default(), &object).await;
        let expected = match expect {
            Refused(text) => {
                let refusal = answer
                    .err()
                    .with_context(|| format!("accepted: {spec}"))?
                    .to_string();
                ensure!(refusal.contains(text), "{spec}: {refusal}");
                continue;
            }
            Same => spec.clone(),
            Stored(stored) => stored,
        };
        let stored = answer.with_context(|| spec.to_string())?;
        ensure!(
            stored.data["spec"] == expected,
            "{spec} is stored as {}",
            stored.data["spec"]
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_shipped_definition_takes_what_upstreams_takes_and_keeps_nulls() -> Result<()> {
    let Some(cluster) = testkit::cluster().await? else {
        return Ok(());
    };
    cluster
        .with_namespace(async |client, namespace| {
            let mut cases = common();
            cases.push((null_value(), Same));
            check(client, namespace, cases).await
        })
        .await
}

#[tokio::test]
async fn upstreams_definition_drops_nulls() -> Result<()> {
    if testkit::skipped(Skip::Cluster) {
        return Ok(());
    }
    let cluster = Cluster::start_with(Options::installed()).await?;
    let without = json!({ "encryptedData": {}, "template": { "data": { "b": "x" } } });
    let mut cases = common();
    cases.push((null_value(), Stored(without)));
    cluster
        .with_namespace(async |client, namespace| check(client, namespace, cases).await)
        .await
}

/// kstatus, and so Argo CD and Flux, take an object without a status for finished.
#[tokio::test]
async fn an_object_nobody_has_looked_at_says_so() -> Result<()> {
    let Some(cluster) = testkit::cluster().await? else {
        return Ok(());
    };
    cluster
        .with_namespace(async |client, namespace| {
            let object = serde_json::from_value(json!({
                "apiVersion": "bitnami.com/v1alpha1",
                "kind": "SealedSecret",
                "metadata": { "name": "fresh" },
                "spec": { "encryptedData": {} },
            }))?;
            let api = sealed_secrets(client, namespace);
            let created = api.create(&PostParams::default(), &object).await?;
            assert_eq!(created.data["status"], json!({ "observedGeneration": -1 }));
            Ok(())
        })
        .await
}
