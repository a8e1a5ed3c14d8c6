//! What the controller asks of the API server, counted by the API server.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::ListParams;
use kube::{Api, Client};
use testkit::{eventually, throughout};

use super::kit::{A_WHILE, SOON, ours, with_world};

const OBJECTS: u32 = 30;

/// The requests that passes make, and nobody else here.
const KINDS: [(&str, &str, &str); 7] = [
    ("secrets", "", "GET"),
    ("secrets", "", "POST"),
    ("secrets", "", "PUT"),
    ("sealedsecrets", "", "GET"),
    ("sealedsecrets", "status", "PUT"),
    ("events", "", "POST"),
    ("events", "", "PATCH"),
];

pub(crate) type Counts = BTreeMap<String, u64>;

/// How many requests of each kind the API server has answered, whatever the answer.
async fn counts(client: &Client) -> Result<Counts> {
    let request = http::Request::get("/metrics").body(Vec::new())?;
    let metrics = client.request_text(request).await?;
    let mut counts = Counts::new();
    for (resource, subresource, verb) in KINDS {
        let name = [resource, subresource, verb].join(" ");
        let labels = [
            format!("resource=\"{resource}\""),
            format!("subresource=\"{subresource}\""),
            format!("verb=\"{verb}\""),
        ];
        let mut count = 0;
        let lines = metrics
            .lines()
            .filter(|line| line.starts_with("apiserver_request_total{"));
        for line in lines.filter(|line| labels.iter().all(|label| line.contains(label))) {
            let (_, value) = line.rsplit_once(' ').context("a sample has a value")?;
            count += value.parse::<u64>()?;
        }
        counts.insert(name, count);
    }
    Ok(counts)
}

/// The counts once nobody asks for anything: the garbage collector looks at each Secret of the namespaces that earlier
/// tests have left.
pub(crate) async fn calm(client: &Client) -> Result<Counts> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let patience = 4 * SOON;
    eventually("the API server has nothing to do", patience, async || {
        let all = namespaces.list_metadata(&ListParams::default()).await?;
        let ending = all
            .iter()
            .any(|namespace| namespace.metadata.deletion_timestamp.is_some());
        ensure!(!ending, "a namespace is ending");
        let before = counts(client).await?;
        throughout("there are no requests", 2 * A_WHILE, async || {
            ensure!(counts(client).await? == before, "there are");
            Ok(())
        })
        .await?;
        Ok(before)
    })
    .await
}

/// Waits until exactly these requests were made since `before`, and no more come. Gives the counts then.
pub(crate) async fn exactly(
    client: &Client,
    before: &Counts,
    expected: &[(&str, u64)],
) -> Result<Counts> {
    let look = async || {
        let now = counts(client).await?;
        let made: Vec<(&str, u64)> = now
            .iter()
            .map(|(name, count)| (name.as_str(), count - before[name]))
            .filter(|(_, count)| *count > 0)
            .collect();
        ensure!(
            made == expected,
            "{made:?} requests were made, not {expected:?}"
        );
        Ok(now)
    };
    let counts = eventually("the requests are made", SOON, look).await?;
    throughout("no more requests are made", A_WHILE, async || {
        look().await.map(drop)
    })
    .await?;
    Ok(counts)
}

/// A first pass costs four requests an object, and with its record a restart none ([`super::warm`]). Without records each
/// start looks once at every object's Secret.
#[tokio::test]
async fn passes_ask_no_more_than_they_must() -> Result<()> {
    with_world(async |cluster, world| {
        let client = &world.client;
        for number in 0..OBJECTS {
            let mut sealed = world.sealed(&format!("app-{number}"), [("foo", "bar")])?;
            // Nothing that other tests have left is worked on.
            sealed.metadata.labels = Some([("cost".to_owned(), "yes".to_owned())].into());
            world.create(&sealed).await?;
        }
        let launch = || ours().args(["--label-selector=cost=yes"]);

        let each = u64::from(OBJECTS);
        let before = calm(client).await?;
        let controller = launch().start(cluster).await?;
        let cold = [
            ("events  POST", each),
            ("sealedsecrets status PUT", each),
            ("secrets  GET", each),
            ("secrets  POST", each),
        ];
        let before = exactly(client, &before, &cold).await?;
        controller.stop().await?;

        let again = launch().start(cluster).await?;
        let before = exactly(client, &before, &[]).await?;
        again.stop().await?;

        let _cold = launch()
            .args(["--update-status=false"])
            .start(cluster)
            .await?;
        exactly(client, &before, &[("secrets  GET", each)]).await?;
        Ok(())
    })
    .await
}
