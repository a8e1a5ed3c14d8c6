//! What one side seals offline, the other side's controller opens, and only where it was sealed for.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};
use testkit::controller::Launch;
use testkit::fixtures::{self, KEY};
use testkit::{Controller, Program, eventually};

use super::kit::{CONTROLLER, SOON, Tool, World, contents, renamed, with_world};

const SCOPES: [&str; 3] = ["strict", "namespace-wide", "cluster-wide"];

#[tokio::test]
async fn our_controller_opens_what_anybody_sealed() -> Result<()> {
    with_world(async |world| opens(world, Controller::ours(), &Tool::ALL).await).await
}

#[tokio::test]
async fn the_real_controller_opens_what_ours_sealed() -> Result<()> {
    with_world(async |world| opens(world, Controller::upstream(), &Tool::OURS).await).await
}

async fn opens(world: &World, controller: Launch, tools: &[Tool]) -> Result<()> {
    world.with_key(KEY).await?;
    let controller = controller.args(CONTROLLER).start(world.cluster).await?;
    for tool in tools {
        for scope in SCOPES {
            whole(world, *tool, scope).await?;
            raw(world, *tool, scope).await?;
        }
    }
    let ended = controller.stop().await?;
    ensure!(ended.success(), "the controller ended with {ended}");
    Ok(())
}

/// A value of every kind, and all that a Secret may carry besides.
fn secret(world: &World, name: &str) -> Secret {
    let mut secret = fixtures::secret(
        &world.namespace,
        name,
        [
            ("username", b"somebody".to_vec()),
            ("password", "pässwörd\n".into()),
            ("binary", vec![0, 0xff, 0xfe, b'\r', b'\n']),
            ("empty", Vec::new()),
        ],
    );
    secret.type_ = Some("kubernetes.io/basic-auth".to_owned());
    secret.metadata.labels = Some([("app".to_owned(), "shop".to_owned())].into());
    secret.metadata.annotations = Some([("example.com/note".to_owned(), "kept".to_owned())].into());
    secret
}

async fn whole(world: &World, tool: Tool, scope: &str) -> Result<()> {
    let name = format!("{}-{scope}", tool.word());
    let secret = secret(world, &name);
    let sealed = tool
        .program()?
        .arg(format!("--scope={scope}"))
        .arg("--cert")
        .arg(KEY.certificate_path())
        .stdin(fixtures::manifest(&secret)?)
        .succeed()
        .await?;
    ensure!(!sealed.contains("somebody"), "{sealed}");
    world.create(&sealed).await?;
    let opened = world.opened(&name).await?;
    assert_eq!(contents(&opened), contents(&secret), "{name}");
    assert_eq!(opened.type_, secret.type_, "{name}");
    assert_eq!(opened.metadata.labels, secret.metadata.labels, "{name}");
    assert_eq!(opened.annotations()["example.com/note"], "kept", "{name}");
    let owner = world.objects.get(&name).await?;
    let owners = opened.owner_references();
    ensure!(
        owners.len() == 1 && Some(&owners[0].uid) == owner.metadata.uid.as_ref(),
        "{name}: {owners:?}"
    );

    let moved = format!("{name}-moved");
    world.create(&renamed(&sealed, &moved)?).await?;
    if scope == "strict" {
        let message = world.refused(&moved).await?;
        let items = message.strip_prefix("no key could decrypt secret (");
        let items = items.and_then(|items| items.strip_suffix(')'));
        // The real one names them in any order.
        let mut items: Vec<_> = items.unwrap_or_default().split(", ").collect();
        items.sort_unstable();
        assert_eq!(
            items,
            ["binary", "empty", "password", "username"],
            "{message}"
        );
    } else {
        assert_eq!(contents(&world.opened(&moved).await?), contents(&secret));
    }
    elsewhere(world, &sealed, &name, scope).await
}

/// The same object in another namespace: only a value for the whole cluster opens there.
async fn elsewhere(world: &World, sealed: &str, name: &str, scope: &str) -> Result<()> {
    world
        .cluster
        .with_namespace(async |client, namespace| {
            let mut object: Value = serde_json::from_str(sealed)?;
            object["metadata"]["namespace"] = namespace.into();
            object["spec"]["template"]["metadata"]["namespace"] = namespace.into();
            world.create(&object.to_string()).await?;
            let objects = fixtures::sealed_secrets(client.clone(), namespace);
            let expected = if scope == "cluster-wide" {
                "True"
            } else {
                "False"
            };
            eventually("the status is known", SOON, async || {
                let object = objects.get(name).await?;
                let condition = &object.data["status"]["conditions"][0];
                ensure!(condition["status"] == expected, "{condition}");
                Ok(())
            })
            .await?;
            let found = Api::<Secret>::namespaced(client, namespace)
                .get_opt(name)
                .await?;
            assert_eq!(found.is_some(), scope == "cluster-wide", "{name}");
            Ok(())
        })
        .await
}

/// Single values, put into an object by hand as one does for a Helm chart.
async fn raw(world: &World, tool: Tool, scope: &str) -> Result<()> {
    let name = format!("{}-{scope}-raw", tool.word());
    let mut place: Vec<String> = Vec::new();
    if scope != "cluster-wide" {
        place.push(format!("--namespace={}", world.namespace));
    }
    if scope == "strict" {
        place.push(format!("--name={name}"));
    }
    let value = sealed_value(tool.program()?, scope, &place, "hunter2\n").await?;
    let mut object = json!({
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": { "name": name, "namespace": world.namespace },
        "spec": { "encryptedData": { "password": value } },
    });
    if scope != "strict" {
        let annotation = format!("sealedsecrets.bitnami.com/{scope}");
        object["metadata"]["annotations"] = json!({ annotation: "true" });
    }
    world.create(&object.to_string()).await?;
    let expected = [("password".to_owned(), b"hunter2\n".to_vec())];
    assert_eq!(
        contents(&world.opened(&name).await?),
        BTreeMap::from(expected),
        "{name}"
    );
    Ok(())
}

async fn sealed_value(
    program: Program,
    scope: &str,
    place: &[String],
    value: &str,
) -> Result<String> {
    let printed = program
        .args(["--raw", "--from-file=/dev/stdin"])
        .arg(format!("--scope={scope}"))
        .args(place)
        .arg("--cert")
        .arg(KEY.certificate_path())
        .stdin(value)
        .succeed()
        .await?;
    Ok(printed.trim().to_owned())
}
