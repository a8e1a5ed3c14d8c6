//! What a refusal of a Secret tells, of a real API server: who refuses and why, and nothing of a value.

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use kube::api::PostParams;
use kube::{Api, Client};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use testkit::cluster::Options;
use testkit::{eventually, fixtures};

use super::kit::{SOON, World, ours, template, with_ours, with_own_cluster};

const WITHHELD: &str = "its words are withheld because they may quote a value";

#[tokio::test]
async fn the_api_server_is_quoted_where_it_speaks_of_keys_and_not_where_of_values() -> Result<()> {
    with_ours(&[], async |world, _| {
        let message = refused(world, "key", &json!({ "data": { "a b": "c" } })).await?;
        let begin = r#"Secret "key" is invalid: data[a b]: Invalid value: "a b": a valid config key must"#;
        ensure!(message.starts_with(begin), "{message}");

        let message = refused(world, "tls", &json!({ "type": "kubernetes.io/tls" })).await?;
        assert_eq!(
            message,
            r#"Secret "tls" is invalid: [data[tls.crt]: Required value, data[tls.key]: Required value]"#
        );

        let docker = json!({
            "type": "kubernetes.io/dockerconfigjson",
            "data": { ".dockerconfigjson": "{{ substr 0 1 .password }}" },
        });
        let message = refused(world, "docker", &docker).await?;
        assert_eq!(
            message,
            format!(
                r#"Secret "docker" is invalid: data[.dockerconfigjson]: Invalid value ({WITHHELD})"#
            )
        );
        Ok(())
    })
    .await
}

/// A Secret that the API server refuses with 700 KB of words, within a second or two.
#[tokio::test]
async fn a_thousand_faults_are_told_at_once_and_in_few_words() -> Result<()> {
    with_ours(&[], async |world, _| {
        let data: serde_json::Map<String, Value> = (0..1_000)
            .map(|number| (format!("a {number:03}"), json!("secret")))
            .collect();
        let message = refused(world, "many", &json!({ "data": data })).await?;
        ensure!(
            message.len() <= 1_024 && message.ends_with(" more faults"),
            "{message}"
        );
        ensure!(message.contains("[data[a 000]: Invalid value"), "{message}");
        world
            .create(&world.sealed("good", [("foo", "bar")])?)
            .await?;
        world.secret_with("good", [("foo", "bar")]).await?;
        Ok(())
    })
    .await
}

/// The words of a policy are its author's, and may quote the password that is too weak for it.
#[tokio::test]
async fn a_policy_is_named_and_not_quoted() -> Result<()> {
    with_own_cluster(Options::default(), async |cluster, world| {
        install_policy(world).await?;
        let controller = ours().start(cluster).await?;
        let message = refused(world, "weak", &json!({ "data": { "weak": "yes" } })).await?;
        assert_eq!(
            message,
            format!(
                r#"secrets "weak" is forbidden: ValidatingAdmissionPolicy 'strong' with binding 'everywhere' denied request; {WITHHELD}"#
            )
        );
        let event = world.event("weak", "ErrUpdateFailed").await?;
        assert_eq!(event.message, Some(message));
        ensure!(!controller.log().contains("hunter2"), "{}", controller.log());
        controller.stop().await?;
        Ok(())
    })
    .await
}

/// The message about an object with this template, which the API server refuses.
async fn refused(world: &World, name: &str, spec: &Value) -> Result<String> {
    let mut object = world.sealed(name, [("password", "hunter2")])?;
    object.spec.template = template(spec)?;
    world.create(&object).await?;
    world.failed(name).await
}

async fn install_policy(world: &World) -> Result<()> {
    let policy = json!({
        "metadata": { "name": "strong" },
        "spec": {
            "matchConstraints": { "resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "resources": ["secrets"], "operations": ["CREATE"],
            }]},
            "validations": [{
                "expression": "!has(object.data) || !('weak' in object.data)",
                "messageExpression": "'weak password ' + string(object.data['password'])",
            }],
        },
    });
    let binding = json!({
        "metadata": { "name": "everywhere" },
        "spec": { "policyName": "strong", "validationActions": ["Deny"] },
    });
    install::<ValidatingAdmissionPolicy>(&world.client, policy).await?;
    install::<ValidatingAdmissionPolicyBinding>(&world.client, binding).await?;
    eventually("the policy is in force, and quotes", SOON, async || {
        let secret = fixtures::secret(
            &world.namespace,
            "probe",
            [("weak", "yes"), ("password", "hunter2")],
        );
        let dry_run = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        let error = world
            .secrets
            .create(&dry_run, &secret)
            .await
            .err()
            .context("it is not")?;
        // In base64, as CEL sees it.
        ensure!(error.to_string().contains("aHVudGVyMg=="), "{error}");
        Ok(())
    })
    .await
}

async fn install<K>(client: &Client, object: Value) -> Result<()>
where
    K: kube::Resource<DynamicType = ()>
        + Clone
        + DeserializeOwned
        + serde::Serialize
        + std::fmt::Debug,
{
    let object: K = serde_json::from_value(object)?;
    Api::<K>::all(client.clone())
        .create(&PostParams::default(), &object)
        .await?;
    Ok(())
}
