//! The verbs about keys against a server of fixed answers: what it says wrong or in excess must not be taken for something else.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::program::{Outcome, Sandbox, fixture};
use crate::stub::{Route, Stub};

const SECRETS: &str = "/api/v1/namespaces/kube-system/secrets";
const LABELLED: &str = "/api/v1/namespaces/kube-system/secrets?labelSelector=sealedsecrets.bitnami.com%2Fsealed-secrets-key";
const SEALED: &str = "/apis/bitnami.com/v1alpha1/sealedsecrets?limit=50&continue=";
const OLD: &str = "SHA256:mI8khZOi8xvKdkDhPKXlwtNcm/OkADGdjpQQqMno5wc";

fn route(method: &str, path: &str, status: u16, body: &Value) -> Route {
    Route {
        method: method.to_owned(),
        path: path.to_owned(),
        status,
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: body.to_string(),
    }
}

fn key(name: &str, pair: &str, label: &str) -> Value {
    let encoded = |file: String| sealed_crypto::base64::encode(&fixture(&file));
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": "kube-system",
            "uid": format!("uid-of-{name}"),
            "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": label},
        },
        "type": "kubernetes.io/tls",
        "data": {
            "tls.crt": encoded(format!("{pair}.crt.pem")),
            "tls.key": encoded(format!("{pair}.pkcs1.pem")),
        },
    })
}

/// The one that is sealed for, and an old one, which is in two Secrets.
fn keys() -> Value {
    let current = key("current", "rsa2048-b", "active");
    json!({"items": [current, key("aaa-copy", "rsa2048-a", "retired"), key("keyb", "rsa2048-a", "active")]})
}

fn run(sandbox: &Sandbox, stub: &Stub, line: &str) -> Outcome {
    let server = format!("http://127.0.0.1:{}", stub.port);
    let words: Vec<&str> = line
        .split_whitespace()
        .chain(["--server", &server])
        .collect();
    sandbox.run("seal", &words, &[], b"")
}

fn patched(stub: &Stub) -> Vec<String> {
    let seen = stub.seen().into_iter();
    let patches = seen.filter(|seen| seen.method == "PATCH");
    patches.map(|seen| seen.path).collect()
}

#[test]
fn a_key_in_two_secrets_is_retired_in_both() {
    let mut routes = vec![
        route("GET", LABELLED, 200, &keys()),
        route("GET", SEALED, 200, &json!({"items": []})),
    ];
    for name in ["aaa-copy", "keyb"] {
        routes.push(route(
            "PATCH",
            &format!("{SECRETS}/{name}"),
            200,
            &json!({}),
        ));
    }
    let stub = Stub::start(routes);
    let sandbox = Sandbox::new();
    for called in [OLD, "keyb"] {
        let before = patched(&stub).len();
        let outcome = run(&sandbox, &stub, &format!("keys retire {called}"));
        assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
        assert_eq!(
            String::from_utf8(outcome.stdout).unwrap(),
            "retired: aaa-copy, keyb; none of 0 SealedSecrets needs it\n"
        );
        // That nothing needs it is known of nothing.
        assert!(
            outcome.stderr.contains("nothing was looked at"),
            "{}",
            outcome.stderr
        );
        assert_eq!(
            patched(&stub)[before..],
            [format!("{SECRETS}/aaa-copy"), format!("{SECRETS}/keyb")]
        );
    }
    sandbox.write("empty/readme.yaml", "a: b\n");
    for verb in ["retire", "compromise --no-renew"] {
        let outcome = run(&sandbox, &stub, &format!("keys {verb} {OLD} --dir empty"));
        assert!(
            outcome.stderr.contains("error[no-secrets]: empty"),
            "{}",
            outcome.stderr
        );
    }
    assert_eq!(patched(&stub).len(), 4);
}

#[test]
fn an_answer_that_is_no_list_is_not_an_empty_list() {
    let status = json!({"kind": "Status", "apiVersion": "v1"});
    let sandbox = Sandbox::new();
    let stub = Stub::start(vec![
        route("GET", LABELLED, 200, &keys()),
        route("GET", SEALED, 200, &status),
    ]);
    let outcome = run(&sandbox, &stub, &format!("keys retire {OLD}"));
    assert_eq!(outcome.status, Some(1), "{}", outcome.stderr);
    assert!(
        outcome
            .stderr
            .contains("error[api-error]: cannot list the SealedSecrets: the answer is no list"),
        "{}",
        outcome.stderr
    );
    assert!(patched(&stub).is_empty());
    let stub = Stub::start(vec![route("GET", LABELLED, 200, &status)]);
    let outcome = run(&sandbox, &stub, "keys list");
    assert!(
        outcome.stderr.contains("cannot list the key Secrets"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_restore_to_a_cluster_writes_all_or_nothing() {
    // One of the names is taken by something that is no key.
    let other = json!({"kind": "Secret", "metadata": {"name": "keyb"}});
    let stub = Stub::start(vec![
        route("GET", LABELLED, 200, &json!({"items": []})),
        route("GET", &format!("{SECRETS}/keyb"), 200, &other),
        route("POST", SECRETS, 201, &json!({})),
    ]);
    let sandbox = Sandbox::new();
    sandbox.write("keys.json", keys().to_string());
    let outcome = run(&sandbox, &stub, "keys restore keys.json");
    assert_eq!(outcome.status, Some(1), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains(
            "error[already-exists]: Secret kube-system/keyb is there and is not that key"
        ),
        "{}",
        outcome.stderr
    );
    assert!(stub.seen().iter().all(|seen| seen.method == "GET"));
}

#[test]
fn a_busy_server_does_not_say_how_long_a_person_sits_there() {
    let mut busy = route("GET", LABELLED, 429, &json!({}));
    busy.headers
        .push(("Retry-After".to_owned(), "3600".to_owned()));
    let stub = Stub::start(vec![busy]);
    let started = Instant::now();
    let outcome = run(&Sandbox::new(), &stub, "keys list --request-timeout 2s");
    assert_eq!(outcome.status, Some(1), "{}", outcome.stderr);
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn credentials_in_addresses_are_never_shown() {
    let stub = Stub::start(vec![]);
    let sandbox = Sandbox::new();
    let reached = format!("http://user:hunter2@127.0.0.1:{}", stub.port);
    let nobody = "http://user:hunter2@127.0.0.1:1".to_owned();
    let proxy = [("HTTP_PROXY", "http://user:hunter2@127.0.0.1:1")];
    let config = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{{name: c, context: {{cluster: c}}}}]\n\
         clusters: [{{name: c, cluster: {{server: '{reached}'}}}}]\n"
    );
    sandbox.write("config", config);
    for name in ["seal", "kubeseal"] {
        for address in [&reached, &nobody] {
            for words in [
                &["--fetch-cert", "--server", address][..],
                &["--fetch-cert", "--kubeconfig", "config"],
                &["--cert", &format!("{address}/c.pem"), "--fetch-cert"],
                &["--cert", "http:user:hunter2@/x", "--fetch-cert"],
                &["--cert", "ftp://user:hunter2@h/x", "--fetch-cert"],
            ] {
                let outcome = sandbox.run(name, words, &[], b"");
                assert_eq!(outcome.status, Some(1), "{words:?}: {}", outcome.stderr);
                let is_typed_wrong = words[1].starts_with("http:user");
                assert!(
                    is_typed_wrong || !outcome.stderr.contains("hunter2"),
                    "{words:?}: {}",
                    outcome.stderr
                );
            }
        }
        let words = ["--cert", "http://example.invalid/c.pem", "--fetch-cert"];
        let outcome = sandbox.run(name, &words, &proxy, b"");
        assert_eq!(outcome.status, Some(1));
        assert!(!outcome.stderr.contains("hunter2"), "{}", outcome.stderr);
    }
    for words in [
        &["doctor", "--server", &reached, "--json"][..],
        &["doctor", "--server", &nobody],
        &["keys", "list", "--kubeconfig", "config"],
    ] {
        let outcome = sandbox.run("seal", words, &[], b"");
        let told = String::from_utf8_lossy(&outcome.stdout).into_owned() + &outcome.stderr;
        assert!(
            told.contains("127.0.0.1") && !told.contains("hunter2"),
            "{told}"
        );
    }
}
