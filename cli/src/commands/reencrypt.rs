//! `--re-encrypt`: the controller seals the values again with its newest key. They never leave it in plain.

use sealed_api::names::annotations;
use sealed_api::{Code, SealedSecret};
use sealed_crypto::Certificate;
use sealed_manifest::Document;

use super::Context;
use crate::binding::refused;
use crate::cluster::{Cluster, Controller, Verdict};
use crate::edited::{Edited, refuse_deprecated, sites};
use crate::failure::Failure;
use crate::input::{documents_of, format_of};
use crate::name::Name;
use crate::output::serialize;
use crate::sealed_input::{self, Kind, go_shaped, no_sealed_secrets};

pub(super) fn run(mut context: Context<'_>, controller: &Controller) -> Result<(), Failure> {
    let cluster = Cluster::connect(controller, context.environment, &mut context.talk)?;
    let name = context.name();
    let origin = context.input.origin().to_owned();
    let nothing = no_sealed_secrets(&origin);
    let input = std::mem::take(&mut context.input);
    let text = input.text(context.stdin)?;
    let documents = documents_of(&text, &origin, &nothing)?;
    let fresh = if context.edits(&documents) {
        edit(&cluster, text, &origin, &documents, nothing)?
    } else {
        let format = context.format.resolve(format_of(&documents))?;
        let found = sealed_input::decode(documents, name, Kind::Assumed, nothing)?;
        let fresh: Result<Vec<_>, Failure> = found
            .into_iter()
            .map(|found| {
                Ok(serialize(
                    &rotated(&cluster, &found.sealed, &found.place, name)?,
                    format,
                ))
            })
            .collect();
        fresh?.concat()
    };
    context.output.write(fresh.as_bytes())?;
    context.output.commit()
}

/// Changes the values where they stand; everything else of the text stays, other documents too.
fn edit(
    cluster: &Cluster,
    text: Vec<u8>,
    origin: &str,
    documents: &[Document],
    nothing: Failure,
) -> Result<String, Failure> {
    let sites = sites(documents)?;
    if sites.is_empty() {
        return Err(nothing);
    }
    let mut text = Edited::new(text, origin)?;
    let mut key = None;
    for site in &sites {
        let sealed = &site.found.sealed;
        refuse_deprecated(&site.found)?;
        let fresh = rotated(cluster, sealed, &site.found.place, Name::Seal)?;
        let mut changes: Vec<(Vec<&str>, String)> = Vec::new();
        for (item, value) in &fresh.spec.encrypted_data {
            changes.push((vec!["spec", "encryptedData", item], value.clone()));
        }
        let names_keys = sealed
            .metadata
            .annotations
            .as_ref()
            .is_some_and(|all| all.contains_key(annotations::KEYS));
        if names_keys && key.is_none() {
            key = Some(current_key(cluster)?);
        }
        if let Some(key) = key.as_ref().filter(|_| names_keys) {
            changes.push((
                vec!["metadata", "annotations", annotations::KEYS],
                key.clone(),
            ));
        }
        text.change(site, &changes);
    }
    text.into_text()
}

/// The fingerprint of the key that the controller seals with.
fn current_key(cluster: &Cluster) -> Result<String, Failure> {
    let certificate = Certificate::from_pem(&cluster.certificate()?).map_err(|error| {
        Failure::new(
            Code::BadCertificate,
            format!("cannot read the controller's certificate: {error}"),
        )
    })?;
    Ok(certificate.fingerprint().to_string())
}

/// The controller's answer, without what belongs to the object in the cluster.
fn rotated(
    cluster: &Cluster,
    sealed: &SealedSecret,
    place: &str,
    name: Name,
) -> Result<SealedSecret, Failure> {
    let problem = refused(sealed);
    let sealed = go_shaped(sealed.clone());
    let of_object = format!("{}/{}", sealed.namespace(), sealed.name());
    let reply = match cluster.rotate(&sealed) {
        Ok(Verdict::Accepted(reply)) => reply,
        Ok(Verdict::Refused) => {
            return Err(Failure::from(problem)
                .at(place)
                .kubeseal("unable to rotate secret"));
        }
        // Whatever keeps it from sealing anew is one answer; whether it can open the object is another that it gives.
        Err(failure) => {
            let explains = name == Name::Seal;
            return Err(match explains.then(|| cluster.verify(&sealed)) {
                Some(Ok(Verdict::Refused)) => Failure::from(problem).at(place),
                _ => failure.at(place),
            });
        }
    };
    let value = serde_json::from_slice(&reply).map_err(|error| {
        Failure::new(
            Code::ApiError,
            format!("the controller's answer is not JSON: {error}"),
        )
    })?;
    let mut fresh =
        sealed_input::decode_one(value, "the controller's answer".to_owned(), Kind::Assumed)?
            .sealed;
    fresh.metadata.creation_timestamp = None;
    fresh.metadata.deletion_timestamp = None;
    fresh.metadata.generation = None;
    let had_items = sealed.spec.data.is_none();
    if had_items
        && fresh
            .spec
            .encrypted_data
            .keys()
            .ne(sealed.spec.encrypted_data.keys())
    {
        return Err(Failure::new(
            Code::ApiError,
            format!("the controller's answer for {of_object} has other items than were sent"),
        ));
    }
    Ok(fresh)
}
