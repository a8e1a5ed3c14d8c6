//! `seal inspect`: what a SealedSecret tells without any key, and what is wrong with it as far as that shows.

mod args;
mod known;
mod look;
mod report;

use self::args::Request;
use self::report::Report;
use super::{Outcome, Verb};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::input::Input;
use crate::io::{Streams, Talk};
use crate::output::Output;
use crate::sealed_input::no_sealed_secrets;

/// `seal inspect`.
pub(super) const VERB: Verb = Verb {
    name: "inspect",
    does: "show scope, items, sizes and problems of SealedSecrets, without any key",
    synopsis: args::SYNOPSIS,
    flags: args::flags,
    variables: &[],
    run: |matches, environment, streams| {
        run(&Request::of(matches, environment)?, environment, streams)
    },
};

fn run(
    request: &Request,
    environment: &Environment,
    streams: Streams<'_>,
) -> Result<Outcome, Failure> {
    let Streams {
        stdin,
        stdout,
        stderr,
    } = streams;
    let known = known::load(&request.certificates, environment, stdin, &mut Talk(stderr))?;
    let mut output = Output::stdout(stdout);
    let mut report = Report::new(request.json);
    for path in request.inputs.iter() {
        let input = Input::open(path)?;
        input.each(&mut *stdin, |document| {
            report.add(document, &known, &mut output)
        })?;
    }
    if report.is_empty() {
        return Err(no_sealed_secrets(&request.inputs.shown()));
    }
    let found_problems = report.finish(&mut output)?;
    output.commit()?;
    Ok(if found_problems {
        Outcome::Problems
    } else {
        Outcome::Done
    })
}
