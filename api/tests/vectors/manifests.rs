//! `manifests/index.json`: whole objects, and the Secret or the error each gives.

use std::collections::BTreeSet;

use sealed_api::names::annotations;
use sealed_api::{
    Code, SealedSecret, SecretView, Templates, UnsealFailure, reencrypt, unseal, verify,
};
use sealed_crypto::{KeyOrder, Keyring, base64};
use sealed_manifest::Format;
use sealed_sprig::System;
use serde::Deserialize;
use serde_json::Value;

use super::directory::{canonical, certificate, documents, index, keyring, read};

#[derive(Deserialize)]
struct Case {
    id: String,
    file: String,
    keys: Vec<String>,
    accept_deprecated_v1_data: Option<bool>,
    expect: String,
    secret: Option<Value>,
    errors: Option<Vec<String>>,
    stage: Option<String>,
    verify: String,
    #[serde(default)]
    lenient: bool,
}

enum Outcome {
    Unreadable(String),
    Failed(UnsealFailure),
    Opened(Value),
}

/// Reads a file that is one object: what starts like JSON has to be JSON, and no document is passed over.
fn decode(case: &Case) -> Result<SealedSecret, String> {
    let text = read(&case.file);
    let mut found = documents(&text)?;
    if found.len() != 1 {
        return Err(format!("{} documents", found.len()));
    }
    let document = found.remove(0);
    if document.format() == Format::Yaml && document.text().trim_start().starts_with('{') {
        return Err("YAML in braces".to_owned());
    }
    let text = String::from_utf8_lossy(&text);
    let before = text.lines().take(document.line() - 1);
    if before.filter(|line| line.starts_with("---")).count() > 1 {
        return Err("an empty document".to_owned());
    }
    SealedSecret::decode_typed(document.into_value()).map_err(|error| error.to_string())
}

fn templates() -> Templates<System> {
    Templates::new(System::new())
}

fn outcome(case: &Case, keyring: &Keyring, accept_v1: bool) -> Outcome {
    let object = match decode(case) {
        Ok(object) => object,
        Err(error) => return Outcome::Unreadable(error),
    };
    match unseal(
        &object,
        keyring,
        &KeyOrder::default(),
        accept_v1,
        Some(&templates()),
    ) {
        Err(failure) => Outcome::Failed(failure),
        Ok(unsealed) => Outcome::Opened(canonical(
            serde_json::to_value(SecretView(&unsealed.secret)).unwrap(),
        )),
    }
}

/// Lines and bracketed keys in sorted order: the recorded program prints both in random order.
fn unordered(text: &str) -> BTreeSet<(String, Vec<String>)> {
    text.lines()
        .map(|line| match line.rsplit_once(" (") {
            Some((text, keys)) => {
                let mut keys: Vec<_> = keys.trim_end_matches(')').split(", ").collect();
                keys.sort_unstable();
                (
                    text.to_owned(),
                    keys.into_iter().map(str::to_owned).collect(),
                )
            }
            None => (line.to_owned(), Vec::new()),
        })
        .collect()
}

fn check(case: &Case, keyring: &Keyring, accept_v1: bool) -> Result<(), String> {
    match (outcome(case, keyring, accept_v1), case.expect.as_str()) {
        (Outcome::Opened(secret), "ok") => {
            let want = canonical(case.secret.clone().unwrap());
            (secret == want)
                .then_some(())
                .ok_or_else(|| format!("wrong Secret {secret}"))
        }
        (Outcome::Opened(_), _) => Err("opened, but must not".to_owned()),
        (Outcome::Unreadable(_) | Outcome::Failed(_), "ok") if case.lenient => Ok(()),
        (Outcome::Unreadable(error), "ok") => Err(format!("unreadable: {error}")),
        (Outcome::Failed(failure), "ok") => Err(format!("refused: {failure}")),
        (Outcome::Unreadable(error), _) => (case.stage.as_deref() == Some("decode"))
            .then_some(())
            .ok_or_else(|| format!("unreadable: {error}")),
        // What is inside a blob is plaintext, so this fault has a text without particulars.
        (Outcome::Failed(failure), _) if failure.code() == Code::BadBlob => Ok(()),
        (Outcome::Failed(failure), _) => {
            let whole = failure.whole();
            let mut recorded = case.errors.iter().flatten();
            recorded
                .any(|error| unordered(error) == unordered(whole.expose()))
                .then_some(())
                .ok_or_else(|| format!("another text: {}", whole.expose()))
        }
    }
}

fn check_verify(case: &Case, keyring: &Keyring, accept_v1: bool) -> Result<(), String> {
    let got = match decode(case) {
        Err(_) => "malformed",
        Ok(object) => match verify(&object, keyring, &KeyOrder::default(), accept_v1) {
            Ok(()) => "ok",
            Err(_) => "undecryptable",
        },
    };
    let fits = match case.verify.as_str() {
        // The recorded handler panics on text it cannot convert; what can be read has an answer here.
        "panics" => {
            got == if case.expect == "ok" {
                "ok"
            } else {
                "malformed"
            }
        }
        // A file that ends with `---` still holds one document.
        want => got == want || (case.lenient && ["malformed", "ok"].contains(&got)),
    };
    fits.then_some(())
        .ok_or_else(|| format!("verify: {got}, recorded {}", case.verify))
}

#[test]
fn every_object_gives_the_recorded_secret_or_error() {
    let cases: Vec<Case> = index("manifests/index.json", "manifests");
    let mut wrong = Vec::new();
    for case in &cases {
        let keyring = keyring(&case.keys);
        let flags = case
            .accept_deprecated_v1_data
            .map_or_else(|| vec![true, false], |flag| vec![flag]);
        for accept_v1 in flags {
            for result in [
                check(case, &keyring, accept_v1),
                check_verify(case, &keyring, accept_v1),
            ] {
                if let Err(why) = result {
                    wrong.push(format!("{} (v1 {accept_v1}): {why}", case.id));
                }
            }
        }
    }
    println!("{} objects", cases.len());
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Re-encrypting changes ciphertexts and nothing that comes of them, whatever a template says.
#[test]
fn every_object_that_opens_gives_the_same_secret_after_re_encrypting() {
    let certificate = certificate("keys/rsa3072-a.crt.pem").unwrap();
    let new_key = keyring([&"keys/rsa3072-a.pkcs1.pem".to_owned()]);
    let cases: Vec<Case> = index("manifests/index.json", "manifests");
    let mut re_encrypted = 0;
    for case in cases.iter().filter(|case| case.verify == "ok") {
        let Ok(object) = decode(case) else {
            continue;
        };
        let accept_v1 = case.accept_deprecated_v1_data.unwrap_or(true);
        let order = KeyOrder::default();
        let renewed = reencrypt(
            &object,
            &keyring(&case.keys),
            &order,
            &certificate,
            accept_v1,
        );
        let renewed = match renewed {
            Ok(renewed) => renewed,
            Err(error) if error.code() == Code::BadBlob => continue,
            Err(error) => panic!("{}: {error}", case.id),
        };
        assert_eq!(renewed.label(), object.label(), "{}", case.id);
        assert_eq!(renewed.metadata, object.metadata, "{}", case.id);
        if object.spec.data.is_none() {
            assert_eq!(renewed.spec.template, object.spec.template, "{}", case.id);
        }
        verify(&renewed, &new_key, &order, false).unwrap();
        if let Some(want) = &case.secret {
            let unsealed = unseal(&renewed, &new_key, &order, false, Some(&templates())).unwrap();
            let mut secret = unsealed.secret.clone();
            if object.spec.data.is_some() {
                // A blob could ask for no owner without the Secret showing it; a template cannot.
                let all = secret.metadata.annotations.get_or_insert_default();
                all.remove(annotations::SKIP_SET_OWNER_REFERENCES);
            }
            let secret = serde_json::to_value(SecretView(&secret)).unwrap();
            assert_eq!(
                joined(canonical(secret)),
                joined(canonical(want.clone())),
                "{}",
                case.id
            );
        }
        re_encrypted += 1;
    }
    assert!(re_encrypted > 150, "only {re_encrypted} objects");
}

/// A Secret with its `stringData` in `data`, as the API server stores it.
fn joined(mut secret: Value) -> Value {
    let texts = secret.as_object_mut().unwrap().remove("stringData");
    for (key, text) in texts.iter().filter_map(Value::as_object).flatten() {
        let encoded = base64::encode(text.as_str().unwrap().as_bytes());
        secret["data"][key] = Value::String(encoded);
    }
    secret
}

#[test]
fn every_file_of_the_directory_is_listed() {
    let cases: Vec<Case> = index("manifests/index.json", "manifests");
    let listed: BTreeSet<_> = cases.iter().map(|case| case.file.as_str()).collect();
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/manifests");
    for entry in std::fs::read_dir(directory).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let file = format!("manifests/{name}");
        assert!(
            name == "index.json" || listed.contains(file.as_str()),
            "{file}"
        );
    }
}
