//! `seal keys verify`: the drill. Whether everything opens with a backup, without a cluster.

use sealed_api::Code;
use sealed_crypto::Keyring;
use sealed_pflag::{Flag, Matches};
use serde::Serialize;

use super::cluster_keys::ClusterKeys;
use super::objects::{self, Objects};
use super::source::{self, Keys, Source};
use crate::cluster::CONTROLLER_VARIABLES;
use crate::drill;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::{Streams, Talk};
use crate::kept_keys::{KeptKey, KeyFacts};
use crate::output::Output;
use crate::progress::Progress;
use crate::sealed_input::no_sealed_secrets;
use crate::verbs::{Outcome, Verb};

const SYNOPSIS: &str = "\
Usage: seal keys verify SOURCE... [--dir DIR] [--git REPOSITORY] [--with-cluster] [flags]

The drill: opens every SealedSecret of directories, of all that repositories ever held, or of the cluster with the keys of a
backup and nothing else, and says what would be lost if only the backup were left. SOURCE is what `seal keys backup` takes.
Nothing is printed of any value. The exit code is 3 if something does not open or cannot be read, if the backup lacks a key
that it says it has, or one that the cluster has.

Examples: seal keys verify keys.age -i identity.txt --dir clusters/prod
          seal keys verify . -i identity.txt --dir . --git .         escrow objects and SealedSecrets of one clone
          seal keys verify keys.age -i identity.txt --with-cluster   whether the backup is stale

JSON: backups: place, made, missing; keys: fingerprint, namespace, name, label, notBefore, notAfter, backedUp, objects, values
      (what it opens); missing (keys of the cluster); objects, values, opened, trials; lost: place, object, items, code, message,
      hints; unread: code, message, hints

";

/// `seal keys verify`.
pub(in crate::verbs) const VERB: Verb = Verb {
    name: "keys verify",
    does: "the drill: whether every SealedSecret opens with a backup",
    synopsis: SYNOPSIS,
    flags,
    variables: CONTROLLER_VARIABLES,
    run: |matches, environment, streams| run(&Request::of(matches)?, environment, streams),
};

/// What is asked for.
struct Request {
    source: Source,
    objects: Objects,
    /// Whether the backup must also have the keys of the cluster, and open what is there.
    with_cluster: bool,
    skips_unread: bool,
    json: bool,
}

fn flags() -> Vec<Flag> {
    let mut flags = source::flags();
    flags.extend(objects::flags());
    flags.extend([
        Flag::bool(
            "with-cluster",
            false,
            "The backup must also have every key of the cluster, and open every SealedSecret there",
        ),
        Flag::bool("json", false, "Report as JSON"),
        Flag::bool(
            "skip-unreadable",
            false,
            "Files that are no YAML or JSON, such as templates of Helm charts, are told and do not count",
        ),
    ]);
    flags
}

impl Request {
    fn of(matches: &Matches) -> Result<Self, Failure> {
        if matches.is_set("cluster") && !matches.bool("with-cluster") {
            return Err(Failure::usage(
                "--cluster chooses a cluster of the kubeconfig, and no cluster is asked for",
            )
            .hint("--with-cluster compares with the keys and SealedSecrets of the cluster"));
        }
        Ok(Self {
            source: Source::of_files(matches, "keys verify")?,
            objects: Objects::of(matches),
            with_cluster: matches.bool("with-cluster"),
            skips_unread: matches.bool("skip-unreadable"),
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
    let keys = request.source.read(environment, &mut talk)?;
    let cluster = if request.with_cluster {
        let controller = &request.source.controller;
        Some(ClusterKeys::read(controller, environment, &mut talk)?)
    } else {
        None
    };
    let keyring = Keyring::new(keys.kept.iter().flat_map(|one| one.keys.iter().cloned()));
    let store = cluster.as_ref().map(|cluster| &cluster.store);
    let mut stream = request.objects.stream(store)?;
    let mut drill = request.objects.drill(&keyring);
    let progress = Progress::of(environment, &mut talk);
    drill.run(|| stream.next(), progress)?;
    let mut drilled = drill.finish();
    drilled.add_unread(stream.into_unread());
    drilled.hint_at(Code::MissingNamespace, objects::NO_NAMESPACE);
    // A drill of nothing proves nothing; a mistyped directory is the likelier reason.
    let is_empty = drilled.objects == 0 && drilled.unread.is_empty();
    if is_empty && !request.objects.is_empty() {
        return Err(no_sealed_secrets(&request.objects.shown()));
    }
    if !request.with_cluster && request.objects.is_empty() {
        talk.say("note: nothing was opened with these keys; --dir, --git and --with-cluster say what is to open");
    }
    let there = cluster.iter().flat_map(|cluster| &cluster.keys);
    let missing = there.filter(|key| !key.fingerprints().all(|name| keyring.contains(&name)));
    let missing = missing.map(KeptKey::facts).collect();
    let report = Report::of(&keys, missing, drilled);

    let mut output = Output::stdout(stdout);
    if request.json {
        output.report(&report)?;
    } else {
        let drills = request.with_cluster || !request.objects.is_empty();
        output.lines(&report.lines(drills))?;
    }
    output.commit()?;
    Ok(if report.has_problems(request.skips_unread) {
        Outcome::Problems
    } else {
        Outcome::Done
    })
}

/// What came of it. Field names are stable.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    backups: Vec<Backup>,
    keys: Vec<KeyUse>,
    /// Keys of the cluster that are not in the backup.
    missing: Vec<KeyFacts>,
    #[serde(flatten)]
    drilled: drill::Report,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Backup {
    place: String,
    made: String,
    /// Keys that it says it has, and has not.
    missing: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyUse {
    #[serde(flatten)]
    key: KeyFacts,
    #[serde(flatten)]
    opens: drill::Use,
}

impl Report {
    fn of(keys: &Keys, missing: Vec<KeyFacts>, drilled: drill::Report) -> Self {
        let backups = keys.backups.iter().map(|(place, manifest)| Backup {
            place: place.clone(),
            made: manifest.made.to_string(),
            missing: keys
                .lacking(manifest)
                .iter()
                .map(ToString::to_string)
                .collect(),
        });
        let used = keys.kept.iter().map(|one| KeyUse {
            key: one.facts(),
            opens: drilled.use_of(one.fingerprints()),
        });
        Self {
            backups: backups.collect(),
            keys: used.collect(),
            missing,
            drilled,
        }
    }

    fn has_problems(&self, skips_unread: bool) -> bool {
        self.drilled.has_problems(skips_unread)
            || !self.missing.is_empty()
            || self.backups.iter().any(|backup| !backup.missing.is_empty())
    }

    fn lines(&self, drilled: bool) -> Vec<String> {
        let mut lines = Vec::new();
        for backup in &self.backups {
            lines.push(format!("{}: made {}", backup.place, backup.made));
            for key in &backup.missing {
                lines.push(format!(
                    "problem[no-keys]: {key} is in the list of the backup and not in it"
                ));
            }
        }
        lines.push(format!("{:>7}  {}", "OPENS", crate::kept_keys::head()));
        for used in &self.keys {
            lines.push(format!("{:>7}  {}", used.opens.values, used.key.line()));
        }
        for key in &self.missing {
            lines.push(format!(
                "problem[no-keys]: not in the backup: {}",
                key.line()
            ));
        }
        if drilled {
            lines.extend(self.drilled.lines());
        }
        lines
    }
}
