//! The jobs, one module each.

mod fetch_certificate;
mod merge;
mod raw;
mod recover;
mod reencrypt;
mod seal;
mod secret_input;
mod validate;

use std::io::Read;

use sealed_manifest::Document;

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

    /// Whether documents are to be changed where they stand: as `seal`, unless another format is asked for.
    fn edits(&self, documents: &[Document]) -> bool {
        let keeps_format = match self.format {
            FormatChoice::FollowInput => true,
            FormatChoice::Fixed(format) => documents
                .iter()
                .all(|document| document.format() == *format),
            FormatChoice::Unknown(_) => false,
        };
        self.name() == Name::Seal && keeps_format
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
        Some(path) if matches!(request.job, Job::Recover { .. }) => Output::private_file(path)?,
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
            into,
            target,
            allow_empty_data,
        } => merge::run(context, into, target, *allow_empty_data),
        Job::FetchCertificate(certificate) => fetch_certificate::run(context, certificate),
        Job::Raw { target, from_file } => raw::run(context, target, from_file),
        Job::Seal(sealing) => seal::run(context, sealing),
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
