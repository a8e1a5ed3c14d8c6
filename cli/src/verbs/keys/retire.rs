//! `seal keys retire`: a key out of use, once nothing needs it.

use sealed_api::Code;
use sealed_api::names::key_secret;
use sealed_pflag::{Flag, Matches};
use serde::Serialize;

use super::cluster_keys::ClusterKeys;
use super::need::Need;
use super::objects::{self, Objects};
use crate::args::controller_flags;
use crate::cluster::{CONTROLLER_VARIABLES, Controller};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::faults;
use crate::io::{Streams, Talk};
use crate::kept_keys::KeyFacts;
use crate::output::Output;
use crate::progress::Progress;
use crate::verbs::{Outcome, Verb};

const SYNOPSIS: &str = "\
Usage: seal keys retire FINGERPRINT [--dir DIR] [--git REPOSITORY] [flags]

Takes a key out of use, once nothing needs it. Every SealedSecret of the cluster, of directories and of all that repositories
ever held is opened with this key: what opens still needs it, and so does what cannot be read or tried. Then nothing is
changed, and the exit code is 3. The Secret stays, with another label: labelled `active` again, the key is back. The exit code
is 4 if the key is out of use already.

Examples: seal keys retire SHA256:… --dir clusters/prod --git .
          seal keys retire SHA256:… --dry-run --json

JSON: key, alsoIn (further Secrets with it), retired, lookedAt (how many SealedSecrets), opened (those that need it: object, items, place), unread

";

/// `seal keys retire`.
pub(in crate::verbs) const VERB: Verb = Verb {
    name: "keys retire",
    does: "take a key out of use, once nothing needs it",
    synopsis: SYNOPSIS,
    flags,
    variables: CONTROLLER_VARIABLES,
    run: |matches, environment, streams| run(&Request::of(matches)?, environment, streams),
};

/// What is asked for.
struct Request {
    key: String,
    controller: Controller,
    objects: Objects,
    dry_run: bool,
    json: bool,
}

fn flags() -> Vec<Flag> {
    let own = [
        Flag::bool(
            "dry-run",
            false,
            "Say what would be done, and change nothing",
        ),
        Flag::bool("json", false, "Report as JSON"),
    ];
    let all = own.into_iter().chain(objects::flags());
    all.chain(controller_flags()).collect()
}

impl Request {
    fn of(matches: &Matches) -> Result<Self, Failure> {
        Ok(Self {
            key: only_key(matches, "keys retire")?,
            controller: Controller::of(matches),
            objects: Objects::of(matches),
            dry_run: matches.bool("dry-run"),
            json: matches.bool("json"),
        })
    }
}

/// The one key that the command line names.
pub(super) fn only_key(matches: &Matches, verb: &str) -> Result<String, Failure> {
    match matches.positionals() {
        [key] => Ok(key.clone()),
        [] => Err(Failure::usage("it is not said which key").hint(format!(
            "`seal {verb} FINGERPRINT`; `seal keys list` shows them"
        ))),
        [_, word, ..] => {
            Err(Failure::usage(format!("unexpected argument `{word}`")).hint("one key at a time"))
        }
    }
}

fn run(
    request: &Request,
    environment: &Environment,
    streams: Streams<'_>,
) -> Result<Outcome, Failure> {
    let Streams { stdout, stderr, .. } = streams;
    let mut talk = Talk(stderr);
    let cluster = ClusterKeys::read(&request.controller, environment, &mut talk)?;
    let keys = cluster.find(&request.key)?;
    let keyring = cluster.keyring();
    let current = keyring.current(environment.now);
    let mut names = keys.iter().flat_map(|key| key.fingerprints());
    if current.is_some_and(|current| names.any(|name| name == current.fingerprint())) {
        return Err(Failure::new(
            Code::KeyInUse,
            format!("{} is what everybody seals for", request.key),
        )
        .hint("`seal keys renew` has the controller make another, and `seal --re-encrypt` moves a file to it"));
    }
    if let Some(key) = keys
        .iter()
        .find(|key| key.name() == key_secret::DEFAULT_PREFIX)
    {
        return Err(Failure::new(
            Code::KeyInUse,
            format!(
                "Secret {} counts by its name, whatever its label",
                key.name()
            ),
        )
        .hint("back it up, and delete it by hand once nothing needs it"));
    }
    if keys.iter().all(|key| !key.is_in_use()) {
        talk.say(&format!("nothing to change: {} is out of use", request.key));
        return Ok(Outcome::Unchanged);
    }
    let progress = Progress::of(environment, &mut talk);
    let need = Need::find(&keys, &cluster, &request.objects, progress)?;
    need.tell_of_nothing(&mut talk);
    let may_go = need.is_none();
    if may_go && !request.dry_run {
        for key in &keys {
            cluster.store.retire(&key.object())?;
        }
    }
    let mut secrets = keys.iter().map(|key| key.facts());
    let report = Report {
        key: secrets.next().ok_or_else(faults::no_key)?,
        also_in: secrets.map(|key| key.name).collect(),
        retired: may_go && !request.dry_run,
        need,
    };
    let mut output = Output::stdout(stdout);
    if request.json {
        output.report(&report)?;
    } else {
        output.lines(&report.lines())?;
    }
    output.commit()?;
    Ok(if may_go {
        Outcome::Done
    } else {
        Outcome::Problems
    })
}

/// What was found, and done.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    key: KeyFacts,
    /// Names of further Secrets with the key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also_in: Vec<String>,
    retired: bool,
    #[serde(flatten)]
    need: Need,
}

impl Report {
    fn lines(&self) -> Vec<String> {
        let mut lines = self.need.lines();
        let names: Vec<&str> = std::iter::once(&self.key.name)
            .chain(&self.also_in)
            .map(String::as_str)
            .collect();
        let (name, count) = (names.join(", "), self.need.looked_at);
        lines.push(if self.retired {
            format!("retired: {name}; none of {count} SealedSecrets needs it")
        } else if self.need.is_none() {
            format!("may be retired: {name}; none of {count} SealedSecrets needs it")
        } else {
            format!(
                "not retired: {name}; of {count} SealedSecrets {} need it and {} could not be read or tried",
                self.need.opened.len(),
                self.need.unread.len()
            )
        });
        lines
    }
}
