//! `seal create`: a SealedSecret from single values, without a Secret that is written down first.
//!
//! The kinds and their flags are kubectl's `create secret`; two kinds are added that Kubernetes knows and kubectl does not make.

mod args;
mod kind;
mod report;

use std::io::Write;
use std::sync::Arc;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use sealed_api::{Render as _, SealedSecret, Templates, Texts, Wiping};
use sealed_crypto::{Certificate, Scope};
use sealed_manifest::Format;
use sealed_sprig::System;

use self::args::Request;
use self::kind::Kind;
use self::report::Report;
use super::{Outcome, Verb};
use crate::args::SEALING_VARIABLES;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::faults;
use crate::io::{Streams, Talk};
use crate::name::Name;
use crate::output::{Output, serialize};
use crate::placement::Placer;
use crate::sealing;
use crate::target::{Target, load_certificates};
use crate::values::{Items, Supply};

/// `seal create generic`.
pub(super) const GENERIC: Verb = Verb {
    name: "create generic",
    does: "seal values from the command line, files, prompts or generators",
    synopsis: args::GENERIC,
    flags: || args::flags(Kind::Generic),
    variables: SEALING_VARIABLES,
    run: |matches, environment, streams| run(Kind::Generic, matches, environment, streams),
};

/// `seal create tls`.
pub(super) const TLS: Verb = Verb {
    name: "create tls",
    does: "seal a TLS certificate and its private key",
    synopsis: args::TLS,
    flags: || args::flags(Kind::Tls),
    variables: SEALING_VARIABLES,
    run: |matches, environment, streams| run(Kind::Tls, matches, environment, streams),
};

/// `seal create docker-registry`.
pub(super) const DOCKER_REGISTRY: Verb = Verb {
    name: "create docker-registry",
    does: "seal the credentials of a container registry",
    synopsis: args::DOCKER_REGISTRY,
    flags: || args::flags(Kind::DockerRegistry),
    variables: SEALING_VARIABLES,
    run: |matches, environment, streams| run(Kind::DockerRegistry, matches, environment, streams),
};

/// `seal create basic-auth`.
pub(super) const BASIC_AUTH: Verb = Verb {
    name: "create basic-auth",
    does: "seal a user name and a password",
    synopsis: args::BASIC_AUTH,
    flags: || args::flags(Kind::BasicAuth),
    variables: SEALING_VARIABLES,
    run: |matches, environment, streams| run(Kind::BasicAuth, matches, environment, streams),
};

/// `seal create ssh-auth`.
pub(super) const SSH_AUTH: Verb = Verb {
    name: "create ssh-auth",
    does: "seal a private key for SSH",
    synopsis: args::SSH_AUTH,
    flags: || args::flags(Kind::SshAuth),
    variables: SEALING_VARIABLES,
    run: |matches, environment, streams| run(Kind::SshAuth, matches, environment, streams),
};

fn run(
    kind: Kind,
    matches: &sealed_pflag::Matches,
    environment: &Environment,
    streams: Streams<'_>,
) -> Result<Outcome, Failure> {
    let request = Request::of(kind, matches, environment)?;
    let Streams {
        stdin,
        stdout,
        stderr,
    } = streams;
    let mut talk = Talk(stderr);
    check_templates(&request)?;
    // Everything that can go wrong does so before somebody has typed a password.
    let certificates = load_certificates(&request.targets, environment, stdin, &mut talk)?;
    let mut ready = Vec::with_capacity(request.targets.len());
    for (target, certificate) in request.targets.iter().zip(certificates) {
        let (secret, scope) = placed(&request, target, environment, &mut talk)?;
        ready.push(Ready {
            target,
            certificate,
            secret,
            scope,
        });
    }
    let mut items = Items::default();
    let mut supply = Supply {
        environment,
        stdin,
        talk: &mut talk,
    };
    for source in &request.sources {
        source.read(&mut items, &mut supply)?;
    }
    let items = kind.finish(items)?;
    report::warn_if_too_large(&items, &mut talk);
    for one in &mut ready {
        let values = items.iter();
        let values = values.map(|(key, value)| (key.to_owned(), ByteString(value.to_vec())));
        one.secret.data = Some(values.collect());
    }
    if request.is_dry_run {
        let report = Report::new(&ready, &request);
        let mut output = Output::stdout(stdout);
        output.write(report.text(request.is_json).as_bytes())?;
        output.commit()?;
    } else {
        write(&ready, &request, stdout)?;
    }
    Ok(Outcome::Done)
}

/// A Secret that has its place, and what it is sealed with.
struct Ready<'r> {
    target: &'r Target,
    certificate: Arc<Certificate>,
    secret: Wiping,
    scope: Scope,
}

/// Seals for every target before anything is delivered: a password that was made up and reached one of three places is none.
fn write(ready: &[Ready<'_>], request: &Request, stdout: &mut dyn Write) -> Result<(), Failure> {
    let mut stdout = Some(stdout);
    let mut outputs = Vec::with_capacity(ready.len());
    for one in ready {
        let sealed = sealed(one, request)?;
        let (mut output, format) = match (&one.target.output, stdout.take()) {
            (Some(path), unused) => {
                stdout = unused;
                (
                    Output::file(path, Name::Seal)?,
                    request.format.for_file(path),
                )
            }
            (None, Some(stdout)) => (Output::stdout(stdout), request.format.clone()),
            (None, None) => continue, // there is one target where there is no file
        };
        let format = format.resolve(Format::Yaml)?;
        output.write(serialize(&sealed, format).as_bytes())?;
        outputs.push(output);
    }
    outputs.into_iter().try_for_each(Output::commit)
}

/// The Secret without its values.
fn placed(
    request: &Request,
    target: &Target,
    environment: &Environment,
    talk: &mut Talk<'_>,
) -> Result<(Wiping, Scope), Failure> {
    let mut secret = Wiping::from(Secret::default());
    secret.metadata.name = Some(request.name.clone());
    secret.metadata.labels = Some(request.template.labels.clone());
    secret.metadata.annotations = Some(request.template.annotations.clone());
    secret.type_.clone_from(&request.type_);
    secret.immutable = request.template.is_immutable.then_some(true);
    let scope = Placer::new(&target.place, true, environment)
        .apply(&mut secret, talk)
        .map_err(|failure| target.explain(failure))?;
    Ok((secret, scope))
}

fn sealed(ready: &Ready<'_>, request: &Request) -> Result<SealedSecret, Failure> {
    let mut sealed = sealing::seal(&ready.secret, ready.scope, &ready.certificate, Name::Seal)?;
    request.own.add_to(&mut sealed);
    if !request.template.entries.is_empty() {
        let entries = request.template.entries.iter();
        let template = sealed.spec.template.get_or_insert_default();
        template.data = Some(
            entries
                .map(|(key, text)| (key.clone(), Some(text.clone())))
                .collect(),
        );
    }
    Ok(sealed)
}

/// A template that cannot be parsed would show only in the cluster.
fn check_templates(request: &Request) -> Result<(), Failure> {
    let entries = request.template.entries.iter();
    let texts: Texts<'_> = entries
        .map(|(key, text)| (key.as_str(), text.as_str()))
        .collect();
    if texts.is_empty() {
        return Ok(());
    }
    match Templates::new(System::new()).check(&texts).first() {
        None => Ok(()),
        Some((key, error)) => {
            let text = texts.get(key).copied().unwrap_or_default();
            Err(faults::cannot_render(error, key, text))
        }
    }
}
