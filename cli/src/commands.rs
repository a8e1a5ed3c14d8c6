//! The jobs, one module each.

mod edited;
mod fetch_certificate;
mod merge;
mod raw;
mod recover;
mod reencrypt;
mod seal;
mod secret_input;
mod validate;

use std::io::Read;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::input::Input;
use crate::io::{Streams, Talk};
use crate::name::Name;
use crate::output::{FormatChoice, Output};
use crate::request::{Job, Request};

/// What a job works with, besides what it was asked for.
struct Context<'a> {
    environment: &'a Environment,
    format: &'a FormatChoice,
    input: Input,
    stdin: &'a mut dyn Read,
    output: Output<'a>,
    talk: Talk<'a>,
}

impl Context<'_> {
    fn name(&self) -> Name {
        self.environment.name
    }
}

/// Does a job, in the order of steps of the existing tool, so that of two faults the same one is reported.
pub(crate) fn run(
    request: &Request,
    environment: &Environment,
    streams: Streams<'_>,
) -> Result<(), Failure> {
    let mut talk = Talk(streams.stderr);
    for warning in &request.warnings {
        talk.say(warning);
    }
    if let Some(line) = terminal_hint(request, environment) {
        talk.say(line);
    }
    let input = Input::open(request.input.as_deref())?;
    let output = match &request.output {
        None => Output::stdout(streams.stdout),
        Some(path) => Output::file(path, environment.name)?,
    };
    let stdin = streams.stdin;
    let context = Context {
        environment,
        format: &request.format,
        input,
        stdin,
        output,
        talk,
    };
    match &request.job {
        Job::Recover { keys } => recover::run(context, keys),
        Job::Validate(controller) => validate::run(context, controller),
        Job::ReEncrypt(controller) => reencrypt::run(context, controller),
        Job::Merge {
            target,
            certificate,
            place,
            allow_empty_data,
        } => merge::run(context, target, certificate, place, *allow_empty_data),
        Job::FetchCertificate(certificate) => fetch_certificate::run(context, certificate),
        Job::Raw {
            certificate,
            place,
            from_file,
        } => raw::run(context, certificate, place, from_file),
        Job::Seal {
            certificate,
            place,
            allow_empty_data,
        } => seal::run(context, certificate, place, *allow_empty_data),
    }
}

/// Somebody who started the program without input would otherwise see it hang.
fn terminal_hint(request: &Request, environment: &Environment) -> Option<&'static str> {
    if !environment.stdin_is_terminal || request.input.is_some() {
        return None;
    }
    match &request.job {
        Job::Raw { from_file, .. } if from_file.is_empty() => {
            Some("(tty detected: expecting a secret to encrypt in stdin)")
        }
        Job::Raw { .. } | Job::FetchCertificate(_) => None,
        _ => Some("(tty detected: expecting json/yaml k8s resource in stdin)"),
    }
}
