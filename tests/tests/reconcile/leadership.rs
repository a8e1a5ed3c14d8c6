//! Several replicas: one leads, every one answers, and nothing is lost or done twice when the leader goes.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Event;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::Api;
use kube::api::{ListParams, PostParams};
use sealed_manifest::Documents;
use serde_json::Value;
use testkit::cluster::{DEFINITION, ELECTION_RIGHTS, HOME, Options, RIGHTS, manifest};
use testkit::fixtures::KEY;
use testkit::{Cluster, Controller, eventually, throughout};

use super::home::{ACCOUNT, Home, with_home};
use super::kit::{A_WHILE, SOON, World, contents, ours, with_own_cluster};

const LEASE: &str = "sealed-secrets-controller";

/// A lease lasts ten seconds, and is looked at every two to three; the rest is for a busy machine.
const TAKEOVER: Duration = Duration::from_secs(18);

/// A lease that is given back is found at the next look.
const HANDOVER: Duration = Duration::from_secs(8);

/// Grants what is shipped for the election, to the account of this home.
async fn grant(home: &Home) -> Result<()> {
    let namespace = &home.world.namespace;
    let text = std::fs::read(manifest(ELECTION_RIGHTS))?;
    for document in Documents::new(text.as_slice(), ELECTION_RIGHTS) {
        let mut object: Value = document?.into_value();
        object["metadata"]["namespace"] = namespace.as_str().into();
        let client = home.world.client.clone();
        let parameters = PostParams::default();
        if object["kind"] == "Role" {
            let role: Role = serde_json::from_value(object)?;
            Api::namespaced(client, namespace)
                .create(&parameters, &role)
                .await?;
        } else {
            object["subjects"][0]["namespace"] = namespace.as_str().into();
            object["subjects"][0]["name"] = ACCOUNT.into();
            let binding: RoleBinding = serde_json::from_value(object)?;
            Api::namespaced(client, namespace)
                .create(&parameters, &binding)
                .await?;
        }
    }
    Ok(())
}

/// Whether the controller says that it leads.
async fn leads(controller: &Controller) -> Result<bool> {
    let leader = controller
        .metric("sealed_secrets_controller_leader")
        .await?;
    Ok(leader.context("no such metric")? == 1)
}

async fn comes_to_lead(controller: &Controller, within: Duration) -> Result<()> {
    eventually("it leads", within, async || {
        ensure!(leads(controller).await?, "it follows");
        Ok(())
    })
    .await
}

/// Two replicas that are ready, the leader first.
async fn pair(cluster: &Cluster, home: &Home) -> Result<(Controller, Controller)> {
    let leader = home.controller().start(cluster).await?;
    comes_to_lead(&leader, SOON).await?;
    let follower = home.controller().start(cluster).await?;
    ensure!(!leads(&follower).await?, "both lead");
    Ok((leader, follower))
}

/// How long the Secret of a new object takes.
async fn reconciled(world: &World, name: &str, within: Duration) -> Result<()> {
    eventually(&format!("there is a Secret {name}"), within, async || {
        let secret = world.secrets.get(name).await?;
        ensure!(contents(&secret)["foo"] == "bar");
        Ok(())
    })
    .await
}

#[expect(
    clippy::print_stdout,
    reason = "a measurement, for whoever runs the test"
)]
fn say(what: &str, since: Instant) {
    println!("{what}: {:.1} s", since.elapsed().as_secs_f64());
}

#[tokio::test]
async fn replicas_that_start_together_have_one_key_and_one_leader() -> Result<()> {
    with_home(async |cluster, home| {
        grant(home).await?;
        let replicas = [
            home.controller().spawn(cluster).await?,
            home.controller().spawn(cluster).await?,
        ];
        let mut offered = Vec::new();
        for replica in &replicas {
            // Readiness does not depend on leadership.
            eventually("it is ready", SOON, async || {
                let ready = testkit::http::get(replica.port(), "/readyz").await?;
                ensure!(ready.status.is_success(), "{}", ready.body);
                Ok(())
            })
            .await?;
            offered.push(replica.certificate().await?);
        }
        assert_eq!(offered[0], offered[1]);
        assert_eq!(home.keys().await?.len(), 1);
        throughout("exactly one leads", A_WHILE, async || {
            let (first, second) = (leads(&replicas[0]).await?, leads(&replicas[1]).await?);
            ensure!(first != second, "{first}, {second}");
            Ok(())
        })
        .await?;

        let world = &home.world;
        let leases: Api<Lease> = Api::namespaced(world.client.clone(), &world.namespace);
        let spec = leases.get(LEASE).await?.spec.context("an empty lease")?;
        let holder = spec.holder_identity.context("nobody holds it")?;
        assert_eq!(spec.lease_duration_seconds, Some(10));
        let events: Api<Event> = Api::namespaced(world.client.clone(), &world.namespace);
        eventually("an event tells who leads", SOON, async || {
            let about = ListParams::default().fields("involvedObject.kind=Lease");
            let found = events.list(&about).await?.items;
            let event = found.first().context("no event")?;
            assert_eq!(event.reason.as_deref(), Some("LeaderElection"));
            let message = event.message.clone().unwrap_or_default();
            ensure!(message == format!("{holder} became leader"), "{message}");
            Ok(())
        })
        .await
    })
    .await
}

#[tokio::test]
async fn a_killed_leader_is_replaced_when_its_lease_has_run_out() -> Result<()> {
    with_home(async |cluster, home| {
        grant(home).await?;
        let world = &home.world;
        home.add(KEY, "key").await?;
        let (leader, follower) = pair(cluster, home).await?;
        world
            .create(&world.sealed("before", [("foo", "bar")])?)
            .await?;
        world.synced("before").await?;
        let before = world.secret("before").await?;

        drop(leader);
        let killed = Instant::now();
        world
            .create(&world.sealed("after", [("foo", "bar")])?)
            .await?;
        reconciled(world, "after", TAKEOVER).await?;
        say(
            "from SIGKILL of the leader to a new object's Secret",
            killed,
        );
        ensure!(leads(&follower).await?);
        assert_eq!(world.secret("before").await?, before, "nothing to do");
        Ok(())
    })
    .await
}

/// The commonest death: out of memory, a failed probe. A pod's uid says that the holder of the lease was in it before.
#[tokio::test]
async fn a_container_started_again_leads_at_once() -> Result<()> {
    with_home(async |cluster, home| {
        grant(home).await?;
        let world = &home.world;
        home.add(KEY, "key").await?;
        let pod = |uid: &str| {
            home.controller()
                .env("POD_NAME", "controller")
                .env("POD_UID", uid)
        };
        let leader = pod("one").start(cluster).await?;
        comes_to_lead(&leader, SOON).await?;
        drop(leader);

        let namesake = pod("two").start(cluster).await?;
        ensure!(!leads(&namesake).await?, "the lease was not its own");
        let again = Instant::now();
        let restarted = pod("one").start(cluster).await?;
        world
            .create(&world.sealed("after", [("foo", "bar")])?)
            .await?;
        reconciled(world, "after", HANDOVER).await?;
        say("from the new start to a new object's Secret", again);
        ensure!(leads(&restarted).await? && !leads(&namesake).await?);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_leader_that_is_told_to_stop_hands_over() -> Result<()> {
    with_home(async |cluster, home| {
        grant(home).await?;
        let world = &home.world;
        home.add(KEY, "key").await?;
        let (leader, follower) = pair(cluster, home).await?;
        let told = Instant::now();
        let ended = leader.stop().await?;
        say("from SIGTERM to the end of the leader", told);
        ensure!(ended.success(), "{ended}");
        world
            .create(&world.sealed("after", [("foo", "bar")])?)
            .await?;
        reconciled(world, "after", HANDOVER).await?;
        say("from SIGTERM of the leader to a new object's Secret", told);
        comes_to_lead(&follower, A_WHILE).await
    })
    .await
}

/// A lease does not stop a process that does not know what time it is: its writes must do no harm.
#[tokio::test]
async fn a_leader_that_was_paused_changes_nothing() -> Result<()> {
    with_home(async |cluster, home| {
        grant(home).await?;
        let world = &home.world;
        home.add(KEY, "key").await?;
        let (paused, follower) = pair(cluster, home).await?;
        for name in ["changed", "deleted", "settled"] {
            world.create(&world.sealed(name, [("foo", "bar")])?).await?;
            world.synced(name).await?;
        }

        paused.freeze()?;
        // All this waits in the connections of the paused one.
        world
            .respecify(&world.sealed("changed", [("foo", "new")])?)
            .await?;
        world.delete_secret("deleted").await?;
        world
            .create(&world.sealed("made", [("foo", "bar")])?)
            .await?;
        comes_to_lead(&follower, TAKEOVER).await?;
        world.secret_with("changed", [("foo", "new")]).await?;
        let mut settled = Vec::new();
        for name in ["changed", "deleted", "made", "settled"] {
            reconciled_or_changed(world, name).await?;
            settled.push((world.synced(name).await?, world.secret(name).await?));
        }

        paused.thaw()?;
        eventually("the one that was paused steps down", SOON, async || {
            ensure!(!leads(&paused).await?, "it leads");
            Ok(())
        })
        .await?;
        throughout("nothing changes", A_WHILE * 3, async || {
            for (object, secret) in &settled {
                let name = secret.metadata.name.as_deref().unwrap_or_default();
                ensure!(world.secrets.get(name).await? == *secret, "Secret {name}");
                ensure!(world.objects.get(name).await? == *object, "{name}");
            }
            ensure!(home.keys().await?.len() == 1);
            Ok(())
        })
        .await?;
        ensure!(leads(&follower).await? && !leads(&paused).await?);
        ensure!(paused.log().contains("lost the lease"), "{}", paused.log());
        Ok(())
    })
    .await
}

async fn reconciled_or_changed(world: &World, name: &str) -> Result<()> {
    eventually(&format!("there is a Secret {name}"), SOON, async || {
        world.secrets.get(name).await?;
        Ok(())
    })
    .await
}

/// The rights of an installed v0.40 hold nothing about leases.
#[tokio::test]
async fn without_the_right_every_replica_works_and_says_so_once() -> Result<()> {
    with_home(async |cluster, home| {
        let world = &home.world;
        home.add(KEY, "key").await?;
        let first = home.controller().start(cluster).await?;
        let second = home.controller().start(cluster).await?;
        world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        world.synced("app").await?;
        for replica in [&first, &second] {
            ensure!(leads(replica).await?);
            let log = replica.log();
            let told = log
                .lines()
                .filter(|line| line.contains("leases are not granted"))
                .count();
            assert_eq!(told, 1, "{log}");
        }

        // They agree as soon as they may.
        grant(home).await?;
        eventually("one of them follows", Duration::from_secs(50), async || {
            let both = leads(&first).await? && leads(&second).await?;
            ensure!(!both, "both lead");
            Ok(())
        })
        .await?;
        ensure!(leads(&first).await? || leads(&second).await?);
        world
            .create(&world.sealed("more", [("foo", "bar")])?)
            .await?;
        reconciled(world, "more", SOON).await
    })
    .await
}

#[tokio::test]
async fn a_key_that_is_due_is_renewed_once() -> Result<()> {
    with_home(async |cluster, home| {
        grant(home).await?;
        // The recorded certificate is years old: the renewal is due at once.
        home.add(KEY, "old").await?;
        let replica = || home.controller().args(["--key-renew-period=1h"]);
        let first = replica().spawn(cluster).await?;
        let second = replica().spawn(cluster).await?;
        for replica in [&first, &second] {
            eventually("the new certificate is offered", SOON, async || {
                ensure!(replica.certificate().await? != KEY.certificate()?);
                Ok(())
            })
            .await?;
        }
        throughout("there is one new key", A_WHILE * 3, async || {
            let keys = home.keys().await?.len();
            ensure!(keys == 2, "{keys} keys");
            Ok(())
        })
        .await?;
        assert_eq!(first.certificate().await?, second.certificate().await?);
        Ok(())
    })
    .await
}

/// A leader that cannot renew stops, is healthy nevertheless, and goes on when it can.
#[tokio::test]
async fn an_outage_ends_a_term_and_not_the_process() -> Result<()> {
    let options = Options {
        manifests: [DEFINITION, RIGHTS, ELECTION_RIGHTS].map(manifest).into(),
        ..Options::default()
    };
    with_own_cluster(options, async |cluster, world| {
        let controller = ours().start(cluster).await?;
        world
            .create(&world.sealed("before", [("foo", "bar")])?)
            .await?;
        world.synced("before").await?;
        ensure!(leads(&controller).await?);

        cluster.freeze_api_server()?;
        let frozen = Instant::now();
        eventually("the term ends", SOON, async || {
            ensure!(!leads(&controller).await?, "it leads");
            Ok(())
        })
        .await?;
        say("from the outage to the end of the term", frozen);
        for path in ["/healthz", "/readyz", "/v1/cert.pem"] {
            let answer = testkit::http::get(controller.port(), path).await?;
            ensure!(answer.status.is_success(), "{path}: {}", answer.body);
        }
        cluster.thaw_api_server()?;
        let thawed = Instant::now();
        world
            .create(&world.sealed("after", [("foo", "bar")])?)
            .await?;
        reconciled(world, "after", TAKEOVER).await?;
        say(
            "from the end of the outage to a new object's Secret",
            thawed,
        );
        ensure!(leads(&controller).await?);
        let leases: Api<Lease> = Api::namespaced(world.client.clone(), HOME);
        let ended = controller.stop().await?;
        ensure!(ended.success(), "{ended}");
        let holder = leases.get(LEASE).await?.spec.unwrap_or_default();
        assert_eq!(holder.holder_identity.as_deref(), Some(""), "given back");
        Ok(())
    })
    .await
}
