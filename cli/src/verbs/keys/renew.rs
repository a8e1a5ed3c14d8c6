//! `seal keys renew`: the controller is asked for a new key. None is made here.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use sealed_api::Code;
use sealed_api::names::annotations;
use sealed_crypto::Fingerprint;
use sealed_pflag::{Flag, Matches};
use serde::Serialize;

use super::cluster_keys::ClusterKeys;
use crate::args::controller_flags;
use crate::cluster::{CONTROLLER_VARIABLES, Controller};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::{Streams, Talk};
use crate::kept_keys::{KeptKey, KeyFacts};
use crate::output::Output;
use crate::verbs::{Outcome, Verb};

const SYNOPSIS: &str = "\
Usage: seal keys renew [flags]

Asks the controller for a new key, by the annotation seal-tool/renew on the newest key Secret, and waits for it. The key is
made where it is used: nothing is generated here. Older keys go on opening what was sealed for them. The exit code is 3 if no
key came in time.

Examples: seal keys renew
          seal keys renew --wait 0       ask, and do not wait
          seal keys renew --json

JSON: asked (the value of the annotation), madeKey (the new key; absent if it did not come in time)

";

/// How long a controller may take to make a key.
pub(super) const WAIT: u64 = 120;
/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// `seal keys renew`.
pub(in crate::verbs) const VERB: Verb = Verb {
    name: "keys renew",
    does: "ask the controller for a new key",
    synopsis: SYNOPSIS,
    flags,
    variables: CONTROLLER_VARIABLES,
    run: |matches, environment, streams| run(&Request::of(matches)?, environment, streams),
};

/// What is asked for.
struct Request {
    controller: Controller,
    wait: u64,
    json: bool,
}

fn flags() -> Vec<Flag> {
    let own = [
        Flag::bool("json", false, "Report as JSON"),
        Flag::uint("wait", WAIT, "Seconds to wait for the key; 0 is not at all"),
    ];
    own.into_iter().chain(controller_flags()).collect()
}

impl Request {
    fn of(matches: &Matches) -> Result<Self, Failure> {
        if let Some(word) = matches.positionals().first() {
            return Err(Failure::usage(format!("unexpected argument `{word}`")));
        }
        Ok(Self {
            controller: Controller::of(matches),
            wait: matches.uint("wait"),
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
    let asked = environment.now.to_string();
    let made = renew(&cluster, &asked, request.wait, &mut talk)?;
    let report = Report {
        asked,
        made_key: made.as_ref().map(KeptKey::facts),
    };
    let mut output = Output::stdout(stdout);
    if request.json {
        output.report(&report)?;
    } else {
        output.lines(&[match &report.made_key {
            Some(key) => format!("made: {}", key.line()),
            None => "asked the controller for a new key".to_owned(),
        }])?;
    }
    output.commit()?;
    Ok(if report.made_key.is_none() && request.wait > 0 {
        Outcome::Problems
    } else {
        Outcome::Done
    })
}

/// Asks for a key, and waits for it: then it is returned.
pub(super) fn renew(
    cluster: &ClusterKeys,
    asked: &str,
    wait: u64,
    talk: &mut Talk<'_>,
) -> Result<Option<KeptKey>, Failure> {
    let newest = cluster.in_use().last().ok_or_else(|| {
        Failure::new(
            Code::NoKeys,
            "the cluster has no sealing key in use to ask by",
        )
        .hint("a controller that starts without any makes one, unless --auto-first-key=false")
    })?;
    let before: BTreeSet<Fingerprint> = cluster
        .keys
        .iter()
        .flat_map(KeptKey::fingerprints)
        .collect();
    cluster
        .store
        .annotate(&newest.object(), annotations::RENEW, asked)?;
    if wait == 0 {
        return Ok(None);
    }
    talk.say("asked the controller for a new key; it may take a minute");
    let begun = Instant::now();
    let wait_for = Duration::from_secs(wait);
    while let Some(left) = wait_for.checked_sub(begun.elapsed()) {
        sleep(PAUSE.min(left));
        let mut keys = cluster.again()?;
        let is_new = |key: &KeptKey| key.fingerprints().any(|name| !before.contains(&name));
        if let Some(at) = keys.iter().position(is_new) {
            return Ok(Some(keys.swap_remove(at)));
        }
    }
    talk.say(&format!(
        "warning: no new key came within {wait} s; the controller's log tells why"
    ));
    Ok(None)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    asked: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    made_key: Option<KeyFacts>,
}
