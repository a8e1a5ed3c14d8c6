//! `--merge-into`: seals the items of a Secret into a file that holds a SealedSecret, and leaves every other item as it is.

use std::path::Path;

use k8s_openapi::api::core::v1::Secret;
use sealed_api::names::annotations;
use sealed_api::{Code, SealedSecret};
use sealed_crypto::{Certificate, Scope};
use serde_json::Value;

use super::Context;
use super::seal::seal;
use super::sealed_input::{self, Kind, go_shaped, is_broken_json, no_sealed_secrets};
use super::secret_input::{self, no_secrets};
use crate::certificate;
use crate::failure::Failure;
use crate::input::{documents_of, format_of, place, read_target};
use crate::name::Name;
use crate::output::{Output, render};
use crate::placement::Placer;
use crate::request::{CertificateSource, Place};

pub(super) fn run(
    mut context: Context<'_>,
    path: &Path,
    source: &CertificateSource,
    asked: &Place,
    allow_empty_data: bool,
) -> Result<(), Failure> {
    let certificate = certificate::load(
        source,
        context.environment,
        context.stdin,
        &mut context.talk,
    )?;
    let shown = path.display().to_string();
    let text = read_target(path)?;
    let documents = documents_of(&text, &shown, &no_sealed_secrets(&shown))?;
    let [document] = documents.as_slice() else {
        return Err(Failure::new(
            Code::MalformedInput,
            "--merge-into changes a file of one document, and here begins another",
        )
        .at(place(&documents[1])));
    };
    if is_broken_json(document) {
        return Err(Failure::new(
            Code::MalformedInput,
            "it begins like JSON and is not valid JSON",
        )
        .at(place(document)));
    }
    check_items(document.value(), &place(document))?;
    let format = context.format.resolve(format_of(&documents))?;
    let mut target =
        sealed_input::decode_one(document.value().clone(), place(document), Kind::Assumed)?.sealed;
    let update = sealed_update(&mut context, &target, &certificate, asked, allow_empty_data)?;
    overlay(&mut target, update);
    // The file stays what it is under either name: its mode, and what a link to it means.
    let mut output = Output::file(path, Name::Seal)?;
    output.write(render(&go_shaped(target), format).as_bytes())?;
    output.commit()
}

/// A value that is no text would come back empty, so it is not touched.
fn check_items(target: &Value, place: &str) -> Result<(), Failure> {
    let items = target
        .get("spec")
        .and_then(|spec| spec.get("encryptedData"));
    match items.and_then(Value::as_object) {
        Some(items) => match items.iter().find(|(_, value)| !value.is_string()) {
            Some((key, _)) => Err(Failure::new(
                Code::WrongType,
                format!("spec.encryptedData[{key:?}] is no text, and merging would lose it"),
            )
            .at(place)),
            None => Ok(()),
        },
        None if items.is_none_or(Value::is_null) => Ok(()),
        None => Err(Failure::new(Code::WrongType, "spec.encryptedData is no mapping").at(place)),
    }
}

/// The input, sealed for the place of the target.
fn sealed_update(
    context: &mut Context<'_>,
    target: &SealedSecret,
    certificate: &Certificate,
    asked: &Place,
    allow_empty_data: bool,
) -> Result<SealedSecret, Failure> {
    let name = context.name();
    let input = std::mem::take(&mut context.input);
    let nothing = no_secrets(input.origin());
    let documents = secret_input::read(input, context.stdin, name, &nothing)?;
    let mut found = secret_input::decode(documents, name, nothing)?;
    if let Some(second) = found.get(1) {
        return Err(Failure::new(
            Code::MalformedInput,
            "--merge-into takes one Secret, and here begins another",
        )
        .at(&second.place));
    }
    let mut update = found.remove(0);
    let scope = target.scope();
    if let Some(other) = asked.scope.filter(|asked| *asked != scope) {
        return Err(Failure::new(
            Code::ScopeConflict,
            format!("the file's scope is {scope}, and --scope is {other}"),
        )
        .hint("items of another scope would not open in it; leave out --scope"));
    }
    take_place_of(&mut update.secret, target);
    // The target's place is imposed, so the command line can only agree with it.
    let place = Place {
        name: None,
        scope: None,
        ..asked.clone()
    };
    let placed = Placer::new(&place, allow_empty_data, context.environment)
        .apply(&mut update.secret, &mut context.talk)
        .map_err(|failure| failure.at(&update.place))?;
    if placed == Scope::Strict && target.namespace().is_empty() {
        return Err(Failure::new(
            Code::MissingNamespace,
            "the file's SealedSecret has no metadata.namespace",
        ));
    }
    seal(&update, scope, certificate, name)
}

fn take_place_of(update: &mut Secret, target: &SealedSecret) {
    update.metadata.name.clone_from(&target.metadata.name);
    update
        .metadata
        .namespace
        .clone_from(&target.metadata.namespace);
    let own = update.metadata.annotations.get_or_insert_default();
    for scope in [annotations::CLUSTER_WIDE, annotations::NAMESPACE_WIDE] {
        own.remove(scope);
        let of_target = target
            .metadata
            .annotations
            .as_ref()
            .and_then(|all| all.get(scope));
        if let Some(value) = of_target {
            own.insert(scope.to_owned(), value.clone());
        }
    }
}

/// Adds and replaces items, template labels and template annotations; the rest of the update does not count.
fn overlay(target: &mut SealedSecret, update: SealedSecret) {
    target
        .spec
        .encrypted_data
        .extend(update.spec.encrypted_data);
    let template = target.spec.template.get_or_insert_default();
    let Some(update) = update.spec.template else {
        return;
    };
    for (own, new) in [
        (&mut template.metadata.labels, update.metadata.labels),
        (
            &mut template.metadata.annotations,
            update.metadata.annotations,
        ),
    ] {
        let new = new.into_iter().flatten();
        let mut new = new.filter(|(key, _)| !is_scope(key)).peekable();
        if new.peek().is_some() {
            own.get_or_insert_default().extend(new);
        }
    }
}

fn is_scope(annotation: &str) -> bool {
    [annotations::CLUSTER_WIDE, annotations::NAMESPACE_WIDE].contains(&annotation)
}
