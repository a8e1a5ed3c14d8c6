//! The functions that are registered, against the table of those that upstream offers.

use std::collections::{BTreeMap, BTreeSet};

use sealed_sprig::System;
use sealed_template::{Budget, Context, Function, Functions, Method, ObjectRef, Value};
use serde_json::Value as Json;

const TABLE: &str = include_str!("../../template/conformance/gotemplate_funcs.json");

/// A signature as Go writes it.
#[derive(Debug, PartialEq, Eq)]
struct Signature {
    parameters: Vec<String>,
    is_variadic: bool,
    result: String,
}

impl Signature {
    fn of_table(function: &Json) -> Self {
        let types = |field: &str| {
            let types = function[field].as_array().expect("a list of types").iter();
            types
                .map(|name| name.as_str().expect("a type").to_owned())
                .collect()
        };
        let parameters: Vec<String> = types("params");
        let results: Vec<String> = types("results");
        Self {
            parameters,
            is_variadic: function["variadic"] == true,
            result: results[0].clone(),
        }
    }

    fn of(function: &Function) -> Self {
        let mut parameters: Vec<String> = function
            .parameters()
            .iter()
            .map(ToString::to_string)
            .collect();
        if function.is_variadic() {
            // Go's last parameter is the slice that takes all that is left.
            let last = parameters.last_mut().expect("a variadic parameter");
            last.insert_str(0, "[]");
        }
        Self {
            parameters,
            is_variadic: function.is_variadic(),
            result: function.result().to_string(),
        }
    }
}

fn table(part: &str) -> BTreeMap<String, Json> {
    let table: Json = serde_json::from_str(TABLE).expect("the table is JSON");
    let part = table[part].as_object().expect("an object");
    part.clone().into_iter().collect()
}

#[test]
fn the_functions_are_those_of_the_table_and_of_the_language() {
    let table = table("functions");
    assert_eq!(table.len(), 208);
    let names = |functions: &Functions| functions.names().map(str::to_owned).collect();
    let builtin: BTreeSet<String> = names(&Functions::builtin());
    let expected: BTreeSet<String> = table.into_keys().chain(builtin).collect();
    let registered: BTreeSet<String> = names(&sealed_sprig::functions());
    assert_eq!(registered, expected);
}

#[test]
fn every_signature_is_that_of_the_table() {
    let functions = sealed_sprig::functions();
    for (name, expected) in table("functions") {
        let function = functions.get(&name).expect(&name);
        assert_eq!(
            Signature::of(function),
            Signature::of_table(&expected),
            "{name}"
        );
        // The reverse need not hold: what panics in Go, or passes a limit, is an error here.
        let can_fail = expected["results"]
            .as_array()
            .is_some_and(|results| results.len() == 2);
        assert!(!can_fail || function.is_fallible(), "{name} can fail in Go");
    }
}

/// The object that a value of a named type is.
fn object(value: &Value) -> &ObjectRef {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
    .expect("an object")
}

/// The methods of an object, as the table writes them.
fn methods(object: &ObjectRef) -> Vec<String> {
    let methods = object.methods().iter().map(|(name, method)| match method {
        Method::Callable(_) => (*name).to_owned(),
        Method::Results(types) => format!("{name}(not callable: {} results)", types.len()),
    });
    methods.collect()
}

#[test]
fn values_have_the_methods_of_the_table() {
    let functions = sealed_sprig::functions();
    let mut budget = Budget::default();
    let system = System::new();
    let mut context = Context::new(&system, &mut budget);
    let mut call = |name: &str, arguments: &[&str]| {
        let arguments = arguments
            .iter()
            .map(|text| Value::from(*text).into())
            .collect();
        let function = functions.get(name).expect("a function");
        function
            .call(&mut context, arguments)
            .expect("a result")
            .into_value()
    };
    let time = call("now", &[]);
    let version = call("semver", &["1.2.3"]);
    let mut of_time = |method: &str, arguments: &[&Value]| {
        let arguments = arguments.iter().map(|value| (*value).clone()).collect();
        let method = &object(&time).methods()[method];
        method
            .call(&mut context, time.clone(), arguments)
            .expect("a result")
    };
    let values = [
        of_time("Location", &[]),
        of_time("Month", &[]),
        of_time("Sub", &[&time]),
        of_time("Weekday", &[]),
        time.clone(),
        version,
    ];
    let mut table = table("methods");
    for value in values {
        let names: Vec<String> = methods(object(&value));
        let expected = table
            .remove(&value.type_name())
            .expect("a type of the table");
        assert_eq!(Json::from(names), expected, "{}", value.type_name());
    }
    assert!(
        table.is_empty(),
        "types without a value: {:?}",
        table.keys()
    );
}
