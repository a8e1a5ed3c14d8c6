//! What the vector runners share.
use std::path::PathBuf;

use serde_json::Value;

fn vector_path(relative: &str) -> PathBuf {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors");
    PathBuf::from(root).join(relative)
}

pub(crate) fn read(relative: &str) -> Vec<u8> {
    let path = vector_path(relative);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn read_json(relative: &str) -> Value {
    serde_json::from_slice(&read(relative)).expect("vectors are JSON")
}

pub(crate) fn list<'a>(value: &'a Value, field: &str) -> &'a Vec<Value> {
    value[field].as_array().expect("a list")
}

pub(crate) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field]
        .as_str()
        .unwrap_or_else(|| panic!("no text `{field}` in {value}"))
}

pub(crate) fn is_lenient(value: &Value) -> bool {
    value["lenient"] == true
}
