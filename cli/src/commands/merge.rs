//! `--merge-into`: seals the items of a Secret into a file that holds a SealedSecret, and leaves every other item as it is.
//!
//! As `seal` the file is edited where the values stand, so comments, order and other documents stay. As `kubeseal` it is
//! written anew, as the existing tool does, but nothing is lost of what the object says.

use std::path::Path;

use k8s_openapi::api::core::v1::Secret;
use sealed_api::names::annotations;
use sealed_api::{Code, SealedSecret};
use sealed_crypto::{Certificate, Scope};
use sealed_manifest::{Document, Format};
use serde_json::Value;

use super::Context;
use super::secret_input::{self, Found};
use crate::edited::{Edited, Site, keys_with, not_sealed, refuse_deprecated, sites};
use crate::failure::Failure;
use crate::input::{documents_of, place, read_target, refuse_changed};
use crate::name::Name;
use crate::output::{Output, serialize};
use crate::placement::Placer;
use crate::request::Place;
use crate::sealed_input::{self, Kind, go_shaped, is_broken_json, no_sealed_secrets};
use crate::sealing;
use crate::target::Target;

/// Labels and annotations of the template, which an update may add to.
const TEMPLATE: [&str; 3] = ["spec", "template", "metadata"];

pub(super) fn run(
    mut context: Context<'_>,
    path: &Path,
    target: &Target,
    allow_empty_data: bool,
) -> Result<(), Failure> {
    let certificate =
        target.load_certificate(context.environment, context.stdin, &mut context.talk)?;
    let asked = &target.place;
    let shown = path.display().to_string();
    let text = read_target(path)?;
    let documents = documents_of(&text, &shown, &no_sealed_secrets(&shown))?;
    let update = read_update(&mut context)?;
    let merged = if context.edits(&documents) {
        let sites = sites(&documents)?;
        if sites.is_empty() {
            return Err(not_sealed(&documents, &shown, SWAPPED));
        }
        let site = choose(sites, &update, asked, &shown)?;
        refuse_deprecated(&site.found)?;
        let target = &site.found.sealed;
        let sealed = seal_update(
            &mut context,
            update,
            target,
            &certificate,
            asked,
            allow_empty_data,
        )?;
        let edited = Edited::new(text.clone(), &shown)?;
        edit(edited, &site, &sealed, &certificate)?
    } else {
        let document = only(&documents)?;
        check_items(document.value(), &place(document))?;
        let found =
            sealed_input::decode_one(document.value().clone(), place(document), Kind::Assumed)?;
        // The existing tool adds the items, and nobody opens what it writes.
        if context.name() == Name::Seal {
            refuse_deprecated(&found)?;
        }
        let mut target = found.sealed;
        let sealed = seal_update(
            &mut context,
            update,
            &target,
            &certificate,
            asked,
            allow_empty_data,
        )?;
        let format = context.format.resolve(document.format())?;
        rewrite(&mut target, sealed, &certificate, format)
    };
    // The file stays what it is under either name: its mode, and what a link to it means.
    let mut output = Output::file(path, Name::Seal)?;
    output.write(merged.as_bytes())?;
    refuse_changed(path, &text)?;
    output.commit()
}

/// The one document of a file that is written anew: others would be lost.
fn only(documents: &[Document]) -> Result<&Document, Failure> {
    match documents {
        [document] if is_broken_json(document) => Err(Failure::new(
            Code::MalformedInput,
            "it begins like JSON and is not valid JSON",
        )
        .at(place(document))),
        [document] => Ok(document),
        _ => Err(Failure::new(
            Code::MalformedInput,
            "the file is written anew with one document only, and here begins another",
        )
        .at(documents.get(1).map_or_else(String::new, place))
        .hint("as seal and without --format the document is edited in place")),
    }
}

/// What somebody may have meant who names a file without a SealedSecret.
const SWAPPED: &str =
    "--merge-into names the file with the SealedSecret; the Secret comes from -f or standard input";

/// The SealedSecret that the update is for: the only one, or the one it names.
fn choose(
    mut sites: Vec<Site>,
    update: &Found,
    asked: &Place,
    shown: &str,
) -> Result<Site, Failure> {
    if sites.len() == 1 {
        return Ok(sites.remove(0));
    }
    let metadata = &update.secret.metadata;
    let name = asked.name.as_deref().or(metadata.name.as_deref());
    // An input without a name fits none of several.
    let name = name.or(Some(""));
    let namespace = asked.namespace.as_deref().or(metadata.namespace.as_deref());
    let count = sites.len();
    let fits = |site: &Site| site.is_called(name, namespace);
    let mut fitting: Vec<Site> = sites.into_iter().filter(fits).collect();
    match fitting.len() {
        1 => Ok(fitting.remove(0)),
        _ => Err(Failure::new(
            Code::NotFound,
            format!(
                "{shown}: {} of its {count} SealedSecrets have the name and namespace of the input",
                fitting.len()
            ),
        )
        .hint("the input's metadata, or --name and --namespace, say which is meant")),
    }
}

/// A value that is no text would come back empty, so it is not touched.
fn check_items(target: &Value, place: &str) -> Result<(), Failure> {
    let Some(items) = target
        .get("spec")
        .and_then(|spec| spec.get("encryptedData"))
        .filter(|items| !items.is_null())
    else {
        return Ok(());
    };
    let Value::Object(items) = items else {
        return Err(Failure::new(Code::WrongType, "spec.encryptedData is no mapping").at(place));
    };
    match items.iter().find(|(_, value)| !value.is_string()) {
        Some((key, _)) => Err(Failure::new(
            Code::WrongType,
            format!("spec.encryptedData[{key:?}] is no text, and merging would lose it"),
        )
        .at(place)),
        None => Ok(()),
    }
}

fn read_update(context: &mut Context<'_>) -> Result<Found, Failure> {
    let name = context.name();
    let input = std::mem::take(&mut context.input);
    match secret_input::one(input, context.stdin, name)? {
        (found, None) => Ok(found),
        (_, Some(place)) => Err(Failure::new(
            Code::MalformedInput,
            "--merge-into takes one Secret, and here begins another",
        )
        .at(place)),
    }
}

/// The input, sealed for the place of the target.
fn seal_update(
    context: &mut Context<'_>,
    mut update: Found,
    target: &SealedSecret,
    certificate: &Certificate,
    asked: &Place,
    allow_empty_data: bool,
) -> Result<SealedSecret, Failure> {
    let scope = target.scope();
    if let Some(other) = asked.scope.filter(|asked| *asked != scope) {
        return Err(Failure::new(
            Code::ScopeConflict,
            format!("the file's scope is {scope}, and --scope is {other}"),
        )
        .hint("items of another scope would not open in it; leave out --scope"));
    }
    if context.name() == Name::Seal {
        check_place(&update, target, scope, asked)?;
    }
    take_place_of(&mut update.secret, target);
    // The target's place is imposed, so the command line can only agree with it.
    let place = Place {
        name: None,
        scope: None,
        ..asked.clone()
    };
    if scope != Scope::ClusterWide && target.namespace().is_empty() {
        return Err(Failure::new(
            Code::MissingNamespace,
            "the file's SealedSecret has no metadata.namespace",
        ));
    }
    Placer::new(&place, allow_empty_data, context.environment)
        .apply(&mut update.secret, &mut context.talk)
        .map_err(|failure| failure.at(&update.place))?;
    sealing::seal(&update.secret, scope, certificate, context.name())
        .map_err(|failure| failure.at(&update.place))
}

/// An input that names another place than the file was hardly meant for it. What the scope leaves open may differ.
///
/// As `kubeseal` the place of the input does not count, as in the existing tool.
fn check_place(
    update: &Found,
    target: &SealedSecret,
    scope: Scope,
    asked: &Place,
) -> Result<(), Failure> {
    let input = &update.secret.metadata;
    let namespace = input.namespace.as_deref().unwrap_or_default();
    if scope != Scope::ClusterWide && !namespace.is_empty() && namespace != target.namespace() {
        return Err(Failure::new(
            Code::NamespaceMismatch,
            format!(
                "the Secret is in namespace `{namespace}`, and the file's SealedSecret in `{}`",
                target.namespace()
            ),
        )
        .at(&update.place)
        .hint("values of the file open only in its namespace; leave out metadata.namespace of the input if they are meant for it"));
    }
    let name = asked.name.as_deref().or(input.name.as_deref());
    let name = name.unwrap_or_default();
    if scope == Scope::Strict && !name.is_empty() && name != target.name() {
        return Err(Failure::new(
            Code::NotFound,
            format!(
                "the Secret is named `{name}`, and the file's SealedSecret `{}`",
                target.name()
            ),
        )
        .at(&update.place)
        .hint(format!(
            "`--name {}` says that its values are meant for the file",
            target.name()
        )));
    }
    Ok(())
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

/// What the update adds to the template: labels and annotations. The rest of it does not count.
fn template_entries(update: &SealedSecret) -> Vec<(&'static str, &String, &String)> {
    let Some(template) = &update.spec.template else {
        return Vec::new();
    };
    let labels = template
        .metadata
        .labels
        .iter()
        .flatten()
        .map(|(key, value)| ("labels", key, value));
    let notes = template.metadata.annotations.iter().flatten();
    let is_scope = |key: &String| {
        [annotations::CLUSTER_WIDE, annotations::NAMESPACE_WIDE].contains(&key.as_str())
    };
    let notes = notes
        .filter(|(key, _)| !is_scope(key))
        .map(|(key, value)| ("annotations", key, value));
    labels.chain(notes).collect()
}

/// Puts the update into the text.
fn edit(
    mut text: Edited,
    site: &Site,
    update: &SealedSecret,
    certificate: &Certificate,
) -> Result<String, Failure> {
    let mut changes: Vec<(Vec<&str>, String)> = Vec::new();
    for (key, value) in &update.spec.encrypted_data {
        changes.push((vec!["spec", "encryptedData", key], value.clone()));
    }
    for (map, key, value) in template_entries(update) {
        let path = TEMPLATE
            .iter()
            .copied()
            .chain([map, key.as_str()])
            .collect();
        changes.push((path, value.clone()));
    }
    if let Some(keys) = keys_with(&site.found.sealed, certificate.fingerprint()) {
        changes.push((vec!["metadata", "annotations", annotations::KEYS], keys));
    }
    text.change(site, &changes);
    text.into_text()
}

/// Puts the update into the object, and writes all of it.
fn rewrite(
    target: &mut SealedSecret,
    update: SealedSecret,
    certificate: &Certificate,
    format: Format,
) -> String {
    if let Some(keys) = keys_with(target, certificate.fingerprint()) {
        let own = target.metadata.annotations.get_or_insert_default();
        own.insert(annotations::KEYS.to_owned(), keys);
    }
    let template = target.spec.template.get_or_insert_default();
    for (map, key, value) in template_entries(&update) {
        let map = match map {
            "labels" => &mut template.metadata.labels,
            _ => &mut template.metadata.annotations,
        };
        map.get_or_insert_default()
            .insert(key.clone(), value.clone());
    }
    target
        .spec
        .encrypted_data
        .extend(update.spec.encrypted_data);
    serialize(&go_shaped(std::mem::take(target)), format)
}
