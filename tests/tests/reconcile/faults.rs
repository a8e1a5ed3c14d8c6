//! Faults that no object may be lost by. Those of the API server as a whole are in `outages`, those of keys in `keys`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule};
use kube::api::{GetParams, Patch, PatchParams, PostParams, Request};
use kube::{Api, Client};
use sealed_crypto::Scope;
use serde_json::{Value, json};
use testkit::cluster::Options;
use testkit::fixtures::OTHER_KEY;
use testkit::{announce, eventually};

use super::kit::{SOON, World, condition, contents, ours, template, with_ours, with_own_cluster};

/// After an outage the watches come back with a pause of up to half a minute.
const RECOVERY: Duration = Duration::from_mins(2);

/// The history of the database is gone when the watches come back: each is told 410 and begins anew with a list. What
/// was deleted meanwhile is nowhere in the list, so that only its absence tells.
#[tokio::test]
async fn a_compacted_history_loses_nothing() -> Result<()> {
    // Watches that are lists and watches in one would hide it.
    let options = Options {
        api_server_flags: vec!["--feature-gates=WatchList=false".to_owned()],
        ..Options::default()
    };
    with_own_cluster(options, async |cluster, world| {
        let controller = ours().start(cluster).await?;
        for name in ["kept", "changed", "deleted", "emptied"] {
            world.create(&world.sealed(name, [("foo", "bar")])?).await?;
            world.synced(name).await?;
        }
        let kept = world.secret("kept").await?;

        controller.freeze()?;
        world
            .respecify(&world.sealed("changed", [("foo", "changed")])?)
            .await?;
        world.delete("deleted").await?;
        world.vanishes("deleted").await?;
        world.delete_secret("emptied").await?;
        world
            .create(&world.sealed("new", [("foo", "bar")])?)
            .await?;
        cluster.compact().await?;
        // The connections of the watches end with it, and its memory of the latest events too.
        cluster.kill_api_server()?;
        cluster.start_api_server().await?;
        controller.thaw()?;

        for (name, value) in [("changed", "changed"), ("new", "bar"), ("emptied", "bar")] {
            eventually(&format!("{name} is in sync"), RECOVERY, async || {
                let secret = world.secrets.get(name).await?;
                ensure!(contents(&secret)["foo"] == value);
                Ok(())
            })
            .await?;
        }
        assert_eq!(world.secret("kept").await?, kept, "nobody had to touch it");
        world.stays_absent("deleted").await?;
        controller.stop().await?;
        Ok(())
    })
    .await
}

/// Others write to the same statuses all the time: each of ours is stored in the end, and theirs are kept.
#[tokio::test]
async fn a_storm_of_status_conflicts_ends_in_true_statuses() -> Result<()> {
    const OBJECTS: usize = 20;
    with_ours(&[], async |world, _| {
        let stop = Arc::new(AtomicBool::new(false));
        let storm = tokio::spawn(disturb(world.objects.clone(), OBJECTS, Arc::clone(&stop)));
        for number in 0..OBJECTS {
            let sealed = world.sealed(&format!("app-{number}"), [("foo", "bar")])?;
            world.create(&sealed).await?;
        }
        let mut result = Ok(());
        for number in 0..OBJECTS {
            let synced = world.synced(&format!("app-{number}")).await;
            result = result.and_then(|()| synced.map(drop));
        }
        stop.store(true, Ordering::Relaxed);
        let disturbed = storm.await?;
        result?;
        ensure!(disturbed > 0, "there was no storm");
        for number in 0..OBJECTS {
            let object = world.synced(&format!("app-{number}")).await?;
            assert_eq!(
                object.data["status"]["conditions"][0]["type"], "Synced",
                "ours stands first"
            );
        }
        Ok(())
    })
    .await
}

/// Writes a condition of its own into the statuses, turn by turn, and counts.
async fn disturb(
    objects: Api<kube::api::DynamicObject>,
    count: usize,
    stop: Arc<AtomicBool>,
) -> usize {
    let mut written = 0;
    for turn in (0..).take_while(|_| !stop.load(Ordering::Relaxed)) {
        let name = format!("app-{}", turn % count);
        let Ok(Some(mut object)) = objects.get_opt(&name).await else {
            continue;
        };
        let others = object.data["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let disturbance =
            json!({ "type": "Disturbed", "status": "True", "reason": format!("Turn{turn}") });
        let conditions: Vec<Value> = others
            .into_iter()
            .filter(|condition| condition["type"] != "Disturbed")
            .chain([disturbance])
            .collect();
        object.data["status"]["conditions"] = conditions.into();
        let stored = objects
            .replace_status(&name, &PostParams::default(), &object)
            .await;
        written += usize::from(stored.is_ok());
    }
    written
}

/// One right after the other is taken away and given back, while the rest stays.
#[tokio::test]
async fn single_rights_may_come_and_go() -> Result<()> {
    let options = Options::default();
    with_own_cluster(options, async |cluster, world| {
        let client = world.client.clone();
        let controller = ours().start(cluster).await?;
        for (number, (resource, verb)) in [
            ("secrets", "watch"),
            ("secrets", "create"),
            ("secrets", "get"),
            ("sealedsecrets/status", "update"),
            ("events", "create"),
            ("sealedsecrets", "watch"),
        ]
        .into_iter()
        .enumerate()
        {
            let name = format!("app-{number}");
            let rights = without(&client, resource, verb).await?;
            if verb == "watch" {
                // The right is asked for when a watch begins: those that run end with the API server.
                cluster.kill_api_server()?;
                cluster.start_api_server().await?;
                eventually("the watch is refused", RECOVERY, async || {
                    let log = controller.log();
                    let refused = log.lines().any(|line| {
                        line.contains(&format!("cannot watch {}", watched(resource)))
                            && line.contains("forbidden")
                    });
                    ensure!(refused, "{log}");
                    Ok(())
                })
                .await?;
            }
            world
                .create(&world.sealed(&name, [("foo", "bar")])?)
                .await?;
            // The rest goes on: what does not need the right is done at once.
            if matches!(resource, "events" | "sealedsecrets/status")
                || verb == "watch" && resource == "secrets"
            {
                comes(world, &name).await?;
            }
            let answer = testkit::http::get(controller.port(), "/healthz").await?;
            ensure!(
                answer.status.is_success(),
                "without {verb} {resource}: {}",
                answer.body
            );
            give_back(&client, rights).await?;
            eventually(
                &format!("{name} is in sync after {verb} {resource} came back"),
                RECOVERY,
                async || {
                    let object = world.objects.get(&name).await?;
                    ensure!(condition(&object, "Synced")?["status"] == "True");
                    ensure!(contents(&world.secrets.get(&name).await?)["foo"] == "bar");
                    Ok(())
                },
            )
            .await?;
        }
        controller.stop().await?;
        Ok(())
    })
    .await
}

/// What log lines call it.
fn watched(resource: &str) -> &str {
    match resource {
        "secrets" => "Secrets",
        _ => "SealedSecrets",
    }
}

async fn comes(world: &World, name: &str) -> Result<()> {
    eventually(&format!("{name} is there"), RECOVERY, async || {
        ensure!(contents(&world.secrets.get(name).await?)["foo"] == "bar");
        Ok(())
    })
    .await
}

/// Takes one verb away and gives the rules as they were.
async fn without(client: &Client, resource: &str, verb: &str) -> Result<Vec<PolicyRule>> {
    let before = rules(client).await?;
    let after = before.iter().cloned().flat_map(|rule| {
        let (with, rest): (Vec<_>, Vec<_>) = rule
            .resources
            .clone()
            .unwrap_or_default()
            .into_iter()
            .partition(|name| name == resource);
        let narrowed = PolicyRule {
            resources: Some(with),
            verbs: rule
                .verbs
                .iter()
                .filter(|has| *has != verb)
                .cloned()
                .collect(),
            ..rule.clone()
        };
        let rest = PolicyRule {
            resources: Some(rest),
            ..rule
        };
        [narrowed, rest]
    });
    let after: Vec<PolicyRule> = after
        .filter(|rule| {
            !rule.verbs.is_empty() && rule.resources.as_ref().is_some_and(|some| !some.is_empty())
        })
        .collect();
    ensure!(after != before, "nobody may {verb} {resource}");
    put(client, after).await?;
    Ok(before)
}

async fn rules(client: &Client) -> Result<Vec<PolicyRule>> {
    let role = Api::<ClusterRole>::all(client.clone()).get(ROLE).await?;
    role.rules.context("no rules")
}

async fn give_back(client: &Client, rules: Vec<PolicyRule>) -> Result<()> {
    put(client, rules).await
}

async fn put(client: &Client, rules: Vec<PolicyRule>) -> Result<()> {
    Api::<ClusterRole>::all(client.clone())
        .patch(
            ROLE,
            &PatchParams::default(),
            &Patch::Merge(json!({ "rules": rules })),
        )
        .await?;
    Ok(())
}

/// The role that holds the rights in the whole cluster.
const ROLE: &str = "secrets-unsealer";

/// A thousand hostile objects of every kind, and healthy ones beside them: these are in sync soon, and of the others
/// each says what is wrong with it. Templates without end keep only their own namespace waiting.
#[tokio::test]
async fn a_thousand_hostile_objects_hold_nobody_up() -> Result<()> {
    const ENDLESS: usize = 100;
    const HOSTILE: usize = 900;
    with_ours(&[], async |endless, controller| {
        let cluster = testkit::cluster().await?.context("there is one")?;
        for number in 0..ENDLESS {
            let mut object = endless.sealed(&format!("endless-{number}"), [("foo", "bar")])?;
            let text = "{{ range 100000000 }}{{ range 100000000 }}{{ end }}{{ end }}";
            object.spec.template = template(&json!({ "data": { "t": text } }))?;
            endless.create(&object).await?;
        }
        cluster
            .with_namespace(async |client, namespace| {
                let hostile = World::new(client, namespace);
                for number in 0..HOSTILE {
                    create_hostile(&hostile, number).await?;
                }
                cluster.with_namespace(neighbours_are_served).await?;
                for number in 0..KINDS {
                    let message = hostile.failed(&format!("hostile-{number}")).await?;
                    ensure!(!message.is_empty(), "hostile-{number} says nothing");
                }
                let answer = testkit::http::get(controller.port(), "/healthz").await?;
                ensure!(answer.status.is_success(), "{}", answer.body);
                Ok(())
            })
            .await
    })
    .await
}

/// Healthy objects in a namespace of their own, one after the other.
async fn neighbours_are_served(client: Client, namespace: &str) -> Result<()> {
    let world = World::new(client, namespace);
    let start = Instant::now();
    for number in 0..10 {
        let name = format!("good-{number}");
        world
            .create(&world.sealed(&name, [("foo", "bar")])?)
            .await?;
        world.secret_with(&name, [("foo", "bar")]).await?;
    }
    announce(&format!(
        "ten healthy objects, one after the other, beside a thousand hostile ones: {:.1?}",
        start.elapsed()
    ));
    Ok(())
}

/// So many kinds of hostile objects there are.
const KINDS: usize = 7;

async fn create_hostile(world: &World, number: usize) -> Result<()> {
    let name = format!("hostile-{number}");
    let mut object = world.sealed(&name, [("foo", "bar")])?;
    let items = &mut object.spec.encrypted_data;
    match number % KINDS {
        0 => {
            // Five megabytes, more than a Secret may hold.
            let text = "{{ range 1000 }}{{ repeat 5000 $.foo }}{{ end }}";
            object.spec.template = template(&json!({ "data": { "t": text } }))?;
        }
        1 => object.spec.template = template(&json!({ "data": { "t": "{{ .foo" } }))?,
        2 => object.spec.template = template(&json!({ "type": "kubernetes.io/tls" }))?,
        3 => {
            let elsewhere =
                OTHER_KEY.sealed_secret(Scope::Strict, "elsewhere", "x", [("foo", "bar")])?;
            *items = elsewhere.spec.encrypted_data;
        }
        4 => *items = [("foo".to_owned(), "not base64".to_owned())].into(),
        5 => {
            let value = items.remove("foo").context("it was sealed")?;
            items.insert("not/a/key".to_owned(), value);
        }
        _ => {
            let mut raw = serde_json::to_value(&object)?;
            raw["spec"]["template"] = json!({ "metadata": { "ownerReferences": "x" } });
            let raw = serde_json::from_value(raw)?;
            world.objects.create(&PostParams::default(), &raw).await?;
            return Ok(());
        }
    }
    world.create(&object).await?;
    Ok(())
}

/// A SealedSecret and a Secret of which parts nest deeper than JSON readers go. The first is served as any other, and
/// neither hides the rest: not from a watch that is there, nor from a list.
#[tokio::test]
async fn what_nests_without_end_hides_nothing() -> Result<()> {
    with_own_cluster(Options::default(), async |cluster, world| {
        let mut controller = ours().start(cluster).await?;
        for start in 1..=2 {
            create_nested(world, &format!("nested-{start}")).await?;
            let good = format!("good-{start}");
            world
                .create(&world.sealed(&good, [("foo", "bar")])?)
                .await?;
            for start in 1..=start {
                let name = format!("nested-{start}");
                world.secret_with(&name, [("foo", "bar")]).await?;
                eventually(&format!("{name} says so"), SOON, async || {
                    let object = stored(world, "sealedsecrets", &name).await?;
                    ensure!(object.contains(r#""status":"True","type":"Synced""#));
                    Ok(())
                })
                .await?;
            }
            world.synced(&good).await?;
            // The watch of Secrets goes on, too.
            world.delete_secret(&good).await?;
            world.secret_with(&good, [("foo", "bar")]).await?;
            controller.stop().await?;
            // What it has to find out from lists.
            world.delete_secret(&good).await?;
            controller = ours().start(cluster).await?;
            world.secret_with(&good, [("foo", "bar")]).await?;
            let answer = testkit::http::get(controller.port(), "/readyz").await?;
            ensure!(answer.status.is_success(), "{}", answer.body);
        }
        controller.stop().await?;
        Ok(())
    })
    .await
}

/// Creates a SealedSecret, and a Secret beside it, that nest a thousand levels deep.
async fn create_nested(world: &World, name: &str) -> Result<()> {
    const LEVELS: usize = 1_000;
    let deep = format!("{}{{}}{}", r#"{"f:a":"#.repeat(LEVELS), "}".repeat(LEVELS));
    let mut object = serde_json::to_value(world.sealed(name, [("foo", "bar")])?)?;
    object["spec"]["template"] = json!({ "metadata": { "x": "DEEP" } });
    let object = object.to_string().replace(r#""DEEP""#, &deep);
    post(world, "sealedsecrets", object).await?;
    let secret = json!({ "metadata": { "name": format!("{name}-managed"), "managedFields": [{
        "manager": "m", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
        "time": "2026-01-01T00:00:00Z", "fieldsV1": { "f:data": "DEEP" },
    }]}});
    let secret = secret.to_string().replace(r#""DEEP""#, &deep);
    post(world, "secrets", secret).await?;
    let stored = [
        stored(world, "sealedsecrets", name).await?,
        stored(world, "secrets", &format!("{name}-managed")).await?,
    ];
    for stored in stored {
        ensure!(
            stored.matches("f:a").count() >= LEVELS,
            "it was cut: {stored}"
        );
    }
    Ok(())
}

/// Creates an object of which the clients of these tests cannot read the answer.
async fn post(world: &World, resource: &str, object: String) -> Result<()> {
    let request =
        Request::new(path(world, resource)).create(&PostParams::default(), object.into_bytes())?;
    world.client.request_text(request).await?;
    Ok(())
}

/// An object as the API server writes it.
async fn stored(world: &World, resource: &str, name: &str) -> Result<String> {
    let request = Request::new(path(world, resource)).get(name, &GetParams::default())?;
    Ok(world.client.request_text(request).await?)
}

fn path(world: &World, resource: &str) -> String {
    let api = match resource {
        "secrets" => "/api/v1",
        _ => "/apis/bitnami.com/v1alpha1",
    };
    format!("{api}/namespaces/{}/{resource}", world.namespace)
}

/// A key Secret that is overwritten with garbage and repaired: nothing that is in sync is touched.
#[tokio::test]
async fn a_corrupted_key_costs_nothing_that_is_in_sync() -> Result<()> {
    with_ours(&[], async |world, _| {
        world
            .create(&world.sealed("app", [("foo", "bar")])?)
            .await?;
        let secret = world.secret_with("app", [("foo", "bar")]).await?;
        let home = World::new(world.client.clone(), testkit::cluster::HOME);
        let key = home.secrets.get("fixture-key").await?;
        let sound = json!({ "data": key.data });
        home.merge_secret(
            "fixture-key",
            json!({ "data": { "tls.key": "bm90IGEga2V5" } }),
        )
        .await?;
        let result = async {
            let message = world.failed("app").await?;
            ensure!(message.contains("no key could decrypt secret"), "{message}");
            world.untouched(&secret).await
        }
        .await;
        home.merge_secret("fixture-key", sound).await?;
        result?;
        world.synced("app").await?;
        world.untouched(&secret).await?;
        world.secret_with("app", [("foo", "bar")]).await?;
        Ok(())
    })
    .await
}
