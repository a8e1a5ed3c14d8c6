//! A key goes out of use only when nothing needs it: what that is, against a server of fixed answers.

use std::fs;

use serde_json::{Value, json};

use crate::program::{Outcome, Sandbox, fixture};
use crate::stub::{Route, Stub};

const SECRETS: &str = "/api/v1/namespaces/kube-system/secrets";
const SEALED: &str = "/apis/bitnami.com/v1alpha1/sealedsecrets?limit=50&continue=";
/// Fingerprint of the key that is to be retired, and of the other.
const OLD: &str = "SHA256:mI8khZOi8xvKdkDhPKXlwtNcm/OkADGdjpQQqMno5wc";
const NEW: &str = "SHA256:0hhfZ/23yVxxsfcQac+wGzDDyGM0nLw5HmYfJUHM7Ko";

fn key_secret(name: &str, key: &str, certificate: &str) -> Value {
    let encoded = |file: &str| sealed_crypto::base64::encode(&fixture(file));
    json!({
        "metadata": {
            "name": name, "namespace": "kube-system", "uid": name,
            "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"},
        },
        "type": "kubernetes.io/tls",
        "data": {
            "tls.crt": encoded(certificate),
            "tls.key": encoded(key),
        },
    })
}

fn route(method: &str, path: &str, body: &Value) -> Route {
    Route {
        method: method.to_owned(),
        path: path.to_owned(),
        status: 200,
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: body.to_string(),
    }
}

/// A cluster with an old key and a newer one, and a directory `apps`.
struct World {
    sandbox: Sandbox,
    stub: Stub,
}

impl World {
    fn new(in_cluster: &[Value]) -> Self {
        Self::with_keys(&[], in_cluster)
    }

    /// With further key Secrets.
    fn with_keys(further: &[Value], in_cluster: &[Value]) -> Self {
        let selector = "labelSelector=sealedsecrets.bitnami.com%2Fsealed-secrets-key";
        let mut keys = vec![
            key_secret("old", "rsa2048-a.pkcs1.pem", "cert-expired.crt.pem"),
            key_secret("new", "rsa2048-b.pkcs1.pem", "rsa2048-b.crt.pem"),
        ];
        keys.extend_from_slice(further);
        let stub = Stub::start(vec![
            route(
                "GET",
                &format!("{SECRETS}?{selector}"),
                &json!({"items": keys}),
            ),
            route("GET", SEALED, &json!({"items": in_cluster})),
            route("PATCH", &format!("{SECRETS}/old"), &json!({})),
            route("PATCH", &format!("{SECRETS}/new"), &json!({})),
        ]);
        let sandbox = Sandbox::new();
        for name in ["rsa2048-a.crt.pem", "rsa2048-b.crt.pem"] {
            sandbox.write(name, fixture(name));
        }
        sandbox.write("rsa2048-a.pem", fixture("rsa2048-a.pkcs1.pem"));
        fs::create_dir(sandbox.path("apps")).unwrap();
        Self { sandbox, stub }
    }

    /// A SealedSecret `web/db` with one item.
    fn sealed(&self, pair: &str) -> Value {
        let secret =
            "kind: Secret\nmetadata: {name: db, namespace: web}\nstringData: {password: p}\n";
        let certificate = format!("{pair}.crt.pem");
        let words = ["--cert", &certificate, "-o", "json"];
        let outcome = self.sandbox.run("seal", &words, &[], secret.as_bytes());
        assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
        serde_json::from_slice(&outcome.stdout).unwrap()
    }

    fn put(&self, name: &str, object: &Value) {
        self.sandbox
            .write(&format!("apps/{name}"), object.to_string());
    }

    fn run(&self, line: &str) -> Outcome {
        let server = format!("http://127.0.0.1:{}", self.stub.port);
        let words = line.split_whitespace().chain(["--server", &server]);
        let words: Vec<&str> = words.collect();
        self.sandbox.run("seal", &words, &[], b"")
    }

    fn json(&self, line: &str, status: i32) -> Value {
        let outcome = self.run(line);
        assert_eq!(outcome.status, Some(status), "{line}: {}", outcome.stderr);
        serde_json::from_slice(&outcome.stdout).unwrap()
    }

    fn has_retired(&self) -> bool {
        self.stub.seen().iter().any(|seen| seen.method == "PATCH")
    }
}

/// Code and message of what was not read, in order.
fn unread(report: &Value) -> Vec<(&str, &str)> {
    let all = report["unread"].as_array().unwrap();
    let text = |value: &'_ Value| -> &'static str { value.as_str().unwrap().to_owned().leak() };
    all.iter()
        .map(|one| (text(&one["code"]), text(&one["message"])))
        .collect()
}

#[test]
fn a_key_that_nothing_needs_is_retired() {
    let world = World::new(&[]);
    world.put("other.json", &world.sealed("rsa2048-b"));
    let report = world.json(&format!("keys retire {OLD} --dir apps --json"), 0);
    assert_eq!(report["retired"], true);
    assert!(world.has_retired());
}

#[test]
fn what_cannot_be_tried_needs_the_key_and_is_among_what_may_be_known_to_others() {
    let world = World::new(&[]);
    let mut base = world.sealed("rsa2048-a");
    base["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("namespace");
    world.put("base.json", &base);
    let mut both = world.sealed("rsa2048-a");
    both["spec"]["data"] = "AAAA".into();
    world.put("both.json", &both);
    let mut slash = world.sealed("rsa2048-a");
    slash["metadata"]["name"] = "d/b".into();
    world.put("slash.json", &slash);
    for line in ["retire", "compromise --no-renew"] {
        let report = world.json(&format!("keys {line} {OLD} --dir apps --json"), 3);
        let found = unread(&report);
        let codes: Vec<&str> = found.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes, ["missing-namespace", "both-data", "bad-name"]);
        assert!(
            found[0].1.starts_with("apps/base.json: document 1"),
            "{found:?}"
        );
        assert!(found[0].1.contains("db: `password`: "), "{found:?}");
        assert!(!world.has_retired());
        assert_eq!(
            report["unread"][0]["hints"][0],
            "--assume-namespace names the namespaces that it is applied to"
        );
    }
}

#[test]
fn an_object_without_a_namespace_is_tried_in_those_that_it_is_applied_to() {
    let world = World::new(&[]);
    let mut base = world.sealed("rsa2048-a");
    base["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("namespace");
    base["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("annotations");
    world.put("base.json", &base);
    let both = "--assume-namespace test --assume-namespace web";
    let report = world.json(&format!("keys retire {OLD} --dir apps {both} --json"), 3);
    assert_eq!(report["opened"][0]["items"], json!(["password"]));
    assert_eq!(report["unread"], json!([]));
    assert!(!world.has_retired());
    let report = world.json(
        &format!("keys retire {OLD} --dir apps --assume-namespace test --json"),
        0,
    );
    assert_eq!(report["retired"], true);
}

#[test]
fn an_object_that_names_the_key_and_opens_with_none_needs_it() {
    let world = World::new(&[]);
    let mut moved = world.sealed("rsa2048-a");
    moved["metadata"]["namespace"] = "elsewhere".into();
    world.put("moved.json", &moved);
    // Merging leaves the names of keys that nothing is sealed for any more.
    let mut renewed = world.sealed("rsa2048-b");
    renewed["metadata"]["annotations"]["seal-tool/keys"] = format!("{NEW},{OLD}").into();
    world.put("renewed.json", &renewed);
    let report = world.json(&format!("keys retire {OLD} --dir apps --json"), 3);
    let found = unread(&report);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "wrong-key");
    assert!(found[0].1.starts_with("apps/moved.json: "), "{found:?}");
    assert!(!world.has_retired());
}

#[test]
fn the_deprecated_form_is_one_item_of_what_others_know() {
    let world = World::new(&[]);
    let mut blob = world.sealed("rsa2048-a");
    blob["spec"]["data"] = blob["spec"]["encryptedData"]["password"].clone();
    blob["spec"]["encryptedData"] = json!({});
    world.put("blob.json", &blob);
    let report = world.json(
        &format!("keys compromise {OLD} --no-renew --dir apps --json"),
        0,
    );
    assert_eq!(report["opened"][0]["items"], json!(["spec.data"]));
}

#[test]
fn items_of_a_list_need_not_say_what_they_are() {
    for list in [
        json!({"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecretList"}),
        json!({"apiVersion": "v1", "kind": "List"}),
        json!({}),
    ] {
        let world = World::new(&[]);
        let mut item = world.sealed("rsa2048-a");
        item.as_object_mut()
            .unwrap()
            .retain(|field, _| field == "metadata" || field == "spec");
        let mut list = list;
        list["items"] = json!([item]);
        world.put("dump.json", &list);
        let report = world.json(&format!("keys retire {OLD} --dir apps --json"), 3);
        assert_eq!(report["opened"][0]["object"], "web/db", "{list}");
        let report = world.json("keys verify rsa2048-a.pem --dir apps --json", 0);
        assert_eq!(report["opened"], 1, "{list}");
    }
}

#[test]
fn what_has_another_shape_is_unknown() {
    let world = World::new(&[json!({
        "metadata": {"name": "odd", "namespace": "web"},
        "spec": {"encryptedData": ["a"]},
    })]);
    world.put(
        "list.json",
        &json!({"kind": "SealedSecretList", "items": {"a": 1}}),
    );
    let inner = json!({"kind": "List", "items": [world.sealed("rsa2048-a")]});
    world.put("nested.json", &json!({"kind": "List", "items": [inner]}));
    let report = world.json(&format!("keys retire {OLD} --dir apps --json"), 3);
    let found = unread(&report);
    assert_eq!(
        found,
        [
            (
                "wrong-type",
                "cluster: SealedSecret web/odd: spec.encryptedData: expected a mapping of sealed values"
            ),
            (
                "wrong-type",
                "apps/list.json: document 1, line 1: items: expected a list of objects"
            ),
            (
                "wrong-kind",
                "apps/nested.json: document 1, line 1, items[0]: a List in a List is not looked into"
            ),
        ]
    );
    assert!(!world.has_retired());
}

#[test]
fn waiting_for_a_key_repeats_no_warning() {
    let broken = json!({
        "metadata": {
            "name": "broken", "namespace": "kube-system", "uid": "broken",
            "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"},
        },
        "data": {"tls.key": "AAAA"},
    });
    let world = World::with_keys(&[broken], &[]);
    let outcome = world.run("keys renew --wait 2");
    assert_eq!(outcome.status, Some(3), "{}", outcome.stderr);
    assert_eq!(
        outcome.stderr.matches("Secret broken").count(),
        1,
        "{}",
        outcome.stderr
    );
    let looks = world.stub.seen().into_iter();
    let looks = looks.filter(|seen| seen.path.starts_with(&format!("{SECRETS}?")));
    assert!(looks.count() >= 2);
}
