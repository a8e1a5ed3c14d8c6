//! What a long history of sealing keys costs a cold start of ours: a wrong key costs as much as the right one, and no
//! value says which one it is for.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use testkit::Controller;

use crate::filled::Filled;
use crate::sealing::VALUES;
use crate::sealing_keys::BenchKey;
use crate::starts::DECRYPTIONS;
use crate::table::duration;

/// Five years of monthly renewal.
const KEYS: usize = 60;

/// How the values are spread over the keys.
#[derive(Clone, Copy)]
enum Spread {
    /// There is only one key.
    OneKey,
    /// All are sealed for the oldest of them.
    Oldest,
    /// Each is sealed for the key that was the newest when its object was written.
    ByTime,
    /// Evenly, whatever the time.
    Evenly,
}

#[expect(
    clippy::disallowed_methods,
    reason = "this program is the shell that reads the clock"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

/// Measures each spread and compares it with one key alone.
pub(crate) async fn measured(objects: usize) -> Result<String> {
    let decrypt = BenchKey::recorded()?.one_decrypt()?;
    let mut text = format!(
        "{:<44} {:>10} {:>12} {:>14}\n",
        format!("cold start of ours, {objects} × {VALUES}"),
        "CPU",
        "trials",
        "to one key"
    );
    let mut alone = None;
    for (name, spread) in [
        ("one key", Spread::OneKey),
        ("60 keys, the oldest sealed everything", Spread::Oldest),
        ("60 keys, by time of writing", Spread::ByTime),
        ("60 keys, spread evenly", Spread::Evenly),
    ] {
        eprintln!("many keys: {name}");
        let (cpu, trials) = one(spread, objects).await?;
        let alone: Duration = *alone.get_or_insert(cpu);
        let expected = decrypt * u32::try_from(trials)?;
        writeln!(
            text,
            "{name:<44} {:>10} {trials:>12} {:>13.2}× {:>8.2}× (trials × one decrypt of {})",
            duration(cpu),
            cpu.as_secs_f64() / alone.as_secs_f64(),
            cpu.as_secs_f64() / expected.as_secs_f64(),
            duration(decrypt),
        )?;
    }
    Ok(text)
}

async fn one(spread: Spread, objects: usize) -> Result<(Duration, u64)> {
    let count = if matches!(spread, Spread::OneKey) {
        1
    } else {
        KEYS
    };
    let month = SignedDuration::from_hours(24 * 30);
    let mut keys = Vec::new();
    let mut born = now() - month * i32::try_from(count)?;
    for _ in 0..count {
        keys.push(BenchKey::generate(born)?);
        born += month;
    }
    let filled = if matches!(spread, Spread::ByTime) {
        written_over_time(keys, objects).await?
    } else {
        let mut filled = Filled::with_keys(&keys).await?;
        let oldest = &keys.first().context("there is a key")?.certificate;
        filled
            .add(objects, VALUES, |object, value| match spread {
                Spread::Evenly => keys
                    .get((object * VALUES + value) % count)
                    .map_or(oldest, |key| &key.certificate),
                _ => oldest,
            })
            .await?;
        filled
    };
    let (controller, cost) = filled.sync(Controller::ours()).await?;
    let trials = controller
        .metric(DECRYPTIONS)
        .await?
        .context("no private-key operations are counted")?;
    controller.stop().await?;
    Ok((cost.cpu, trials))
}

/// The API server says when an object was written, so the time has to pass: a key every three seconds instead of every
/// month.
async fn written_over_time(keys: Vec<BenchKey>, objects: usize) -> Result<Filled> {
    let mut filled = Filled::with_keys(&[]).await?;
    let share = objects.div_ceil(keys.len());
    let mut left = objects;
    for (number, key) in keys.into_iter().enumerate() {
        let key = key.renewed(now())?;
        filled.add_key(&key, number).await?;
        // Times in the API have whole seconds.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let now = share.min(left);
        filled.add(now, VALUES, |_, _| &key.certificate).await?;
        left -= now;
        tokio::time::sleep(Duration::from_millis(1100)).await;
    }
    Ok(filled)
}
