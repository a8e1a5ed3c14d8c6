//! `seal keys compromise`: somebody else has a key. What it opens is known to them.

use sealed_pflag::{Flag, Matches};
use serde::Serialize;

use super::cluster_keys::ClusterKeys;
use super::need::Need;
use super::objects::{self, Objects};
use super::renew::{WAIT, renew};
use super::retire::only_key;
use crate::args::controller_flags;
use crate::cluster::{CONTROLLER_VARIABLES, Controller};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::faults;
use crate::io::{Streams, Talk};
use crate::kept_keys::{KeptKey, KeyFacts};
use crate::output::Output;
use crate::progress::Progress;
use crate::verbs::{Outcome, Verb};

const SYNOPSIS: &str = "\
Usage: seal keys compromise FINGERPRINT [--dir DIR] [--git REPOSITORY] [flags]

For the day on which somebody else has a private key: the controller is asked for a new key, and every item that the old one
opens is listed, of the cluster, of directories and of all that repositories ever held. Whoever has the key and a copy of
these knows them: the list is that of the passwords to rotate. Re-encrypting alone takes back nothing. The key stays in use
until `seal keys retire`, or nothing would open any more. The exit code is 3 if no new key came, or if something could not be
read or tried.

Examples: seal keys compromise SHA256:… --git . > passwords-to-rotate.txt
          seal keys compromise SHA256:… --dir clusters --git . --json

JSON: key, madeKey (the new one), lookedAt (how many SealedSecrets), opened (object, items, place), unread

";

/// `seal keys compromise`.
pub(in crate::verbs) const VERB: Verb = Verb {
    name: "keys compromise",
    does: "renew, and list every item that a leaked key opens",
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
    renews: bool,
    json: bool,
}

fn flags() -> Vec<Flag> {
    let own = [
        Flag::bool("json", false, "Report as JSON"),
        Flag::bool("no-renew", false, "Only list: a new key was made already"),
    ];
    let all = own.into_iter().chain(objects::flags());
    all.chain(controller_flags()).collect()
}

impl Request {
    fn of(matches: &Matches) -> Result<Self, Failure> {
        Ok(Self {
            key: only_key(matches, "keys compromise")?,
            controller: Controller::of(matches),
            objects: Objects::of(matches),
            renews: !matches.bool("no-renew"),
            json: matches.bool("json"),
        })
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
    // First: until there is another key, everybody goes on sealing for this one.
    let made = if request.renews {
        renew(&cluster, &environment.now.to_string(), WAIT, &mut talk)?
    } else {
        None
    };
    let progress = Progress::of(environment, &mut talk);
    let need = Need::find(&keys, &cluster, &request.objects, progress)?;
    need.tell_of_nothing(&mut talk);
    let key = keys.first().ok_or_else(faults::no_key)?;
    let report = Report {
        key: key.facts(),
        made_key: made.as_ref().map(KeptKey::facts),
        need,
    };
    let mut output = Output::stdout(stdout);
    if request.json {
        output.report(&report)?;
    } else {
        output.lines(&report.need.lines())?;
    }
    output.commit()?;
    report.tell(&mut talk);
    let is_complete =
        report.need.unread.is_empty() && (report.made_key.is_some() || !request.renews);
    Ok(if is_complete {
        Outcome::Done
    } else {
        Outcome::Problems
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    key: KeyFacts,
    #[serde(skip_serializing_if = "Option::is_none")]
    made_key: Option<KeyFacts>,
    #[serde(flatten)]
    need: Need,
}

impl Report {
    fn tell(&self, talk: &mut Talk<'_>) {
        if let Some(made) = &self.made_key {
            talk.say(&format!("made: {}", made.line()));
        }
        let items: usize = self.need.opened.iter().map(|one| one.items.len()).sum();
        talk.say(&format!(
            "{items} items of {} SealedSecrets open with the key: rotate these passwords, seal them again, then `seal keys retire`",
            self.need.opened.len()
        ));
    }
}
