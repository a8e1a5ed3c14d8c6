//! Reads the table of cases, for the tests of both crates and for the comparison with Go. `README.md` says what the fields mean.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sealed_template::{Budget, Environment, Functions, List, Map, Rendered, Str, Template, Value};
use serde_json::{Map as Object, Value as Json};

const TABLE: &str = include_str!("gotemplate_cases.json");

/// A template and what becomes of it.
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) template: String,
    pub(crate) is_for_builtins_only: bool,
    pub(crate) expected: Expected,
    /// All of it, as it stands in the table.
    pub(crate) fields: Object<String, Json>,
}

/// What becomes of a template. `Debug` shows output as text.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Expected {
    Output(Vec<u8>),
    /// Output that matches a regular expression.
    Matching(String),
    ParseError(String),
    ExecError(String),
}

impl fmt::Debug for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Output(bytes) => write!(f, "output \"{}\"", bytes.escape_ascii()),
            Self::Matching(pattern) => write!(f, "output that matches {pattern}"),
            Self::ParseError(message) => write!(f, "parse error: {message}"),
            Self::ExecError(message) => write!(f, "exec error: {message}"),
        }
    }
}

/// All cases.
pub(crate) fn all() -> Vec<Case> {
    let table: Json = serde_json::from_str(TABLE).expect("the table is JSON");
    let cases = table["cases"].as_array().expect("the table has cases");
    cases.iter().map(Case::new).collect()
}

impl Case {
    fn new(json: &Json) -> Self {
        let fields = json.as_object().expect("a case is an object").clone();
        Self {
            id: text(&json["id"]).to_owned(),
            group: text(&json["group"]).to_owned(),
            name: fields.get("name").map_or("t", text).to_owned(),
            template: text(&json["template"]).to_owned(),
            is_for_builtins_only: json["builtins_only"] == true,
            expected: expected(&fields),
            fields,
        }
    }

    /// What our engine renders, or the phase and text of its failure.
    pub(crate) fn render(
        &self,
        functions: &Functions,
        environment: &dyn Environment,
    ) -> Result<Rendered, Expected> {
        let mut budget = Budget::default();
        let template = Template::parse(&self.name, self.template.as_str(), functions, &mut budget)
            .map_err(|error| Expected::ParseError(error.to_string()))?;
        template
            .render(self.root(), environment, &mut budget)
            .map_err(|error| {
                let text = String::from_utf8_lossy(error.private().text());
                Expected::ExecError(text.into_owned())
            })
    }

    /// The root value. Made anew, since templates can write to it.
    fn root(&self) -> Value {
        let field = |name| self.fields.get(name);
        if field("mode").is_some_and(|mode| mode == "generic") {
            return value(&self.fields["data"]);
        }
        let object = |name| field(name).and_then(Json::as_object).into_iter().flatten();
        let texts = object("data").map(|(key, json)| (Str::from(&**key), Str::from(text(json))));
        let binary =
            object("data_b64").map(|(key, json)| (Str::from(&**key), Str::from(bytes(json))));
        Map::of_strings(texts.chain(binary)).into()
    }
}

fn expected(fields: &Object<String, Json>) -> Expected {
    let known = ["expect", "expect_b64", "expect_re", "error"];
    let mut given = known
        .iter()
        .filter_map(|field| Some((*field, fields.get(*field)?)));
    let expected = match given.next().expect("something is expected") {
        ("expect", json) => Expected::Output(text(json).into()),
        ("expect_b64", json) => Expected::Output(bytes(json)),
        ("expect_re", json) => Expected::Matching(text(json).to_owned()),
        (_, json) => {
            let message = text(&json["message"]).to_owned();
            match text(&json["phase"]) {
                "parse" => Expected::ParseError(message),
                phase => {
                    assert_eq!(phase, "exec", "a phase");
                    Expected::ExecError(message)
                }
            }
        }
    };
    assert!(given.next().is_none(), "one thing is expected");
    expected
}

fn text(json: &Json) -> &str {
    json.as_str().expect("a string")
}

fn bytes(json: &Json) -> Vec<u8> {
    BASE64_STANDARD.decode(text(json)).expect("base64")
}

fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(bool) => Value::Bool(*bool),
        // The parser keeps apart what has a point or an exponent and what has not.
        Json::Number(number) => match number.as_i64() {
            Some(int) => Value::int(int),
            None => Value::Float(number.as_f64().expect("a float")),
        },
        Json::String(text) => Value::string(text.as_str()),
        Json::Array(items) => List::of_any(items.iter().map(value).collect()).into(),
        Json::Object(entries) => {
            let entries = entries
                .iter()
                .map(|(key, json)| (Str::from(&**key), value(json)));
            Map::of_any(entries.collect()).into()
        }
    }
}
