//! No plaintext leaves the controller but in a Secret: hostile objects over a directory, and every place where something
//! of them could show.
#![cfg(unix)]

#[expect(
    dead_code,
    reason = "shared with the other test programs, which use other parts"
)]
#[path = "support/site.rs"]
mod site;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use sealed_api::{SealedSecret, SecretTemplate};
use serde_json::json;
use site::{Running, Site, wait_for};

const CANARY: &str = "Hunter2Canary7f3a9cQz";

/// Templates that would show the value if they could.
const TEMPLATES: [&str; 22] = [
    "{{ fail .password }}",
    "{{ .password | b64enc | fail }}",
    "{{ printf \"%x\" .password | fail }}",
    "{{ printf \"%s\" .password | printf \"%d\" | fail }}",
    "{{ index .password 1000 }}",
    "{{ index . .password .password }}",
    "{{ .password.field }}",
    "{{ call .password }}",
    "{{ slice .password 9 1 }}",
    "{{ mustRegexMatch (print .password \"(\") \"x\" }}",
    "{{ mustToDate .password .password }}",
    "{{ mustFromJson .password }}",
    "{{ mustDateModify .password now }}",
    "{{ semver .password }}",
    "{{ genPrivateKey .password | fail }}",
    "{{ genCA .password 1 | fail }}",
    "{{ buildCustomCert .password .password }}",
    "{{ decryptAES .password .password }}",
    "{{ b32dec .password | fail }}",
    "{{ derivePassword 1 .password .password .password .password | fail }}",
    "{{ range $k, $v := . }}{{ fail $v }}{{ end }}",
    "{{ urlParse (print \":\" .password) }}",
];

/// The canary as it is, in hexadecimal, and in base64 wherever in a text it begins.
fn disguises() -> Vec<String> {
    let hex = CANARY.bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a String never fails");
        hex
    });
    let mut all = vec![CANARY.to_owned(), hex.to_uppercase(), hex];
    for before in 0..3 {
        let text = "x".repeat(before) + CANARY;
        let encoded = sealed_crypto::base64::encode(text.as_bytes());
        // Without the characters that depend on what stands before and after.
        let end = text.len() * 8 / 6;
        all.push(encoded[(before * 8).div_ceil(6)..end].to_owned());
    }
    all
}

fn assert_clean(place: &str, text: &str) {
    for disguise in disguises() {
        assert!(
            !text.contains(&disguise),
            "{place} shows {disguise}: {text}"
        );
    }
}

fn objects(running: &Running) -> Vec<SealedSecret> {
    let sealed = |name: &str| running.sealed_object("web", name, &[("password", CANARY)]);
    let mut objects = Vec::new();
    for (number, template) in TEMPLATES.iter().enumerate() {
        let mut object = sealed(&format!("template-{number}"));
        object.spec.template = Some(SecretTemplate {
            data: Some([("out".to_owned(), Some((*template).to_owned()))].into()),
            ..SecretTemplate::default()
        });
        objects.push(object);
    }
    let mut forgotten = sealed("not-sealed");
    let plain = CANARY.to_owned();
    forgotten
        .spec
        .encrypted_data
        .insert("plain".to_owned(), plain);
    objects.push(forgotten);
    let mut moved = sealed("moved");
    moved.metadata.namespace = Some("shop".to_owned());
    objects.push(moved);
    objects.push(sealed("good"));
    objects
}

/// Manifests that are no SealedSecrets, with a value in the wrong place.
fn mistakes() -> Vec<String> {
    let sealed = |spec: serde_json::Value| {
        json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": { "name": "mistake", "namespace": "web" }, "spec": spec,
        })
        .to_string()
    };
    vec![
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s", "namespace": "web" },
            "stringData": { "password": CANARY },
        })
        .to_string(),
        sealed(json!(CANARY)),
        sealed(json!({ "encryptedData": CANARY })),
        sealed(json!({ "encryptedData": { "a": [CANARY] } })),
        sealed(json!({ "encryptedData": {}, "data": CANARY })),
        sealed(json!({ "encryptedData": {}, "template": { "data": { "a": [CANARY] } } })),
        sealed(json!({ "encryptedData": {}, "template": { "data": CANARY } })),
        format!("password: \"{CANARY}\n"),
        format!("a: [{CANARY}"),
        CANARY.to_owned(),
    ]
}

fn assert_files_clean(directory: &Path) {
    for entry in fs::read_dir(directory).expect("the directory is there") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            assert_files_clean(&path);
        } else {
            let text = fs::read_to_string(&path).expect("a status is text");
            assert_clean(&path.display().to_string(), &text);
        }
    }
}

#[test]
fn plaintext_is_in_secrets_and_nowhere_else() {
    let site = Site::new();
    let running = site.start(&[
        "--log-level=DEBUG",
        "--rate-limit=100000",
        "--rate-limit-burst=100000",
    ]);
    let objects = objects(&running);
    for (number, object) in objects.iter().enumerate() {
        let file = format!("sealed/{number}.yaml");
        site.put(&file, &sealed_manifest::to_yaml(object));
    }
    for (number, text) in mistakes().iter().enumerate() {
        site.put(&format!("sealed/mistake-{number}.yaml"), text);
    }
    site.wait_value("secrets/web/good.yaml", "password", CANARY);
    for object in &objects {
        let status = format!("status/{}/{}.yaml", object.namespace(), object.name());
        wait_for(&status, || site.text(&status));
    }

    let bodies = objects
        .iter()
        .map(|object| serde_json::to_string(object).expect("a SealedSecret is JSON"))
        .chain(mistakes());
    for body in bodies {
        for path in ["/v1/verify", "/v1/rotate"] {
            let answer = running.post(path, body.as_bytes());
            // What was never sealed comes back as it was sent, if at all.
            assert_clean(path, &format!("{}{}", answer.head, answer.body));
        }
    }
    assert_files_clean(&site.path("status"));
    assert_clean("the log", &running.log());
    assert_clean("the metrics page", &running.metrics());

    // The Secret holds it in base64: what is looked for can be found.
    let secret = site.text("secrets/web/good.yaml").expect("it is there");
    let found = disguises().iter().any(|disguise| secret.contains(disguise));
    assert!(found, "{secret}");
}
