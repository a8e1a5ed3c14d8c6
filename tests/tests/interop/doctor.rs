//! `seal doctor` on a cluster that works, and on one of which parts do not.

use std::ffi::OsStr;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use testkit::cluster::{HOME, SERVICE_ACCOUNT};
use testkit::fixtures::{KEY, KeyPair, OTHER_KEY};
use testkit::{Output, Program, eventually};

use super::kit::{SOON, Tool, World, text, with_world};

/// What the doctor reports of one thing.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) subject: String,
    pub(crate) state: String,
    /// Empty where nothing is wrong.
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) hints: String,
}

/// What it reports of all, and how it ends.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) code: Option<i32>,
    pub(crate) checks: Vec<Check>,
}

impl Report {
    /// Runs `seal doctor --json`.
    pub(crate) async fn of(seal: Program) -> Result<Self> {
        Self::with(seal, &[]).await
    }

    /// Runs `seal doctor --json --cert FILE`.
    async fn of_certificate(seal: Program, key: KeyPair) -> Result<Self> {
        let path = key.certificate_path();
        Self::with(seal, &["--cert".as_ref(), path.as_os_str()]).await
    }

    async fn with(seal: Program, more: &[&OsStr]) -> Result<Self> {
        let output = seal.args(["doctor", "--json"]).args(more).run().await?;
        let Output { code, stdout, .. } = &output;
        let report: Value = serde_json::from_str(stdout).with_context(|| format!("{output:?}"))?;
        let checks = report["checks"].as_array().context("no checks")?;
        let checks = checks.iter().map(|check| Check {
            subject: text(&check["check"]),
            state: text(&check["state"]),
            code: check["code"].as_str().unwrap_or_default().to_owned(),
            message: text(&check["message"]),
            hints: check["hints"].to_string(),
        });
        Ok(Self {
            code: *code,
            checks: checks.collect(),
        })
    }

    /// The states of the checks of one thing.
    pub(crate) fn states(&self, subject: &str) -> Vec<&str> {
        let of_subject = self.checks.iter().filter(|check| check.subject == subject);
        of_subject.map(|check| check.state.as_str()).collect()
    }

    /// The one check of a thing.
    pub(crate) fn check(&self, subject: &str) -> Result<&Check> {
        let found = self.checks.iter().find(|check| check.subject == subject);
        found.with_context(|| format!("no check of {subject}: {self:#?}"))
    }
}

#[tokio::test]
async fn the_doctor_passes_a_cluster_that_works_and_names_what_stopped() -> Result<()> {
    with_world(async |world| {
        world.with_key(KEY).await?;
        let controller = world.ours().await?;
        world
            .cluster
            .expose(&controller, HOME, SERVICE_ACCOUNT, None)
            .await?;
        deploy(world).await?;
        ready(world, 1).await?;

        let report = Report::of(seal(world)?).await?;
        assert_eq!(report.code, Some(0), "{report:#?}");
        let subjects: Vec<&str> = report
            .checks
            .iter()
            .map(|check| check.subject.as_str())
            .collect();
        assert_eq!(
            subjects,
            [
                "program",
                "kubeconfig",
                "API server",
                "clock",
                "type",
                "controller",
                "deployment",
                "rights",
                "rights",
                "rights",
                "rights",
                "certificate",
            ]
        );
        ensure!(
            report.checks.iter().all(|check| check.state == "ok"),
            "{report:#?}"
        );
        let for_people = seal(world)?.arg("doctor").succeed().await?;
        assert_eq!(for_people.lines().count(), subjects.len(), "{for_people}");

        // A certificate at hand is compared with the controller's.
        for (key, state) in [(KEY, "ok"), (OTHER_KEY, "note")] {
            let report = Report::of_certificate(seal(world)?, key).await?;
            assert_eq!(report.code, Some(0), "{report:#?}");
            assert_eq!(report.states("--cert"), ["ok", state], "{report:#?}");
        }

        controller.stop().await?;
        ready(world, 0).await?;
        let report = Report::of(seal(world)?).await?;
        assert_eq!(report.code, Some(3), "{report:#?}");
        for subject in ["deployment", "certificate"] {
            let check = report.check(subject)?;
            assert_eq!(check.state, "problem", "{report:#?}");
            ensure!(check.hints.contains("kubectl"), "{check:?}");
        }
        assert_eq!(report.check("certificate")?.code, "unreachable");
        assert_eq!(report.states("rights"), ["ok"; 4]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_doctor_tells_missing_rights_from_what_is_broken() -> Result<()> {
    with_world(async |world| {
        world.with_key(KEY).await?;
        let controller = world.ours().await?;
        world
            .cluster
            .expose(&controller, HOME, SERVICE_ACCOUNT, None)
            .await?;

        // Nothing but what every account may do.
        let nobody = account(world, "nobody").await?;
        let report = Report::of(nobody.clone()).await?;
        assert_eq!(report.code, Some(3), "{report:#?}");
        for subject in ["kubeconfig", "API server", "clock", "type"] {
            assert_eq!(report.states(subject), ["ok"], "{report:#?}");
        }
        let hidden = report.check("controller")?;
        ensure!(
            hidden.state == "problem" && hidden.message.contains("forbidden"),
            "{hidden:?}"
        );
        ensure!(hidden.hints.contains("--cert"), "{hidden:?}");
        assert_eq!(report.states("rights"), ["note"; 4]);
        // Which is enough to seal with a certificate.
        let report = Report::of_certificate(nobody, KEY).await?;
        assert_eq!(report.code, Some(0), "{report:#?}");
        assert_eq!(report.states("controller"), ["note"]);

        // Those who may talk to the controller, and no more.
        let user = account(world, "user").await?;
        bind(world, "user").await?;
        let report = eventually("the binding counts", SOON, async || {
            let report = Report::of(user.clone()).await?;
            ensure!(report.code == Some(0), "{report:#?}");
            Ok(report)
        })
        .await?;
        assert_eq!(report.states("controller"), ["ok"]);
        assert_eq!(report.states("certificate"), ["ok"]);
        assert_eq!(report.states("rights"), ["ok", "ok", "note", "note"]);
        // Nobody can say whether it is there.
        assert_eq!(report.states("deployment"), ["unknown"]);
        controller.stop().await?;
        Ok(())
    })
    .await
}

/// `seal` of a person with all rights.
fn seal(world: &World) -> Result<Program> {
    world.online(Tool::Seal)
}

/// `seal` of a ServiceAccount without any right of its own.
async fn account(world: &World, name: &str) -> Result<Program> {
    let accounts: Api<ServiceAccount> = Api::namespaced(world.client.clone(), &world.namespace);
    let mut account = ServiceAccount::default();
    account.metadata.name = Some(name.to_owned());
    accounts.create(&PostParams::default(), &account).await?;
    let account = world
        .cluster
        .service_account(&world.namespace, name)
        .await?;
    Ok(Program::seal()?.kubeconfig(&account.kubeconfig))
}

/// Binds the role of those who may talk to the controller, as it is shipped.
async fn bind(world: &World, account: &str) -> Result<()> {
    let allow = |resource, name: &str, verbs: &[&str]| json!({ "apiGroups": [""], "resources": [resource], "resourceNames": [name], "verbs": verbs });
    let port = format!("http:{SERVICE_ACCOUNT}:");
    let name = "doctor-user";
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": { "name": name },
        "rules": [
            allow("services", SERVICE_ACCOUNT, &["get"]),
            allow("services/proxy", &port, &["create", "get"]),
        ],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": { "name": name },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name },
        "subjects": [{ "kind": "ServiceAccount", "name": account, "namespace": world.namespace }],
    });
    let kubectl = world.cluster.kubectl()?.args(["--namespace", HOME]);
    kubectl
        .args(["apply", "-f", "-"])
        .stdin(format!("{role}\n{binding}"))
        .succeed()
        .await?;
    Ok(())
}

/// The controller's Deployment. Nobody here runs what it says.
async fn deploy(world: &World) -> Result<()> {
    let deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": SERVICE_ACCOUNT },
        "spec": {
            "selector": { "matchLabels": { "name": SERVICE_ACCOUNT } },
            "template": {
                "metadata": { "labels": { "name": SERVICE_ACCOUNT } },
                "spec": { "containers": [{ "name": "controller", "image": "controller:v9" }] },
            },
        },
    });
    let apply = PatchParams::apply("doctor").force();
    deployments(world)
        .patch(SERVICE_ACCOUNT, &apply, &Patch::Apply(deployment))
        .await?;
    Ok(())
}

/// Says what the Deployment controller of a whole cluster would.
async fn ready(world: &World, replicas: u32) -> Result<()> {
    let status = json!({ "status": { "replicas": 1, "readyReplicas": replicas } });
    let parameters = PatchParams::default();
    deployments(world)
        .patch_status(SERVICE_ACCOUNT, &parameters, &Patch::Merge(status))
        .await?;
    Ok(())
}

fn deployments(world: &World) -> Api<Deployment> {
    Api::namespaced(world.client.clone(), HOME)
}
