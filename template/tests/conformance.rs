//! The cases that need no Sprig, against what Go made of them. `conformance/README.md` says what a case is.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sealed_template::{Budget, Environment, Functions, Limits, List, Map, Str, Template, Value};
use serde_json::Value as Json;

const CASES: &str = include_str!("../conformance/gotemplate_cases.json");

/// Error texts that differ from Go's: the case, the text, the reason.
const OTHER_TEXTS: &[(&str, &str, &str)] = &[(
    "limits_001",
    r#"template: t:1:28: executing "r" at <{{template "r" .}}>: exceeded maximum template depth (5000)"#,
    "the bound is lower than Go's 100000",
)];

struct Still;

impl Environment for Still {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Output(String),
    ParseError(String),
    ExecError(String),
}

/// Bytes for comparing and showing: what is not UTF-8 is escaped, and nothing else is.
fn shown(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap_or_else(|_| format!("{}", bytes.escape_ascii()))
}

fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(bool) => Value::Bool(*bool),
        // Read from the text: `17` is an integer and `17.0` is not.
        Json::Number(number) => match number.as_i64() {
            Some(int) => Value::int(int),
            None => Value::Float(number.as_f64().expect("a float")),
        },
        Json::String(text) => Value::string(text.as_str()),
        Json::Array(items) => List::of_any(items.iter().map(value).collect()).into(),
        Json::Object(entries) => {
            let entries = entries
                .iter()
                .map(|(key, json)| (key.as_str().into(), value(json)));
            Map::of_any(entries.collect()).into()
        }
    }
}

fn root(case: &Json) -> Value {
    if case["mode"] == "generic" {
        return value(&case["data"]);
    }
    let data = case["data"].as_object().into_iter().flatten();
    let text = |json: &Json| json.as_str().expect("a string").to_owned();
    let texts = data.map(|(key, json)| (Str::from(key.as_str()), Str::from(text(json))));
    let binary = case["data_b64"].as_object().into_iter().flatten();
    let binary = binary.map(|(key, json)| {
        let bytes = BASE64_STANDARD.decode(text(json)).expect("base64");
        (Str::from(key.as_str()), Str::from(bytes))
    });
    Map::of_strings(texts.chain(binary)).into()
}

fn expected(case: &Json) -> Outcome {
    let id = case["id"].as_str().expect("an id");
    if let Some(text) = case["expect"].as_str() {
        return Outcome::Output(text.to_owned());
    }
    if let Some(text) = case["expect_b64"].as_str() {
        return Outcome::Output(shown(&BASE64_STANDARD.decode(text).expect("base64")));
    }
    let error = &case["error"];
    let other = OTHER_TEXTS.iter().find(|(other, _, _)| *other == id);
    let message = other.map_or_else(
        || error["message"].as_str().expect("a text"),
        |other| other.1,
    );
    match error["phase"].as_str() {
        Some("parse") => Outcome::ParseError(message.to_owned()),
        Some("exec") => Outcome::ExecError(message.to_owned()),
        _ => panic!("{id}: an expectation that this runner does not know"),
    }
}

fn outcome(case: &Json, functions: &Functions) -> Outcome {
    let name = case["name"].as_str().unwrap_or("t");
    let text = case["template"].as_str().expect("a template");
    let template = match Template::parse(name, text, functions, &Limits::default()) {
        Ok(template) => template,
        Err(error) => return Outcome::ParseError(error.to_string()),
    };
    match template.render(root(case), &Still, &mut Budget::default()) {
        Ok(rendered) => {
            assert!(rendered.is_deterministic, "{text}");
            Outcome::Output(shown(&rendered.output))
        }
        Err(error) => Outcome::ExecError(shown(error.private().text())),
    }
}

#[test]
fn every_case_renders_as_in_go() {
    let cases: Json = serde_json::from_str(CASES).expect("the table of cases");
    let cases = cases["cases"].as_array().expect("cases").iter();
    let functions = Functions::builtin();
    let mut counts = BTreeMap::new();
    let mut failures = Vec::new();
    for case in cases.filter(|case| case["builtins_only"] == true) {
        let (total, good) = counts.entry(case["group"].as_str()).or_insert((0, 0));
        *total += 1;
        let (outcome, expected) = (outcome(case, &functions), expected(case));
        if outcome == expected {
            *good += 1;
        } else {
            failures.push(format!(
                "{} {}\n  expected {expected:?}\n  got      {outcome:?}\n",
                case["id"], case["template"]
            ));
        }
    }
    for (group, (total, good)) in &counts {
        println!("{:>4} of {total:<4} {}", good, group.unwrap_or("?"));
    }
    assert!(!counts.is_empty());
    assert!(
        failures.is_empty(),
        "{} differ\n{}",
        failures.len(),
        failures.concat()
    );
}
