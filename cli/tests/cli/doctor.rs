//! What `seal doctor` finds, against a server of fixed answers.

use serde_json::{Value, json};

use crate::cluster::{FINGERPRINT, NAMED, answer, certificate, get, of_the_chart, run_in};
use crate::program::Sandbox;
use crate::stub::{Route, Stub};

#[test]
fn a_certificate_at_hand_makes_up_for_missing_rights() {
    let mut routes = healthy(false);
    routes.retain(|route| !route.path.contains("services"));
    routes.push(answer("GET", NAMED, 403, "{}"));
    let stub = Stub::start(routes);
    assert_eq!(examined(&stub, &["--cert", "a.pem"]).0, Some(0));
    assert_eq!(examined(&stub, &[]).0, Some(3));
}

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/kube-system/deployments/sealed-secrets";

/// A cluster in which everything works, at a time of its own.
fn healthy(allowed: bool) -> Vec<Route> {
    let mut routes = of_the_chart();
    routes.extend([
        get("/version", &json!({"gitVersion": "v1.33.1"})),
        get("/apis/bitnami.com/v1alpha1", &json!({})),
        get(
            DEPLOYMENT,
            &json!({
                "spec": {"replicas": 1, "template": {"spec": {"containers": [{"image": "controller:v9"}]}}},
                "status": {"readyReplicas": 1},
            }),
        ),
        answer("POST", REVIEWS, 201, &json!({"status": {"allowed": allowed}})),
    ]);
    routes
}

/// Without the limit that it sets itself, which would be part of every path.
const DOCTOR: [&str; 3] = ["doctor", "--request-timeout", "0"];

fn examined(stub: &Stub, words: &[&str]) -> (Option<i32>, Vec<(String, String, String)>) {
    let sandbox = Sandbox::new();
    sandbox.write("a.pem", certificate("rsa2048-a.crt.pem"));
    sandbox.write("b.pem", certificate("rsa2048-b.crt.pem"));
    let words = [&DOCTOR[..], &["--json"], words].concat();
    let outcome = run_in(&sandbox, stub, "seal", &words);
    let report: Value = serde_json::from_slice(&outcome.stdout).expect(&outcome.stderr);
    let text = |check: &Value, field: &str| check[field].as_str().unwrap().to_owned();
    let checks = report["checks"].as_array().unwrap();
    let checks = checks
        .iter()
        .map(|check| {
            (
                text(check, "check"),
                text(check, "state"),
                text(check, "message"),
            )
        })
        .collect();
    (outcome.status, checks)
}

#[test]
fn the_doctor_finds_nothing_wrong_with_a_cluster_that_works() {
    let stub = Stub::start(healthy(true));
    let (status, checks) = examined(&stub, &["--cert", "a.pem", "-n", "web"]);
    assert_eq!(status, Some(0), "{checks:?}");
    let ends: Vec<(&str, &str)> = checks
        .iter()
        .map(|(check, state, _)| (check.as_str(), state.as_str()))
        .collect();
    assert_eq!(
        ends,
        [
            ("program", "ok"),
            ("--cert", "ok"),
            ("kubeconfig", "ok"),
            ("API server", "ok"),
            ("clock", "unknown"),
            ("type", "ok"),
            ("controller", "ok"),
            ("deployment", "ok"),
            ("rights", "ok"),
            ("rights", "ok"),
            ("rights", "ok"),
            ("rights", "ok"),
            ("certificate", "ok"),
            ("--cert", "ok"),
        ]
    );
    let reviews = stub.seen().into_iter().filter(|seen| seen.path == REVIEWS);
    let asked: Vec<String> = reviews
        .map(|seen| {
            let asked: Value = serde_json::from_str(&seen.body).unwrap();
            let of = &asked["spec"]["resourceAttributes"];
            let text = |field: &str| of[field].as_str().unwrap();
            [
                text("verb"),
                text("resource"),
                text("subresource"),
                text("namespace"),
                text("name"),
            ]
            .join(" ")
        })
        .collect();
    assert_eq!(
        asked,
        [
            "get services proxy kube-system http:sealed-secrets:http",
            "create services proxy kube-system http:sealed-secrets:http",
            "create sealedsecrets  web ",
            "list secrets  kube-system ",
        ]
    );
}

#[test]
fn the_doctor_tells_a_wrong_clock_missing_rights_and_another_certificate() {
    let mut routes = healthy(false);
    let version = routes
        .iter_mut()
        .find(|route| route.path == "/version")
        .unwrap();
    version.headers.push((
        "Date".to_owned(),
        "Thu, 01 Jan 2026 00:00:00 GMT".to_owned(),
    ));
    let stub = Stub::start(routes);
    let (status, checks) = examined(&stub, &["--cert", "b.pem"]);
    assert_eq!(status, Some(3), "{checks:?}");
    let state = |name: &str| {
        let of_name = checks.iter().filter(|(check, ..)| check == name);
        of_name
            .map(|(_, state, _)| state.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(state("clock"), ["problem"]);
    assert_eq!(state("rights"), ["note"; 4]);
    assert_eq!(state("--cert"), ["ok", "note"]);
}

#[test]
fn the_doctor_tells_of_a_certificate_that_the_repository_does_not_allow() {
    let stub = Stub::start(healthy(true));
    let other = FINGERPRINT.replace("mI8k", "AAAA");
    for (rules, problem) in [
        (format!("fingerprints: ['{FINGERPRINT}']\n"), None),
        (
            format!("fingerprints: ['{other}']\n"),
            Some("\nproblem  certificate  "),
        ),
        ("nonsense: 1\n".to_owned(), Some("\nproblem  rules        ")),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write(".seal.yaml", &rules);
        let outcome = run_in(&sandbox, &stub, "seal", &DOCTOR);
        let stdout = String::from_utf8(outcome.stdout).unwrap();
        let status = if problem.is_some() { 3 } else { 0 };
        assert_eq!(outcome.status, Some(status), "{stdout}");
        assert!(
            stdout.contains(problem.unwrap_or("\nok       rules        ")),
            "{stdout}"
        );
    }
}

#[test]
fn the_doctor_goes_as_far_as_it_gets() {
    // The address of nobody.
    let outcome = Sandbox::new().run(
        "seal",
        &["doctor", "--server", "http://127.0.0.1:1"],
        &[],
        b"",
    );
    assert_eq!(outcome.status, Some(3));
    let stdout = String::from_utf8(outcome.stdout).unwrap();
    assert!(stdout.contains("\nproblem  API server   "), "{stdout}");
    assert!(!stdout.contains("certificate"), "{stdout}");

    // One that takes connections and says nothing.
    let frozen = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", frozen.local_addr().unwrap());
    let words = ["doctor", "--server", &server, "--request-timeout", "1s"];
    let outcome = Sandbox::new().run("seal", &words, &[], b"");
    assert_eq!(outcome.status, Some(3));
    let stdout = String::from_utf8(outcome.stdout).unwrap();
    assert!(stdout.contains("longer than --request-timeout"), "{stdout}");

    let missing = vec![get("/version", &json!({"gitVersion": "v1.33.1"}))];
    let stub = Stub::start(missing);
    let (status, checks) = examined(&stub, &[]);
    assert_eq!(status, Some(3));
    let problems = checks.iter().filter(|(_, state, _)| state == "problem");
    let problems: Vec<&str> = problems.map(|(check, ..)| check.as_str()).collect();
    assert_eq!(problems, ["type", "controller"], "{checks:?}");
}
