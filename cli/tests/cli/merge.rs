//! Merged and re-encrypted files: what is new opens where the file is, what is old stays.

use crate::ciphertext::open;
use crate::program::{Sandbox, fixture, only_object};
use crate::stub::{Route, Stub};

#[test]
fn merged_items_open_in_the_scope_of_the_file() {
    for (scope, annotation, place) in [
        ("strict", "", ("web", "app")),
        (
            "namespace-wide",
            "sealedsecrets.bitnami.com/namespace-wide",
            ("web", "any"),
        ),
        (
            "cluster-wide",
            "sealedsecrets.bitnami.com/cluster-wide",
            ("any", "any"),
        ),
    ] {
        for name in ["seal", "kubeseal"] {
            let sandbox = Sandbox::with_certificate();
            let annotations = if annotation.is_empty() {
                String::new()
            } else {
                format!(", annotations: {{{annotation}: \"true\"}}")
            };
            sandbox.write(
                "t.yaml",
                format!("apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {{name: app, namespace: web{annotations}}}\nspec: {{encryptedData: {{old: AgB=}}}}\n"),
            );
            // The input's own scope does not count, and of its place only what the file's scope binds, and as `seal` only.
            let own = match (name, scope) {
                ("seal", "strict") => "",
                ("seal", "namespace-wide") => "name: x, ",
                _ => "name: x, namespace: y, ",
            };
            let input = format!(
                "kind: Secret\nmetadata: {{{own}annotations: {{sealedsecrets.bitnami.com/cluster-wide: 'true'}}}}\nstringData: {{new: v}}\n"
            );
            let outcome = sandbox.run(
                name,
                &["--cert", "c.crt", "--merge-into", "t.yaml"],
                &[],
                input.as_bytes(),
            );
            assert_eq!(
                (
                    outcome.status,
                    outcome.stderr.as_str(),
                    outcome.stdout.len()
                ),
                (Some(0), "", 0),
                "{scope}"
            );
            let object = only_object(sandbox.read("t.yaml"));
            let items = &object["spec"]["encryptedData"];
            assert_eq!(items["old"], "AgB=");
            let opened = open(
                items["new"].as_str().unwrap(),
                &fixture("rsa2048-a.pkcs1.pem"),
                scope,
                place.0,
                place.1,
            );
            assert_eq!(opened.as_deref(), Some(&b"v"[..]), "{name} {scope}");
        }
    }
}

#[test]
fn one_changed_value_changes_one_line() {
    let sandbox = Sandbox::with_certificate();
    let secret =
        "kind: Secret\nmetadata: {name: app, namespace: web}\nstringData: {a: v, b: v, c: v}\n";
    sandbox.run(
        "seal",
        &["--cert", "c.crt", "-w", "s.yaml"],
        &[],
        secret.as_bytes(),
    );
    let before = sandbox.read("s.yaml");
    let update = "kind: Secret\nmetadata: {name: app, namespace: web}\nstringData: {b: w}\n";
    let outcome = sandbox.run(
        "seal",
        &["--cert", "c.crt", "--merge-into", "s.yaml"],
        &[],
        update.as_bytes(),
    );
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    let after = sandbox.read("s.yaml");
    let changed: Vec<&str> = before
        .lines()
        .zip(after.lines())
        .filter(|(a, b)| a != b)
        .map(|(_, b)| b)
        .collect();
    assert_eq!(before.lines().count(), after.lines().count());
    assert!(
        changed.len() == 1 && changed[0].starts_with("    b: "),
        "{changed:?}"
    );
}

fn route(method: &str, path: &str, body: &str) -> Route {
    let base = "/api/v1/namespaces/kube-system/services/";
    Route {
        method: method.to_owned(),
        path: format!("{base}{path}"),
        status: 200,
        headers: Vec::new(),
        body: body.to_owned(),
    }
}

#[test]
fn re_encrypting_changes_the_values_and_nothing_else() {
    let file = "# ours\nkind: SealedSecret\napiVersion: bitnami.com/v1alpha1\nmetadata:\n  name: app  # here\n  namespace: web\n  annotations: {seal-tool/keys: 'SHA256:old'}\nspec:\n  encryptedData:\n    k: AgOld # k\n---\nkind: ConfigMap\ndata: {a: b}\n";
    let reply = r#"{"kind": "SealedSecret", "apiVersion": "bitnami.com/v1alpha1", "metadata": {"name": "app", "namespace": "web", "uid": "u"}, "spec": {"encryptedData": {"k": "AgNew"}}}"#;
    let certificate = String::from_utf8(fixture("rsa2048-a.crt.pem")).unwrap();
    let proxy = "http:sealed-secrets-controller:http/proxy/v1/";
    let stub = Stub::start(vec![
        route(
            "GET",
            "sealed-secrets-controller",
            r#"{"spec": {"ports": [{"name": "http"}]}}"#,
        ),
        route("POST", &format!("{proxy}rotate"), reply),
        route("GET", &format!("{proxy}cert.pem"), &certificate),
    ]);
    let sandbox = Sandbox::with_certificate();
    sandbox.write("s.yaml", file);
    let server = format!("http://127.0.0.1:{}", stub.port);
    let outcome = sandbox.run(
        "seal",
        &["--re-encrypt", "-f", "s.yaml", "--server", &server],
        &[],
        b"",
    );
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    let expected = file.replace("AgOld", "AgNew").replace(
        "SHA256:old",
        "SHA256:mI8khZOi8xvKdkDhPKXlwtNcm/OkADGdjpQQqMno5wc",
    );
    assert_eq!(sandbox.read("s.yaml"), expected);
}

#[test]
fn an_answer_that_lacks_a_value_leaves_the_file() {
    let file = "kind: SealedSecret\nmetadata: {name: app, namespace: web}\nspec: {encryptedData: {a: AgOld, b: AgOld}}\n";
    let reply = r#"{"kind": "SealedSecret", "apiVersion": "bitnami.com/v1alpha1", "metadata": {"name": "app", "namespace": "web"}, "spec": {"encryptedData": {"a": "AgNew"}}}"#;
    let stub = Stub::start(vec![
        route(
            "GET",
            "sealed-secrets-controller",
            r#"{"spec": {"ports": [{"name": "http"}]}}"#,
        ),
        route(
            "POST",
            "http:sealed-secrets-controller:http/proxy/v1/rotate",
            reply,
        ),
    ]);
    let server = format!("http://127.0.0.1:{}", stub.port);
    for name in ["seal", "kubeseal"] {
        let sandbox = Sandbox::with_certificate();
        sandbox.write("s.yaml", file);
        let outcome = sandbox.run(
            name,
            &["--re-encrypt", "-f", "s.yaml", "--server", &server],
            &[],
            b"",
        );
        assert_eq!(outcome.status, Some(1));
        assert!(
            outcome.stderr.contains("has other items than were sent"),
            "{}",
            outcome.stderr
        );
        assert_eq!(sandbox.read("s.yaml"), file);
    }
}
