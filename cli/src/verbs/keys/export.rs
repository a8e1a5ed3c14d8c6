//! `seal keys export`: keys as they are, for programs that read nothing else.

use std::path::PathBuf;

use sealed_api::Code;
use sealed_crypto::SealingKey;
use sealed_custody::key_list;
use sealed_pflag::{Flag, Matches};
use zeroize::Zeroizing;

use super::source::{self, Source};
use crate::cluster::CONTROLLER_VARIABLES;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::{Streams, Talk};
use crate::kept_keys::KeptKey;
use crate::output::Output;
use crate::verbs::{Outcome, Verb};

const SYNOPSIS: &str = "\
Usage: seal keys export [SOURCE...] --unencrypted [flags]

Prints sealing keys as they are, for programs that read nothing else: those of the cluster, or of SOURCE, which is what
`seal keys backup` takes, a backup included. Whoever reads the output can open everything that was ever sealed for these keys, so it must be asked for by
name; `seal keys backup` makes a file that is safe to keep.

Examples: seal keys export keys.age -i identity.txt --unencrypted > main.key      a List for kubectl and kubeseal
          seal keys export keys.age --unencrypted --format pem -w keys.pem        PEM, the newest key first

";

/// `seal keys export`.
pub(in crate::verbs) const VERB: Verb = Verb {
    name: "keys export",
    does: "print sealing keys as they are, unencrypted",
    synopsis: SYNOPSIS,
    flags,
    variables: CONTROLLER_VARIABLES,
    run: |matches, environment, streams| {
        run(&Request::of(matches)?, environment, streams)?;
        Ok(Outcome::Done)
    },
};

/// What is asked for.
struct Request {
    source: Source,
    form: Form,
    output: Option<PathBuf>,
}

/// What keys are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Private keys and certificates, the newest first: the existing tool uses the first of a file.
    Pem,
    /// A List of key Secrets, the oldest first.
    Secret,
}

fn flags() -> Vec<Flag> {
    let mut flags = source::flags();
    flags.extend([
        Flag::text(
            "format",
            "secret",
            "What keys are written as: secret (a List of key Secrets) or pem",
        )
        .one_of(FORMS),
        Flag::text(
            "output-file",
            "",
            "Output file, instead of standard output; nobody else may read it",
        )
        .short('w'),
        Flag::bool(
            "unencrypted",
            false,
            "Yes, write private keys without encryption",
        ),
    ]);
    flags
}

/// What keys can be written as.
const FORMS: &[&str] = &["secret", "pem"];

impl Request {
    fn of(matches: &Matches) -> Result<Self, Failure> {
        if !matches.bool("unencrypted") {
            return Err(Failure::usage(
                "private keys are written unencrypted only with --unencrypted",
            )
            .hint("`seal keys backup` makes an encrypted file"));
        }
        let form = match matches.text("format") {
            "pem" => Form::Pem,
            "secret" => Form::Secret,
            other => {
                return Err(Failure::usage(format!("`{other}` is no form of a key"))
                    .hint("the forms are secret and pem"));
            }
        };
        let output = matches.text("output-file");
        Ok(Self {
            source: Source::of(matches),
            form,
            output: (!output.is_empty()).then(|| PathBuf::from(output)),
        })
    }
}

fn run(request: &Request, environment: &Environment, streams: Streams<'_>) -> Result<(), Failure> {
    let Streams { stdout, stderr, .. } = streams;
    let mut talk = Talk(stderr);
    let keys = request.source.read(environment, &mut talk)?.kept;
    let text = match request.form {
        Form::Secret => key_list(keys.iter().map(|key| &*key.secret), None),
        Form::Pem => pem(&keys)?,
    };
    let mut output = match &request.output {
        None => Output::stdout(stdout),
        Some(path) => Output::private_file(path)?,
    };
    output.write(text.as_bytes())?;
    output.commit()
}

fn pem(keys: &[KeptKey]) -> Result<Zeroizing<String>, Failure> {
    let all = || keys.iter().rev().flat_map(|one| &one.keys);
    let parts = all()
        .map(|key| pem_of(key))
        .collect::<Result<Vec<_>, _>>()?;
    // In one piece from the start, so that no shorter one is left behind.
    let len = parts.iter().map(|part| part.len()).sum();
    let mut text = Zeroizing::new(String::with_capacity(len));
    for part in &parts {
        text.push_str(part);
    }
    Ok(text)
}

fn pem_of(key: &SealingKey) -> Result<Zeroizing<String>, Failure> {
    let private = key
        .private_key()
        .to_pkcs1_pem()
        .map_err(|error| Failure::new(Code::BadKey, error.to_string()).at(key.fingerprint()))?;
    let certificate = key.certificate().map(sealed_crypto::Certificate::to_pem);
    Ok(Zeroizing::new(format!(
        "{}{}",
        *private,
        certificate.unwrap_or_default()
    )))
}
