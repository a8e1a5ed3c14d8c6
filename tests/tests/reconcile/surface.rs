//! What a platform sees of the controller: probes, metrics, memory, rights of developers, its own certificate.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use http::{Method, StatusCode};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde_json::json;
use testkit::cluster::{HOME, manifest};
use testkit::fixtures::KEY;
use testkit::{Cluster, announce, eventually, http as web};

use super::kit::{SOON, World, ours, with_key, with_ours, with_world};

/// How long a pod that refers to a missing Secret may have to wait for it.
const AT_ONCE: Duration = Duration::from_secs(10);

/// R53: what a smoke test after a deployment asks.
#[tokio::test]
async fn probes_and_metrics_answer_plain_requests() -> Result<()> {
    with_ours(&[], async |_, controller| {
        for path in ["/livez", "/healthz", "/readyz"] {
            let answer = web::get(controller.port(), path).await?;
            ensure!(
                (answer.status, answer.body.as_str()) == (StatusCode::OK, "ok\n"),
                "{path}: {answer:?}"
            );
        }
        let metrics = controller.metrics().await?;
        ensure!(metrics.contains("sealed_secrets_controller_build_info{revision=\"v"));
        Ok(())
    })
    .await
}

/// R46: as the pod template has it. Nothing is written but to `/tmp`, nothing needs a capability, and the configuration
/// is a pod's.
#[tokio::test]
async fn it_works_as_an_ordinary_user_on_a_read_only_root() -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        announce("only root can arrange user 1001 on a read-only root: nothing was tested");
        return Ok(());
    }
    with_world(async |cluster, world| {
        let controller = ours().in_pod().start(cluster).await?;
        let status = std::fs::read_to_string(format!("/proc/{}/status", controller.pid()))?;
        for line in [
            "Uid:\t1001\t1001\t1001\t1001",
            "CapEff:\t0000000000000000",
            "CapBnd:\t0000000000000000",
        ] {
            ensure!(status.contains(line), "{status}");
        }
        let root = format!("/proc/{}/root/written", controller.pid());
        let refused = std::fs::write(root, "")
            .err()
            .context("it can be written")?;
        ensure!(
            refused.kind() == std::io::ErrorKind::ReadOnlyFilesystem,
            "{refused}"
        );
        world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        world.synced("app").await?;
        world.secret_with("app", [("foo", "bar")]).await?;
        let ended = controller.stop().await?;
        ensure!(ended.success(), "{ended}");
        Ok(())
    })
    .await
}

/// Every documented metric is there once there was something to count, and none that is not documented. Nobody has
/// edited a Secret here, and nothing is foreseen without `--observe`.
#[tokio::test]
async fn the_metrics_are_the_documented_ones() -> Result<()> {
    with_ours(&[], async |world, controller| {
        world
            .create(&world.sealed("good", [("foo", "bar")])?)
            .await?;
        let mut bad = world.sealed("bad", [("foo", "bar")])?;
        bad.spec
            .encrypted_data
            .insert("foo".to_owned(), "!".to_owned());
        world.create(&bad).await?;
        world.synced("good").await?;
        world.failed("bad").await?;
        controller.certificate().await?;
        let sealed = serde_json::to_vec(&world.sealed("good", [("foo", "bar")])?)?;
        web::request(Method::POST, controller.port(), "/v1/verify", sealed).await?;

        let text = std::fs::read_to_string(manifest("docs/metrics.md"))?;
        let documented: BTreeSet<&str> = text
            .lines()
            .filter_map(|row| {
                row.strip_prefix("| `sealed_secrets_controller_")?
                    .split('`')
                    .next()
            })
            .collect();
        eventually("the metrics are complete", SOON, async || {
            let page = controller.metrics().await?;
            let shown: BTreeSet<&str> = page
                .lines()
                .filter_map(|line| {
                    line.strip_prefix("# TYPE sealed_secrets_controller_")?
                        .split(' ')
                        .next()
                })
                .collect();
            let missing: Vec<_> = documented.difference(&shown).copied().collect();
            ensure!(
                shown.is_subset(&documented) && missing == ["drift_total", "foreseen_objects"],
                "{shown:?}, not {documented:?}"
            );
            for watch in ["SealedSecrets", "Secrets", "sealing keys"] {
                let up = format!("watch=\"{watch}\"}} 1");
                let up = page.lines().any(|line| {
                    line.starts_with("sealed_secrets_controller_watch_up{") && line.ends_with(&up)
                });
                ensure!(up, "{watch} is not up: {page}");
            }
            Ok(())
        })
        .await
    })
    .await
}

/// R31: a pod that starts first finds its Secret soon.
#[tokio::test]
async fn a_secret_is_there_soon_after_its_sealed_secret() -> Result<()> {
    with_ours(&[], async |world, _| {
        let began = Instant::now();
        world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        world.secret("app").await?;
        let took = began.elapsed();
        ensure!(took < AT_ONCE, "it took {took:?}");
        Ok(())
    })
    .await
}

/// R32: nothing that consumers look at changes when only the ciphertext does.
#[tokio::test]
async fn a_new_ciphertext_of_the_same_value_does_not_touch_the_secret() -> Result<()> {
    with_ours(&[], async |world, _| {
        let first = world.sealed("app", [("foo", "bar")])?;
        world.create(&first).await?;
        world.synced("app").await?;
        let secret = world.secret("app").await?;
        let again = world.sealed("app", [("foo", "bar")])?;
        ensure!(again.spec != first.spec, "sealing is randomized");
        world.respecify(&again).await?;
        world.synced("app").await?;
        world.untouched(&secret).await
    })
    .await
}

/// R45: whoever may write SealedSecrets in one namespace and read no Secret can work, and only there.
#[tokio::test]
async fn developers_need_no_right_on_secrets() -> Result<()> {
    let Some(cluster) = testkit::cluster().await? else {
        return Ok(());
    };
    let _turn = cluster.turn().await;
    with_key(cluster).await?;
    cluster
        .with_namespace(async |client, namespace| {
            let controller = ours().start(cluster).await?;
            let world = World::new(client.clone(), namespace);
            grant(&world, "dev").await?;
            let file = tempfile::Builder::new().suffix(".json").tempfile()?;
            let sealed = world.sealed("app", [("foo", "bar")])?;
            std::fs::write(&file, serde_json::to_vec(&sealed)?)?;
            let file = file.path().display().to_string();
            // The grant may take a moment to be known.
            eventually("dev may apply", SOON, async || {
                as_dev(cluster, namespace, &["apply", "-f", &file]).await
            })
            .await?;
            world.synced("app").await?;
            let told = as_dev(
                cluster,
                namespace,
                &[
                    "get",
                    "sealedsecret",
                    "app",
                    "-o",
                    "jsonpath={.status.conditions[0].status}",
                ],
            )
            .await?;
            ensure!(told == "True", "{told}");
            for refused in [
                ["get", "secret", "app"],
                ["get", "sealedsecret", "--namespace=default"],
            ] {
                let Err(error) = as_dev(cluster, namespace, &refused).await else {
                    anyhow::bail!("{refused:?} was allowed");
                };
                ensure!(format!("{error:#}").contains("Forbidden"), "{error:#}");
            }
            controller.stop().await?;
            Ok(())
        })
        .await
}

async fn grant(world: &World, user: &str) -> Result<()> {
    let metadata = json!({ "name": user });
    let role: Role = serde_json::from_value(json!({
        "metadata": metadata,
        "rules": [{
            "apiGroups": ["bitnami.com"],
            "resources": ["sealedsecrets"],
            "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"],
        }],
    }))?;
    let binding: RoleBinding = serde_json::from_value(json!({
        "metadata": metadata,
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user }],
    }))?;
    let parameters = PostParams::default();
    Api::namespaced(world.client.clone(), &world.namespace)
        .create(&parameters, &role)
        .await?;
    Api::namespaced(world.client.clone(), &world.namespace)
        .create(&parameters, &binding)
        .await?;
    Ok(())
}

async fn as_dev(cluster: &Cluster, namespace: &str, arguments: &[&str]) -> Result<String> {
    let namespace = format!("--namespace={namespace}");
    cluster
        .kubectl()?
        .args(["--as=dev", &namespace])
        .args(arguments)
        .succeed()
        .await
}

/// R48: small, with a hundred objects. Of the 30 MiB, 10 are left to the pages of a release build's file; those of the
/// build under test are several times as many and say nothing.
#[tokio::test]
async fn a_hundred_objects_fit_in_thirty_mebibytes() -> Result<()> {
    with_ours(&[], async |world, controller| {
        for number in 0..100 {
            let name = format!("app-{number}");
            world
                .create(&world.sealed(&name, [("foo", "bar")])?)
                .await?;
        }
        for number in 0..100 {
            world.synced(&format!("app-{number}")).await?;
        }
        let status = std::fs::read_to_string(format!("/proc/{}/status", controller.pid()))?;
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"))
            .and_then(|rest| rest.split_whitespace().next())
            .context("no RssAnon")?;
        let resident: u64 = resident.parse()?;
        ensure!(resident < 20 * 1024, "{resident} KiB");
        Ok(())
    })
    .await
}

/// `--metrics-tls-secret`: not ready without the Secret, and a new one is served without a restart.
#[tokio::test]
async fn a_port_gets_its_certificate_from_a_secret() -> Result<()> {
    const NAME: &str = "metrics-tls";
    let Some(cluster) = testkit::cluster().await? else {
        return Ok(());
    };
    let _turn = cluster.turn().await;
    with_key(cluster).await?;
    let controller = ours()
        .args([format!("--metrics-tls-secret={NAME}")])
        .spawn(cluster)
        .await?;
    let logged = async |part: &str| {
        eventually(part, SOON, async || {
            let log = controller.log();
            ensure!(log.contains(part), "{log}");
            Ok(())
        })
        .await
    };
    logged("there is no such Secret").await?;
    let ready =
        async || Ok::<_, anyhow::Error>(web::get(controller.port(), "/readyz").await?.status);
    ensure!(ready().await? == StatusCode::SERVICE_UNAVAILABLE);

    let secrets: Api<Secret> = Api::namespaced(cluster.client().await?, HOME);
    let mut secret = KEY.key_secret(HOME, NAME)?;
    secret.metadata.labels = None;
    let mut stored = secrets.create(&PostParams::default(), &secret).await?;
    eventually("it is ready", SOON, async || {
        ensure!(ready().await? == StatusCode::OK);
        Ok(())
    })
    .await?;
    logged("serving with the TLS certificate of the metrics").await?;
    ensure!(
        controller.metrics().await.is_err(),
        "plain HTTP is answered"
    );

    let broken = ByteString(b"hunter2".to_vec());
    stored.data = Some(
        [
            ("tls.crt".to_owned(), broken.clone()),
            ("tls.key".to_owned(), broken),
        ]
        .into(),
    );
    secrets
        .replace(NAME, &PostParams::default(), &stored)
        .await?;
    logged("the one before stays in use").await?;
    secrets.delete(NAME, &DeleteParams::default()).await?;
    ensure!(ready().await? == StatusCode::OK);
    ensure!(!controller.log().contains("hunter2"));
    controller.stop().await?;
    Ok(())
}
