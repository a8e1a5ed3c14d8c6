//! `seal cert`: which certificate there is to seal with, from the controller, a ConfigMap, a file or a URL.

mod args;
mod facts;

use std::path::Path;

use sealed_crypto::Certificate;

use self::args::{Origin, Request};
use self::facts::{Facts, Source};
use super::{Outcome, Verb};
use crate::certificate;
use crate::cluster::{self, CONTROLLER_VARIABLES, Cached, Cluster};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::{Streams, Talk};
use crate::name::Name;
use crate::output::Output;
use crate::rules::Rules;

/// `seal cert`.
pub(super) const VERB: Verb = Verb {
    name: "cert",
    does: "fetch a certificate, check it and show what it is",
    synopsis: args::SYNOPSIS,
    flags: args::flags,
    variables: CONTROLLER_VARIABLES,
    run: |matches, environment, streams| {
        run(&Request::of(matches)?, environment, streams)?;
        Ok(Outcome::Done)
    },
};

fn run(request: &Request, environment: &Environment, streams: Streams<'_>) -> Result<(), Failure> {
    let Streams {
        stdin,
        stdout,
        stderr,
    } = streams;
    let mut talk = Talk(stderr);
    // Opened first: that it cannot be written should not come out after all the rest.
    let file = match &request.output {
        Some(path) => Some(Output::file(Path::new(path), Name::Seal)?),
        None => None,
    };
    let (bytes, source) = fetch(&request.origin, environment, stdin, &mut talk)?;
    let shown = source.shown();
    let read = certificate::read(&bytes, &shown)?;
    let facts = Facts::of(
        &read,
        Certificate::count_in_pem(&bytes).unwrap_or(1),
        source,
        environment.now,
    );
    let mut output = Output::stdout(stdout);
    if request.json {
        output.report(&facts)?;
    } else {
        output.lines(&facts.lines(environment.now))?;
    }
    output.commit()?;
    certificate::refuse_expired(&read, &shown, environment.now)?;
    if let Some(rules) = Rules::find(request.output.as_deref().map(Path::new))? {
        rules.check_for_anywhere(&read)?;
    }
    certificate::warn_of_beginning(&read, &shown, environment.now, &mut talk);
    if let Origin::Place(place) = &request.origin {
        certificate::warn_of_way(&read, place, environment, &mut talk);
    }
    if let Some(mut file) = file {
        file.write(&bytes)?;
        file.commit()?;
    }
    Ok(())
}

fn fetch(
    origin: &Origin,
    environment: &Environment,
    stdin: &mut dyn std::io::Read,
    talk: &mut Talk<'_>,
) -> Result<(Vec<u8>, Source), Failure> {
    match origin {
        Origin::Place(place) => {
            let bytes = certificate::fetch(place, environment, stdin, talk)?;
            Ok((bytes, Source::place(&certificate::shown(place))))
        }
        Origin::Controller(controller) => {
            let cluster = Cluster::connect(controller, environment, talk)?;
            let bytes = cluster.certificate().map_err(|failure| {
                failure.hint("`seal cert --configmap NAME` takes fewer rights, where the controller runs with --publish-certificates=NAME")
            })?;
            let name = format!(
                "the controller {}/{}",
                controller.namespace,
                cluster.service().name()
            );
            Ok((bytes, Source::cluster(&name, cluster.server())))
        }
        Origin::Cached(controller) => {
            let cached = Cached::fetch(controller, environment, talk)?;
            let service = &cached.service;
            let name = format!("the controller {}/{}", service.namespace, service.name);
            let source = Source::cluster(&name, &cached.server).fetched(cached.fetched);
            Ok((cached.pem, source))
        }
        Origin::ConfigMap { controller, name } => {
            let server = cluster::connect(controller, environment, talk)?;
            let bytes = cluster::published(&server, &controller.namespace, name)?;
            let name = format!("the ConfigMap {}/{name}", controller.namespace);
            Ok((bytes, Source::cluster(&name, &server)))
        }
    }
}
