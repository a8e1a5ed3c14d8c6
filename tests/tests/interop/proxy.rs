//! Command lines and controllers that talk through the API server's service proxy.

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use sealed_crypto::Scope;
use serde_json::{Value, json};
use testkit::cluster::{HOME, SERVICE_ACCOUNT};
use testkit::controller::Launch;
use testkit::fixtures::{self, KEY, OTHER_KEY};
use testkit::{Controller, eventually};

use super::kit::{CONTROLLER, SOON, Tool, World, contents, renamed, with_world, without_note};

#[tokio::test]
async fn our_controller_answers_everybody() -> Result<()> {
    with_world(async |world| answers(world, Controller::ours(), &Tool::ALL).await).await
}

#[tokio::test]
async fn the_real_controller_answers_ours() -> Result<()> {
    with_world(async |world| answers(world, Controller::upstream(), &Tool::OURS).await).await
}

async fn answers(world: &World, launch: Launch, tools: &[Tool]) -> Result<()> {
    world.with_key(KEY).await?;
    let controller = launch.clone().args(CONTROLLER).start(world.cluster).await?;
    // Both forms that are installed: the chart names the port, the plain manifest does not.
    for port_name in [Some("http"), None] {
        expose(world, &controller, port_name).await?;
        for tool in tools {
            let printed = world.online(*tool)?.arg("--fetch-cert").succeed().await?;
            assert_eq!(printed, KEY.certificate()?, "{tool:?}");
        }
    }
    let mut sealed = Vec::new();
    for tool in tools {
        let secret = secret(world, *tool);
        let text = world
            .online(*tool)?
            .stdin(fixtures::manifest(&secret)?)
            .succeed()
            .await?;
        validate(world, *tool, &text).await?;
        world.create(&text).await?;
        let opened = world.opened(tool.word()).await?;
        assert_eq!(contents(&opened), contents(&secret), "{tool:?}");
        sealed.push((*tool, text));
    }
    // With a newer key beside the old one.
    controller.ask_for_a_key()?;
    eventually("there is a newer key", SOON, async || {
        ensure!(controller.certificate().await? != KEY.certificate()?);
        Ok(())
    })
    .await?;
    for (tool, text) in &mut sealed {
        *text = re_encrypt(world, *tool, text).await?;
    }
    controller.stop().await?;

    // And without the old one: what was not sealed again does not open any more.
    world.remove_key(KEY).await?;
    let controller = launch.args(CONTROLLER).start(world.cluster).await?;
    let stale = fixtures::sealed_secret(
        Scope::Strict,
        &world.namespace,
        "stale",
        [("password", "hunter2")],
    )?;
    world.create(&serde_json::to_string(&stale)?).await?;
    assert_eq!(
        world.refused("stale").await?,
        "no key could decrypt secret (password)"
    );
    for (tool, text) in &sealed {
        let name = format!("{}-again", tool.word());
        // Cluster-wide values open under any name.
        world.create(&renamed(text, &name)?).await?;
        let opened = world.opened(&name).await?;
        assert_eq!(contents(&opened), contents(&secret(world, *tool)));
    }
    controller.stop().await?;
    Ok(())
}

async fn expose(world: &World, controller: &Controller, port_name: Option<&str>) -> Result<()> {
    world
        .cluster
        .expose(controller, HOME, SERVICE_ACCOUNT, port_name)
        .await
}

/// Cluster-wide, with all that re-encryption must keep.
fn secret(world: &World, tool: Tool) -> Secret {
    let entries = [("password", "hunter2"), ("empty", "")];
    let mut secret = fixtures::secret(&world.namespace, tool.word(), entries);
    let wide = "sealedsecrets.bitnami.com/cluster-wide".to_owned();
    secret.metadata.annotations = Some([(wide, "true".to_owned())].into());
    secret.metadata.labels = Some([("app".to_owned(), "shop".to_owned())].into());
    secret.type_ = Some("example.com/own".to_owned());
    secret
}

/// Silence for what opens; a refusal for a strict object under another name.
async fn validate(world: &World, tool: Tool, sealed: &str) -> Result<()> {
    let validate = |input: String| anyhow::Ok(world.online(tool)?.arg("--validate").stdin(input));
    let output = validate(sealed.to_owned())?.run().await?;
    assert_eq!((output.code, output.stdout.as_str()), (Some(0), ""));
    assert_eq!(without_note(tool, &output.stderr), "", "{tool:?}");

    let strict = fixtures::secret(&world.namespace, "strict", [("password", "hunter2")]);
    let strict = world
        .online(tool)?
        .stdin(fixtures::manifest(&strict)?)
        .succeed()
        .await?;
    validate(strict.clone())?.succeed().await?;
    let refused = validate(renamed(&strict, "moved")?)?.run().await?;
    assert_eq!(refused.code, Some(1), "{tool:?}");
    assert_eq!(refused.stdout, "", "{tool:?}");
    let told = match tool {
        Tool::Seal => "error[wrong-key]: ",
        Tool::Kubeseal | Tool::Upstream => "error: unable to decrypt sealed secret: moved\n",
    };
    let says = without_note(tool, &refused.stderr);
    ensure!(says.starts_with(told), "{says}");
    if tool == Tool::Seal {
        verify(world, &strict).await?;
    }
    Ok(())
}

/// The verb asks the same of either controller, about as many objects as there are, and reports.
async fn verify(world: &World, sealed: &str) -> Result<()> {
    let both = format!("{sealed}\n{}", renamed(sealed, "moved")?);
    for (input, code, opened) in [(sealed, 0, 1), (&both, 3, 1)] {
        let verify = world.online(Tool::Seal)?.args(["verify", "--json"]);
        let output = verify.stdin(input).run().await?;
        assert_eq!(output.code, Some(code), "{}", output.stderr);
        let report: Value = serde_json::from_str(&output.stdout)?;
        assert_eq!(report["opened"], opened, "{report:#}");
        if code == 3 {
            let moved = format!("{}/moved", world.namespace);
            assert_eq!(report["lost"][0]["object"], moved.as_str(), "{report:#}");
        }
    }
    Ok(())
}

/// Every value is new, the rest of the object is what it was.
async fn re_encrypt(world: &World, tool: Tool, sealed: &str) -> Result<String> {
    let again = world
        .online(tool)?
        .arg("--re-encrypt")
        .stdin(sealed)
        .succeed()
        .await?;
    let (old, new): (Value, Value) = (serde_json::from_str(sealed)?, serde_json::from_str(&again)?);
    assert_eq!(new["apiVersion"], old["apiVersion"], "{tool:?}");
    assert_eq!(new["kind"], old["kind"], "{tool:?}");
    for field in ["name", "namespace"] {
        assert_eq!(new["metadata"][field], old["metadata"][field], "{tool:?}");
    }
    assert_eq!(new["spec"]["template"]["type"], "example.com/own");
    let values = |object: &Value| object["spec"]["encryptedData"].as_object().cloned();
    let (old, new) = (
        values(&old).unwrap_or_default(),
        values(&new).unwrap_or_default(),
    );
    ensure!(old.keys().eq(new.keys()), "{tool:?}: {again}");
    for (item, value) in &new {
        ensure!(*value != old[item], "{tool:?} kept the value of {item}");
    }
    Ok(again)
}

/// `--tls-secret`: the Service says that its port speaks TLS, and ours follow. The real kubeseal knows plain HTTP only.
#[tokio::test]
async fn ours_reach_a_controller_that_speaks_tls() -> Result<()> {
    const NAME: &str = "api-tls";
    with_world(async |world| {
        world.with_key(KEY).await?;
        let plain = world.ours().await?;
        expose(world, &plain, None).await?;
        let mut certificate = OTHER_KEY.key_secret(HOME, NAME)?;
        certificate.metadata.labels = None;
        let secrets: Api<Secret> = Api::namespaced(world.cluster.client().await?, HOME);
        secrets.create(&PostParams::default(), &certificate).await?;
        let encrypted = Controller::ours()
            .args(CONTROLLER)
            .args([format!("--tls-secret={NAME}")])
            .spawn(world.cluster)
            .await?;
        let port = encrypted.port();
        let moved = json!({ "op": "replace", "path": "/subsets/0/ports/0/port", "value": port });
        patch(world, "endpoints", moved).await?;
        let protocol = "/spec/ports/0/appProtocol";
        let https = json!({ "op": "add", "path": protocol, "value": "https" });
        patch(world, "service", https).await?;
        let reached = eventually("ours fetch the certificate", SOON, async || {
            for tool in Tool::OURS {
                let printed = world.online(tool)?.arg("--fetch-cert").succeed().await?;
                ensure!(printed == KEY.certificate()?, "{tool:?}: {printed}");
            }
            Ok(())
        })
        .await;
        // Other tests use the Service as well.
        patch(
            world,
            "service",
            json!({ "op": "remove", "path": protocol }),
        )
        .await?;
        secrets.delete(NAME, &DeleteParams::default()).await?;
        reached
    })
    .await
}

/// One operation of a JSON patch of what the controller is reached by.
async fn patch(world: &World, kind: &str, operation: Value) -> Result<String> {
    let patch = json!([operation]).to_string();
    world
        .cluster
        .kubectl()?
        .args(["--namespace", HOME, "patch", kind, SERVICE_ACCOUNT])
        .args(["--type=json", "--patch", &patch])
        .succeed()
        .await
}

/// A controller that is asked too often says when to come back, and every command line does.
#[tokio::test]
async fn everybody_waits_for_a_busy_controller() -> Result<()> {
    with_world(async |world| {
        world.with_key(KEY).await?;
        let controller = Controller::ours()
            .args([
                "--key-renew-period=0",
                "--rate-limit=1",
                "--rate-limit-burst=1",
            ])
            .start(world.cluster)
            .await?;
        expose(world, &controller, None).await?;
        let secret = fixtures::secret(&world.namespace, "busy", [("password", "hunter2")]);
        let sealed = Tool::Seal.seal(&KEY.certificate_path(), &secret).await?;
        for tool in Tool::ALL {
            for _ in 0..3 {
                world
                    .online(tool)?
                    .arg("--validate")
                    .stdin(sealed.clone())
                    .succeed()
                    .await?;
            }
        }
        eventually("somebody was told to wait", SOON, async || {
            let metrics = controller.metrics().await?;
            let denied = metrics
                .lines()
                .any(|line| line.contains("path=\"/v1/verify\"") && line.contains("code=\"429\""));
            ensure!(denied, "{metrics}");
            Ok(())
        })
        .await
    })
    .await
}
