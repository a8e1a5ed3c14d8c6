//! `--cache-cert`: a certificate that was kept is used where no answer comes, and nowhere else.

use serde_json::{Value, json};

use crate::cluster::{answer, certificate, get};
use crate::program::{Outcome, Sandbox};
use crate::stub::{Route, Stub};

const NAMED: &str = "/api/v1/namespaces/kube-system/services/sealed-secrets-controller";
const PROXIED: &str =
    "/api/v1/namespaces/kube-system/services/http:sealed-secrets-controller:http/proxy/v1/cert.pem";
const FINGERPRINT: &str = "SHA256:mI8khZOi8xvKdkDhPKXlwtNcm/OkADGdjpQQqMno5wc";
const KEPT: &str = "home/.cache/seal/certificates.json";
/// Nobody listens there, as if the network were gone.
const NO_WAY: [&str; 2] = ["--proxy-url", "http://127.0.0.1:1"];
const SECRET: &str = r#"{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "web"}, "stringData": {"a": "b"}}"#;

/// A cluster whose Service has this uid, and what it says when it is asked for the certificate.
fn cluster(uid: &str, certificate: Route) -> Vec<Route> {
    let service = json!({
        "metadata": {"name": "sealed-secrets-controller", "namespace": "kube-system", "uid": uid},
        "spec": {"ports": [{"name": "http", "port": 8080}]},
    });
    vec![get(NAMED, &service), certificate]
}

fn healthy() -> Vec<Route> {
    cluster("first", get(PROXIED, &certificate("rsa2048-a.crt.pem")))
}

/// A machine that remembers, and the cluster that it asks.
struct Machine {
    sandbox: Sandbox,
    stub: Stub,
}

impl Machine {
    /// One that has asked a healthy cluster, with the flag.
    fn that_asked() -> Self {
        let machine = Self {
            sandbox: Sandbox::new(),
            stub: Stub::start(healthy()),
        };
        let outcome = machine.seal(&["--cache-cert"]);
        assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
        assert_eq!(outcome.stderr, "");
        machine
    }

    fn run(&self, name: &str, words: &[&str], variables: &[(&str, &str)]) -> Outcome {
        let server = format!("http://127.0.0.1:{}", self.stub.port);
        let home = self.sandbox.path("home");
        let words: Vec<&str> = words.iter().copied().chain(["--server", &server]).collect();
        let mut all = vec![("HOME", home.to_str().unwrap())];
        all.extend(variables);
        self.sandbox.run(name, &words, &all, SECRET.as_bytes())
    }

    fn seal(&self, words: &[&str]) -> Outcome {
        self.run("seal", words, &[])
    }

    /// As if the network were gone.
    fn cut_off(&self, words: &[&str]) -> Outcome {
        self.seal(&[words, &NO_WAY].concat())
    }

    /// The machine, and another cluster behind the same address.
    fn before(mut self, routes: Vec<Route>) -> Self {
        let old = format!(":{}", self.stub.port);
        self.stub = Stub::start(routes);
        let moved = self.kept().replace(&old, &format!(":{}", self.stub.port));
        self.sandbox.write(KEPT, moved);
        self
    }

    fn kept(&self) -> String {
        self.sandbox.read(KEPT)
    }
}

/// That it sealed with the certificate that was kept, and said so.
fn assert_hit(outcome: &Outcome) {
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    let told = format!(
        "warning: using the certificate that the Service `sealed-secrets-controller` in namespace `kube-system` gave \
         0 minutes ago: {FINGERPRINT}\n"
    );
    assert!(
        outcome.stderr.starts_with("warning: cannot "),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.ends_with(&told), "{}", outcome.stderr);
    let sealed: Value = serde_json::from_slice(&outcome.stdout).unwrap();
    assert_eq!(
        sealed["metadata"]["annotations"]["seal-tool/keys"],
        FINGERPRINT
    );
}

/// That nothing was sealed, and why the certificate that was kept did not count.
fn assert_miss(outcome: &Outcome, code: &str, why: &str) {
    assert_eq!(
        (outcome.status, outcome.stdout.len()),
        (Some(1), 0),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains(&format!("error[{code}]: ")),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains(why), "{}", outcome.stderr);
    assert!(
        !outcome.stderr.contains("using the certificate"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn without_a_way_to_the_cluster_the_kept_certificate_is_used_and_told() {
    let machine = Machine::that_asked();
    assert_hit(&machine.cut_off(&["--cache-cert"]));
    let variable = [("SEALED_SECRETS_CACHE_CERT", "true")];
    assert_hit(&machine.run("seal", &NO_WAY, &variable));
    assert_hit(&machine.cut_off(&[
        "create",
        "generic",
        "db",
        "-n",
        "web",
        "--cache-cert",
        "-o",
        "json",
        "--from-literal",
        "a=b",
    ]));
    // Without being asked, nothing is used.
    assert_miss(
        &machine.cut_off(&[]),
        "unreachable",
        "a certificate in a file needs no cluster",
    );
}

#[test]
fn nothing_is_kept_unless_it_is_asked_for() {
    for (name, variable) in [
        ("seal", "SEALED_SECRETS_CERT"),
        ("kubeseal", "SEALED_SECRETS_CACHE_CERT"),
    ] {
        let machine = Machine {
            sandbox: Sandbox::new(),
            stub: Stub::start(healthy()),
        };
        let value = if name == "seal" { "" } else { "true" };
        let outcome = machine.run(name, &[], &[(variable, value)]);
        assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
        assert!(!machine.sandbox.path("home/.cache").exists());
    }
    let outcome = Sandbox::new().run("kubeseal", &["--cache-cert"], &[], b"");
    assert_eq!(outcome.status, Some(2));
    assert!(
        outcome.stderr.ends_with("unknown flag: --cache-cert\n"),
        "{}",
        outcome.stderr
    );
    let variable = [("SEALED_SECRETS_CACHE_CERT", "true")];
    let outcome = Machine::that_asked().run("kubeseal", &NO_WAY, &variable);
    assert_eq!((outcome.status, outcome.stdout.len()), (Some(1), 0));
}

#[test]
fn what_the_cluster_answers_is_right() {
    let plain = |status, text: &str| {
        let mut route = answer("GET", PROXIED, status, text);
        route.headers = vec![("Content-Type".to_owned(), "text/plain".to_owned())];
        route
    };
    for (routes, code) in [
        (vec![answer("GET", NAMED, 401, "{}")], "api-error"),
        (vec![answer("GET", NAMED, 403, "{}")], "api-error"),
        (vec![], "not-found"),
        // The controller has no certificate to offer.
        (
            cluster("first", plain(503, "no certificate can be offered")),
            "api-error",
        ),
        (cluster("first", plain(404, "")), "not-found"),
        (
            cluster("first", get(PROXIED, &certificate("cert-expired.crt.pem"))),
            "expired-certificate",
        ),
    ] {
        let machine = Machine::that_asked().before(routes);
        let kept = machine.kept();
        assert_miss(&machine.seal(&["--cache-cert"]), code, "");
        assert_eq!(machine.kept(), kept);
    }
    // Another key of the same Service.
    let renewed = cluster("first", get(PROXIED, &certificate("rsa2048-b.crt.pem")));
    let machine = Machine::that_asked().before(renewed);
    let outcome = machine.seal(&["--cache-cert"]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    let kept: Value = serde_json::from_str(&machine.kept()).unwrap();
    assert_eq!(kept.as_array().unwrap().len(), 1);
    assert_eq!(kept[0]["certificate"], certificate("rsa2048-b.crt.pem"));
}

/// What the API server says when nobody stands behind a Service.
fn nobody_behind() -> Route {
    let status = json!({"kind": "Status", "message": "no endpoints available for service"});
    answer("GET", PROXIED, 503, &status)
}

#[test]
fn behind_the_same_service_a_controller_may_rest_and_behind_another_nothing_counts() {
    let resting = Machine::that_asked().before(cluster("first", nobody_behind()));
    assert_hit(&resting.seal(&["--cache-cert"]));
    let remade = Machine::that_asked().before(cluster("second", nobody_behind()));
    assert_miss(
        &remade.seal(&["--cache-cert"]),
        "unreachable",
        "another Service than the one that is there now",
    );
    // Nor does it later, when nobody can see that any more.
    assert_miss(
        &remade.cut_off(&["--cache-cert"]),
        "unreachable",
        "no certificate of this controller is kept",
    );
}

#[test]
fn another_question_has_another_answer() {
    let machine = Machine::that_asked();
    for words in [
        ["--controller-name", "sealed-secrets-controller"],
        ["--controller-namespace", "seals"],
        ["--server", "http://127.0.0.1:2"],
    ] {
        // Of a flag that is given twice the last one counts.
        let words = [&["--cache-cert"][..], &words].concat();
        let home = machine.sandbox.path("home");
        let server = format!("http://127.0.0.1:{}", machine.stub.port);
        let asked = [&["--server", &server][..], &words, &NO_WAY].concat();
        let home = [("HOME", home.to_str().unwrap())];
        let outcome = machine
            .sandbox
            .run("seal", &asked, &home, SECRET.as_bytes());
        assert_miss(
            &outcome,
            "unreachable",
            "no certificate of this controller is kept",
        );
    }
}

#[test]
fn an_old_damaged_or_foreign_certificate_is_no_certificate() {
    let machine = Machine::that_asked();
    let kept = machine.kept();
    let entries: Value = serde_json::from_str(&kept).unwrap();
    let with = |field: &str, value: &str| {
        let mut entries = entries.clone();
        entries[0][field] = value.into();
        entries.to_string()
    };
    for (text, why) in [
        (
            with("fetched", "2020-01-01T00:00:00Z"),
            "days ago, and is used for 7 days",
        ),
        (
            with("fetched", "2999-01-01T00:00:00Z"),
            "later than the clock here says",
        ),
        (
            with("certificate", &certificate("rsa2048-b.crt.pem")),
            "is damaged",
        ),
        (with("certificate", ""), "is damaged"),
        ("[{}]".to_owned(), "it is malformed"),
        ("{".to_owned(), "it is malformed"),
    ] {
        machine.sandbox.write(KEPT, text);
        assert_miss(&machine.cut_off(&["--cache-cert"]), "unreachable", why);
    }
    // It is said, and written anew.
    let outcome = machine.seal(&["--cache-cert"]);
    assert_eq!(outcome.status, Some(0));
    assert!(
        outcome
            .stderr
            .contains("it is malformed; it is written anew"),
        "{}",
        outcome.stderr
    );
    assert_hit(&machine.cut_off(&["--cache-cert"]));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let path = machine.sandbox.path(KEPT);
        let mode =
            |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o620)).unwrap();
        assert_miss(
            &machine.cut_off(&["--cache-cert"]),
            "unreachable",
            "others could have written it",
        );
    }
}

#[test]
fn what_the_repository_does_not_allow_is_not_sealed_with_however_it_was_kept() {
    let machine = Machine::that_asked();
    let other = FINGERPRINT.replace("mI8k", "AAAA");
    machine
        .sandbox
        .write(".seal.yaml", format!("fingerprints: ['{other}']\n"));
    let outcome = machine.cut_off(&["--cache-cert"]);
    assert_eq!((outcome.status, outcome.stdout.len()), (Some(1), 0));
    assert!(
        outcome.stderr.contains("error[disallowed-certificate]: "),
        "{}",
        outcome.stderr
    );
}

#[test]
fn nowhere_to_keep_it_is_told_and_no_reason_to_stop() {
    let machine = Machine {
        sandbox: Sandbox::new(),
        stub: Stub::start(healthy()),
    };
    machine.sandbox.write("file", "");
    for (variable, value, why) in [
        ("HOME", "", "there is no place to keep certificates"),
        // A relative path would be another one everywhere.
        ("XDG_CACHE_HOME", "cache", ""),
        ("XDG_CACHE_HOME", "/dev/null", "not a directory"),
    ] {
        let outcome = machine.run("seal", &["--cache-cert"], &[(variable, value)]);
        assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
        assert!(outcome.stderr.contains(why), "{}", outcome.stderr);
        assert_eq!(
            outcome
                .stderr
                .starts_with("warning: the certificate is not kept: "),
            !why.is_empty()
        );
        assert_eq!(machine.sandbox.files(), ["file"]);
    }
}

#[cfg(unix)]
#[test]
fn a_login_that_has_ended_is_as_good_as_no_way() {
    // No command is run for credentials that would go over plain HTTP.
    let machine = Machine::that_asked();
    let asked = format!("http://127.0.0.1:{}", machine.stub.port);
    let kept = machine.kept().replace(&asked, "https://127.0.0.1:1");
    machine.sandbox.write(KEPT, kept);
    let config = json!({
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "prod",
        "users": [{"name": "u", "user": {"exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "interactiveMode": "Never",
            "command": "/bin/sh",
            "args": ["-c", "echo hunter2; echo log in again >&2; exit 3"],
        }}}],
    });
    machine.sandbox.write("config", config.to_string());
    let home = machine.sandbox.path("home");
    let words = [
        "--cache-cert",
        "--kubeconfig",
        "config",
        "--context",
        "prod",
    ];
    let home = [("HOME", home.to_str().unwrap())];
    let outcome = machine
        .sandbox
        .run("seal", &words, &home, SECRET.as_bytes());
    assert_hit(&outcome);
    let why = "warning: cannot get credentials for the API server https://127.0.0.1:1: \
               the command for them ended with exit status: 3: log in again\n";
    assert!(outcome.stderr.starts_with(why), "{}", outcome.stderr);
}

#[test]
fn the_kept_certificate_is_shown_with_its_age() {
    let machine = Machine::that_asked();
    let outcome = machine.cut_off(&["cert", "--cache-cert", "--json"]);
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    let facts: Value = serde_json::from_slice(&outcome.stdout).unwrap();
    assert_eq!(facts["fingerprint"], FINGERPRINT);
    assert!(facts["source"]["fetched"].is_string(), "{facts:#}");
    let outcome = machine.seal(&["cert", "--cache-cert"]);
    assert!(
        !String::from_utf8(outcome.stdout)
            .unwrap()
            .contains("fetched:")
    );
    let variable = [("SEALED_SECRETS_CACHE_CERT", "true")];
    let outcome = machine.run("seal", &[&["cert"][..], &NO_WAY].concat(), &variable);
    assert_miss(&outcome, "unreachable", "");
    for words in [
        &["cert", "--cache-cert", "a.pem"][..],
        &["--cache-cert", "--fetch-cert"],
    ] {
        assert_eq!(machine.seal(words).status, Some(2), "{words:?}");
    }
}
