//! The recorded inputs of the existing tools, as far as reading them goes.

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealed_manifest::{Document, Documents, Format};
use serde_json::Value;

fn vectors(file: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors")).join(file)
}

fn json(file: &str) -> Value {
    let bytes = fs::read(vectors(file)).expect(file);
    serde_json::from_slice(&bytes).expect(file)
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// The mappings of a stream, or nothing if it is malformed: the existing tools drop what is no mapping.
fn objects(stream: &[u8]) -> Result<Vec<Document>, String> {
    let documents: Result<Vec<_>, _> = Documents::new(stream, "vector").collect();
    let documents = documents.map_err(|error| error.to_string())?;
    Ok(documents
        .into_iter()
        .filter(|found| found.value().is_object())
        .collect())
}

#[test]
fn manifests_are_one_object_each() {
    let index = json("manifests/index.json");
    assert!(list(&index, "manifests").len() > 200);
    for case in list(&index, "manifests") {
        let (id, file) = (text(case, "id"), text(case, "file"));
        let bytes = fs::read(vectors(file)).expect(id);
        let found = objects(&bytes);
        if text(case, "expect") == "ok" && case["lenient"] != true {
            let found = found.expect(id);
            assert_eq!(found.len(), 1, "{id}");
            assert_eq!(found[0].value()["kind"], "SealedSecret", "{id}");
            let first = bytes
                .strip_prefix("\u{feff}".as_bytes())
                .unwrap_or(&bytes)
                .trim_ascii_start()
                .first()
                .copied();
            assert_eq!(
                found[0].format() == Format::Json,
                first == Some(b'{'),
                "{id}"
            );
        }
    }
    // Malformed as text, not only as SealedSecrets.
    for file in [
        "yaml_tabs",
        "yaml_item_name_null",
        "yaml_json_trailing",
        "env_not_yaml",
    ] {
        let bytes = fs::read(vectors(&format!("manifests/{file}.yaml"))).expect(file);
        objects(&bytes).expect_err(file);
    }
}

#[test]
fn sealed_inputs_have_as_many_objects_as_were_sealed() {
    let cases = json("seal_cases.json");
    let mut compared = 0;
    for case in list(&cases, "cases") {
        let (id, group) = (text(case, "id"), text(case, "group"));
        if !matches!(group, "envelope" | "scalars" | "data" | "metadata") {
            continue;
        }
        let input = case["input_b64"].as_str().map_or_else(
            || text(case, "input").as_bytes().to_owned(),
            |input| STANDARD.decode(input).expect(id),
        );
        let found = objects(&input);
        if text(case, "error").starts_with("no secrets found") {
            // UTF-16 is read here; everything else holds nothing or is refused.
            let utf16 = input.starts_with(&[0xFF, 0xFE]);
            assert_eq!(found.is_ok_and(|found| !found.is_empty()), utf16, "{id}");
            continue;
        }
        let sealed = list(case, "documents");
        if text(case, "expect") != "ok" || (case["lenient"] == true && found.is_err()) {
            continue;
        }
        let found = found.expect(id);
        assert_eq!(found.len(), sealed.len(), "{id}");
        for (document, sealed) in found.iter().zip(sealed) {
            let plaintexts = sealed["plaintext_b64"].as_object().expect(id);
            let Some(strings) = document.value()["stringData"].as_object() else {
                continue;
            };
            for (key, value) in strings {
                let plaintext = STANDARD
                    .decode(plaintexts[key].as_str().expect(id))
                    .expect(id);
                let plaintext = String::from_utf8(plaintext).expect(id);
                assert!(
                    says(value, &plaintext),
                    "{id}: {key} is {value}, sealed as {plaintext:?}"
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 40, "only {compared} values compared");
}

/// Whether Go makes this text of the value.
fn says(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Null => wanted.is_empty(),
        Value::String(text) => text == wanted,
        #[expect(clippy::cast_possible_truncation, reason = "Go prints 32 bits")]
        Value::Number(number) if number.is_f64() => {
            number.as_f64().map(|number| number as f32) == wanted.parse().ok()
        }
        other => format!("{other}") == wanted,
    }
}
