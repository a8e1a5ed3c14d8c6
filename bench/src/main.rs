//! `make bench`: ours beside the real kubeseal and controller, in one run on one machine, as ratios of medians.
//!
//! The machine's RSA speed is measured in the same run and printed beside the figures, since no program can be faster
//! than its decrypts.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that prints a table"
)]

mod drill;
mod filled;
mod load;
mod many_keys;
mod measure;
mod scale;
mod sealing;
mod sealing_keys;
mod starts;
mod table;
mod templates;

use anyhow::{Context, Result, bail};
use testkit::components;

use crate::sealing_keys::RECORDED;

const USAGE: &str = "usage: bench [--rounds N] [--objects N] [SCENARIO …], or bench scale";

/// Everything that is measured, in this order.
const SCENARIOS: [&str; 8] = [
    "seal",
    "drill",
    "templates",
    "starts",
    "keys",
    "memory",
    "verify",
    "latency",
];

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments
        .peek()
        .is_some_and(|first| first == measure::RUN_ONE)
    {
        arguments.next();
        let program = arguments.next().context(USAGE)?;
        println!(
            "{}",
            measure::run_one(&program, &arguments.collect::<Vec<_>>())?
        );
        return Ok(());
    }

    if arguments.peek().is_some_and(|first| first == "scale") {
        print!("{}", scale::Model::MEASURED.render());
        return Ok(());
    }

    let (mut rounds, mut objects, mut wanted) = (3, None, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => rounds = arguments.next().context(USAGE)?.parse()?,
            "--objects" => objects = Some(arguments.next().context(USAGE)?.parse()?),
            scenario if SCENARIOS.contains(&scenario) => wanted.push(argument),
            _ => bail!("{USAGE}\nscenarios: {}", SCENARIOS.join(" ")),
        }
    }
    let runtime = tokio::runtime::Runtime::new()?;
    println!("medians of {rounds} rounds where there are rounds");
    for scenario in SCENARIOS {
        if wanted.is_empty() || wanted.iter().any(|name| name == scenario) {
            let report = runtime.block_on(measured(scenario, rounds, objects))?;
            println!("\n{scenario}\n\n{report}");
        }
    }
    Ok(())
}

/// Measures one scenario and says what came of it.
async fn measured(scenario: &str, rounds: usize, objects: Option<usize>) -> Result<String> {
    let upstream = components::upstream()?;
    match scenario {
        "seal" => {
            let own = components::own()?;
            // One Secret takes milliseconds: many rounds cost nothing.
            sealing::measured(&own, &upstream, &RECORDED.certificate_path(), rounds)
        }
        "drill" => drill::measured(&components::own()?, objects.unwrap_or(5000), rounds),
        "templates" => templates::measured(rounds),
        "starts" => starts::cold_and_warm(objects.unwrap_or(1000), rounds).await,
        "keys" => many_keys::measured(objects.unwrap_or(240)).await,
        "memory" => starts::settled_memory(objects.unwrap_or(10_000)).await,
        "verify" => load::verify(&upstream).await,
        "latency" => load::latency().await,
        _ => bail!("no scenario {scenario}"),
    }
}
