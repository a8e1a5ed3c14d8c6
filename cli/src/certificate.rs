//! Getting the certificate to seal with.

use std::io::Read;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sealed_api::Code;
use sealed_crypto::{Certificate, CertificateError};

use crate::cluster::{Cached, Cluster};
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
    talk: &mut Talk<'_>,
) -> Result<Vec<u8>, Failure> {
    match source {
        CertificateSource::Controller(controller) => {
            Cluster::connect(controller, environment, talk)
                .and_then(|cluster| cluster.certificate())
        }
        CertificateSource::Cached(controller) => {
            Cached::fetch(controller, environment, talk).map(|cached| cached.pem)
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
    let bytes = fetch(source, environment, stdin, talk).map_err(|failure| match source {
        CertificateSource::Controller(_) | CertificateSource::Cached(_) => {
            failure.hint(
                "a certificate in a file needs no cluster: --cert FILE, which is --sealing-cert FILE in `create tls`",
            )
        }
        _ => failure,
    })?;
    let certificate = read(&bytes, &shown(source))?;
    refuse_expired(&certificate, &shown(source), environment.now)?;
    if environment.name == Name::Seal {
        warn_of_beginning(&certificate, &shown(source), environment.now, talk);
        warn_of_way(&certificate, source, environment, talk);
    }
    Ok(certificate)
}

/// Reads a certificate that can be sealed with, whenever it is valid; `shown` is what errors call its place.
pub(crate) fn read(bytes: &[u8], shown: &str) -> Result<Certificate, Failure> {
    Certificate::from_pem(bytes).map_err(|error| unusable(&error, shown, bytes))
}

/// Whoever has the key of an expired certificate may not expect anything to be sealed for it any more.
pub(crate) fn refuse_expired(
    certificate: &Certificate,
    shown: &str,
    now: Timestamp,
) -> Result<(), Failure> {
    if !certificate.is_expired_at(now) {
        return Ok(());
    }
    let end = day(certificate.not_after());
    Err(Failure::new(
        Code::ExpiredCertificate,
        format!("the certificate of {shown} expired on {end}"),
    )
    .kubeseal(format!(
        "failed to encrypt using an expired certificate on {end}"
    ))
    .hint("`seal --fetch-cert` gets the controller's present certificate"))
}

/// The clock here may be behind, and the key is the controller's either way: so a warning is enough.
pub(crate) fn warn_of_beginning(
    certificate: &Certificate,
    shown: &str,
    now: Timestamp,
    talk: &mut Talk<'_>,
) {
    if certificate.not_before() > now {
        talk.say(&format!(
            "warning: the certificate of {shown} is not valid before {}",
            day(certificate.not_before())
        ));
    }
}

/// What came over plain HTTP could be anybody's, and only the fingerprint tells.
pub(crate) fn warn_of_way(
    certificate: &Certificate,
    source: &CertificateSource,
    environment: &Environment,
    talk: &mut Talk<'_>,
) {
    if comes_in_clear(source, environment) {
        talk.say(&format!(
            "warning: the certificate of {} came over http, where anyone on the way can change it; \
             compare its fingerprint with the controller's: {}",
            shown(source),
            certificate.fingerprint()
        ));
    }
}

fn comes_in_clear(source: &CertificateSource, environment: &Environment) -> bool {
    let CertificateSource::Location(typed) = source else {
        return false;
    };
    matches!(Location::parse(typed, environment.name), Ok(Location::Url(url)) if download::comes_in_clear(&url))
}

fn unusable(error: &CertificateError, shown: &str, bytes: &[u8]) -> Failure {
    let kubeseal = match error {
        CertificateError::Malformed { .. } => "x509: malformed certificate".to_owned(),
        other => other.to_string(),
    };
    let is_empty = bytes.trim_ascii().is_empty();
    let message = if is_empty {
        format!("cannot seal with {shown}: it is empty")
    } else {
        format!("cannot seal with {shown}: {error}")
    };
    let failure = Failure::new(Code::BadCertificate, message).kubeseal(kubeseal);
    match error {
        CertificateError::NoCertificate if is_empty => {
            failure.hint("did the --fetch-cert that should have written it fail?")
        }
        CertificateError::NoCertificate => failure.hint(
            "a certificate begins with `-----BEGIN CERTIFICATE-----`; a bare public key is none",
        ),
        CertificateError::NotRsa { .. } => failure.hint(
            "values are sealed with RSA; `seal --fetch-cert` gets the controller's certificate",
        ),
        CertificateError::TooSmall { .. } => {
            failure.hint("have the controller make a larger key: --key-size, and renew")
        }
        _ => failure,
    }
}

/// What errors call the place of a certificate.
pub(crate) fn shown(source: &CertificateSource) -> String {
    match source {
        CertificateSource::Controller(controller) | CertificateSource::Cached(controller) => {
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
pub(crate) fn day(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC)
        .strftime("%B %-d, %Y")
        .to_string()
}
