//! The HTTP API under load: what a verification costs, and what a flood of them does to everybody's Secrets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use http::{Method, StatusCode};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::PostParams;
use sealed_api::SealedSecret;
use sealed_crypto::Certificate;
use testkit::components::Upstream;
use testkit::{Controller, controller::Launch, eventually, http as web};
use tokio::task::JoinSet;

use crate::filled::{Filled, sealed};
use crate::measure::{run, so_far};
use crate::sealing::VALUES;
use crate::sealing_keys::{BenchKey, RECORDED};
use crate::table::duration;

/// Clients that ask at the same time.
const CLIENTS: usize = 8;
const LOAD: Duration = Duration::from_secs(10);
/// Fresh objects whose way to a Secret is timed.
const FRESH: usize = 100;

/// Verifications per second of CPU on both sides, all limits off.
pub(crate) async fn verify(upstream: &Upstream) -> Result<String> {
    let off = ["--rate-limit=1000000", "--rate-limit-burst=1000000"];
    eprintln!("verify: ours");
    let ours = verifications(Controller::ours().args(off)).await?;
    eprintln!("verify: upstream");
    let theirs = verifications(Controller::upstream().args(off)).await?;
    let our_decrypt = BenchKey::recorded()?.one_decrypt()?;
    let their_decrypt = decrypt_of_kubeseal(upstream)?;
    let speed = their_decrypt.as_secs_f64() / our_decrypt.as_secs_f64();
    Ok(format!(
        "verifications of {VALUES} values a second of CPU: ours {ours:.1}, upstream {theirs:.1}, {:.2}×\n\
         one decrypt: ours {}, Go's {}, {speed:.2}×; 0.9 × that: {:.2}×\n",
        ours / theirs,
        duration(our_decrypt),
        duration(their_decrypt),
        0.9 * speed,
    ))
}

async fn verifications(launch: Launch) -> Result<f64> {
    let key = BenchKey::recorded()?;
    let filled = Filled::with_keys(&[key]).await?;
    let (controller, _) = filled.sync(launch).await?;
    let body = manifest(&BenchKey::recorded()?.certificate, VALUES)?;
    let before = so_far(controller.pid())?.cpu;
    let flood = Flood::start(controller.port(), &["/v1/verify"], &body);
    tokio::time::sleep(LOAD).await;
    let answers = flood.stop().await?;
    let cpu = so_far(controller.pid())?.cpu.saturating_sub(before);
    controller.stop().await?;
    ensure!(answers.refused == 0, "{} were refused", answers.refused);
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let answered = answers.good as f64;
    Ok(answered / cpu.as_secs_f64())
}

/// How long a fresh object waits for its Secret while verify and rotate are flooded, with the limits as they are.
pub(crate) async fn latency() -> Result<String> {
    let key = BenchKey::recorded()?;
    let filled = Filled::with_keys(std::slice::from_ref(&key)).await?;
    let (controller, _) = filled.sync(Controller::ours()).await?;
    let quiet = fresh_objects(&filled, 0).await?;
    let body = manifest(&key.certificate, VALUES)?;
    let flood = Flood::start(controller.port(), &["/v1/verify", "/v1/rotate"], &body);
    let flooded = fresh_objects(&filled, FRESH).await?;
    let answers = flood.stop().await?;
    controller.stop().await?;
    Ok(format!(
        "from a fresh object to its Secret, {FRESH} objects: p50 {}, p99 {}; while flooded: p50 {}, p99 {} \
         ({} answered, {} refused)\n",
        duration(percentile(&quiet, 50)),
        duration(percentile(&quiet, 99)),
        duration(percentile(&flooded, 50)),
        duration(percentile(&flooded, 99)),
        answers.good,
        answers.refused,
    ))
}

async fn fresh_objects(filled: &Filled, first: usize) -> Result<Vec<Duration>> {
    let key = BenchKey::recorded()?;
    let mut waits = Vec::new();
    for number in first..first + FRESH {
        let object = sealed(number, VALUES, |_| &key.certificate)?;
        let namespace = object.metadata.namespace.clone().unwrap_or_default();
        let name = object.metadata.name.clone().unwrap_or_default();
        let secrets: Api<Secret> = Api::namespaced(filled.client(), &namespace);
        let start = Instant::now();
        Api::<SealedSecret>::namespaced(filled.client(), &namespace)
            .create(&PostParams::default(), &object)
            .await?;
        eventually("the Secret is there", Duration::from_mins(1), async || {
            secrets
                .get_metadata_opt(&name)
                .await?
                .context("not yet")
                .map(drop)
        })
        .await?;
        waits.push(start.elapsed());
    }
    waits.sort_unstable();
    Ok(waits)
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or_default()
}

/// A SealedSecret as JSON.
fn manifest(certificate: &Certificate, values: usize) -> Result<String> {
    Ok(serde_json::to_string(&sealed(0, values, |_| certificate)?)?)
}

/// Clients that ask without pause.
struct Flood {
    clients: JoinSet<Result<()>>,
    stop: Arc<AtomicBool>,
    good: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
}

/// What came back.
struct Answers {
    good: u64,
    refused: u64,
}

impl Flood {
    fn start(port: u16, paths: &[&'static str], body: &str) -> Self {
        let flood = Self {
            clients: JoinSet::new(),
            stop: Arc::default(),
            good: Arc::default(),
            refused: Arc::default(),
        };
        let mut clients = JoinSet::new();
        for path in paths.iter().copied().cycle().take(CLIENTS) {
            let (stop, good, refused) = (
                Arc::clone(&flood.stop),
                Arc::clone(&flood.good),
                Arc::clone(&flood.refused),
            );
            let body = body.to_owned();
            clients.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let answer = web::request(Method::POST, port, path, body.clone()).await?;
                    let count = match answer.status {
                        StatusCode::OK => &good,
                        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => &refused,
                        other => anyhow::bail!("{path} answers {other}"),
                    };
                    count.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            });
        }
        Self { clients, ..flood }
    }

    async fn stop(mut self) -> Result<Answers> {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.clients.join_next().await {
            ended??;
        }
        Ok(Answers {
            good: self.good.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        })
    }
}

/// What one decrypt costs kubeseal: the difference between opening many values and opening one.
fn decrypt_of_kubeseal(upstream: &Upstream) -> Result<Duration> {
    const MANY: usize = 201;
    let directory = tempfile::tempdir().context("cannot make a temporary directory")?;
    let key = RECORDED.private_key_path();
    let key = key.to_str().context("the key's path is not UTF-8")?;
    let certificate = BenchKey::recorded()?.certificate;
    let mut costs = Vec::new();
    for values in [1, MANY] {
        let input = directory.path().join(format!("{values}.json"));
        std::fs::write(&input, manifest(&certificate, values)?)?;
        let arguments = ["--recovery-unseal", "--recovery-private-key", key];
        costs.push(run(&upstream.kubeseal, &arguments, &input)?.cpu);
    }
    let [one, many] = costs[..] else {
        anyhow::bail!("two runs")
    };
    Ok(many.saturating_sub(one) / u32::try_from(MANY - 1)?)
}
