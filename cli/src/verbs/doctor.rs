//! `seal doctor`: what works from here, what does not, and what to do about it.

mod args;
mod checks;
mod cluster;
mod report;

use sealed_manifest::Format;

use self::args::Request;
use self::report::{Report, State};
use super::{Outcome, Verb};
use crate::certificate;
use crate::cluster::CONTROLLER_VARIABLES;
use crate::environment::Environment;
use crate::failure::{Failure, printable};
use crate::io::{Streams, Talk};
use crate::output::{Output, serialize};

/// `seal doctor`.
pub(super) const VERB: Verb = Verb {
    name: "doctor",
    does: "check kubeconfig, cluster, controller, rights, certificate and clock",
    synopsis: args::SYNOPSIS,
    flags: args::flags,
    variables: CONTROLLER_VARIABLES,
    run: |matches, environment, streams| run(&Request::of(matches)?, environment, streams),
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
    let mut talk = Talk(stderr);
    let mut report = Report::default();
    report.add(checks::program());
    let own = request.certificate.as_ref().map(|source| {
        let shown = certificate::shown(source);
        let read = certificate::fetch(source, environment, stdin, &mut talk)
            .and_then(|bytes| certificate::read(&bytes, &shown));
        let (check, read) = checks::own_certificate(read, &shown, environment.now);
        report.add(check);
        read
    });
    cluster::examine(
        request,
        own.flatten().as_ref(),
        environment,
        &mut report,
        &mut talk,
    );
    let mut output = Output::stdout(stdout);
    if request.json {
        output.write(serialize(&report, Format::Json).as_bytes())?;
    } else {
        for line in report.lines() {
            output.write(format!("{}\n", printable(&line)).as_bytes())?;
        }
    }
    output.commit()?;
    Ok(if report.has(State::Problem) {
        Outcome::Problems
    } else {
        Outcome::Done
    })
}
