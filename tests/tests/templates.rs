//! Our template engine beside the real one: the same generated templates through both, byte for byte, and the
//! recorded table through the real one.
//!
//! Go and its dependencies are built from `tests/gotemplate`. Which templates are made depends on the seed alone:
//! `SEALED_TEMPLATES=COUNT` and `SEALED_TEMPLATES_SEED=NUMBER` choose others.

#[expect(dead_code, reason = "the engine's own test reads more of a case")]
#[path = "../../template/conformance/cases.rs"]
mod cases;
#[path = "templates/functions.rs"]
mod functions;
#[path = "templates/generator.rs"]
mod generator;
#[path = "templates/pools.rs"]
mod pools;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use regex_automata::meta::Regex;
use sealed_sprig::System;
use sealed_template::{Budget, Functions, Map, Template, Value};

use cases::{Case, Expected};
use generator::Generator;
use testkit::gotemplate::{Answer, GoTemplate, Request};

/// So many templates are compared.
const COUNT: usize = 20_000;

/// So many at a time go to the other process.
const BATCH: usize = 500;

fn setting<T: std::str::FromStr>(variable: &str, default: T) -> Result<T> {
    match std::env::var(variable) {
        Err(_) => Ok(default),
        Ok(text) => text
            .parse()
            .ok()
            .with_context(|| format!("{variable} is no number: {text}")),
    }
}

/// What ours makes of a request.
fn ours(functions: &Functions, request: &Request) -> Answer {
    let mut budget = Budget::default();
    let template = match Template::parse("t", request.template.as_str(), functions, &mut budget) {
        Ok(template) => template,
        Err(error) => return Answer::failed("parse", error.to_string()),
    };
    let data = request
        .data
        .iter()
        .map(|(key, value)| (key.as_str().into(), value.as_str().into()));
    let root = Value::Map(Map::of_strings(data));
    match template.render(root, &System::new(), &mut budget) {
        Ok(rendered) => Answer::rendered(&rendered.output, !rendered.is_deterministic),
        Err(error) => Answer::failed(
            "exec",
            String::from_utf8_lossy(error.private().text()).into_owned(),
        ),
    }
}

/// How a difference looks.
fn difference(request: &Request, real: &Answer, own: &Answer) -> String {
    format!(
        "template: {}\n    real: {real}\n    ours: {own}",
        request.template
    )
}

/// Whether the real engine does what the table says.
fn is_as_recorded(case: &Case, real: &Answer) -> bool {
    let recorded = match &case.expected {
        Expected::Matching(pattern) => {
            let regex = Regex::new(pattern).expect("a regular expression");
            return real.is_rendered() && regex.is_match(&real.output());
        }
        Expected::Output(output) => Answer::rendered(output, false),
        Expected::ParseError(message) => Answer::failed("parse", message.clone()),
        Expected::ExecError(message) => Answer::failed("exec", message.clone()),
    };
    recorded.agrees_with(real)
}

/// The engines that the table is held against have no other say: it must be what Go and Sprig do today.
#[test]
fn the_recorded_table_is_what_go_renders() -> Result<()> {
    if testkit::skipped(testkit::Skip::Go) {
        return Ok(());
    }
    let cases = cases::all();
    let requests: Vec<_> = cases.iter().map(|case| &case.fields).collect();
    let answers = GoTemplate::start()?.ask(&requests)?;
    let differences: Vec<String> = cases
        .iter()
        .zip(&answers)
        .filter(|(case, real)| !is_as_recorded(case, real))
        .map(|(case, real)| format!("{}: {:?}\n    real: {real}", case.id, case.expected))
        .collect();
    ensure!(
        differences.is_empty(),
        "{} of {} differ:\n{}",
        differences.len(),
        cases.len(),
        differences.join("\n")
    );
    Ok(())
}

#[test]
fn generated_templates_render_what_go_renders() -> Result<()> {
    if testkit::skipped(testkit::Skip::Go) {
        return Ok(());
    }
    let count = setting("SEALED_TEMPLATES", COUNT)?;
    let seed = setting("SEALED_TEMPLATES_SEED", 1)?;
    let functions = sealed_sprig::functions();
    let mut oracle = GoTemplate::start()?;
    let mut generator = Generator::new(&functions, seed);
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    let mut rendered_with: BTreeSet<&'static str> = BTreeSet::new();
    let mut differences = Vec::new();
    let mut done = 0;
    while done < count {
        let batch: Vec<_> = (done..count)
            .take(BATCH)
            .map(|_| generator.template())
            .collect();
        let requests: Vec<Request> = batch
            .iter()
            .map(|made| Request::new(&made.text, generator::data()))
            .collect();
        let answers = oracle.ask(&requests)?;
        for ((made, request), real) in batch.iter().zip(&requests).zip(&answers) {
            let own = ours(&functions, request);
            *outcomes.entry(real.kind()).or_default() += 1;
            if real.is_rendered() {
                rendered_with.extend(&made.functions);
            }
            if !own.agrees_with(real) {
                differences.push(difference(request, real, &own));
            }
        }
        done += batch.len();
    }
    println!("seed {seed}, {count} templates: {outcomes:?}");
    let without: Vec<_> = functions
        .names()
        .filter(|name| !rendered_with.contains(name))
        .collect();
    ensure!(
        without.is_empty() || count < COUNT,
        "no template rendered with {without:?}"
    );
    ensure!(
        differences.is_empty(),
        "{} of {count} differ:\n{}",
        differences.len(),
        differences
            .iter()
            .take(60)
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n")
    );
    Ok(())
}
