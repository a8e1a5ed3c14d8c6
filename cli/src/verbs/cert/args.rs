//! The command line of `seal cert`, and what it means.

use sealed_pflag::{Flag, Matches};

use crate::args::{cache_flag, controller_flags};
use crate::cluster::Controller;
use crate::failure::Failure;
use crate::request::CertificateSource;

pub(super) const SYNOPSIS: &str = "\
Usage: seal cert [FILE|URL|-] [flags]

Fetches the certificate to seal with and shows what it is: fingerprint, size, age, end, and which cluster it is from. Without
FILE or URL the controller is asked for it; with --configmap the ConfigMap that it publishes, which takes no right on the
controller. What cannot be sealed with is refused, and never written. `seal --fetch-cert` prints the certificate as it is.

Examples: seal cert                                           what the cluster of the kubeconfig seals with today
          seal cert -w prod.pem --context prod                fetch it, check it, keep it
          seal cert --cache-cert                              keep it on this machine, for --cache-cert without a cluster
          seal cert --configmap sealed-secrets-certificate    as anybody who may read that ConfigMap
          seal cert prod.pem --json                           what a file holds

JSON: fingerprint, keyBits, notBefore, notAfter, state (valid, expired or not-yet-valid), subject, certificates (how many the
      text holds; the first counts), source: from, context, server, fetched (of a certificate that was kept)

";

/// What to fetch and show.
pub(super) struct Request {
    /// Where it is.
    pub(super) origin: Origin,
    /// A file to keep it in.
    pub(super) output: Option<String>,
    /// Whether programs read the facts.
    pub(super) json: bool,
}

/// Where a certificate is.
pub(super) enum Origin {
    /// A file, a URL or standard input.
    Place(CertificateSource),
    /// With the controller.
    Controller(Controller),
    /// With the controller, or kept on this machine for when that cannot be reached.
    Cached(Controller),
    /// In a ConfigMap of the controller's namespace.
    ConfigMap {
        /// Whose namespace, and how to get there.
        controller: Controller,
        /// Its name.
        name: String,
    },
}

pub(super) fn flags() -> Vec<Flag> {
    let own = [
        // Who asks what the controller's certificate is wants to know it, unless told otherwise.
        cache_flag().without_env(),
        Flag::text(
            "configmap",
            "",
            "ConfigMap in the controller's namespace that holds the certificate",
        ),
        Flag::bool("json", false, "Show the facts as JSON"),
        Flag::text(
            "output-file",
            "",
            "File to write the certificate to, as it was fetched",
        )
        .short('w'),
    ];
    own.into_iter().chain(controller_flags()).collect()
}

impl Request {
    pub(super) fn of(matches: &Matches) -> Result<Self, Failure> {
        let text = |name: &str| Some(matches.text(name).to_owned()).filter(|text| !text.is_empty());
        let place = match matches.positionals() {
            [] => None,
            [place] => Some(CertificateSource::typed(place)),
            [_, word, ..] => {
                return Err(Failure::usage(format!("unexpected argument `{word}`"))
                    .hint("one certificate at a time; `seal cert --help` shows the usage"));
            }
        };
        let origin = match (place, text("configmap")) {
            (Some(_), Some(_)) => {
                return Err(
                    Failure::usage("--configmap is one place, and another is given")
                        .hint("leave out one of them"),
                );
            }
            (Some(place), None) => Origin::Place(place),
            (None, Some(name)) => Origin::ConfigMap {
                controller: Controller::of(matches),
                name,
            },
            (None, None) if matches.bool("cache-cert") => Origin::Cached(Controller::of(matches)),
            (None, None) => Origin::Controller(Controller::of(matches)),
        };
        if matches.bool("cache-cert") && !matches!(origin, Origin::Cached(_)) {
            return Err(Failure::usage(
                "--cache-cert keeps what the controller offers, and another place is given",
            )
            .hint("leave out one of them; -w FILE keeps any certificate"));
        }
        Ok(Self {
            origin,
            output: text("output-file"),
            json: matches.bool("json"),
        })
    }
}
