//! What `seal` asks of a cluster besides kubeseal's questions, against a server of fixed answers.

use serde_json::{Value, json};

use crate::program::{Outcome, Sandbox, fixture};
use crate::stub::{Route, Stub};

pub(crate) const NAMED: &str = "/api/v1/namespaces/kube-system/services/sealed-secrets-controller";
const CHART: &str =
    "/api/v1/namespaces/kube-system/services?labelSelector=app.kubernetes.io/name%3Dsealed-secrets";
const PLAIN: &str =
    "/api/v1/namespaces/kube-system/services?labelSelector=name%3Dsealed-secrets-controller";
const CHART_ANYWHERE: &str =
    "/api/v1/services?labelSelector=app.kubernetes.io/name%3Dsealed-secrets";
const PLAIN_ANYWHERE: &str = "/api/v1/services?labelSelector=name%3Dsealed-secrets-controller";
const PROXIED: &str =
    "/api/v1/namespaces/kube-system/services/http:sealed-secrets:http/proxy/v1/cert.pem";
pub(crate) const FINGERPRINT: &str = "SHA256:mI8khZOi8xvKdkDhPKXlwtNcm/OkADGdjpQQqMno5wc";

pub(crate) fn certificate(name: &str) -> String {
    String::from_utf8(fixture(name)).unwrap()
}

pub(crate) fn answer(
    method: &str,
    path: &str,
    status: u16,
    body: &(impl ToString + ?Sized),
) -> Route {
    Route {
        method: method.to_owned(),
        path: path.to_owned(),
        status,
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: body.to_string(),
    }
}

pub(crate) fn get(path: &str, body: &(impl ToString + ?Sized)) -> Route {
    answer("GET", path, 200, body)
}

fn service(namespace: &str, name: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"ports": [{"name": "http", "port": 8080}]},
    })
}

fn list(items: &[Value]) -> Value {
    json!({"items": items})
}

/// A chart's Service under its usual name, which serves a certificate.
pub(crate) fn of_the_chart() -> Vec<Route> {
    let metrics = service("kube-system", "sealed-secrets-metrics");
    vec![
        get(
            CHART,
            &list(&[service("kube-system", "sealed-secrets"), metrics]),
        ),
        get(PLAIN, &list(&[])),
        get(PROXIED, &certificate("rsa2048-a.crt.pem")),
    ]
}

pub(crate) fn run_in(sandbox: &Sandbox, stub: &Stub, name: &str, words: &[&str]) -> Outcome {
    let server = format!("http://127.0.0.1:{}", stub.port);
    let words: Vec<&str> = words.iter().copied().chain(["--server", &server]).collect();
    sandbox.run(name, &words, &[], b"")
}

fn run(stub: &Stub, words: &[&str]) -> Outcome {
    run_in(&Sandbox::new(), stub, "seal", words)
}

#[test]
fn r59_the_service_of_a_chart_is_found_and_told() {
    let stub = Stub::start(of_the_chart());
    let outcome = run(&stub, &["--fetch-cert"]);
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    assert_eq!(
        String::from_utf8(outcome.stdout).unwrap(),
        certificate("rsa2048-a.crt.pem")
    );
    assert_eq!(
        outcome.stderr,
        "note: the controller is the Service `sealed-secrets` in namespace `kube-system`, found by its labels\n"
    );
    // The drop-in looks where it always looked.
    let outcome = run_in(&Sandbox::new(), &stub, "kubeseal", &["--fetch-cert"]);
    assert_eq!(outcome.status, Some(1));
    assert!(
        outcome
            .stderr
            .starts_with("error: cannot get sealed secret service: ")
    );
}

#[test]
fn a_service_that_was_named_is_the_only_one_looked_for() {
    let stub = Stub::start(of_the_chart());
    let words = [
        "--fetch-cert",
        "--controller-name",
        "sealed-secrets-controller",
    ];
    assert_eq!(run(&stub, &words).status, Some(1));
    let paths: Vec<String> = stub.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, [NAMED]);
}

#[test]
fn a_service_in_another_namespace_is_named_and_never_asked() {
    let stub = Stub::start(vec![
        get(CHART, &list(&[])),
        get(PLAIN, &list(&[])),
        get(
            CHART_ANYWHERE,
            &list(&[service("mallory", "sealed-secrets")]),
        ),
        get(PLAIN_ANYWHERE, &list(&[])),
    ]);
    let outcome = run(&stub, &["--fetch-cert"]);
    assert_eq!((outcome.status, outcome.stdout.len()), (Some(1), 0));
    assert!(
        outcome.stderr.contains(
            "hint: there is a Service `sealed-secrets` in namespace `mallory`; if that is your controller's: \
             --controller-namespace mallory --controller-name sealed-secrets\n"
        ),
        "{}",
        outcome.stderr
    );
    assert!(stub.seen().iter().all(|seen| !seen.path.contains("proxy")));
}

/// A controller in a namespace of its own, whose Service has this uid.
#[cfg(target_os = "linux")]
fn elsewhere(uid: &str) -> Vec<Route> {
    let mut found = service("seals", "sealed-secrets");
    found["metadata"]["uid"] = json!(uid);
    vec![
        get(CHART, &list(&[])),
        get(PLAIN, &list(&[])),
        get(CHART_ANYWHERE, &list(&[found.clone()])),
        get(PLAIN_ANYWHERE, &list(&[])),
        get("/api/v1/namespaces/seals/services/sealed-secrets", &found),
        get(
            "/api/v1/namespaces/seals/services/http:sealed-secrets:http/proxy/v1/cert.pem",
            &certificate("rsa2048-a.crt.pem"),
        ),
    ]
}

#[cfg(target_os = "linux")]
#[test]
fn r59_a_controller_elsewhere_is_used_once_a_person_has_confirmed_it_and_only_that_one() {
    let stub = Stub::start(elsewhere("first"));
    let server = format!("http://127.0.0.1:{}", stub.port);
    let sandbox = Sandbox::new();
    let home = sandbox.path("home");
    let home = home.to_str().unwrap();
    // `script` gives the program a terminal, and the answer is typed there.
    let at_a_terminal = |answer: &str| {
        let line = format!("{} cert --server {server}", env!("CARGO_BIN_EXE_seal"));
        let mut command = std::process::Command::new("script");
        command
            .args(["-qec", &line, "/dev/null"])
            .env_clear()
            .envs([
                ("HOME", home),
                ("PATH", "/usr/bin:/bin"),
                ("SHELL", "/bin/sh"),
            ])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped());
        let mut child = command.spawn().expect("this system has util-linux");
        let mut typed = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut typed, answer.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        drop(typed);
        String::from_utf8(output.stdout).unwrap()
    };
    let quietly = |stub: &Stub| {
        let server = format!("http://127.0.0.1:{}", stub.port);
        sandbox.run(
            "seal",
            &["cert", "--server", &server],
            &[("HOME", home)],
            b"",
        )
    };
    assert_eq!(quietly(&stub).status, Some(1));
    let told = at_a_terminal("no\n");
    assert!(
        told.contains(FINGERPRINT) && told.contains("error[not-found]"),
        "{told}"
    );
    assert_eq!(quietly(&stub).status, Some(1));
    let asked = |stub: &Stub| {
        let seen = stub.seen().into_iter();
        seen.filter(|seen| seen.path.ends_with("/v1/cert.pem"))
            .count()
    };
    let before = asked(&stub);
    let told = at_a_terminal("yes\n");
    assert!(told.contains("valid until:"), "{told}");
    // What was compared is what is used: asked again, the Service might answer with something else.
    assert_eq!(asked(&stub), before + 1);
    let outcome = quietly(&stub);
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("as confirmed on this machine"),
        "{}",
        outcome.stderr
    );
    // Somebody put another Service in its place.
    let pins = sandbox.read("home/.config/seal/controllers.json");
    sandbox.write(
        "home/.config/seal/controllers.json",
        pins.replace("\"first\"", "\"other\""),
    );
    let outcome = quietly(&stub);
    assert_eq!(outcome.status, Some(1), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("made anew"), "{}", outcome.stderr);
    // Or it leads to somebody else's pods now.
    let other = pins.replace(
        FINGERPRINT,
        "SHA256:0hhfZ/23yVxxsfcQac+wGzDDyGM0nLw5HmYfJUHM7Ko",
    );
    assert_ne!(other, pins);
    sandbox.write("home/.config/seal/controllers.json", other);
    let outcome = quietly(&stub);
    assert_eq!(outcome.status, Some(1), "{}", outcome.stderr);
    let note = format!("which was confirmed, has another certificate now: {FINGERPRINT}\n");
    assert!(outcome.stderr.contains(&note), "{}", outcome.stderr);
    // And what one cluster confirmed, no other has.
    sandbox.write("home/.config/seal/controllers.json", pins);
    assert_eq!(quietly(&Stub::start(elsewhere("first"))).status, Some(1));
}

#[test]
fn of_several_services_none_is_chosen() {
    let stub = Stub::start(vec![
        get(
            CHART,
            &list(&[service("kube-system", "two"), service("kube-system", "one")]),
        ),
        get(PLAIN, &list(&[])),
    ]);
    let outcome = run(&stub, &["cert"]);
    assert_eq!(outcome.status, Some(1));
    assert_eq!(
        outcome.stderr,
        "error[bad-configuration]: several Services in namespace `kube-system` may be the controller's: `one`, `two`\n\
         hint: --controller-name says which is meant\n"
    );
}

#[test]
fn whoever_may_see_one_service_only_finds_it_by_the_usual_name_of_the_chart() {
    for status in [403, 404] {
        let stub = Stub::start(vec![
            answer("GET", NAMED, status, "{}"),
            answer("GET", CHART, 403, "{}"),
            get(
                "/api/v1/namespaces/kube-system/services/sealed-secrets",
                &service("kube-system", "sealed-secrets"),
            ),
            get(PROXIED, &certificate("rsa2048-a.crt.pem")),
        ]);
        let outcome = run(&stub, &["cert"]);
        assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    }
}

#[test]
fn the_context_is_told_unless_it_was_typed() {
    let stub = Stub::start(of_the_chart());
    let sandbox = Sandbox::new();
    let server = format!("http://127.0.0.1:{}", stub.port);
    sandbox.write(
        "config",
        format!(
            "clusters: [{{name: c, cluster: {{server: '{server}'}}}}]\n\
             contexts: [{{name: prod, context: {{cluster: c, user: u}}}}]\ncurrent-context: prod\n"
        ),
    );
    let note = format!("note: asking the cluster of context `prod` ({server})\n");
    let told = |words: &[&str]| {
        let words: Vec<&str> = ["cert", "--kubeconfig", "config"]
            .iter()
            .chain(words)
            .copied()
            .collect();
        let outcome = sandbox.run("seal", &words, &[], b"");
        assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
        let stdout = String::from_utf8(outcome.stdout).unwrap();
        assert!(
            stdout.contains(&format!("context `prod`, cluster {server}")),
            "{stdout}"
        );
        outcome.stderr.contains(&note)
    };
    assert!(told(&[]));
    assert!(!told(&["--context", "prod"]));
}

#[test]
fn a_certificate_is_shown_and_kept() {
    let stub = Stub::start(of_the_chart());
    let sandbox = Sandbox::new();
    let outcome = run_in(
        &sandbox,
        &stub,
        "seal",
        &["cert", "-w", "prod.pem", "--json"],
    );
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    let facts: Value = serde_json::from_slice(&outcome.stdout).unwrap();
    assert_eq!(facts["fingerprint"], FINGERPRINT);
    assert_eq!(
        (&facts["keyBits"], &facts["state"]),
        (&json!(2048), &json!("valid"))
    );
    assert_eq!(facts["notBefore"], "2020-01-01T00:00:00Z");
    assert_eq!(
        facts["source"]["from"],
        "the controller kube-system/sealed-secrets"
    );
    assert_eq!(
        facts["source"]["server"],
        format!("http://127.0.0.1:{}", stub.port)
    );
    assert_eq!(sandbox.read("prod.pem"), certificate("rsa2048-a.crt.pem"));
}

#[test]
fn a_certificate_that_cannot_be_used_never_replaces_one_that_can() {
    for (name, code) in [
        ("cert-expired.crt.pem", "expired-certificate"),
        ("rsa1024-a.crt.pem", "bad-certificate"),
        ("cert-ec.crt.pem", "bad-certificate"),
        ("cert-garbage.crt.pem", "bad-certificate"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("new.pem", certificate(name));
        sandbox.write("kept.pem", "old");
        let outcome = sandbox.run("seal", &["cert", "new.pem", "-w", "kept.pem"], &[], b"");
        assert_eq!(outcome.status, Some(1), "{name}");
        assert!(
            outcome.stderr.starts_with(&format!("error[{code}]: ")),
            "{}",
            outcome.stderr
        );
        assert!(
            outcome.stderr.contains("\nhint: ") || name.contains("garbage"),
            "{}",
            outcome.stderr
        );
        assert_eq!(sandbox.read("kept.pem"), "old");
        assert_eq!(sandbox.files(), ["kept.pem", "new.pem"]);
    }
}

#[test]
fn a_certificate_that_the_repository_does_not_allow_is_shown_and_not_kept() {
    let stub = Stub::start(of_the_chart());
    let other = FINGERPRINT.replace("mI8k", "AAAA");
    for (rules, status) in [
        (format!("fingerprints: ['{other}']\n"), 1),
        (format!("fingerprints: ['{FINGERPRINT}', '{other}']\n"), 0),
        (
            format!(
                "fingerprints: ['{other}']\nrules: [{{output: x/*, fingerprints: ['{FINGERPRINT}']}}]\n"
            ),
            0,
        ),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write(".seal.yaml", &rules);
        let outcome = run_in(&sandbox, &stub, "seal", &["cert", "-w", "prod.pem"]);
        assert_eq!(outcome.status, Some(status), "{rules}{}", outcome.stderr);
        let stdout = String::from_utf8(outcome.stdout).unwrap();
        assert!(stdout.contains(FINGERPRINT), "{stdout}");
        let refused = outcome.stderr.contains("error[disallowed-certificate]");
        assert_eq!(refused, status == 1, "{}", outcome.stderr);
        assert_eq!(
            sandbox.files().contains(&"prod.pem".to_owned()),
            status == 0
        );
    }
}

#[test]
fn the_published_certificate_takes_no_right_on_the_controller() {
    let map = "/api/v1/namespaces/kube-system/configmaps/sealed-secrets-certificate";
    let pem = certificate("rsa2048-a.crt.pem");
    let stub = Stub::start(vec![get(map, &json!({"data": {"cert.pem": pem}}))]);
    let outcome = run(
        &stub,
        &["cert", "--configmap", "sealed-secrets-certificate"],
    );
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    let stdout = String::from_utf8(outcome.stdout).unwrap();
    assert!(
        stdout.starts_with(&format!("fingerprint: {FINGERPRINT}\n")),
        "{stdout}"
    );
    assert_eq!(stub.seen().len(), 1);

    let stub = Stub::start(vec![get(map, &json!({"data": {}}))]);
    let outcome = run(
        &stub,
        &["cert", "--configmap", "sealed-secrets-certificate"],
    );
    assert_eq!(outcome.status, Some(1));
    assert!(
        outcome.stderr.starts_with("error[no-certificate]: "),
        "{}",
        outcome.stderr
    );
}
