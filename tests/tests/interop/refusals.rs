//! When the controller cannot be asked: what a real API server says, told clearly; nothing is written.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Endpoints, Service};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::Api;
use kube::api::PostParams;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use testkit::fixtures::{self, KEY};

use super::kit::{Tool, World, with_world, without_note};

/// A reason why nobody answers.
struct Obstacle {
    kubeconfig: PathBuf,
    arguments: Vec<String>,
    /// What `seal` calls it.
    code: &'static str,
    /// What everybody has to mention.
    mentions: Vec<String>,
}

#[tokio::test]
async fn without_the_service_everybody_names_it() -> Result<()> {
    with_world(async |world| {
        refuses(
            world,
            &Obstacle {
                kubeconfig: world.cluster.kubeconfig(),
                arguments: in_namespace(world, "nobody"),
                code: "not-found",
                mentions: vec!["services \"nobody\" not found".to_owned()],
            },
        )
        .await
    })
    .await
}

#[tokio::test]
async fn without_a_pod_behind_the_service_everybody_says_so() -> Result<()> {
    with_world(async |world| {
        let service = service(world, "empty").await?;
        create::<Endpoints>(world, json!({ "metadata": { "name": service } })).await?;
        refuses(
            world,
            &Obstacle {
                kubeconfig: world.cluster.kubeconfig(),
                arguments: in_namespace(world, &service),
                code: "unreachable",
                mentions: vec!["no endpoints available for service".to_owned()],
            },
        )
        .await
    })
    .await
}

#[tokio::test]
async fn without_rights_everybody_names_the_missing_one() -> Result<()> {
    with_world(async |world| {
        let service = service(world, "closed").await?;
        let account = world
            .cluster
            .service_account(&world.namespace, "default")
            .await?;
        let obstacle = |mentions: &[&str]| Obstacle {
            kubeconfig: account.kubeconfig.clone(),
            arguments: in_namespace(world, &service),
            code: "api-error",
            mentions: mentions.iter().map(|&word| word.to_owned()).collect(),
        };
        refuses(
            world,
            &obstacle(&["forbidden", "cannot get resource \"services\""]),
        )
        .await?;

        // May see the Service, and not talk to what is behind it.
        may_get_services(world).await?;
        refuses(world, &obstacle(&["forbidden", "\"services/proxy\""])).await
    })
    .await
}

#[tokio::test]
async fn without_valid_credentials_nobody_gets_in() -> Result<()> {
    with_world(async |world| {
        let server = format!("https://127.0.0.1:{}", world.cluster.port());
        let mut arguments = in_namespace(world, "any");
        arguments.extend([
            format!("--server={server}"),
            "--insecure-skip-tls-verify".to_owned(),
            "--token=wrong".to_owned(),
        ]);
        refuses(
            world,
            &Obstacle {
                kubeconfig: "/dev/null".into(),
                arguments,
                code: "api-error",
                mentions: vec!["nauthorized".to_owned()],
            },
        )
        .await
    })
    .await
}

#[tokio::test]
async fn without_an_api_server_everybody_says_where_it_was_sought() -> Result<()> {
    with_world(async |world| {
        // Bound and not listened on, so that nobody else gets it meanwhile.
        let held = std::net::UdpSocket::bind("127.0.0.1:0")?;
        let address = held.local_addr()?;
        let mut arguments = in_namespace(world, "any");
        arguments.push(format!("--server=https://{address}"));
        refuses(
            world,
            &Obstacle {
                kubeconfig: world.cluster.kubeconfig(),
                arguments,
                code: "unreachable",
                mentions: vec![
                    format!("https://{address}"),
                    "connection refused".to_owned(),
                ],
            },
        )
        .await
    })
    .await
}

/// The machine is there and nobody answers.
#[tokio::test]
async fn a_frozen_api_server_is_not_waited_for_longer_than_asked() -> Result<()> {
    with_world(async |world| {
        world.cluster.freeze_api_server()?;
        let mut outputs = Vec::new();
        for tool in Tool::OURS {
            let asked = world
                .online(tool)?
                .args(["--fetch-cert", "--request-timeout=1s"])
                .run();
            outputs.push(tokio::time::timeout(Duration::from_secs(20), asked).await);
        }
        // Other tests go on with it, whatever came of this one.
        world.cluster.thaw_api_server()?;
        for output in outputs {
            let output = output??;
            assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""));
            ensure!(
                output.stderr.contains("--request-timeout"),
                "{}",
                output.stderr
            );
        }
        Ok(())
    })
    .await
}

/// An API server whose certificate somebody else signed is not talked to.
#[tokio::test]
async fn a_foreign_certificate_is_not_trusted() -> Result<()> {
    with_world(async |world| {
        let authority = KEY.certificate_path();
        let output = world
            .online(Tool::Seal)?
            .arg("--fetch-cert")
            .arg("--certificate-authority")
            .arg(&authority)
            .run()
            .await?;
        assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""));
        let says = without_note(Tool::Seal, &output.stderr);
        ensure!(
            says.starts_with("error[unreachable]: ") && says.contains("certificate"),
            "{says}"
        );
        Ok(())
    })
    .await
}

fn in_namespace(world: &World, service: &str) -> Vec<String> {
    vec![
        format!("--controller-namespace={}", world.namespace),
        format!("--controller-name={service}"),
    ]
}

/// Every mode that needs the controller: exit 1 with a reason and no output. Our drop-in says what the real one says.
async fn refuses(world: &World, obstacle: &Obstacle) -> Result<()> {
    let secret = fixtures::secret(&world.namespace, "db", [("password", "hunter2")]);
    let sealed = Tool::Seal.seal(&KEY.certificate_path(), &secret).await?;
    let modes = [
        (vec!["--fetch-cert"], String::new()),
        (vec!["-w", "out"], fixtures::manifest(&secret)?),
        (vec!["--validate"], sealed.clone()),
        (vec!["--re-encrypt", "-w", "out"], sealed),
    ];
    for (mode, input) in &modes {
        let mut told = Vec::new();
        for tool in Tool::ALL {
            let directory = tempfile::tempdir()?;
            let output = tool
                .program()?
                .directory(directory.path())
                .kubeconfig(&obstacle.kubeconfig)
                .args(mode)
                .args(&obstacle.arguments)
                .stdin(input.clone())
                .run()
                .await?;
            let what = format!("{tool:?} {mode:?}: {}", output.stderr);
            assert_eq!(output.code, Some(1), "{what}");
            assert_eq!(output.stdout, "", "{what}");
            ensure!(!output.stderr.contains("hunter2"), "{what}");
            for word in &obstacle.mentions {
                ensure!(output.stderr.contains(word.as_str()), "{word} in {what}");
            }
            if tool != Tool::Upstream {
                let left = std::fs::read_dir(directory.path())?.count();
                ensure!(left == 0, "something was written: {what}");
            }
            told.push(without_note(tool, &output.stderr).to_owned());
        }
        assert_eq!(told[1], told[0], "{mode:?}");
        let code = format!("error[{}]: ", obstacle.code);
        ensure!(told[2].starts_with(&code), "{code} in {}", told[2]);
        ensure!(told[2].contains("\nhint: "), "no hint in {}", told[2]);
    }
    Ok(())
}

/// A Service without selector, so with nothing behind it.
async fn service(world: &World, name: &str) -> Result<String> {
    create::<Service>(
        world,
        json!({
            "metadata": { "name": name },
            "spec": { "ports": [{ "port": 8080 }] },
        }),
    )
    .await?;
    Ok(name.to_owned())
}

/// Lets the namespace's default account read Services.
async fn may_get_services(world: &World) -> Result<()> {
    create::<Role>(
        world,
        json!({
            "metadata": { "name": "reader" },
            "rules": [{ "apiGroups": [""], "resources": ["services"], "verbs": ["get"] }],
        }),
    )
    .await?;
    let account =
        json!({ "kind": "ServiceAccount", "name": "default", "namespace": world.namespace });
    create::<RoleBinding>(
        world,
        json!({
            "metadata": { "name": "reader" },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader" },
            "subjects": [account],
        }),
    )
    .await
}

async fn create<K>(world: &World, object: Value) -> Result<()>
where
    K: kube::Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned
        + Serialize,
{
    let api: Api<K> = Api::namespaced(world.client.clone(), &world.namespace);
    let object = serde_json::from_value(object)?;
    api.create(&PostParams::default(), &object).await?;
    Ok(())
}
