//! `seal doctor`: what works from here, what does not, and what to do about it.

mod args;
mod checks;
mod cluster;
mod report;

use sealed_crypto::Certificate;

use self::args::Request;
use self::report::{Check, Report, State};
use super::{Outcome, Verb};
use crate::args::CERTIFICATE_VARIABLES;
use crate::certificate;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::{Streams, Talk};
use crate::output::Output;
use crate::rules::Rules;

/// `seal doctor`.
pub(super) const VERB: Verb = Verb {
    name: "doctor",
    does: "check kubeconfig, cluster, controller, rights, certificate and clock",
    synopsis: args::SYNOPSIS,
    flags: args::flags,
    variables: CERTIFICATE_VARIABLES,
    run: |matches, environment, streams| run(&Request::of(matches)?, environment, streams),
};

/// What is known without any cluster.
struct Known {
    /// A certificate to seal with that was given.
    certificate: Option<Certificate>,
    /// What the repository says.
    rules: Option<Rules>,
}

impl Report {
    /// Tells of a certificate that may be sealed with nowhere.
    fn refuse_disallowed(
        &mut self,
        subject: &'static str,
        known: &Known,
        certificate: Option<&Certificate>,
    ) {
        if let (Some(rules), Some(certificate)) = (&known.rules, certificate)
            && let Err(failure) = rules.check_for_anywhere(certificate)
        {
            self.add(Check::failed(subject, &failure));
        }
    }
}

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
    let (check, rules) = checks::rules(Rules::find(None));
    if let Some(check) = check {
        report.add(check);
    }
    let own = request.certificate.as_ref().map(|source| {
        let shown = certificate::shown(source);
        let read = certificate::fetch(source, environment, stdin, &mut talk)
            .and_then(|bytes| certificate::read(&bytes, &shown));
        let (check, read) = checks::own_certificate(read, &shown, environment.now);
        report.add(check);
        read
    });
    let known = Known {
        certificate: own.flatten(),
        rules,
    };
    report.refuse_disallowed("--cert", &known, known.certificate.as_ref());
    cluster::examine(request, &known, environment, &mut report, &mut talk);
    let mut output = Output::stdout(stdout);
    if request.json {
        output.report(&report)?;
    } else {
        output.lines(&report.lines())?;
    }
    output.commit()?;
    Ok(if report.has(State::Problem) {
        Outcome::Problems
    } else {
        Outcome::Done
    })
}
