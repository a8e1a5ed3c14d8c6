//! `seal unseal`: the Secrets of SealedSecrets, with nothing but private keys. For when the cluster is gone.

use std::path::PathBuf;
use std::sync::Mutex;

use sealed_api::{Code, SecretView, Templates, UnsealFailure, Unsealed, unseal};
use sealed_crypto::{KeyOrder, Keyring};
use sealed_manifest::Format;
use sealed_pflag::{Flag, Matches};
use sealed_sprig::System;

use super::{Outcome, Verb};
use crate::diagnosis::{Places, sealed_for};
use crate::drill::order_for;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::faults;
use crate::input::{Input, documents_of, format_of};
use crate::io::{Streams, Talk};
use crate::name::Name;
use crate::output::{FormatChoice, Output, serialize};
use crate::progress::Progress;
use crate::recovery_keys;
use crate::sealed_input::{self, Found, Kind, no_sealed_secrets};
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
    inputs: Vec<Option<PathBuf>>,
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
        let inputs = inputs(matches, environment)?;
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

/// The files with SealedSecrets; `-`, or none, is standard input.
pub(super) fn inputs(
    matches: &Matches,
    environment: &Environment,
) -> Result<Vec<Option<PathBuf>>, Failure> {
    let words = matches.positionals();
    if words.is_empty() {
        if environment.stdin_is_terminal {
            return Err(Failure::usage("no SealedSecret is given")
                .hint("name files with SealedSecrets, or send one to standard input"));
        }
        return Ok(vec![None]);
    }
    let path = |word: &String| (word != "-").then(|| PathBuf::from(word));
    Ok(words.iter().map(path).collect())
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
    let mut unlock = Unlock::load(&request.unlock)?;
    let keyring = recovery_keys::load(&request.keys, Name::Seal, &mut unlock, &mut talk)?;
    if keyring.is_empty() {
        return Err(faults::no_key());
    }

    let (mut all, mut format) = (Vec::new(), None);
    for path in &request.inputs {
        let input = Input::open(path.as_deref())?;
        let origin = input.origin().to_owned();
        let nothing = no_sealed_secrets(&origin);
        let documents = documents_of(&input.text(stdin)?, &origin, &nothing)?;
        sealed_input::refuse_broken_json(&documents)?;
        format.get_or_insert_with(|| format_of(&documents));
        let found = sealed_input::decode(documents, Name::Seal, Kind::Stated, nothing)?;
        all.extend(found.into_iter().map(|found| (origin.clone(), found)));
    }
    let format = request.format.resolve(format.unwrap_or(Format::Yaml))?;

    let opener = Opener::new(&keyring, all.iter().map(|(_, found)| found));
    let mut output = match &request.output {
        None => Output::stdout(stdout),
        Some(path) => Output::private_file(path)?,
    };
    // Everything is opened before anything is written: half of a recovery is easily taken for the whole.
    let (mut secrets, mut failures) = (Vec::new(), Vec::new());
    let mut progress = Progress::of(environment, &mut talk);
    for (origin, found) in &all {
        progress.show(&format!(
            "{} of {} SealedSecrets opened",
            secrets.len(),
            all.len()
        ));
        match opener.open(found, origin) {
            Ok(unsealed) => secrets.push(unsealed.secret),
            Err(failure) if request.keep_going => failures.push(failure),
            Err(failure) => return Err(failure),
        }
    }
    drop(progress);
    for secret in &secrets {
        output.write(serialize(&SecretView(secret), format).as_bytes())?;
    }
    output.commit()?;
    for failure in &failures {
        talk.tell(failure);
    }
    Ok(if failures.is_empty() {
        Outcome::Done
    } else {
        talk.say(&format!(
            "{} of {} SealedSecrets opened",
            secrets.len(),
            all.len()
        ));
        Outcome::Problems
    })
}

/// Opens objects, and explains where it cannot.
struct Opener<'k> {
    keyring: &'k Keyring,
    templates: Templates<System>,
    recent: Mutex<KeyOrder>,
    places: Places,
}

impl<'k> Opener<'k> {
    fn new<'f>(keyring: &'k Keyring, all: impl Iterator<Item = &'f Found>) -> Self {
        let mut places = Places::default();
        for found in all {
            places.note(&found.sealed);
        }
        Self {
            keyring,
            templates: Templates::new(System::new()),
            recent: Mutex::default(),
            places,
        }
    }

    fn open(&self, found: &Found, origin: &str) -> Result<Unsealed, Failure> {
        let order = order_for(&found.sealed, &self.recent);
        let opened = unseal(
            &found.sealed,
            self.keyring,
            &order,
            true,
            Some(&self.templates),
        );
        match opened {
            Ok(mut unsealed) => {
                if let (Some(key), Ok(mut recent)) = (unsealed.keys.first(), self.recent.lock()) {
                    recent.prefer(*key);
                }
                // An owner is named by its uid, and there is none here: no API server would take that.
                unsealed.secret.metadata.owner_references = None;
                Ok(unsealed)
            }
            Err(failure) => Err(self.explained(&failure, found, origin, &order)),
        }
    }

    fn explained(
        &self,
        failure: &UnsealFailure,
        found: &Found,
        origin: &str,
        order: &KeyOrder,
    ) -> Failure {
        let told = faults::cannot("unseal", failure, found, origin, self.keyring);
        let mut wrong = failure.reports().iter();
        let item = wrong
            .find(|report| report.code == Code::WrongKey)
            .and_then(|report| report.key.as_deref());
        let place = item.and_then(|item| {
            let found = sealed_for(&found.sealed, item, self.keyring, order, &self.places)?;
            Some(format!(
                "`{item}` was sealed for another place: {}",
                found.place
            ))
        });
        match place {
            Some(place) => told.hint(place),
            None => told,
        }
    }
}
