//! `--re-encrypt`: the controller seals the values again with its newest key. They never leave it in plain.

use sealed_api::{Code, SealedSecret};

use super::Context;
use super::sealed_input::{self, Found, Kind, go_shaped, no_sealed_secrets};
use crate::cluster::{Cluster, Controller, Verdict};
use crate::failure::Failure;
use crate::input::format_of;
use crate::output::render;

pub(super) fn run(mut context: Context<'_>, controller: &Controller) -> Result<(), Failure> {
    let name = context.name();
    let cluster = Cluster::connect(controller, context.environment)?;
    let nothing = no_sealed_secrets(context.input.origin());
    let documents = context.input.documents(context.stdin, &nothing)?;
    let format = context.format.resolve(format_of(&documents))?;
    for found in sealed_input::decode(documents, name, Kind::Assumed, nothing)? {
        let fresh = rotated(&cluster, found)?;
        context.output.write(render(&fresh, format).as_bytes())?;
    }
    context.output.commit()
}

/// The controller's answer, without what belongs to the object in the cluster.
fn rotated(cluster: &Cluster, found: Found) -> Result<SealedSecret, Failure> {
    let place = found.place;
    let sealed = go_shaped(found.sealed);
    let of_object = format!("{}/{}", sealed.namespace(), sealed.name());
    let reply = match cluster
        .rotate(&sealed)
        .map_err(|failure| failure.at(&place))?
    {
        Verdict::Accepted(reply) => reply,
        Verdict::Refused => {
            return Err(Failure::new(
                Code::WrongKey,
                format!("the controller cannot open {of_object}"),
            )
            .at(&place)
            .kubeseal("unable to rotate secret")
            .hint("a value opens only with the key, namespace, name and scope it was sealed for"));
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
    if fresh
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
