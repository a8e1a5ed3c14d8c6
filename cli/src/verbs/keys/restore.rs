//! `seal keys restore`: the keys of a backup, where a controller finds them.

use std::path::PathBuf;

use sealed_api::{Code, Wiping};
use sealed_pflag::{Flag, Matches};
use serde::Serialize;

use super::cluster_keys::ClusterKeys;
use super::restoration::{Plan, Present, plan};
use super::source::{self, Source};
use super::succession::{self, Word, heirs};
use super::target::{KeyDirectory, Target};
use crate::cluster::CONTROLLER_VARIABLES;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::{Streams, Talk};
use crate::kept_keys::{KeptKey, KeyFacts, rebuilt, tell_notes};
use crate::output::Output;
use crate::verbs::{Outcome, Verb};

const SYNOPSIS: &str = "\
Usage: seal keys restore SOURCE... [--to-directory DIR --unencrypted] [flags]

Puts the keys of a backup where a controller finds them: into the cluster, as Secrets in --controller-namespace, or into the
directory `keys` of standalone mode. SOURCE is what `seal keys backup` takes: backups, escrow objects, or a Git clone with
either. Names, labels and certificates are kept, and the oldest is created first. A key that is there already is left alone;
if anything else has the name of a key, nothing at all is written. What was written is read back.

The newest key is what everybody seals for afterwards, so it is told. From a directory, or encrypted to an age recipient, it
may be anybody's: then you are asked whether it is yours, and without a terminal --expect or --yes has to say so.

Examples: seal keys restore keys.age -i identity.txt --dry-run         what would be created in the cluster
          seal keys restore clone/ -i identity.txt --expect SHA256:…   everything in escrow in a Git repository
          seal keys restore keys.age --to-directory local/keys --unencrypted

JSON: dryRun, created, present (with labelledThere, if that is another label), others (there, and not in the backup)

";

/// `seal keys restore`.
pub(in crate::verbs) const VERB: Verb = Verb {
    name: "keys restore",
    does: "put the keys of a backup where a controller finds them",
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
    /// The cluster, where there is none.
    directory: Option<PathBuf>,
    word: Word,
    dry_run: bool,
    json: bool,
}

fn flags() -> Vec<Flag> {
    let mut flags = source::flags();
    flags.extend(succession::flags());
    flags.extend([
        Flag::bool(
            "dry-run",
            false,
            "Say what would be done, and write nothing",
        ),
        Flag::bool("json", false, "Report as JSON"),
        Flag::text(
            "to-directory",
            "",
            "Directory for the key Secrets, a file each, instead of the cluster",
        ),
        Flag::bool(
            "unencrypted",
            false,
            "Yes, write private keys to the directory without encryption",
        ),
    ]);
    flags
}

impl Request {
    fn of(matches: &Matches) -> Result<Self, Failure> {
        let directory = matches.text("to-directory");
        let directory = (!directory.is_empty()).then(|| PathBuf::from(directory));
        let dry_run = matches.bool("dry-run");
        if directory.is_some() && !dry_run && !matches.bool("unencrypted") {
            return Err(Failure::usage(
                "private keys are written to a directory only with --unencrypted",
            )
            .hint("--dry-run shows what would be written"));
        }
        Ok(Self {
            source: Source::of_files(matches, "keys restore")?,
            directory,
            word: Word::of(matches)?,
            dry_run,
            json: matches.bool("json"),
        })
    }
}

fn run(request: &Request, environment: &Environment, streams: Streams<'_>) -> Result<(), Failure> {
    let Streams { stdout, stderr, .. } = streams;
    let mut talk = Talk(stderr);
    let found = request.source.read(environment, &mut talk)?;
    found.refuse_incomplete()?;
    let mut keys = found.kept;
    tell_notes(&keys, &mut talk);
    let controller = &request.source.controller;
    let target = match &request.directory {
        Some(path) => Target::Directory(KeyDirectory {
            path,
            namespace: &controller.namespace,
            terminal: environment.terminal,
        }),
        None => Target::Cluster(Box::new(ClusterKeys::read(
            controller,
            environment,
            &mut talk,
        )?)),
    };
    if let Some(namespace) = target.namespace() {
        for key in &mut keys {
            key.secret.metadata.namespace = Some(namespace.to_owned());
        }
    }
    let there = target.read(&mut talk)?;
    let plan = plan(&keys, &there)?;
    let create: Vec<&KeptKey> = plan
        .create
        .iter()
        .filter_map(|index| keys.get(*index))
        .collect();
    let secrets = create.iter().map(|key| rebuilt(key));
    let secrets = secrets.collect::<Result<Vec<Wiping>, Failure>>()?;
    target.check_names(&create)?;
    let heirs = heirs(&create, &there, environment.now);
    request
        .word
        .check(&heirs, request.dry_run, environment, &mut talk)?;
    if !request.dry_run && !create.is_empty() {
        target.create(&secrets)?;
        check(&create, &target.again()?)?;
    }
    let report = Report::of(&keys, plan, request.dry_run);
    let mut output = Output::stdout(stdout);
    if request.json {
        output.report(&report)?;
    } else {
        output.lines(&report.lines())?;
    }
    output.commit()
}

/// Compares what was read back with what was written: a backup is worth what comes back of it.
fn check(created: &[&KeptKey], there: &[KeptKey]) -> Result<(), Failure> {
    let is_there = |key: &KeptKey| {
        let other = there.iter().find(|other| other.name() == key.name());
        let held = |name| other.is_some_and(|other| other.fingerprints().any(|own| own == name));
        other.is_some() && key.fingerprints().all(held)
    };
    let lost = created.iter().find(|key| !is_there(key));
    lost.map_or(Ok(()), |key| {
        Err(Failure::new(
            Code::NoKeys,
            format!(
                "{}/{} was written and cannot be read back",
                key.namespace(),
                key.name()
            ),
        ))
    })
}

/// What was done, or would be.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    dry_run: bool,
    /// Created, the oldest first.
    created: Vec<KeyFacts>,
    /// There before.
    present: Vec<Present>,
    /// There, and not in the backup.
    others: Vec<KeyFacts>,
}

impl Report {
    fn of(keys: &[KeptKey], plan: Plan, dry_run: bool) -> Self {
        let create = plan.create.iter().filter_map(|index| keys.get(*index));
        Self {
            dry_run,
            created: create.map(KeptKey::facts).collect(),
            present: plan.present,
            others: plan.others,
        }
    }

    fn lines(&self) -> Vec<String> {
        let created = if self.dry_run {
            "would be restored"
        } else {
            "restored"
        };
        let mut lines = Vec::new();
        lines.extend(
            self.created
                .iter()
                .map(|key| format!("{created}: {}", key.line())),
        );
        lines.extend(self.present.iter().map(|present| {
            let label = present
                .labelled_there
                .as_ref()
                .map_or_else(String::new, |label| {
                    format!(" (labelled `{label}` there, which stays)")
                });
            format!("there already: {}{label}", present.key.line())
        }));
        lines.extend(
            self.others
                .iter()
                .map(|key| format!("there, and not in the backup: {}", key.line())),
        );
        lines
    }
}
