//! `seal unseal`: the Secrets of SealedSecrets, with nothing but private keys. For when the cluster is gone.

use std::path::PathBuf;

use sealed_manifest::Format;
use sealed_pflag::{Flag, Matches};

use super::inputs::{self, Inputs};
use super::{Outcome, Verb};
use crate::args::FORMATS;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::faults;
use crate::input::Input;
use crate::io::{Streams, Talk};
use crate::name::Name;
use crate::output::{FormatChoice, Output};
use crate::progress::Progress;
use crate::recovery::Recovery;
use crate::recovery_keys;
use crate::unlock::{self, Unlock, UnlockArguments};

const SYNOPSIS: &str = "\
Usage: seal unseal [FILE...] --recovery-private-key KEYS [flags]

Prints the Secrets that SealedSecrets stand for, without a cluster: all of them, or nothing but an error that says which
values do not open and, as far as the keys tell, why. FILE holds SealedSecrets as YAML or JSON; without it they come from
standard input. KEYS are PEM files, key Secrets, backups, escrow objects, or directories with these.

Examples: seal unseal sealed.yaml --recovery-private-key keys.age -i identity.txt | kubectl apply -f -
          seal unseal *.yaml --recovery-private-key main.key --keep-going -w secrets.yaml
          seal unseal < sealed.json --recovery-private-key key.pem -o yaml

";

/// The one variable that counts: the others are meant for jobs that seal.
const KEYS_VARIABLE: &str = "SEALED_SECRETS_RECOVERY_PRIVATE_KEY";

/// `seal unseal`.
pub(super) const VERB: Verb = Verb {
    name: "unseal",
    does: "open SealedSecrets with private keys, without a cluster",
    synopsis: SYNOPSIS,
    flags,
    variables: &[KEYS_VARIABLE],
    run: |matches, environment, streams| {
        run(&Request::of(matches, environment)?, environment, streams)
    },
};

/// What is asked for.
struct Request {
    /// Files; none is standard input.
    inputs: Inputs,
    keys: Vec<PathBuf>,
    unlock: UnlockArguments,
    format: FormatChoice,
    output: Option<PathBuf>,
    keep_going: bool,
}

fn flags() -> Vec<Flag> {
    let mut flags = vec![
        Flag::text(
            "format",
            "",
            "Output format, json or yaml; without it that of the first input",
        )
        .one_of(FORMATS)
        .short('o'),
        Flag::bool(
            "keep-going",
            false,
            "Print what opens even where something does not; then the exit code is 3",
        ),
        Flag::text(
            "output-file",
            "",
            "Output file, instead of standard output; nobody else may read it",
        )
        .short('w'),
        keys_flag(),
        inputs::flag(),
    ];
    flags.extend(unlock::flags());
    flags
}

/// The flag of every verb that opens values.
pub(super) fn keys_flag() -> Flag {
    Flag::strings(
        "recovery-private-key",
        "Private keys: PEM files, key Secrets or Lists of them, backups, or directories with these",
    )
}

impl Request {
    fn of(matches: &Matches, environment: &Environment) -> Result<Self, Failure> {
        let text = |name: &str| Some(matches.text(name)).filter(|text| !text.is_empty());
        let keys = matches.list("recovery-private-key");
        if keys.is_empty() {
            return Err(Failure::usage("no private key to open with").hint(
                "--recovery-private-key names a backup, or another file or directory with private keys",
            ));
        }
        let inputs = Inputs::of(matches, environment, "unseal")?;
        let format = text("format").map_or(FormatChoice::FollowInput, FormatChoice::from_flag);
        format.resolve(Format::Yaml)?;
        Ok(Self {
            inputs,
            keys: keys.iter().map(PathBuf::from).collect(),
            unlock: UnlockArguments::of(matches),
            format,
            output: text("output-file").map(PathBuf::from),
            keep_going: matches.bool("keep-going"),
        })
    }
}

fn run(
    request: &Request,
    environment: &Environment,
    streams: Streams<'_>,
) -> Result<Outcome, Failure> {
    let Streams {
        stdin,
        stdout,
        stderr,
    } = streams;
    let mut talk = Talk(stderr);
    let mut unlock = Unlock::load(&request.unlock, environment.terminal)?;
    let keyring = recovery_keys::load(&request.keys, Name::Seal, &mut unlock, &mut talk)?;
    if keyring.is_empty() {
        return Err(faults::no_key());
    }
    let output = match &request.output {
        None => Output::stdout(stdout),
        Some(path) => Output::private_file(path)?,
    };
    let mut recovery = Recovery::new(&keyring, request.format.clone(), output, request.keep_going);
    let mut progress = Progress::of(environment, &mut talk);
    let read = request.inputs.iter().try_for_each(|path| {
        let input = Input::open(path)?;
        recovery.read(input, stdin, |seen| {
            progress.show(&format!("{seen} SealedSecrets read"));
        })
    });
    let recovered = recovery.finish(read);
    drop(progress);
    let recovered = recovered?;
    for failure in &recovered.failures {
        talk.tell(failure);
    }
    Ok(if recovered.failures.is_empty() {
        Outcome::Done
    } else {
        talk.say(&format!(
            "{} of {} SealedSecrets opened",
            recovered.opened, recovered.seen
        ));
        Outcome::Problems
    })
}
