//! The command line of `seal doctor`, and what it means.

use sealed_pflag::{Flag, Matches};

use crate::args::controller_flags;
use crate::cluster::Controller;
use crate::failure::Failure;
use crate::request::CertificateSource;

pub(super) const SYNOPSIS: &str = "\
Usage: seal doctor [flags]

Checks, one after the other, what `seal` needs: the rules of `.seal.yaml`, the kubeconfig, the API server and its clock, the
SealedSecret type, the controller, its certificate, and what you may do. It changes nothing. With --cert, or SEALED_SECRETS_CERT,
the cluster is optional. What does not answer within 10 seconds counts as gone, unless --request-timeout says otherwise.

Examples: seal doctor
          seal doctor --context prod -n web
          seal doctor --cert prod.pem             is this still the certificate of the cluster?
          seal doctor --json

Exit codes: 0 no problems, 3 problems, 2 the command line makes no sense
JSON:       checks: check, state (ok, note, unknown or problem), code (of a failure), message, hints

";

/// A frozen server is one of the things to be found out.
const PATIENCE: &str = "10s";

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
        Flag::text(
            "cert",
            "",
            "File or URL of the certificate you seal with; `-` is standard input",
        ),
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
        let mut controller = Controller::of(matches);
        if !matches.is_set("request-timeout") {
            controller.connection.request_timeout = Some(PATIENCE.to_owned());
        }
        Ok(Self {
            controller,
            namespace: text("namespace"),
            certificate: text("cert").as_deref().map(CertificateSource::typed),
            json: matches.bool("json"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verbs::doctor::VERB;

    #[test]
    fn a_server_that_says_nothing_is_waited_for_as_long_as_asked_or_ten_seconds() {
        let timeout = |words: &[&str]| {
            let words = words.iter().map(|word| (*word).to_owned());
            let matches = VERB.table().parse([], words).unwrap();
            let request = Request::of(&matches).unwrap();
            request.controller.connection.request_timeout.unwrap()
        };
        assert_eq!(timeout(&[]), "10s");
        assert_eq!(timeout(&["--request-timeout", "0"]), "0");
    }
}
