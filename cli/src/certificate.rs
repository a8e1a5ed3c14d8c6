//! Getting the certificate to seal with.

use std::io::Read;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sealed_api::Code;
use sealed_crypto::{Certificate, CertificateError};

use crate::cluster::Cluster;
use crate::download;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::input::read_file;
use crate::io::Talk;
use crate::location::Location;
use crate::name::Name;
use crate::request::CertificateSource;

/// Fetches the bytes, whatever they are.
pub(crate) fn fetch(
    source: &CertificateSource,
    environment: &Environment,
    stdin: &mut dyn Read,
) -> Result<Vec<u8>, Failure> {
    match source {
        CertificateSource::Controller(controller) => {
            Cluster::connect(controller, environment).and_then(|cluster| cluster.certificate())
        }
        CertificateSource::Location(typed) => match Location::parse(typed, environment.name)? {
            Location::File(path) => read_file(Path::new(&path)),
            Location::FileUrl { path, url } => read_file(Path::new(&path)).map_err(|failure| {
                let status = match failure.code() {
                    Code::NotFound => "404 Not Found",
                    _ => "500 Internal Server Error",
                };
                failure.kubeseal(format!(
                    "cannot fetch {}: {status}",
                    sealed_pflag::quote(&url)
                ))
            }),
            Location::Url(url) => download::get(&url, typed, environment),
        },
        CertificateSource::Stdin => {
            let mut bytes = Vec::new();
            stdin.read_to_end(&mut bytes).map_err(|error| {
                Failure::new(
                    Code::UnreadableFile,
                    format!("cannot read standard input: {error}"),
                )
            })?;
            Ok(bytes)
        }
    }
}

/// Fetches a certificate that can be sealed with at this time.
pub(crate) fn load(
    source: &CertificateSource,
    environment: &Environment,
    stdin: &mut dyn Read,
    talk: &mut Talk<'_>,
) -> Result<Certificate, Failure> {
    let bytes = fetch(source, environment, stdin).map_err(|failure| match source {
        CertificateSource::Controller(_) => {
            failure.hint("with --cert FILE sealing needs no cluster")
        }
        _ => failure,
    })?;
    let certificate =
        Certificate::from_pem(&bytes).map_err(|error| unusable(&error, source, &bytes))?;
    let now = environment.now;
    if certificate.is_expired_at(now) {
        return Err(Failure::new(
            Code::ExpiredCertificate,
            format!(
                "the certificate of {} expired on {}",
                shown(source),
                day(certificate.not_after())
            ),
        )
        .kubeseal(format!(
            "failed to encrypt using an expired certificate on {}",
            day(certificate.not_after())
        ))
        .hint("`seal --fetch-cert` gets the controller's present certificate"));
    }
    // The clock here may be behind, and the key is the controller's either way.
    if environment.name == Name::Seal && certificate.not_before() > now {
        talk.say(&format!(
            "warning: the certificate of {} is not valid before {}",
            shown(source),
            day(certificate.not_before())
        ));
    }
    if environment.name == Name::Seal && comes_in_clear(source, environment) {
        talk.say(&format!(
            "warning: the certificate of {} came over http, where anyone on the way can change it; \
             compare its fingerprint with the controller's: {}",
            shown(source),
            certificate.fingerprint()
        ));
    }
    Ok(certificate)
}

fn comes_in_clear(source: &CertificateSource, environment: &Environment) -> bool {
    let CertificateSource::Location(typed) = source else {
        return false;
    };
    matches!(Location::parse(typed, environment.name), Ok(Location::Url(url)) if download::comes_in_clear(&url))
}

fn unusable(error: &CertificateError, source: &CertificateSource, bytes: &[u8]) -> Failure {
    let kubeseal = match error {
        CertificateError::Malformed { .. } => "x509: malformed certificate".to_owned(),
        other => other.to_string(),
    };
    let is_empty = bytes.trim_ascii().is_empty();
    let message = if is_empty {
        format!("cannot seal with {}: it is empty", shown(source))
    } else {
        format!("cannot seal with {}: {error}", shown(source))
    };
    let failure = Failure::new(Code::BadCertificate, message).kubeseal(kubeseal);
    match error {
        CertificateError::NoCertificate if is_empty => {
            failure.hint("did the --fetch-cert that should have written it fail?")
        }
        CertificateError::NoCertificate => failure.hint(
            "a certificate begins with `-----BEGIN CERTIFICATE-----`; a bare public key is none",
        ),
        _ => failure,
    }
}

fn shown(source: &CertificateSource) -> String {
    match source {
        CertificateSource::Controller(controller) => {
            format!(
                "the controller {}/{}",
                controller.namespace, controller.name
            )
        }
        CertificateSource::Location(typed) => format!("`{typed}`"),
        CertificateSource::Stdin => "standard input".to_owned(),
    }
}

/// A day in Go's long form, in UTC: `March 5, 2020`.
fn day(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC)
        .strftime("%B %-d, %Y")
        .to_string()
}
