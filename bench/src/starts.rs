//! Starts of the controller: with everything to do, and with nothing to do.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, Result};
use testkit::Controller;
use testkit::controller::Launch;

use crate::filled::Filled;
use crate::measure::{Cost, resident_kib};
use crate::sealing::VALUES;
use crate::sealing_keys::BenchKey;
use crate::table::{self, Row, duration, memory};

/// Both controllers, each on a cluster of its own, turn by turn: a cold start with one key and no client-side rate
/// limit, then a restart with everything in sync.
pub(crate) async fn cold_and_warm(objects: usize, rounds: usize) -> Result<String> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        eprintln!("starts, round {round} of {rounds}: ours");
        ours.push(starts(Controller::ours(), objects).await?);
        eprintln!("starts, round {round} of {rounds}: upstream");
        let upstream = Controller::upstream().args(["--kubeclient-qps=-1"]);
        theirs.push(starts(upstream, objects).await?);
    }
    let median = |of: &dyn Fn(&Starts) -> Cost, runs: &[Starts]| {
        Cost::median(&runs.iter().map(of).collect::<Vec<_>>())
    };
    let cold = Row {
        scenario: format!("cold start, {objects} × {VALUES}"),
        ours: median(&|run| run.cold, &ours),
        upstream: median(&|run| run.cold, &theirs),
    };
    let warm = Row {
        scenario: format!("restart, {objects} × {VALUES}"),
        ours: median(&|run| run.warm, &ours),
        upstream: median(&|run| run.warm, &theirs),
    };
    let budget = budget(objects, cold.ours.cpu)?;
    let decrypted = ours.iter().map(|run| run.decryptions_when_warm).max();
    Ok(format!(
        "{}{budget}private-key operations of ours at the restart: {}\n",
        table::render(&[cold, warm]),
        decrypted.context("no rounds")?
    ))
}

struct Starts {
    cold: Cost,
    warm: Cost,
    decryptions_when_warm: u64,
}

async fn starts(launch: Launch, objects: usize) -> Result<Starts> {
    let key = BenchKey::recorded()?;
    let mut filled = Filled::with_keys(std::slice::from_ref(&key)).await?;
    filled.add(objects, VALUES, |_, _| &key.certificate).await?;
    let (controller, cold) = filled.sync(launch.clone()).await?;
    controller.stop().await?;
    let (controller, warm) = filled.sync(launch).await?;
    // Upstream does not count them.
    let decryptions_when_warm = controller.metric(DECRYPTIONS).await?.unwrap_or_default();
    controller.stop().await?;
    Ok(Starts {
        cold,
        warm,
        decryptions_when_warm,
    })
}

/// What our controller counts.
pub(crate) const DECRYPTIONS: &str = "sealed_secrets_controller_rsa_decryptions_total";

fn budget(objects: usize, cpu: Duration) -> Result<String> {
    let decrypt = BenchKey::recorded()?.one_decrypt()?;
    let objects = u32::try_from(objects)?;
    let values = objects * u32::try_from(VALUES)?;
    let budget = (decrypt * values).mul_f64(1.3) + Duration::from_millis(3) * objects;
    Ok(format!(
        "one RSA-4096 decrypt of ours: {} CPU; {values} of them: {}\n\
         cold start CPU of ours: {} of the budget 1.3 × decrypts + 3 ms an object = {}\n",
        duration(decrypt),
        duration(decrypt * values),
        duration(cpu),
        duration(budget)
    ))
}

/// What our controller holds resident with so many objects in memory, once it has nothing left to do: after the start
/// that made the Secrets, and after one that found them.
pub(crate) async fn settled_memory(objects: usize) -> Result<String> {
    let key = BenchKey::recorded()?;
    let mut filled = Filled::with_keys(std::slice::from_ref(&key)).await?;
    filled.add(objects, 1, |_, _| &key.certificate).await?;
    let mut text = String::new();
    for start in ["cold start", "restart"] {
        let (controller, cost) = filled.sync(Controller::ours()).await?;
        writeln!(
            text,
            "{objects} objects after a {start}: {} resident, {} at the peak; {} CPU, {} wall",
            memory(resident_kib(controller.pid())?),
            memory(cost.peak_kib),
            duration(cost.cpu),
            duration(cost.wall),
        )?;
        controller.stop().await?;
    }
    Ok(text)
}
