//! Finding the controller where its Service does not have the usual name, or does not lie in the usual namespace.

use std::path::Path;

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Service;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use kube::core::Request;
use serde_json::{Value, json};
use testkit::cluster::HOME;
use testkit::fixtures::{self, KEY};
use testkit::{Controller, Output, Program};

use super::doctor::Report;
use super::kit::{Tool, World, with_world};

/// What the Helm chart calls the Service.
const CHART: &str = "sealed-secrets";

#[tokio::test]
async fn a_service_is_found_by_its_labels_and_of_two_none_is_used() -> Result<()> {
    with_world(async |world| {
        let controller = start(world).await?;
        world.cluster.expose(&controller, HOME, CHART, Some("http")).await?;
        let of_the_chart = json!({ "app.kubernetes.io/name": "sealed-secrets", "app.kubernetes.io/component": "metrics" });
        create(world, HOME, "sealed-secrets-metrics", of_the_chart).await?;

        let found = fetch(world, Tool::Seal).await?;
        assert_eq!((found.code, found.stdout), (Some(0), KEY.certificate()?));
        let note = "note: the controller is the Service `sealed-secrets` in namespace `kube-system`, found by its labels\n";
        ensure!(found.stderr.ends_with(note), "{}", found.stderr);
        // The drop-in looks where kubeseal does.
        for tool in [Tool::Upstream, Tool::Kubeseal] {
            let missed = fetch(world, tool).await?;
            ensure!(missed.code == Some(1) && missed.stderr.contains("not found"), "{missed:?}");
        }
        let report = Report::of(world.online(Tool::Seal)?).await?;
        for subject in ["controller", "certificate"] {
            assert_eq!(report.states(subject), ["ok"], "{report:#?}");
        }
        assert_eq!(report.states("rights"), ["ok"; 4]);

        let plain = json!({ "name": "sealed-secrets-controller" });
        create(world, HOME, "other", plain).await?;
        let several = fetch(world, Tool::Seal).await?;
        assert_eq!((several.code, several.stdout.as_str()), (Some(1), ""));
        let told = "error[bad-configuration]: several Services in namespace `kube-system` may be the controller's: `other`, `sealed-secrets`\n\
                    hint: --controller-name says which is meant\n";
        ensure!(several.stderr.ends_with(told), "{}", several.stderr);
        let report = Report::of(world.online(Tool::Seal)?).await?;
        assert_eq!((report.code, report.states("controller")), (Some(3), vec!["problem"]));
        ensure!(report.check("controller")?.hints.contains("--controller-name"), "{report:#?}");
        let named = world.online(Tool::Seal)?.args(["--fetch-cert", "--controller-name", CHART]);
        assert_eq!(named.succeed().await?, KEY.certificate()?);

        without_services(world).await?;
        controller.stop().await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_service_in_another_namespace_is_used_only_on_a_persons_word() -> Result<()> {
    with_world(async |world| {
        let controller = start(world).await?;
        let namespace = world.namespace.as_str();
        world.cluster.expose(&controller, namespace, CHART, Some("http")).await?;
        let home = tempfile::tempdir()?;
        let home = home.path();
        let quietly = async || online(world, home)?.arg("--fetch-cert").run().await;

        let refused = quietly().await?;
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""));
        let hint = format!(
            "hint: there is a Service `{CHART}` in namespace `{namespace}`; if that is your controller's: \
             --controller-namespace {namespace} --controller-name {CHART}\n"
        );
        ensure!(refused.stderr.contains("error[not-found]"), "{}", refused.stderr);
        ensure!(refused.stderr.contains(&hint), "{}", refused.stderr);
        let report = Report::of(online(world, home)?).await?;
        assert_eq!((report.code, report.states("controller")), (Some(3), vec!["problem"]));

        let no = at_a_terminal(world, home, "no").await?;
        ensure!(no.contains("SHA256:") && no.contains("error[not-found]"), "{no}");
        assert_eq!(quietly().await?.code, Some(1));
        let yes = at_a_terminal(world, home, "yes").await?;
        ensure!(yes.contains("valid until:"), "{yes}");
        let known = quietly().await?;
        assert_eq!((known.code, known.stdout), (Some(0), KEY.certificate()?), "{}", known.stderr);
        ensure!(known.stderr.contains("as confirmed on this machine"), "{}", known.stderr);
        let report = Report::of(online(world, home)?).await?;
        assert_eq!(report.states("certificate"), ["ok"], "{report:#?}");
        // It is there that the rights count.
        let right = format!("(get services/proxy in {namespace})");
        ensure!(report.check("rights")?.message.ends_with(&right), "{report:#?}");

        // A certificate that was kept goes with the word.
        seal_cached(world, home, &[]).await?;
        let no_way = ["--proxy-url", "http://127.0.0.1:1"];
        let offline = seal_cached(world, home, &no_way).await?;
        ensure!(offline.code == Some(0) && offline.stderr.contains("using the certificate"), "{offline:?}");
        let pins = home.join(".config/seal/controllers.json");
        let confirmed = std::fs::read(&pins)?;
        std::fs::remove_file(&pins)?;
        let offline = seal_cached(world, home, &no_way).await?;
        ensure!(offline.code == Some(1) && offline.stderr.contains("not the one that is confirmed"), "{offline:?}");

        // Another Service in its place was never confirmed.
        std::fs::write(&pins, confirmed)?;
        services(world, namespace).delete(CHART, &DeleteParams::default()).await?;
        world.cluster.expose(&controller, namespace, CHART, Some("http")).await?;
        let remade = quietly().await?;
        ensure!(remade.code == Some(1) && remade.stderr.contains("made anew"), "{remade:?}");
        controller.stop().await?;
        Ok(())
    })
    .await
}

/// Anybody who may create an object can make one that nests deeper than the usual readers of JSON go.
#[tokio::test]
async fn objects_that_nest_without_end_hide_nothing() -> Result<()> {
    const LEVELS: usize = 1_000;
    with_world(async |world| {
        let controller = start(world).await?;
        world.cluster.expose(&controller, HOME, CHART, Some("http")).await?;
        let deep = format!("{}{{}}{}", r#"{"f:a":"#.repeat(LEVELS), "}".repeat(LEVELS));
        let metrics = json!({
            "metadata": {
                "name": "nested-metrics",
                "labels": { "app.kubernetes.io/name": "sealed-secrets" },
                "managedFields": [{
                    "manager": "m", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
                    "time": "2026-01-01T00:00:00Z", "fieldsV1": { "f:spec": "DEEP" },
                }],
            },
            "spec": { "ports": [{ "port": 8081 }] },
        });
        post(world, &format!("/api/v1/namespaces/{HOME}/services"), &metrics, &deep).await?;
        let sealed = fixtures::sealed_secret(sealed_crypto::Scope::Strict, &world.namespace, "nested", [("foo", "bar")])?;
        let mut sealed = serde_json::to_value(sealed)?;
        sealed["spec"]["template"] = json!({ "metadata": { "x": "DEEP" } });
        let path = format!("/apis/bitnami.com/v1alpha1/namespaces/{}/sealedsecrets", world.namespace);
        post(world, &path, &sealed, &deep).await?;

        let found = fetch(world, Tool::Seal).await?;
        assert_eq!((found.code, found.stdout), (Some(0), KEY.certificate()?), "{}", found.stderr);
        let counted = world
            .online(Tool::Seal)?
            .args(["keys", "list", "--count", "--json"])
            .run()
            .await?;
        let listed: Value = serde_json::from_str(&counted.stdout)?;
        ensure!(counted.code == Some(0), "{counted:?}");
        ensure!(listed["keys"][0]["objects"].as_u64() >= Some(1), "{listed:#}");
        ensure!(!counted.stderr.contains("nested"), "{}", counted.stderr);

        // Nor shall it be in the way of other tests, whose clients are not so patient.
        let kubectl = world.cluster.kubectl()?.args(["--namespace", &world.namespace]);
        kubectl.args(["delete", "sealedsecret", "nested"]).succeed().await?;
        without_services(world).await?;
        controller.stop().await?;
        Ok(())
    })
    .await
}

/// A controller with one key, and no Service that could be its.
async fn start(world: &World) -> Result<Controller> {
    without_services(world).await?;
    world.with_key(KEY).await?;
    world.ours().await
}

fn services(world: &World, namespace: &str) -> Api<Service> {
    Api::namespaced(world.client.clone(), namespace)
}

/// By kubectl: the clients of these tests cannot read what nests too deeply.
async fn without_services(world: &World) -> Result<()> {
    let kubectl = world.cluster.kubectl()?.args(["--namespace", HOME]);
    kubectl
        .args(["delete", "services", "--all"])
        .succeed()
        .await?;
    Ok(())
}

async fn create(world: &World, namespace: &str, name: &str, labels: Value) -> Result<()> {
    let service = serde_json::from_value(json!({
        "metadata": { "name": name, "labels": labels },
        "spec": { "ports": [{ "port": 8081 }] },
    }))?;
    services(world, namespace)
        .create(&PostParams::default(), &service)
        .await?;
    Ok(())
}

/// Creates an object of which the clients of these tests cannot read the answer.
async fn post(world: &World, path: &str, object: &Value, deep: &str) -> Result<()> {
    let object = object.to_string().replace(r#""DEEP""#, deep);
    let request = Request::new(path).create(&PostParams::default(), object.into_bytes())?;
    world.client.request_text(request).await?;
    Ok(())
}

async fn fetch(world: &World, tool: Tool) -> Result<Output> {
    world.online(tool)?.arg("--fetch-cert").run().await
}

/// `seal` on a machine with this home.
fn online(world: &World, home: &Path) -> Result<Program> {
    Ok(world.online(Tool::Seal)?.env("HOME", home))
}

async fn seal_cached(world: &World, home: &Path, more: &[&str]) -> Result<Output> {
    let secret = fixtures::secret(&world.namespace, "db", [("password", "hunter2")]);
    let program = online(world, home)?.stdin(fixtures::manifest(&secret)?);
    program.arg("--cache-cert").args(more).run().await
}

/// `seal cert` of a person who answers this. `script` gives the program a terminal, and the answer is typed there.
async fn at_a_terminal(world: &World, home: &Path, answer: &str) -> Result<String> {
    let seal = testkit::components::own()?.seal;
    let script = Program::at("script")
        .args(["-qec", &format!("{} cert", seal.display()), "/dev/null"])
        .kubeconfig(&world.cluster.kubeconfig())
        .env("HOME", home)
        .env("SHELL", "/bin/sh")
        .stdin(format!("{answer}\n"));
    Ok(script.run().await?.stdout)
}
