//! `seal keys verify`: the drill. Whether everything opens with a backup, without a cluster.

use std::path::PathBuf;

use sealed_crypto::Keyring;
use sealed_manifest::to_json;
use sealed_pflag::{Flag, Matches};
use serde::Serialize;

use super::source::{self, Keys, Source};
use crate::drill::{self, Drill};
use crate::failure::Failure;
use crate::io::{Streams, Talk};
use crate::kept_keys::KeyFacts;
use crate::output::Output;
use crate::sealed_files::SealedFiles;
use crate::sealed_input::no_sealed_secrets;
use crate::verbs::{Outcome, Verb};

const SYNOPSIS: &str = "\
Usage: seal keys verify SOURCE... [--dir DIR] [flags]

The drill: opens every SealedSecret of directories with the keys of a backup and nothing else, and says what would be lost
if only the backup were left. SOURCE is what `seal keys backup` takes. Nothing is printed of any value. The exit code is 3
if something does not open, cannot be read, or if the backup lacks a key that it says it has.

Examples: seal keys verify keys.age -i identity.txt --dir clusters/prod
          seal keys verify . -i identity.txt --dir . --json           escrow objects and SealedSecrets of one clone

";

/// `seal keys verify`.
pub(in crate::verbs) const VERB: Verb = Verb {
    name: "keys verify",
    does: "the drill: whether every SealedSecret opens with a backup",
    synopsis: SYNOPSIS,
    flags,
    variables: &[],
    run: |matches, _environment, streams| run(&Request::of(matches)?, streams),
};

/// What is asked for.
struct Request {
    source: Source,
    directories: Vec<PathBuf>,
    repositories: Vec<PathBuf>,
    skips_unread: bool,
    json: bool,
}

fn flags() -> Vec<Flag> {
    let mut flags = source::flags();
    flags.extend([
        Flag::strings(
            "dir",
            "Directory or file with SealedSecrets that must open; may be repeated",
        ),
        Flag::strings(
            "git",
            "Git repository of which every SealedSecret that it ever held must open; may be repeated",
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
        Ok(Self {
            source: Source::of(matches, "keys verify")?,
            directories: matches.list("dir").iter().map(PathBuf::from).collect(),
            repositories: matches.list("git").iter().map(PathBuf::from).collect(),
            skips_unread: matches.bool("skip-unreadable"),
            json: matches.bool("json"),
        })
    }
}

impl Request {
    /// Whether there is anything to open.
    fn drills(&self) -> bool {
        !self.directories.is_empty() || !self.repositories.is_empty()
    }

    /// Where that is, for messages.
    fn shown(&self) -> String {
        let all = self.directories.iter().chain(&self.repositories);
        all.map(|path| path.display().to_string())
            .collect::<Vec<_>>()
            .join(", ")
    }
}

fn run(request: &Request, streams: Streams<'_>) -> Result<Outcome, Failure> {
    let Streams { stdout, stderr, .. } = streams;
    let mut talk = Talk(stderr);
    let keys = request.source.read(&mut talk)?;
    let keyring = Keyring::new(keys.keys.iter().flat_map(|one| one.keys.iter().cloned()));
    let mut files = SealedFiles::of(&request.directories)?.with_histories(&request.repositories)?;
    let mut drill = Drill::new(&keyring);
    drill.run(|| files.next())?;
    let mut drilled = drill.finish();
    drilled.add_unread(files.into_unread());
    // A drill of nothing proves nothing; a mistyped directory is the likelier reason.
    if request.drills() && drilled.objects == 0 && drilled.unread.is_empty() {
        return Err(no_sealed_secrets(&request.shown()));
    }
    let report = Report::of(&keys, drilled);

    let mut output = Output::stdout(stdout);
    if request.json {
        output.write(to_json(&report).as_bytes())?;
    } else {
        output.lines(&report.lines(request.drills()))?;
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
    /// How many objects and values it opens.
    objects: u64,
    values: u64,
}

impl Report {
    fn of(keys: &Keys, drilled: drill::Report) -> Self {
        let held = |name| {
            keys.keys
                .iter()
                .any(|one| one.fingerprints().any(|held| held == name))
        };
        let backups = keys.backups.iter().map(|(place, manifest)| Backup {
            place: place.clone(),
            made: manifest.made.to_string(),
            missing: manifest
                .keys
                .iter()
                .filter(|name| !held(**name))
                .map(ToString::to_string)
                .collect(),
        });
        let used = keys.keys.iter().map(|one| {
            let uses = one
                .fingerprints()
                .filter_map(|name| drilled.by_key.get(&name));
            let (objects, values) = uses.fold((0, 0), |(objects, values), used| {
                (objects + used.objects, values + used.values)
            });
            KeyUse {
                key: one.facts(),
                objects,
                values,
            }
        });
        Self {
            backups: backups.collect(),
            keys: used.collect(),
            drilled,
        }
    }

    fn has_problems(&self, skips_unread: bool) -> bool {
        self.drilled.has_problems(skips_unread)
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
            lines.push(format!("{:>7}  {}", used.values, used.key.line()));
        }
        if drilled {
            lines.extend(self.drilled.lines());
        }
        lines
    }
}
