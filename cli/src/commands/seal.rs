//! Sealing Secrets: what the program is for.

use rayon::prelude::*;
use sealed_api::names::annotations;
use sealed_api::{SealedSecret, seal_secret};
use sealed_crypto::{Certificate, Scope};
use sealed_manifest::Format;

use super::Context;
use super::secret_input::{self, Found, no_secrets};
use crate::certificate;
use crate::failure::Failure;
use crate::input::format_of;
use crate::name::Name;
use crate::output::serialize;
use crate::placement::{Placer, unplaced};
use crate::request::{CertificateSource, Place};

/// From this many Secrets on it pays to wake other threads.
const MANY: usize = 8;
/// As many are sealed before they are written: enough to keep every processor busy, few enough to keep memory small.
const BATCH: usize = 128;

pub(super) fn run(
    mut context: Context<'_>,
    source: &CertificateSource,
    place: &Place,
    allow_empty_data: bool,
) -> Result<(), Failure> {
    let name = context.name();
    let certificate = certificate::load(
        source,
        context.environment,
        context.stdin,
        &mut context.talk,
    )?;
    let nothing = no_secrets(context.input.origin());
    let documents = secret_input::read(context.input, context.stdin, name, &nothing)?;
    let input_format = format_of(&documents);
    let mut placer = Placer::new(place, allow_empty_data, context.environment);
    let mut ready = Vec::with_capacity(documents.len());
    let mut refused = Ok(());
    let secrets = secret_input::decode(documents, name, nothing)?;
    if name == Name::Seal && place.name.is_some() && secrets.len() > 1 {
        // The existing tool gives all of them the name, and whoever applies them keeps the last.
        return Err(Failure::usage(format!(
            "--name fits one Secret, the input holds {}",
            secrets.len()
        ))
        .hint("leave out --name, and give each Secret its metadata.name"));
    }
    for mut found in secrets {
        match placer.apply(&mut found.secret, &mut context.talk) {
            Ok(scope) => ready.push((found, scope)),
            Err(failure) => {
                refused = Err(failure.at(&found.place));
                break;
            }
        }
    }
    // The existing tool prints what it sealed before it met the fault, and scripts may have come to rely on it.
    if refused.is_err() && (name == Name::Seal || ready.is_empty()) {
        return refused;
    }
    let format = context.format.resolve(input_format)?;
    for batch in ready.chunks(BATCH) {
        for text in seal_batch(batch, &certificate, format, name) {
            context.output.write(text?.as_bytes())?;
        }
    }
    match refused {
        Ok(()) => context.output.commit(),
        Err(failure) => context.output.abandon().and(Err(failure)),
    }
}

/// Seals in parallel where there is much to do; the results keep the order.
fn seal_batch(
    batch: &[(Found, Scope)],
    certificate: &Certificate,
    format: Format,
    name: Name,
) -> Vec<Result<String, Failure>> {
    let one = |(found, scope): &(Found, Scope)| {
        seal(found, *scope, certificate, name).map(|sealed| serialize(&sealed, format))
    };
    if batch.len() < MANY {
        batch.iter().map(one).collect()
    } else {
        batch.par_iter().map(one).collect()
    }
}

/// Seals one Secret that has its place.
pub(super) fn seal(
    found: &Found,
    scope: Scope,
    certificate: &Certificate,
    name: Name,
) -> Result<SealedSecret, Failure> {
    let mut sealed = seal_secret(&found.secret, scope, certificate)
        .map_err(|error| unplaced(&error).at(&found.place))?;
    if name == Name::Seal {
        // A first guess for the controller, and what tells without any key which certificate was used.
        let all = sealed.metadata.annotations.get_or_insert_default();
        all.insert(
            annotations::KEYS.to_owned(),
            certificate.fingerprint().to_string(),
        );
    }
    Ok(sealed)
}
