//! Runs every recorded sealing case and every recorded key file through the program.
//!
//! `tests/vectors/README.md` says what the fields mean. As `kubeseal` the verdict and the object must be the recorded ones; a
//! case marked lenient may be refused instead. As `seal` more is read and more is checked, so the differences are listed here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::ciphertext::open;
use crate::program::{Outcome, Sandbox};
use sealed_api::names::annotations;
use sealed_crypto::{Certificate, base64};
use sealed_manifest::Documents;
use serde_json::{Value, json};

/// What `seal` does otherwise than recorded, with the reason.
const SEAL_ACCEPTS: [(&str, &str); 2] = [
    (
        "seal_envelope_011",
        "UTF-16 is read: it is what PowerShell 5 writes",
    ),
    ("seal_envelope_018", "a List is taken apart"),
];

fn directory() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors")).to_owned()
}

fn read_json(name: &str) -> Value {
    serde_json::from_slice(&fs::read(directory().join(name)).unwrap()).unwrap()
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    base64::decode(value.as_str().unwrap().as_bytes()).unwrap()
}

fn path(name: &str) -> String {
    directory().join(name).display().to_string()
}

/// Seals one case; the vectors were recorded without kubeconfig and without a cluster.
fn seal(case: &Value, name: &str) -> Outcome {
    let certificate = path(text(case, "cert"));
    let mut words = vec!["--cert", certificate.as_str()];
    if name == "seal" {
        words.extend(["-o", "json"]);
    }
    words.extend(
        case["args"]
            .as_array()
            .unwrap()
            .iter()
            .map(|word| word.as_str().unwrap()),
    );
    let input = match case.get("input") {
        Some(input) => input.as_str().unwrap().as_bytes().to_vec(),
        None => bytes(&case["input_b64"]),
    };
    Sandbox::new().run(name, &words, &[], &input)
}

/// The objects of the output, with empty values in place of the sealed ones, and those values opened.
fn opened(case: &Value, outcome: &Outcome) -> Result<Vec<Value>, String> {
    let key = fs::read(path(text(case, "key"))).unwrap();
    if let Some(place) = case.get("raw_for") {
        let sealed = std::str::from_utf8(&outcome.stdout).unwrap();
        let value = open(
            sealed,
            &key,
            text(place, "scope"),
            text(place, "namespace"),
            text(place, "name"),
        );
        return Ok(vec![json!(base64::encode(
            &value.ok_or("it does not open")?
        ))]);
    }
    let mut documents = Vec::new();
    for document in Documents::new(outcome.stdout.as_slice(), "output") {
        let mut object = document.map_err(|error| error.to_string())?.into_value();
        let annotations = object["metadata"]["annotations"].clone();
        let scope = ["cluster-wide", "namespace-wide"]
            .into_iter()
            .find(|scope| annotations[format!("sealedsecrets.bitnami.com/{scope}")] == "true")
            .unwrap_or("strict");
        let metadata = object["metadata"].clone();
        let (namespace, name) = (
            metadata["namespace"].as_str().unwrap_or_default(),
            metadata["name"].as_str().unwrap_or_default(),
        );
        let mut plain = BTreeMap::new();
        for (item, sealed) in object["spec"]["encryptedData"].as_object_mut().unwrap() {
            let value = open(sealed.as_str().unwrap(), &key, scope, namespace, name)
                .ok_or_else(|| format!("{item} does not open"))?;
            plain.insert(item.clone(), base64::encode(&value));
            *sealed = json!("");
        }
        documents.push(json!({"object": object, "plaintext_b64": plain}));
    }
    Ok(documents)
}

fn expected(case: &Value) -> Vec<Value> {
    match case.get("raw_plaintext_b64") {
        Some(value) => vec![value.clone()],
        None => case["documents"].as_array().unwrap().clone(),
    }
}

/// Compares one case; what `seal` adds to the object is taken away first, after a look at it.
fn fault(case: &Value, name: &str) -> Option<String> {
    let outcome = seal(case, name);
    let ok = outcome.status == Some(0);
    if !ok
        && (outcome.stderr.is_empty() || !outcome.stdout.is_empty() && case["group"] != "envelope")
    {
        return Some(format!(
            "fails without a message or with half an output: {:?}",
            outcome.stderr
        ));
    }
    match (text(case, "expect"), ok) {
        ("error", false) => return None,
        ("error", true) => return Some("sealed, but must not".to_owned()),
        (_, false) if case["lenient"] == true => return None,
        (_, false) => return Some(format!("refused: {}", outcome.stderr)),
        (_, true) => {}
    }
    let mut documents = match opened(case, &outcome) {
        Ok(documents) => documents,
        Err(fault) => return Some(fault),
    };
    if name == "seal" && case.get("raw_for").is_none() {
        let certificate = fs::read(path(text(case, "cert"))).unwrap();
        let fingerprint = Certificate::from_pem(&certificate)
            .unwrap()
            .fingerprint()
            .to_string();
        for document in &mut documents {
            let metadata = document["object"]["metadata"].as_object_mut().unwrap();
            let own = metadata["annotations"].as_object_mut().unwrap();
            if own.remove(annotations::KEYS) != Some(json!(fingerprint)) {
                return Some("the annotation does not name the key".to_owned());
            }
            if own.is_empty() {
                metadata.remove("annotations");
            }
        }
    }
    let expected = expected(case);
    (documents != expected).then(|| format!("{documents:#?} instead of {expected:#?}"))
}

fn run_cases(name: &str, exceptions: &[(&str, &str)]) {
    let file = read_json("seal_cases.json");
    let cases = file["cases"].as_array().unwrap();
    let mut faults = Vec::new();
    for case in cases {
        let id = text(case, "id");
        let fault = fault(case, name);
        if exceptions.iter().any(|(exception, _)| *exception == id) {
            assert_eq!(
                fault.as_deref(),
                Some("sealed, but must not"),
                "{id} is a listed difference"
            );
        } else if let Some(fault) = fault {
            faults.push(format!("{id} ({}): {fault}", text(case, "why")));
        }
    }
    assert!(cases.len() >= 107, "the recording is whole");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn kubeseal_seals_as_recorded() {
    run_cases("kubeseal", &[]);
}

#[test]
fn seal_seals_as_recorded_but_for_its_own_differences() {
    run_cases("seal", &SEAL_ACCEPTS);
}

/// A SealedSecret with one cluster-wide value, made by `certificate`; none if it is refused.
fn sealed_with(certificate: &str) -> Result<String, String> {
    let words = ["--raw", "--scope", "cluster-wide", "--cert", certificate];
    let outcome = Sandbox::new().run("kubeseal", &words, &[], b"probe");
    if outcome.status != Some(0) {
        return Err(outcome.stderr);
    }
    let object = json!({
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {"name": "m", "namespace": "n", "annotations": {"sealedsecrets.bitnami.com/cluster-wide": "true"}},
        "spec": {"encryptedData": {"v": String::from_utf8(outcome.stdout).unwrap()}},
    });
    Ok(object.to_string())
}

fn opens(object: &str, key_file: &str) -> bool {
    let words = ["--recovery-unseal", "--recovery-private-key", key_file];
    let outcome = Sandbox::new().run("kubeseal", &words, &[], object.as_bytes());
    if outcome.status != Some(0) {
        assert!(
            outcome.stdout.is_empty() && outcome.stderr.contains("error: "),
            "{}",
            outcome.stderr
        );
        return false;
    }
    let secret: Value = serde_json::from_slice(&outcome.stdout).unwrap();
    bytes(&secret["data"]["v"]) == b"probe"
}

#[test]
fn every_certificate_file_seals_for_the_recorded_key_or_is_refused() {
    let index = read_json("keys/index.json");
    let mut faults = Vec::new();
    for file in index["files"].as_array().unwrap() {
        let (name, want) = (text(file, "file"), &file["as_certificate"]);
        match (sealed_with(&path(name)), text(want, "expect")) {
            (Err(_), "error") => {}
            (Err(_), _) if file["lenient"] == true => {}
            (Err(message), _) => faults.push(format!("{name}: refused: {message}")),
            (Ok(_), "error") => faults.push(format!("{name}: sealed, but must not")),
            (Ok(object), _) => {
                let pairs = index["key_pairs"].as_array().unwrap();
                let pair = pairs
                    .iter()
                    .find(|pair| pair["name"] == want["seals_for"])
                    .unwrap();
                if !opens(&object, &path(text(pair, "pkcs1"))) {
                    faults.push(format!("{name}: not sealed for {}", want["seals_for"]));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_private_key_file_opens_what_is_recorded() {
    let index = read_json("keys/index.json");
    let strong = |pair: &&Value| pair["bits"].as_u64() >= Some(2048);
    let probes: Vec<(&str, String)> = index["key_pairs"]
        .as_array()
        .unwrap()
        .iter()
        .filter(strong)
        .map(|pair| {
            (
                text(pair, "name"),
                sealed_with(&path(text(pair, "cert"))).unwrap(),
            )
        })
        .collect();
    assert!(probes.len() >= 9, "the recording is whole");
    let mut faults = Vec::new();
    for file in index["files"].as_array().unwrap() {
        // A certificate file holds no private key, whatever its certificate; one of them stands for all.
        let name = text(file, "file");
        if file["kind"] == "certificate" && name != "keys/rsa2048-a.crt.pem" {
            assert_eq!(file["as_private_key"]["opens"], json!([]), "{name}");
            continue;
        }
        let wanted = file["as_private_key"]["opens"].as_array().unwrap();
        for (pair, object) in &probes {
            let (opens, wanted) = (opens(object, &path(name)), wanted.contains(&json!(pair)));
            if opens != wanted {
                faults.push(format!("{name}: opens {pair}: {opens}, recorded {wanted}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
