//! `seal keys backup`: all keys in one encrypted file.

use std::path::PathBuf;

use jiff::Timestamp;
use sealed_api::Code;
use sealed_api::names::annotations;
use sealed_crypto::Fingerprint;
use sealed_custody::{EncryptError, Manifest, Recipients, key_list};
use sealed_pflag::{Flag, Matches};
use serde::Serialize;

use super::source::{self, Keys, Source};
use crate::cluster::{CONTROLLER_VARIABLES, KeyStore};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::input::read_file;
use crate::io::{Streams, Talk};
use crate::kept_keys::{KeptKey, KeyFacts, table, tell_notes};
use crate::name::Name;
use crate::output::Output;
use crate::prompt::Terminal;
use crate::unlock::new_passphrase;
use crate::verbs::{Outcome, Verb};

const SYNOPSIS: &str = "\
Usage: seal keys backup [SOURCE...] (-r RECIPIENT | -R FILE | --passphrase) [flags]

Saves sealing keys in one encrypted file: those of the cluster, whose key Secrets are marked with seal-tool/backed-up, or of
SOURCE, a file with keys (PEM, key Secrets or a List of them as YAML or JSON, another backup, escrow objects) or a directory
with such files, of which PEM does not count. The result is safe to keep anywhere, in Git too; any age program opens it: `age -d -i identity.txt keys.age`
prints a List that `kubectl create -f -` takes.

Examples: seal keys backup -r age1… -w keys.age                    all keys of the cluster, to the owner of an age identity
          seal keys backup local/keys --passphrase -w keys.age     to whoever knows a passphrase
          seal keys backup old.age -i identity.txt -R team.txt     to others than before

JSON: made, keys: fingerprint, namespace, name, label, notBefore, notAfter, backedUp (before)

";

/// `seal keys backup`.
pub(in crate::verbs) const VERB: Verb = Verb {
    name: "keys backup",
    does: "save sealing keys in one encrypted file",
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
    lock: Lock,
    /// Whether the key Secrets of a cluster are told of it.
    marks: bool,
    output: Option<PathBuf>,
    json: bool,
}

/// Who can open the backup.
#[derive(Debug, PartialEq)]
enum Lock {
    Recipients(Recipients),
    /// Whoever knows what is typed, or stands in a file.
    Passphrase(Option<PathBuf>),
}

fn flags() -> Vec<Flag> {
    let mut flags = source::flags();
    flags.extend([
        Flag::bool("json", false, "With --output-file: report as JSON"),
        Flag::bool(
            "no-mark",
            false,
            "Do not note on the key Secrets of the cluster that they were backed up",
        ),
        Flag::text(
            "output-file",
            "",
            "Output file, instead of standard output; it is replaced only when all is done",
        )
        .short('w'),
        Flag::bool(
            "passphrase",
            false,
            "Encrypt with a passphrase, which is asked for or read from --passphrase-file",
        )
        .short('p'),
        Flag::strings(
            "recipient",
            "Encrypt to this age recipient (age1…), who needs no key to be there; may be repeated",
        )
        .short('r'),
        Flag::strings(
            "recipients-file",
            "File with recipients, one a line; may be repeated",
        )
        .short('R'),
    ]);
    flags
}

impl Request {
    fn of(matches: &Matches) -> Result<Self, Failure> {
        let text = |name: &str| Some(matches.text(name)).filter(|text| !text.is_empty());
        let request = Self {
            lock: Lock::of(matches)?,
            source: Source::of(matches),
            marks: !matches.bool("no-mark"),
            output: text("output-file").map(PathBuf::from),
            json: matches.bool("json"),
        };
        if request.json && request.output.is_none() {
            return Err(Failure::usage(
                "--json reports on a file, and standard output is the backup",
            )
            .hint("-w FILE names the file"));
        }
        Ok(request)
    }
}

impl Lock {
    fn of(matches: &Matches) -> Result<Self, Failure> {
        // Each with the place where it stands.
        let mut places = Vec::new();
        let mut items = Vec::new();
        for item in matches.list("recipient") {
            places.push("--recipient".to_owned());
            items.push(item.clone());
        }
        for path in matches.list("recipients-file") {
            for (line, item) in recipients_in(path)? {
                places.push(format!("`{path}`, line {line},"));
                items.push(item);
            }
        }
        let recipients = Recipients::parse(&items).map_err(|error| {
            let place = places
                .get(error.index)
                .map_or("--recipient", String::as_str);
            Failure::usage(format!("{place} {error}"))
        })?;
        let file = matches.text("passphrase-file");
        let file = (!file.is_empty()).then(|| PathBuf::from(file));
        match (recipients, matches.bool("passphrase")) {
            (Some(recipients), false) => Ok(Self::Recipients(recipients)),
            (None, true) => Ok(Self::Passphrase(file)),
            (Some(_), true) => Err(Failure::usage(
                "a backup opens with a passphrase or with identities, not with either",
            )
            .hint("leave out --passphrase, or the recipients")),
            (None, false) => Err(Failure::usage("it is not said who can open the backup").hint(
                "-r age1… names an age recipient (`age-keygen` makes one), --passphrase asks for a passphrase",
            )),
        }
    }

    fn encrypt(&self, text: &[u8], terminal: Terminal) -> Result<String, Failure> {
        let failed = |error: EncryptError| Failure::new(Code::UnwritableOutput, error.to_string());
        match self {
            Self::Recipients(recipients) => recipients.encrypt(text).map_err(failed),
            Self::Passphrase(file) => new_passphrase(file.as_deref(), terminal)?
                .encrypt(text)
                .map_err(failed),
        }
    }
}

/// The recipients of a file, each with the number of its line.
fn recipients_in(path: &str) -> Result<Vec<(usize, String)>, Failure> {
    let text = String::from_utf8(read_file(path.as_ref())?)
        .map_err(|_| Failure::new(Code::MalformedInput, format!("`{path}` is not UTF-8 text")))?;
    let lines = text.lines().map(str::trim).zip(1..);
    let lines = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    let lines: Vec<(usize, String)> = lines.map(|(line, at)| (at, line.to_owned())).collect();
    if lines.is_empty() {
        return Err(Failure::usage(format!("`{path}` names no recipient")));
    }
    Ok(lines)
}

fn run(request: &Request, environment: &Environment, streams: Streams<'_>) -> Result<(), Failure> {
    let Streams { stdout, stderr, .. } = streams;
    let mut talk = Talk(stderr);
    let found = request.source.read(environment, &mut talk)?;
    found.refuse_incomplete()?;
    let Keys {
        kept: keys, store, ..
    } = found;
    tell_notes(&keys, &mut talk);
    let manifest = manifest(&keys, environment.now);
    let list = key_list(keys.iter().map(|key| &*key.secret), Some(&manifest));
    let file = request
        .lock
        .encrypt(list.as_bytes(), environment.terminal)?;
    let report = Report {
        made: manifest.made.to_string(),
        keys: keys.iter().map(KeptKey::facts).collect(),
    };
    match &request.output {
        None => {
            let mut output = Output::stdout(stdout);
            output.write(file.as_bytes())?;
            output.commit()?;
            report.tell(&mut talk);
        }
        Some(path) => {
            let mut output = Output::file(path, Name::Seal)?;
            output.write(file.as_bytes())?;
            output.commit()?;
            if request.json {
                let mut stdout = Output::stdout(stdout);
                stdout.report(&report)?;
                stdout.commit()?;
            } else {
                report.tell(&mut talk);
            }
        }
    }
    if let Some(store) = store.filter(|_| request.marks) {
        mark(&store, &keys, &manifest, &mut talk);
    }
    Ok(())
}

/// Notes on the key Secrets of a cluster that they were saved. The backup is made either way.
fn mark(store: &KeyStore, keys: &[KeptKey], manifest: &Manifest, talk: &mut Talk<'_>) {
    let made = manifest.made.to_string();
    for key in keys {
        let marked = store.annotate(&key.object(), annotations::BACKED_UP, &made);
        if let Err(failure) = marked {
            talk.say(&format!(
                "warning: the backup is made, and its key is not marked: {}",
                failure.words(Name::Seal)
            ));
            return;
        }
    }
}

fn manifest(keys: &[KeptKey], now: Timestamp) -> Manifest {
    // Whole seconds, as every time in an object.
    let made = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let mut fingerprints: Vec<Fingerprint> = Vec::with_capacity(keys.len());
    for fingerprint in keys.iter().flat_map(KeptKey::fingerprints) {
        if !fingerprints.contains(&fingerprint) {
            fingerprints.push(fingerprint);
        }
    }
    Manifest {
        made,
        keys: fingerprints,
    }
}

/// What was saved.
#[derive(Serialize)]
struct Report {
    made: String,
    keys: Vec<KeyFacts>,
}

impl Report {
    fn tell(&self, talk: &mut Talk<'_>) {
        let count = match self.keys.len() {
            1 => "1 key is".to_owned(),
            count => format!("{count} keys are"),
        };
        talk.say(&format!("{count} in the backup:"));
        for line in table(&self.keys) {
            talk.say(&line);
        }
    }
}
