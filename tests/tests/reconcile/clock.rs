//! A clock that somebody sets.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ListParams, Patch, PatchParams};
use serde_json::json;
use testkit::cluster::{HOME, Options};
use testkit::controller::Controller;
use testkit::{eventually, throughout};

use super::kit::{A_WHILE, SOON, World, with_own_cluster};

const DAY: i64 = 24 * 60 * 60;

/// The clock of a process that was started with it.
struct Clock {
    library: PathBuf,
    offset: PathBuf,
}

impl Clock {
    /// One that is right, in `directory`.
    fn new(directory: &Path) -> Result<Self> {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/clock.c");
        let clock = Self {
            library: directory.join("clock.so"),
            offset: directory.join("offset"),
        };
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&clock.library)
            .arg(source)
            .status()
            .context("there is no C compiler: apt-get install gcc")?;
        ensure!(built.success(), "cc: {built}");
        clock.set(0)?;
        Ok(clock)
    }

    /// Puts it so many seconds ahead of the machine's.
    fn set(&self, seconds: i64) -> Result<()> {
        // In one step: it may be read at any moment.
        let new = self.offset.with_extension("new");
        std::fs::write(&new, seconds.to_string())?;
        Ok(std::fs::rename(new, &self.offset)?)
    }
}

async fn keys(secrets: &Api<Secret>) -> Result<usize> {
    let labelled =
        ListParams::default().labels("sealedsecrets.bitnami.com/sealed-secrets-key=active");
    Ok(secrets.list(&labelled).await?.items.len())
}

/// A key Secret changes, so that the schedule is looked at again.
async fn touch(secrets: &Api<Secret>, turn: u32) -> Result<()> {
    let note = json!({ "metadata": { "annotations": { "example.com/turn": turn.to_string() } } });
    secrets
        .patch("fixture-key", &PatchParams::default(), &Patch::Merge(note))
        .await?;
    Ok(())
}

async fn serves(world: &World, name: &str) -> Result<()> {
    world.create(&world.sealed(name, [("foo", "bar")])?).await?;
    world.secret_with(name, [("foo", "bar")]).await?;
    Ok(())
}

#[tokio::test]
async fn a_clock_that_jumps_costs_no_object_and_no_second_key() -> Result<()> {
    with_own_cluster(Options::default(), async |cluster, world| {
        let directory = tempfile::tempdir()?;
        let clock = Clock::new(directory.path())?;
        let home: Api<Secret> = Api::namespaced(world.client.clone(), HOME);
        // The fixture's key is old: it is replaced at the start, and the key of today is the one that counts.
        let controller = Controller::ours()
            .env("LD_PRELOAD", &clock.library)
            .env("SEALED_TESTS_CLOCK", &clock.offset)
            .start(cluster)
            .await?;
        eventually("there is a key of today", SOON, async || {
            ensure!(keys(&home).await? == 2);
            Ok(())
        })
        .await?;
        serves(world, "before").await?;
        let today = controller.certificate().await?;

        clock.set(31 * DAY)?;
        touch(&home, 1).await?;
        eventually("a month later there is another", 4 * SOON, async || {
            ensure!(keys(&home).await? == 3);
            ensure!(controller.certificate().await? != today);
            Ok(())
        })
        .await?;
        serves(world, "ahead").await?;

        for (turn, offset) in [(2, 0), (3, -2 * 60 * 60)] {
            clock.set(offset)?;
            touch(&home, turn).await?;
            serves(world, &format!("back-{turn}")).await?;
            throughout("no other is made", A_WHILE, async || {
                ensure!(keys(&home).await? == 3);
                Ok(())
            })
            .await?;
        }
        clock.set(0)?;
        touch(&home, 4).await?;
        eventually("today's certificate is offered", SOON, async || {
            ensure!(controller.certificate().await? == today);
            Ok(())
        })
        .await?;
        let secret = world.secret("before").await?;
        world.untouched(&secret).await?;
        let healthy = testkit::http::get(controller.port(), "/healthz").await?;
        ensure!(healthy.status.is_success(), "{}", healthy.body);
        let ended = controller.stop().await?;
        ensure!(ended.success(), "{ended}");
        Ok(())
    })
    .await
}
