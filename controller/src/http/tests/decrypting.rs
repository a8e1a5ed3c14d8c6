//! `/v1/verify` and `/v1/rotate`.

use std::collections::BTreeMap;

use sealed_api::{SealedSecret, names, unseal};
use sealed_crypto::{KeyOrder, Label, Scope};
use serde_json::{Value, json};

use super::*;
use crate::http::budget::Budget;

const CANARY: &str = "hunter2-canary";

/// A sealed value for `namespace/name` under the first key of `keyring`.
fn sealed(keyring: &Keyring, namespace: &str, name: &str, plaintext: &str) -> String {
    let label = Label::for_scope(Scope::Strict, namespace, name).unwrap();
    let certificate = keyring
        .iter()
        .next()
        .unwrap()
        .certificate()
        .unwrap()
        .clone();
    sealed_crypto::seal(&certificate, &label, plaintext.as_bytes())
        .unwrap()
        .to_string()
}

/// The SealedSecret `web/db` with these values.
fn object(values: &[(&str, &str)]) -> Value {
    let values: BTreeMap<_, _> = values.iter().copied().collect();
    json!({
        "apiVersion": names::API_VERSION,
        "kind": names::KIND,
        "metadata": {"name": "db", "namespace": "web", "labels": {"team": "a"}},
        "spec": {"encryptedData": values},
    })
}

fn good(keyring: &Keyring) -> String {
    sealed(keyring, "web", "db", CANARY)
}

async fn verify(api: &Api, object: &Value) -> Answer {
    api.send(Method::POST, "/v1/verify", object.to_string())
        .await
}

async fn rotate(api: &Api, object: &Value) -> Answer {
    api.send(Method::POST, "/v1/rotate", object.to_string())
        .await
}

/// An API that is asked often.
fn unlimited(keyring: &Keyring) -> Api {
    Api::new(
        keyring.clone(),
        &["--rate-limit=1000", "--rate-limit-burst=1000"],
    )
}

#[tokio::test]
async fn verify_answers_with_a_status_alone() {
    let keyring = one_key(now());
    let api = unlimited(&keyring);
    let opens = verify(&api, &object(&[("password", &good(&keyring))])).await;
    assert_eq!(
        (
            opens.code,
            opens.body.as_str(),
            opens.header("content-type")
        ),
        (200, "", "")
    );
    assert_eq!(
        verify(&api, &object(&[])).await.code,
        200,
        "nothing to open"
    );
}

#[tokio::test]
async fn every_object_that_does_not_open_gets_the_same_answer() {
    let keyring = one_key(now());
    let api = Api::new(
        keyring.clone(),
        &[
            "--rate-limit=1000",
            "--rate-limit-burst=1000",
            "--accept-deprecated-v1-data=false",
        ],
    );
    let good = good(&keyring);
    let other = Keyring::new([sealing_key("rsa2048-b.pkcs1.pem", now())]);
    let flipped = {
        let mut bytes = sealed_crypto::base64::decode(good.as_bytes()).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        sealed_crypto::base64::encode(&bytes)
    };
    let mut both = object(&[("a", &good)]);
    both["spec"]["data"] = "AAAA".into();
    let mut deprecated = object(&[]);
    deprecated["spec"]["data"] = good.as_str().into();
    let mut nowhere = object(&[("a", &good)]);
    nowhere["metadata"]["namespace"] = Value::Null;
    let mut wide = object(&[("a", &good)]);
    wide["metadata"]["annotations"] = json!({names::annotations::CLUSTER_WIDE: "true"});
    let cases = [
        (
            "wrong name",
            object(&[("a", &sealed(&keyring, "web", "other", CANARY))]),
        ),
        (
            "wrong namespace",
            object(&[("a", &sealed(&keyring, "shop", "db", CANARY))]),
        ),
        (
            "wrong key",
            object(&[("a", &sealed(&other, "web", "db", CANARY))]),
        ),
        ("wrong scope", wide),
        ("one flipped bit", object(&[("a", &flipped)])),
        ("truncated", object(&[("a", &good[..100])])),
        ("no base64", object(&[("a", "!")])),
        ("empty", object(&[("a", "")])),
        ("the second of two", object(&[("a", &good), ("b", "!")])),
        ("both fields", both),
        ("deprecated field", deprecated),
        ("no namespace", nowhere),
    ];
    for (path, code) in [("/v1/verify", 409), ("/v1/rotate", 500)] {
        let mut answers = Vec::new();
        for (why, object) in &cases {
            let mut answer = api.send(Method::POST, path, object.to_string()).await;
            assert_eq!((answer.code, answer.body.as_str()), (code, ""), "{why}");
            for moving in ["x-ratelimit-remaining", "x-ratelimit-reset"] {
                assert!(answer.headers.remove(moving).is_some(), "{why}");
            }
            answers.push(answer);
        }
        assert!(
            answers.windows(2).all(|pair| pair[0] == pair[1]),
            "{answers:#?}"
        );
    }
}

#[tokio::test]
async fn templates_do_not_run() {
    let keyring = one_key(now());
    let api = unlimited(&keyring);
    let mut object = object(&[("password", &good(&keyring))]);
    object["spec"]["template"] = json!({"data": {"x": "{{ fail .password }}", "y": "{{ broken"}});
    assert_eq!(verify(&api, &object).await.code, 200);
    assert_eq!(rotate(&api, &object).await.code, 200);
}

#[tokio::test]
async fn what_is_no_sealed_secret_is_500_and_empty() {
    let api = unlimited(&one_key(now()));
    let text = object(&[]).to_string();
    for body in [
        String::new(),
        "not yaml: [".to_owned(),
        "{}".to_owned(),
        "kind: Secret\napiVersion: v1\n".to_owned(),
        "kind: List\napiVersion: v1\nitems: []\n".to_owned(),
        text.replace("v1alpha1", "v1"),
    ] {
        for path in ["/v1/verify", "/v1/rotate"] {
            let answer = api.send(Method::POST, path, body.clone()).await;
            assert_eq!(
                (answer.code, answer.body.as_str()),
                (500, ""),
                "{path} {body}"
            );
        }
    }
    let two = format!("{text}\n---\n{text}");
    assert_eq!(
        api.send(Method::POST, "/v1/verify", two.clone()).await.code,
        500
    );
    assert_eq!(api.send(Method::POST, "/v1/rotate", two).await.code, 200);
}

#[tokio::test]
async fn rotate_changes_the_sealed_values_and_nothing_else() {
    let old = sealing_key("rsa2048-a.pkcs1.pem", now().checked_sub(1.hours()).unwrap());
    let new = sealing_key("rsa2048-b.pkcs1.pem", now());
    let keyring = Keyring::new([old.clone(), new.clone()]);
    let api = unlimited(&keyring);
    let value = sealed(&Keyring::new([old]), "web", "db", CANARY);
    let mut object = object(&[("password", &value)]);
    object["spec"]["template"] = json!({
        "metadata": {"annotations": {names::annotations::MANAGED: "true"}},
        "type": "Opaque",
        "data": {"url": "postgres://{{ .password }}@db"},
    });
    let answer = rotate(&api, &object).await;
    assert_eq!(
        (answer.code, answer.header("content-type")),
        (200, "application/json")
    );
    let mut rotated: Value = serde_json::from_str(&answer.body).unwrap();
    let ciphertext = rotated["spec"]["encryptedData"]["password"].take();
    assert_ne!(ciphertext.as_str().unwrap(), value);
    object["spec"]["encryptedData"]["password"] = Value::Null;
    assert_eq!(rotated, object);

    rotated["spec"]["encryptedData"]["password"] = ciphertext;
    rotated["spec"]["template"]["data"] = Value::Null;
    let rotated = SealedSecret::decode(rotated).unwrap();
    let only_new = Keyring::new([new]);
    let unsealed = unseal(&rotated, &only_new, &KeyOrder::default(), true, None).unwrap();
    assert_eq!(
        unsealed.secret.data.clone().unwrap()["password"].0,
        CANARY.as_bytes()
    );
}

#[tokio::test]
async fn rotate_needs_a_certificate_to_seal_with() {
    let keyring = one_key(now().checked_sub((31 * 24).hours()).unwrap());
    let api = unlimited(&keyring);
    let object = object(&[("password", &good(&keyring))]);
    assert_eq!(
        verify(&api, &object).await.code,
        200,
        "an expired key still opens"
    );
    assert_eq!(rotate(&api, &object).await.code, 503);
}

#[tokio::test]
async fn only_post_is_answered() {
    let api = unlimited(&one_key(now()));
    for path in ["/v1/verify", "/v1/rotate"] {
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
            let answer = api
                .send(method.clone(), path, object(&[]).to_string())
                .await;
            assert_eq!(
                (answer.code, answer.header("allow")),
                (405, "POST"),
                "{method} {path}"
            );
        }
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_413() {
    let keyring = one_key(now());
    let api = unlimited(&keyring);
    let largest = {
        let mut text = object(&[("password", &good(&keyring))]).to_string();
        text.push_str(&" ".repeat(super::super::body::MAX_BODY - text.len()));
        text
    };
    assert_eq!(
        api.send(Method::POST, "/v1/verify", largest.clone())
            .await
            .code,
        200
    );
    assert_eq!(
        api.send(Method::POST, "/v1/verify", largest + " ")
            .await
            .code,
        413
    );
}

#[tokio::test]
async fn the_rate_is_limited_per_path_and_told_in_headers() {
    let api = Api::new(one_key(now()), &[]);
    let mut remaining = Vec::new();
    for _ in 0..3 {
        let answer = verify(&api, &object(&[])).await;
        assert_eq!(
            (answer.code, answer.header("x-ratelimit-limit")),
            (200, "3")
        );
        remaining.push(answer.header("x-ratelimit-remaining").to_owned());
    }
    assert_eq!(remaining, ["2", "1", "0"]);
    let refused = verify(&api, &object(&[])).await;
    assert_eq!(
        (refused.code, refused.body.as_str()),
        (429, "limit exceeded\n")
    );
    assert_eq!(refused.header("content-type"), TEXT);
    assert_eq!(refused.header("x-content-type-options"), "nosniff");
    assert_eq!(
        (
            refused.header("retry-after"),
            refused.header("x-ratelimit-remaining")
        ),
        ("1", "0")
    );
    assert_eq!(rotate(&api, &object(&[])).await.code, 200, "another path");
    assert_eq!(api.get("/v1/cert.pem").await.code, 200, "not limited");
    let text = api.metrics();
    assert!(
        text.contains("{code=\"429\",method=\"post\",path=\"/v1/verify\"} 1"),
        "{text}"
    );
}

fn decryptions(api: &Api) -> u32 {
    let text = api.metrics();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("sealed_secrets_controller_rsa_decryptions_total "));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_first_value_that_fails_ends_the_work() {
    let keyring = one_key(now());
    let api = unlimited(&keyring);
    let good = good(&keyring);
    let elsewhere = sealed(&keyring, "web", "other", CANARY);
    let values = [
        ("a", good.as_str()),
        ("b", &elsewhere),
        ("c", &good),
        ("d", &good),
    ];
    assert_eq!(verify(&api, &object(&values)).await.code, 409);
    assert_eq!(decryptions(&api), 2);
    assert_eq!(rotate(&api, &object(&values)).await.code, 500);
    assert_eq!(decryptions(&api), 4);
}

#[tokio::test]
async fn the_key_that_opened_one_value_is_tried_first_for_the_next() {
    let newest = sealing_key("rsa2048-b.pkcs1.pem", now());
    let old = sealing_key("rsa2048-a.pkcs1.pem", now().checked_sub(1.hours()).unwrap());
    let api = unlimited(&Keyring::new([newest, old.clone()]));
    let good = good(&Keyring::new([old]));
    let values = [("a", good.as_str()), ("b", &good), ("c", &good)];
    assert_eq!(verify(&api, &object(&values)).await.code, 200);
    assert_eq!(decryptions(&api), 4, "one wrong guess in all");
}

#[tokio::test]
async fn one_request_cannot_buy_endless_work() {
    let keyring = one_key(now());
    let api = unlimited(&keyring);
    let good = good(&keyring);
    let names: Vec<String> = (0..1100).map(|n| format!("key{n:04}")).collect();
    let values: Vec<(&str, &str)> = names
        .iter()
        .map(|name| (name.as_str(), good.as_str()))
        .collect();
    let answer = verify(&api, &object(&values)).await;
    assert_eq!(
        (answer.code, answer.body.as_str()),
        (413, "too many values for one request\n")
    );
    assert_eq!(decryptions(&api), 1024);
}

#[tokio::test]
async fn no_request_writes_a_long_line_into_the_log() {
    let logs = crate::logging::tests::Captured::start();
    let keyring = one_key(now());
    let api = unlimited(&keyring);
    let long = "x\u{1}".repeat(50_000);
    let mut bad_time = object(&[]);
    bad_time["metadata"]["creationTimestamp"] = long.as_str().into();
    let mut bad_kind = object(&[]);
    bad_kind["kind"] = long.as_str().into();
    let mut bad_entry = object(&[]);
    bad_entry["spec"]["encryptedData"] = json!({&long: 1});
    let mut long_name = object(&[("a", &sealed(&keyring, "web", &long, CANARY))]);
    long_name["metadata"]["name"] = long.as_str().into();
    let bad_value = object(&[(&long, "!")]);
    for object in [bad_time, bad_kind, bad_entry, bad_value, long_name] {
        verify(&api, &object).await;
        rotate(&api, &object).await;
    }
    let logged = logs.text();
    let longest = logged.lines().map(str::len).max();
    assert!(logged.contains("Re-encrypted SealedSecret"));
    // A kilobyte for each field, and control characters are written in escapes.
    assert!(longest < Some(8_000), "{longest:?}");
}

#[tokio::test]
async fn plaintext_is_in_no_answer_log_or_metric() {
    let logs = crate::logging::tests::Captured::start();
    let keyring = one_key(now());
    let api = unlimited(&keyring);
    let mut bad_template = object(&[("password", &good(&keyring))]);
    bad_template["spec"]["template"] = json!({"data": {"x": "{{ fail .password }}"}});
    let mut plain = object(&[("password", CANARY)]);
    plain["spec"]["template"] = json!({"immutable": CANARY});
    let elsewhere = object(&[("password", &sealed(&keyring, "a", "b", CANARY))]);
    let bodies = [
        object(&[("password", &good(&keyring))]).to_string(),
        bad_template.to_string(),
        object(&[("password", CANARY)]).to_string(),
        plain.to_string(),
        elsewhere.to_string(),
        format!("{{\"kind\": \"Secret\", \"data\": {{\"password\": \"{CANARY}\"}}"),
        CANARY.to_owned(),
    ];
    let mut told = Vec::new();
    for body in bodies {
        for path in ["/v1/verify", "/v1/rotate"] {
            let answer = api.send(Method::POST, path, body.clone()).await;
            told.push(format!("{answer:?}"));
        }
    }
    let logged = logs.text();
    assert!(
        logged.contains("Re-encrypted SealedSecret") && logged.contains("Error rotating secret")
    );
    told.extend([logged, api.metrics()]);
    let told = told.join("\n");
    let encoded = sealed_crypto::base64::encode(CANARY.as_bytes());
    for secret in [CANARY, encoded.trim_end_matches('=')] {
        assert!(!told.contains(secret), "{told}");
    }
}

#[tokio::test]
async fn answers_that_nobody_takes_hold_a_bounded_share_of_memory() {
    let keyring = one_key(now());
    let mut api = unlimited(&keyring);
    api.endpoints.answers = Budget::of(100_000, 60_000);
    let large = sealed(&keyring, "web", "db", &"x".repeat(20_000));
    let body = object(&[("large", &large)]).to_string();
    let rotate = async |peer: u8| {
        let request = Request::post("/v1/rotate");
        let request = request.body(Full::new(Bytes::from(body.clone()))).unwrap();
        let peer = IpAddr::from([192, 0, 2, peer]);
        api.endpoints.respond(request, peer).await
    };
    let mut held = Vec::new();
    let refused = loop {
        match rotate(1).await {
            answer if answer.status() == 200 => held.push(answer),
            answer => break answer,
        }
        assert!(held.len() * large.len() <= 60_000, "of one peer");
    };
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert!(!held.is_empty());
    assert_eq!(rotate(2).await.status(), 200, "another peer");
    held.pop();
    assert_eq!(rotate(1).await.status(), 200, "once one is taken");
}
