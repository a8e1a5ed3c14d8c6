//! Templates: parsing and rendering, ours beside Go's text/template with Sprig.
//!
//! Both sides are measured inside their process, so that no start of a program counts. Rounds take turns.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sealed_sprig::System;
use sealed_template::{Budget, Functions, Map, Template, Value};
use testkit::gotemplate::{Answer, GoTemplate, Request};

use crate::measure::median;
use crate::table;

/// Realistic templates: name, text, values.
const REALISTIC: &str = include_str!("../templates.json");

/// So long each side is measured for a template in a round.
const ROUND: Duration = Duration::from_millis(50);

#[derive(serde::Deserialize)]
struct Sample {
    name: String,
    template: String,
    data: BTreeMap<String, String>,
}

/// What one parsing and rendering takes on each side.
struct Figures {
    name: String,
    ours: Duration,
    real: Duration,
}

/// Measures all of them and returns the table.
pub(crate) fn measured(rounds: usize) -> Result<String> {
    let functions = sealed_sprig::functions();
    let mut real = GoTemplate::start()?;
    let samples: Vec<Sample> =
        serde_json::from_str(REALISTIC).context("bench/templates.json is broken")?;
    let mut figures = Vec::new();
    for sample in samples.into_iter().chain(extremes()) {
        figures.push(measure(&sample, &functions, &mut real, rounds)?);
    }
    Ok(rendered(&figures))
}

/// What could blow up: a thousand levels, and a megabyte of output.
fn extremes() -> [Sample; 2] {
    let deep = format!(
        "{}{}{}",
        "{{ if .user }}".repeat(1000),
        "x",
        "{{ end }}".repeat(1000)
    );
    let data = BTreeMap::from([("user".to_owned(), "alice".to_owned())]);
    [
        Sample {
            name: "1,000 levels deep".to_owned(),
            template: deep,
            data: data.clone(),
        },
        Sample {
            name: "1 MiB of output".to_owned(),
            template: "{{ range until 65536 }}{{ $.user }}-12345678\n\n{{ end }}".to_owned(),
            data,
        },
    ]
}

fn measure(
    sample: &Sample,
    functions: &Functions,
    real: &mut GoTemplate,
    rounds: usize,
) -> Result<Figures> {
    let request = Request::new(&sample.template, sample.data.clone());
    let expected = ask(real, &request)?;
    let output = once(sample, functions)?;
    ensure!(
        Answer::rendered(&output, false).agrees_with(&expected),
        "{}: ours renders something else",
        sample.name
    );
    let start = Instant::now();
    once(sample, functions)?;
    let runs = ROUND.div_duration_f64(start.elapsed().max(Duration::from_nanos(1)));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and a million"
    )]
    let runs = runs.clamp(1.0, 1e6) as u32;
    let request = request.measured(runs);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let start = Instant::now();
        for _ in 0..runs {
            once(sample, functions)?;
        }
        ours.push(start.elapsed() / runs);
        theirs.push(ask(real, &request)?.duration() / runs);
    }
    Ok(Figures {
        name: sample.name.clone(),
        ours: median(ours.into_iter()),
        real: median(theirs.into_iter()),
    })
}

fn ask(real: &mut GoTemplate, request: &Request) -> Result<Answer> {
    let mut answers = real.ask(std::slice::from_ref(request))?;
    answers.pop().context("no answer")
}

fn once(sample: &Sample, functions: &Functions) -> Result<Vec<u8>> {
    let mut budget = Budget::default();
    let template = Template::parse("t", sample.template.as_str(), functions, &mut budget)?;
    let data = sample
        .data
        .iter()
        .map(|(key, value)| (key.as_str().into(), value.as_str().into()));
    let root = Value::Map(Map::of_strings(data));
    let rendered = template
        .render(root, &System::new(), &mut budget)
        .with_context(|| sample.name.clone())?;
    Ok(rendered.output.into_vec())
}

fn rendered(figures: &[Figures]) -> String {
    use std::fmt::Write as _;

    let mut text = format!(
        "{:<34} {:>12} {:>12} {:>10}\n",
        "template: parse and render", "ours", "Go", "ratio"
    );
    let mut line = |name: &str, ours: Duration, real: Duration| {
        writeln!(
            text,
            "{name:<34} {:>12} {:>12} {:>9.1}×",
            table::duration(ours),
            table::duration(real),
            real.div_duration_f64(ours)
        )
        .expect("writing to a String cannot fail");
    };
    for Figures { name, ours, real } in figures {
        line(name, *ours, *real);
    }
    let sum = |of: fn(&Figures) -> Duration| {
        let realistic = figures.iter().take(figures.len().saturating_sub(2));
        realistic.map(of).sum::<Duration>()
    };
    line(
        "all realistic ones together",
        sum(|one| one.ours),
        sum(|one| one.real),
    );
    text
}
