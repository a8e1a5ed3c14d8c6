//! `--raw`: one value, sealed for a place that the command line names.

use std::path::Path;

use sealed_api::Code;
use sealed_crypto::{Label, Scope};
use zeroize::Zeroizing;

use super::Context;
use crate::certificate;
use crate::failure::Failure;
use crate::input::read_file;
use crate::name::Name;
use crate::object_name;
use crate::placement::Placer;
use crate::request::{CertificateSource, Place};

pub(super) fn run(
    mut context: Context<'_>,
    source: &CertificateSource,
    place: &Place,
    from_file: &[String],
) -> Result<(), Failure> {
    let certificate = certificate::load(
        source,
        context.environment,
        context.stdin,
        &mut context.talk,
    )?;
    let label = label(&mut context, place)?;
    let value = value(&mut context, from_file)?;
    let sealed = sealed_crypto::seal(&certificate, &label, &value).map_err(|error| {
        Failure::new(
            Code::BadCertificate,
            format!("cannot seal the value: {error}"),
        )
    })?;
    context.output.write(sealed.to_string().as_bytes())?;
    context.output.commit()
}

/// Checks name and namespace as far as the scope uses them.
fn label(context: &mut Context<'_>, place: &Place) -> Result<Label, Failure> {
    let scope = place.scope.unwrap_or_default();
    if scope == Scope::ClusterWide {
        return Ok(Label::cluster_wide());
    }
    let mut placer = Placer::new(place, true, context.environment);
    let namespace = placer.namespace(&mut context.talk).map_err(|failure| {
        // What the user has to act on is the namespace, not the kubeconfig that might have named one.
        Failure::new(
            Code::MissingNamespace,
            format!("--raw in the scope {scope} needs --namespace"),
        )
        .kubeseal(failure.words(Name::Kubeseal))
        .hint("the value opens only in the namespace it is sealed for")
    })?;
    let name = place.name.as_deref().unwrap_or_default();
    if scope == Scope::Strict && name.is_empty() {
        return Err(
            Failure::new(Code::MissingName, "--raw in the scope strict needs --name")
                .kubeseal("must provide the --name flag with --raw and --scope strict")
                .hint("the value opens only in the SealedSecret of the name it is sealed for"),
        );
    }
    if context.name() == Name::Seal {
        object_name::check_namespace("--namespace", &namespace)?;
        if scope == Scope::Strict {
            object_name::check_name("--name", name)?;
        }
    }
    Label::for_scope(scope, &namespace, name)
        .map_err(|error| Failure::new(Code::BadName, error.to_string()))
}

/// Every byte of standard input or of the one file counts, a line end at the end too.
fn value(context: &mut Context<'_>, from_file: &[String]) -> Result<Zeroizing<Vec<u8>>, Failure> {
    match from_file {
        [] => {
            let mut value = Zeroizing::new(Vec::new());
            context.stdin.read_to_end(&mut value).map_err(|error| {
                Failure::new(
                    Code::UnreadableFile,
                    format!("cannot read standard input: {error}"),
                )
            })?;
            Ok(value)
        }
        [file] => {
            let path = file.split_once('=').map_or(file.as_str(), |(_, path)| path);
            read_file(Path::new(path)).map(Zeroizing::new)
        }
        _ => Err(Failure::new(
            Code::BadConfiguration,
            "--raw seals one value, so it takes one --from-file",
        )
        .kubeseal("must provide only one --from-file when encrypting a single item with --raw")),
    }
}
