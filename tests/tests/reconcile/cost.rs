//! What the controller asks of the API server, counted by the API server.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use kube::Client;
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

type Counts = BTreeMap<String, u64>;

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

/// Waits until exactly these requests were made since `before`, and no more come. Gives the counts then.
async fn exactly(client: &Client, before: &Counts, expected: &[(&str, u64)]) -> Result<Counts> {
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

/// A first pass costs four requests an object, a pass that changes nothing one.
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
        let before = counts(client).await?;
        let controller = launch().start(cluster).await?;
        let cold = [
            ("events  POST", each),
            ("sealedsecrets status PUT", each),
            ("secrets  GET", each),
            ("secrets  POST", each),
        ];
        let before = exactly(client, &before, &cold).await?;
        controller.stop().await?;

        let _again = launch().start(cluster).await?;
        exactly(client, &before, &[("secrets  GET", each)]).await?;
        Ok(())
    })
    .await
}
