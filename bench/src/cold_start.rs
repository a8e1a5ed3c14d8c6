//! The controller's cold start: a cluster full of SealedSecrets, no Secret yet, one key, no client-side rate limit.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{ListParams, ObjectMeta, PostParams};
use kube::{Api, Client};
use testkit::cluster::HOME;
use testkit::fixtures::KeyPair;
use testkit::{Cluster, Controller, controller::Launch, eventually};

use sealed_api::SealedSecret;
use sealed_crypto::{KeyOrder, Keyring, Label, PrivateKey, Scope, SealedValue, SealingKey};

use crate::measure::{Cost, so_far, thread_cpu};
use crate::sealing::VALUES;
use crate::table::Row;

/// The sealing key of the scenario: the size that both controllers make.
pub(crate) const KEY: KeyPair = KeyPair("rsa4096-a");
const NAMESPACES: usize = 10;
const DEADLINE: Duration = Duration::from_mins(10);

/// Measures both controllers, each run on a cluster of its own, turn by turn.
pub(crate) async fn scenario(objects: usize, rounds: usize) -> Result<Row> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        eprintln!("cold start, round {round} of {rounds}: ours");
        ours.push(one(Controller::ours(), objects).await?);
        eprintln!("cold start, round {round} of {rounds}: upstream");
        theirs.push(
            one(
                Controller::upstream().args(["--kubeclient-qps=-1"]),
                objects,
            )
            .await?,
        );
    }
    Ok(Row {
        scenario: "cold start, SealedSecrets × 3",
        ours: Cost::median(&ours),
        upstream: Cost::median(&theirs),
    })
}

async fn one(launch: Launch, objects: usize) -> Result<Cost> {
    let cluster = Cluster::start().await?;
    let client = cluster.client().await?;
    let key = KEY.key_secret(HOME, "bench-key")?;
    Api::<Secret>::namespaced(client.clone(), HOME)
        .create(&PostParams::default(), &key)
        .await?;
    fill(&client, objects).await?;

    let start = Instant::now();
    let controller = launch
        .args(["--key-renew-period=0"])
        .start(&cluster)
        .await?;
    eventually("every object was worked on", DEADLINE, async || {
        let done = requests(&controller.metrics().await?)?;
        ensure!(done >= objects, "{done} of {objects}");
        Ok(())
    })
    .await?;
    eventually(
        "every Secret and every status is written",
        DEADLINE,
        async || settled(&client, objects).await,
    )
    .await?;
    let wall = start.elapsed();
    let cost = Cost {
        wall,
        ..so_far(controller.pid())?
    };
    controller.stop().await?;
    Ok(cost)
}

/// Creates the SealedSecrets, eight at a time.
async fn fill(client: &Client, objects: usize) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    for number in 0..NAMESPACES {
        let metadata = ObjectMeta {
            name: Some(namespace(number)),
            ..ObjectMeta::default()
        };
        namespaces
            .create(
                &PostParams::default(),
                &Namespace {
                    metadata,
                    ..Namespace::default()
                },
            )
            .await?;
    }
    stream::iter(0..objects)
        .map(async |number| -> Result<()> {
            let namespace = namespace(number % NAMESPACES);
            let name = format!("app-{number}");
            let values = (0..VALUES).map(|value| {
                (
                    format!("key-{value}"),
                    format!("correct-horse-{number}-{value}"),
                )
            });
            let object = KEY.sealed_secret(Scope::Strict, &namespace, &name, values)?;
            Api::<SealedSecret>::namespaced(client.clone(), &namespace)
                .create(&PostParams::default(), &object)
                .await?;
            Ok(())
        })
        .buffer_unordered(8)
        .try_collect()
        .await
}

fn namespace(number: usize) -> String {
    format!("bench-{number}")
}

/// Passes counted by the controller itself: the one figure that both export, and cheap to read.
fn requests(metrics: &str) -> Result<usize> {
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("sealed_secrets_controller_unseal_requests_total "));
    Ok(line.context("no unseal_requests_total")?.trim().parse()?)
}

async fn settled(client: &Client, objects: usize) -> Result<()> {
    let listed: Api<SealedSecret> = Api::all(client.clone());
    let mut synced = 0;
    for object in listed.list(&ListParams::default()).await?.items {
        let conditions = object
            .status
            .map(|status| status.conditions)
            .unwrap_or_default();
        synced +=
            usize::from(conditions.first().is_some_and(|condition| {
                condition.type_ == "Synced" && condition.status == "True"
            }));
    }
    ensure!(synced == objects, "{synced} of {objects} are Synced");
    let mut written = 0;
    for number in 0..NAMESPACES {
        written += Api::<Secret>::namespaced(client.clone(), &namespace(number))
            .list_metadata(&ListParams::default())
            .await?
            .items
            .len();
    }
    ensure!(written >= objects, "{written} of {objects} Secrets");
    Ok(())
}

/// What opening one value costs on this machine: the floor below which no controller can go.
pub(crate) fn one_decrypt() -> Result<Duration> {
    const TIMES: u32 = 100;
    let key = PrivateKey::from_pem(KEY.private_key()?.as_bytes())?;
    let certificate = sealed_crypto::Certificate::from_pem(KEY.certificate()?.as_bytes())?;
    let label = Label::strict("bench", "value")?;
    let value: SealedValue =
        sealed_crypto::seal(&certificate, &label, b"correct-horse-battery-staple")?;
    let key = SealingKey::new(key, Some(certificate), jiff::Timestamp::UNIX_EPOCH);
    let keyring = Keyring::new([std::sync::Arc::new(key)]);
    let start = thread_cpu()?;
    for _ in 0..TIMES {
        keyring.unseal(&label, &value, &KeyOrder::default())?;
    }
    Ok(thread_cpu()?.saturating_sub(start) / TIMES)
}
