//! The keys of a cluster in safe keeping: saved, marked, proven; lost with the cluster, and brought back.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::api::DeleteParams;
use serde_json::Value;
use testkit::fixtures::KEY;
use testkit::{Controller, Output, Program, eventually, fixtures};

use super::kit::{CONTROLLER, SOON, Tool, World, contents, with_world};

/// Runs `seal keys …` on this cluster and gives what it reports.
async fn keys(world: &World, directory: &Path, line: &str, code: i32) -> Result<Value> {
    let output = run(world, directory, line).await?;
    ensure!(
        output.code == Some(code),
        "{line}: {:?}: {}{}",
        output.code,
        output.stdout,
        output.stderr
    );
    serde_json::from_str(&output.stdout).with_context(|| format!("{line}: {}", output.stdout))
}

async fn run(world: &World, directory: &Path, line: &str) -> Result<Output> {
    let program: Program = world.online(Tool::Seal)?;
    program
        .directory(directory)
        .arg("keys")
        .args(line.split_whitespace())
        .run()
        .await
}

/// The one of two keys that is sealed for, or the other. Made within one second, they have no order.
fn listed_key(listed: &Value, current: bool) -> Result<&Value> {
    let keys = listed["keys"].as_array().context("no keys")?;
    ensure!(keys.len() == 2, "{listed:#}");
    let found = keys.iter().find(|key| key["current"] == current);
    found.with_context(|| format!("{listed:#}"))
}

/// Takes away what tests before this one left: it would count as lost.
async fn without_objects(world: &World) -> Result<()> {
    world
        .cluster
        .kubectl()?
        .args(["delete", "sealedsecrets", "--all", "--all-namespaces"])
        .succeed()
        .await?;
    Ok(())
}

/// Makes an identity, and gives its public half.
fn recipient(here: &Path) -> Result<String> {
    let identity = age::x25519::Identity::generate();
    let private = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
    std::fs::write(here.join("identity.txt"), private)?;
    Ok(identity.to_public().to_string())
}

/// A SealedSecret in the cluster and in a file.
async fn seal_db(world: &World, here: &Path, controller: &Controller) -> Result<()> {
    std::fs::write(here.join("cert.pem"), controller.certificate().await?)?;
    let db = fixtures::secret(&world.namespace, "db", [("password", "hunter2")]);
    let sealed = Tool::Seal.seal(&here.join("cert.pem"), &db).await?;
    world.create(&sealed).await?;
    world.opened("db").await?;
    std::fs::write(here.join("db.json"), &sealed)?;
    Ok(())
}

/// What is in the backup, by nothing but the library that reads age files.
fn decrypted(here: &Path) -> Result<String> {
    let identity: age::x25519::Identity = std::fs::read_to_string(here.join("identity.txt"))?
        .trim()
        .parse()
        .map_err(anyhow::Error::msg)?;
    let text = age::decrypt(&identity, &std::fs::read(here.join("keys.age"))?)?;
    Ok(String::from_utf8(text)?)
}

/// What matters of key Secrets: all that a controller goes by.
fn essence(mut keys: Vec<Secret>) -> Vec<(String, Value, Value)> {
    keys.sort_by_key(ResourceExt::name_any);
    keys.into_iter()
        .map(|key| {
            let name = key.name_any();
            let labels = serde_json::to_value(&key.metadata.labels).unwrap_or_default();
            let data = serde_json::to_value(&key.data).unwrap_or_default();
            (name, labels, data)
        })
        .collect()
}

#[tokio::test]
async fn a_lost_cluster_comes_back_from_one_file() -> Result<()> {
    with_world(async |world| {
        world.without_keys().await?;
        without_objects(world).await?;
        let directory = tempfile::tempdir()?;
        let here = directory.path();
        let recipient = recipient(here)?;
        let controller = world.ours().await?;
        seal_db(world, here, &controller).await?;

        let backup = format!("backup -r {recipient} -w keys.age --json");
        keys(world, here, &backup, 0).await?;
        let verify = "verify keys.age -i identity.txt --dir db.json --with-cluster --json";
        keys(world, here, verify, 0).await?;

        // Once there is another key, the backup is stale, and says so.
        let renewed = keys(world, here, "renew --json", 0).await?;
        let new = renewed["madeKey"]["fingerprint"]
            .as_str()
            .context("no key")?
            .to_owned();
        let stale = keys(world, here, verify, 3).await?;
        ensure!(
            stale["missing"][0]["fingerprint"] == new.as_str(),
            "{stale:#}"
        );
        keys(world, here, &backup, 0).await?;
        keys(world, here, verify, 0).await?;
        let listed = keys(world, here, "list --count --json", 0).await?;
        let (old, current) = (listed_key(&listed, false)?, listed_key(&listed, true)?);
        ensure!(
            old["backedUp"].is_string() && current["backedUp"].is_string(),
            "{listed:#}"
        );
        ensure!(current["fingerprint"] == new.as_str(), "{listed:#}");
        ensure!(old["values"] == 1 && current["values"] == 0, "{listed:#}");

        // What still opens something stays, and so does what everybody seals for.
        let old = old["fingerprint"].as_str().context("no key")?;
        let needed = keys(world, here, &format!("retire {old} --json"), 3).await?;
        ensure!(needed["opened"][0]["items"][0] == "password", "{needed:#}");
        let current = run(world, here, &format!("retire {new}")).await?;
        ensure!(
            current.stderr.contains("error[key-in-use]"),
            "{}",
            current.stderr
        );
        let leaked = keys(
            world,
            here,
            &format!("compromise {old} --no-renew --dir db.json --json"),
            0,
        )
        .await?;
        ensure!(
            leaked["opened"]
                .as_array()
                .is_some_and(|all| all.len() == 2),
            "{leaked:#}"
        );

        let before = essence(world.keys().await?);
        controller.stop().await?;
        world.without_keys().await?;

        let restore = "restore keys.age -i identity.txt --yes --json";
        let foreseen = keys(world, here, &format!("{restore} --dry-run"), 0).await?;
        ensure!(world.keys().await?.is_empty(), "a dry run writes nothing");
        let restored = keys(world, here, restore, 0).await?;
        ensure!(restored["created"] == foreseen["created"], "{restored:#}");
        let after = world.keys().await?;
        let created = restored["created"].as_array().context("nothing")?.iter();
        let created = created.map(|key| {
            let secret = after
                .iter()
                .find(|one| key["name"] == one.name_any().as_str());
            let created = secret.and_then(ResourceExt::creation_timestamp);
            created.with_context(|| format!("not in the cluster: {key:#}"))
        });
        let created = created.collect::<Result<Vec<_>>>()?;
        ensure!(
            created.len() == 2 && created[0] < created[1],
            "the oldest first: {created:?}"
        );
        ensure!(essence(after) == before, "they are exactly the same keys");

        let again = keys(world, here, restore, 0).await?;
        ensure!(again["created"] == serde_json::json!([]), "{again:#}");
        let controller = Controller::ours()
            .args(CONTROLLER)
            .args(["--auto-first-key=false"])
            .start(world.cluster)
            .await?;
        let db = world.opened("db").await?;
        ensure!(contents(&db)["password"] == b"hunter2");
        ensure!(
            essence(world.keys().await?) == before,
            "no further key is made"
        );
        keys(world, here, verify, 0).await?;
        controller.stop().await?;
        Ok(())
    })
    .await
}

/// Without anything of ours: the list is created by kubectl, and read by the real kubeseal and controller.
#[tokio::test]
async fn a_decrypted_backup_is_what_kubectl_and_the_real_tools_take() -> Result<()> {
    with_world(async |world| {
        world.without_keys().await?;
        let directory = tempfile::tempdir()?;
        let here = directory.path();
        let recipient = recipient(here)?;
        let controller = world.ours().await?;
        seal_db(world, here, &controller).await?;
        let backup = format!("backup -r {recipient} -w keys.age --json");
        keys(world, here, &backup, 0).await?;
        let before = essence(world.keys().await?);
        controller.stop().await?;
        world.without_keys().await?;

        let list = decrypted(here)?;
        std::fs::write(here.join("plain.yaml"), &list)?;
        let printed = Tool::Upstream
            .program()?
            .directory(here)
            .args(["--recovery-unseal", "--recovery-private-key", "plain.yaml"])
            .stdin(std::fs::read(here.join("db.json"))?)
            .succeed()
            .await?;
        ensure!(printed.contains("aHVudGVyMg=="), "{printed}");
        // As a person would, with a complaint about every field that is not known.
        world.create(&list).await?;
        ensure!(essence(world.keys().await?) == before);
        let controller = Controller::upstream()
            .args(CONTROLLER)
            .start(world.cluster)
            .await?;
        let db = world.opened("db").await?;
        ensure!(contents(&db)["password"] == b"hunter2");
        ensure!(essence(world.keys().await?) == before);
        controller.stop().await?;
        Ok(())
    })
    .await
}

/// Without a restart, and as often as one likes.
#[tokio::test]
async fn keys_that_are_restored_under_a_running_controller_open_what_failed() -> Result<()> {
    with_world(async |world| {
        world.with_key(KEY).await?;
        without_objects(world).await?;
        let directory = tempfile::tempdir()?;
        let here = directory.path();
        let backup = format!("backup -r {} -w keys.age --json", recipient(here)?);
        keys(world, here, &backup, 0).await?;
        let controller = world.ours().await?;
        world.without_keys().await?;
        let nothing = run(world, here, &backup).await?;
        ensure!(nothing.code == Some(1), "{}", nothing.stdout);
        ensure!(
            nothing.stderr.contains("error[no-keys]"),
            "{}",
            nothing.stderr
        );

        std::fs::write(here.join("cert.pem"), KEY.certificate()?)?;
        let db = fixtures::secret(&world.namespace, "db", [("password", "hunter2")]);
        let sealed = Tool::Seal.seal(&here.join("cert.pem"), &db).await?;
        world.create(&sealed).await?;
        world.refused("db").await?;
        for _ in 0..2 {
            keys(
                world,
                here,
                "restore keys.age -i identity.txt --yes --json",
                0,
            )
            .await?;
        }
        world.opened("db").await?;
        ensure!(world.keys().await?.len() == 1);
        controller.stop().await?;
        Ok(())
    })
    .await
}

/// A bare key gets a Secret that nobody seals for, and that neither controller stumbles over.
#[tokio::test]
async fn a_bare_private_key_is_restored_for_both_controllers() -> Result<()> {
    with_world(async |world| {
        let directory = tempfile::tempdir()?;
        let here = directory.path();
        world.with_key(KEY).await?;
        let controller = world.ours().await?;
        seal_db(world, here, &controller).await?;
        controller.stop().await?;
        let key = world.keys().await?.remove(0).data.unwrap_or_default();
        std::fs::write(here.join("key.pem"), &key["tls.key"].0)?;
        world.without_keys().await?;
        keys(world, here, "restore key.pem --json", 0).await?;
        for launch in [Controller::upstream(), Controller::ours()] {
            world.secrets.delete("db", &DeleteParams::default()).await?;
            let controller = launch.args(CONTROLLER).start(world.cluster).await?;
            let there = || async {
                let db = world.secrets.get("db").await?;
                ensure!(contents(&db)["password"] == b"hunter2");
                Ok(())
            };
            eventually("the value opens", SOON, there).await?;
            controller.stop().await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_key_that_nothing_needs_is_relabelled_and_its_secret_stays() -> Result<()> {
    with_world(async |world| {
        world.without_keys().await?;
        let directory = tempfile::tempdir()?;
        let here = directory.path();
        let controller = world.ours().await?;
        keys(world, here, "renew --json", 0).await?;
        let listed = keys(world, here, "list --json", 0).await?;
        let old = listed_key(&listed, false)?["fingerprint"].as_str();
        let old = old.context("no key")?;
        std::fs::write(here.join("broken.yaml"), "kind: SealedSecret\nspec: {{\n")?;
        let unknown = keys(world, here, &format!("retire {old} --dir . --json"), 3).await?;
        ensure!(
            unknown["unread"]
                .as_array()
                .is_some_and(|all| all.len() == 1),
            "{unknown:#}"
        );
        let retired = keys(world, here, &format!("retire {old} --json"), 0).await?;
        ensure!(retired["retired"] == true, "{retired:#}");
        let listed = keys(world, here, "list --json", 0).await?;
        ensure!(
            listed_key(&listed, false)?["label"] == "retired",
            "{listed:#}"
        );
        let again = run(world, here, &format!("retire {old}")).await?;
        ensure!(again.code == Some(4), "{}", again.stderr);

        // A leak of the key that is sealed for: the first thing is another one.
        let status = keys(world, here, "status --json", 3).await?;
        ensure!(
            status["problems"][0]["code"] == "not-backed-up",
            "{status:#}"
        );
        let leaked = status["current"]["fingerprint"].as_str();
        let leaked = leaked.context("no current key")?;
        let line = format!("compromise {leaked} --json");
        let compromised = keys(world, here, &line, 0).await?;
        let made = &compromised["madeKey"]["fingerprint"];
        ensure!(made.is_string() && made != leaked, "{compromised:#}");
        let status = keys(world, here, "status --json", 3).await?;
        ensure!(status["current"]["fingerprint"] == *made, "{status:#}");
        controller.stop().await?;
        Ok(())
    })
    .await
}
