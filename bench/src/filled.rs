//! A cluster filled with SealedSecrets, and controllers that bring it into sync.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{ListParams, ObjectMeta, PostParams};
use kube::{Api, Client};
use sealed_api::{SealedSecret, SealedSecretSpec};
use sealed_crypto::{Certificate, Label};
use testkit::cluster::HOME;
use testkit::{Cluster, Controller, controller::Launch, eventually};

use crate::measure::{Cost, so_far};
use crate::sealing_keys::BenchKey;

const NAMESPACES: usize = 10;
const DEADLINE: Duration = Duration::from_mins(20);
/// A controller that has used next to no CPU for this long has nothing left to do.
const IDLE: Duration = Duration::from_secs(1);
/// What housekeeping may use in that time.
const NEXT_TO_NONE: Duration = Duration::from_millis(20);

/// A cluster with SealedSecrets.
pub(crate) struct Filled {
    cluster: Cluster,
    client: Client,
    objects: usize,
}

impl Filled {
    /// An empty cluster with these keys.
    pub(crate) async fn with_keys(keys: &[BenchKey]) -> Result<Self> {
        let cluster = Cluster::start().await?;
        let client = cluster.client().await?;
        let filled = Self {
            cluster,
            client,
            objects: 0,
        };
        for (number, key) in keys.iter().enumerate() {
            filled.add_key(key, number).await?;
        }
        let namespaces: Api<Namespace> = Api::all(filled.client.clone());
        for number in 0..NAMESPACES {
            let metadata = ObjectMeta {
                name: Some(namespace(number)),
                ..ObjectMeta::default()
            };
            let namespace = Namespace {
                metadata,
                ..Namespace::default()
            };
            namespaces
                .create(&PostParams::default(), &namespace)
                .await?;
        }
        Ok(filled)
    }

    /// One more key.
    pub(crate) async fn add_key(&self, key: &BenchKey, number: usize) -> Result<()> {
        Api::<Secret>::namespaced(self.client.clone(), HOME)
            .create(
                &PostParams::default(),
                &key.secret(&format!("bench-key-{number}"))?,
            )
            .await?;
        Ok(())
    }

    /// A client with all rights.
    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Adds SealedSecrets with so many values each, eight at a time. `sealed_for` gives the certificate of an object's
    /// value.
    pub(crate) async fn add<'a>(
        &mut self,
        objects: usize,
        values: usize,
        sealed_for: impl Fn(usize, usize) -> &'a Certificate,
    ) -> Result<()> {
        let first = self.objects;
        stream::iter(first..first + objects)
            .map(|number| {
                let object = sealed(number, values, |value| sealed_for(number, value));
                async {
                    let object = object?;
                    let namespace = object.metadata.namespace.clone().unwrap_or_default();
                    Api::<SealedSecret>::namespaced(self.client.clone(), &namespace)
                        .create(&PostParams::default(), &object)
                        .await?;
                    anyhow::Ok(())
                }
            })
            .buffer_unordered(8)
            .try_collect::<()>()
            .await?;
        self.objects += objects;
        Ok(())
    }

    /// Starts a controller and waits until every object was worked on and nothing happens any more. The cost's wall
    /// time ends with the last of its work.
    pub(crate) async fn sync(&self, launch: Launch) -> Result<(Controller, Cost)> {
        let start = Instant::now();
        let controller = launch
            .args(["--key-renew-period=0"])
            .start(&self.cluster)
            .await?;
        eventually("every object is accounted for", DEADLINE, async || {
            let seen = accounted_for(&controller.metrics().await?);
            ensure!(seen >= self.objects, "{seen} of {}", self.objects);
            Ok(())
        })
        .await?;
        let worked_until = idle(controller.pid()).await?;
        self.check().await?;
        let cost = Cost {
            wall: worked_until.saturating_duration_since(start),
            ..so_far(controller.pid())?
        };
        Ok((controller, cost))
    }

    /// Every status says `Synced`, every Secret is there.
    async fn check(&self) -> Result<()> {
        let listed: Api<SealedSecret> = Api::all(self.client.clone());
        let mut synced = 0;
        let mut page = ListParams::default().limit(500);
        loop {
            let list = listed.list(&page).await?;
            synced += list.items.iter().filter(|object| is_synced(object)).count();
            match list.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => page = page.continue_token(&token),
                None => break,
            }
        }
        ensure!(
            synced == self.objects,
            "{synced} of {} are Synced",
            self.objects
        );
        let mut written = 0;
        for number in 0..NAMESPACES {
            written += Api::<Secret>::namespaced(self.client.clone(), &namespace(number))
                .list_metadata(&ListParams::default())
                .await?
                .items
                .len();
        }
        ensure!(
            written >= self.objects,
            "{written} of {} Secrets",
            self.objects
        );
        Ok(())
    }
}

fn is_synced(object: &SealedSecret) -> bool {
    let conditions = object.status.iter().flat_map(|status| &status.conditions);
    conditions
        .into_iter()
        .next()
        .is_some_and(|condition| condition.type_ == "Synced" && condition.status == "True")
}

/// The namespace of an object.
pub(crate) fn namespace(number: usize) -> String {
    format!("bench-{}", number % NAMESPACES)
}

/// One SealedSecret for its own place.
pub(crate) fn sealed<'a>(
    number: usize,
    values: usize,
    sealed_for: impl Fn(usize) -> &'a Certificate,
) -> Result<SealedSecret> {
    let (namespace, name) = (namespace(number), format!("app-{number}"));
    let label = Label::strict(&namespace, &name)?;
    let mut encrypted_data = BTreeMap::new();
    for value in 0..values {
        let text = format!("correct-horse-{number}-{value}");
        let sealed = sealed_crypto::seal(sealed_for(value), &label, text.as_bytes())?;
        encrypted_data.insert(format!("key-{value}"), sealed.to_string());
    }
    Ok(SealedSecret {
        metadata: ObjectMeta {
            namespace: Some(namespace),
            name: Some(name),
            ..ObjectMeta::default()
        },
        spec: SealedSecretSpec {
            encrypted_data,
            ..SealedSecretSpec::default()
        },
        status: None,
    })
}

/// The objects whose condition the controller shows as True: both export it, once they are done with an object.
fn accounted_for(metrics: &str) -> usize {
    metrics
        .lines()
        .filter(|line| {
            line.starts_with("sealed_secrets_controller_condition_info{")
                && line.contains("condition=\"Synced\"")
                && line.ends_with(" 1")
        })
        .count()
}

/// Waits until the process rests and says when it last worked.
async fn idle(pid: u32) -> Result<Instant> {
    let mut used = so_far(pid)?.cpu;
    let mut worked_until = Instant::now();
    while worked_until.elapsed() < IDLE {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = so_far(pid)?.cpu;
        if now.saturating_sub(used) > NEXT_TO_NONE {
            used = now;
            worked_until = Instant::now();
        }
    }
    Ok(worked_until)
}
