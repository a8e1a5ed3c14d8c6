//! `make bench`: ours beside the real kubeseal and controller, in one run on one machine, as ratios of medians.
//!
//! The machine's RSA speed is measured in the same run and printed beside the figures, since no program can be faster
//! than its decrypts.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that prints a table"
)]

mod cold_start;
mod measure;
mod scale;
mod sealing;
mod table;
mod templates;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use testkit::components;

const USAGE: &str =
    "usage: bench [--rounds N] [--objects N] [seal | cold-start | templates | scale]";

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

    let (mut rounds, mut objects, mut only) = (3, 1000, None);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => rounds = arguments.next().context(USAGE)?.parse()?,
            "--objects" => objects = arguments.next().context(USAGE)?.parse()?,
            "seal" | "cold-start" | "templates" if only.is_none() => only = Some(argument),
            _ => bail!(USAGE),
        }
    }
    let wanted = |scenario| only.as_deref().is_none_or(|only| only == scenario);

    let own = components::own()?;
    let upstream = components::upstream()?;
    let mut rows = Vec::new();
    if wanted("seal") {
        rows.extend(sealing::scenarios(
            &own,
            &upstream,
            &cold_start::KEY.certificate_path(),
            rounds,
        )?);
    }
    let runtime = tokio::runtime::Runtime::new()?;
    if wanted("cold-start") {
        rows.push(runtime.block_on(cold_start::scenario(objects, rounds))?);
    }

    println!(
        "\nmedians of {rounds} rounds (one Secret: {})\n",
        rounds * 10
    );
    if !rows.is_empty() {
        println!("{}", table::render(&rows));
    }
    if wanted("templates") {
        println!("{}", templates::measured(rounds)?);
    }
    if let Some(cold) = rows.iter().find(|row| row.scenario.starts_with("cold")) {
        let decrypt = cold_start::one_decrypt()?;
        let objects = u32::try_from(objects)?;
        let values = objects * u32::try_from(sealing::VALUES)?;
        let budget = (decrypt * values).mul_f64(1.3) + Duration::from_millis(3) * objects;
        println!(
            "one RSA-4096 decrypt of ours: {} CPU; {values} of them: {}",
            table::duration(decrypt),
            table::duration(decrypt * values)
        );
        println!(
            "cold start CPU of ours: {} of the budget 1.3 × decrypts + 3 ms an object = {}",
            table::duration(cold.ours.cpu),
            table::duration(budget)
        );
    }
    Ok(())
}
