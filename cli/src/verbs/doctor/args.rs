//! The command line of `seal doctor`, and what it means.

use sealed_pflag::{Flag, Matches};

use crate::args::controller_flags;
use crate::cluster::Controller;
use crate::failure::Failure;
use crate::request::CertificateSource;

pub(super) const SYNOPSIS: &str = "\
Usage: seal doctor [flags]

Checks, one after the other, what `seal` needs: the rules of `.seal.yaml`, the kubeconfig, the API server and its clock, the
SealedSecret type, the controller, its certificate, and what you may do. It changes nothing. With --cert the cluster is
optional.

Examples: seal doctor
          seal doctor --context prod -n web
          seal doctor --cert prod.pem             is this still the certificate of the cluster?
          seal doctor --json

Exit codes: 0 no problems, 3 problems, 2 the command line makes no sense
JSON:       checks: check, state (ok, note, unknown or problem), message, hints

";

/// What to check.
pub(super) struct Request {
    /// The controller that is meant.
    pub(super) controller: Controller,
    /// The namespace to ask about rights in; none is that of the kubeconfig.
    pub(super) namespace: Option<String>,
    /// A certificate to seal with, instead of the controller's.
    pub(super) certificate: Option<CertificateSource>,
    /// Whether programs read the report.
    pub(super) json: bool,
}

pub(super) fn flags() -> Vec<Flag> {
    let own = [
        Flag::text("cert", "", "File or URL of the certificate you seal with"),
        Flag::bool("json", false, "Report as JSON"),
        Flag::text(
            "namespace",
            "",
            "Namespace of your SealedSecrets; without it that of the kubeconfig",
        )
        .short('n'),
    ];
    own.into_iter().chain(controller_flags()).collect()
}

impl Request {
    pub(super) fn of(matches: &Matches) -> Result<Self, Failure> {
        if let Some(word) = matches.positionals().first() {
            return Err(
                Failure::usage(format!("unexpected argument `{word}`")).hint(
                    "`seal doctor --help` shows the usage; `seal inspect FILE` looks at a file",
                ),
            );
        }
        let text = |name: &str| Some(matches.text(name).to_owned()).filter(|text| !text.is_empty());
        Ok(Self {
            controller: Controller::of(matches),
            namespace: text("namespace"),
            certificate: text("cert").map(CertificateSource::Location),
            json: matches.bool("json"),
        })
    }
}
