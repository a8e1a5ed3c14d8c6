//! The command line of `seal inspect`, and what it means.

use sealed_pflag::{Flag, Matches};

use crate::environment::Environment;
use crate::failure::Failure;
use crate::verbs::inputs::{self, Inputs};

pub(super) const SYNOPSIS: &str = "\
Usage: seal inspect [FILE …] [flags]

Shows what SealedSecrets tell without any key: scope, items and their sizes, the size of the key they are sealed for, which
certificate that can be, and problems. A FILE holds SealedSecrets as YAML or JSON, among other documents if need be; without
FILE they come from standard input. Whether a value really opens tells `seal verify`.

Examples: seal inspect sealed.yaml
          seal inspect --cert prod.pem --cert staging.pem overlays/*/sealed.yaml    which cluster is each for?
          kubectl get sealedsecrets -A -o yaml | seal inspect --json

Exit codes: 0 no problems, 3 problems, 1 the input cannot be read or holds no SealedSecret, 2 the command line makes no sense
JSON:       objects: file, document, line, index (in a List), namespace, name, scope, type, entries (of the template), keys
            (of the annotation seal-tool/keys), certificates: certificate, fingerprint, fits (named, size or no);
            items: key, sealedBytes, plaintextBytes, keyBits; problems: code, message, hints; notes
            problems: of what is no object

";

/// What to look at.
pub(super) struct Request {
    pub(super) inputs: Inputs,
    /// Places of certificates to compare with, as typed.
    pub(super) certificates: Vec<String>,
    /// Whether programs read the report.
    pub(super) json: bool,
}

pub(super) fn flags() -> Vec<Flag> {
    vec![
        Flag::string_array(
            "cert",
            "File or URL of a certificate that the SealedSecrets may be sealed for, `-` for standard input; may be repeated",
        ),
        Flag::bool("json", false, "Report as JSON"),
        inputs::flag(),
    ]
}

impl Request {
    pub(super) fn of(matches: &Matches, environment: &Environment) -> Result<Self, Failure> {
        let inputs = Inputs::of(matches, environment, "inspect")?;
        let certificates = matches.list("cert").to_vec();
        let inputs_of_stdin = inputs.iter().filter(Option::is_none);
        let certificates_of_stdin = certificates.iter().filter(|place| *place == "-");
        if inputs_of_stdin.count() + certificates_of_stdin.count() > 1 {
            return Err(inputs::stdin_twice());
        }
        Ok(Self {
            inputs,
            certificates,
            json: matches.bool("json"),
        })
    }
}
