//! `seal keys restore`: the keys of a backup, where a controller finds them.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sealed_api::Code;
use sealed_manifest::{to_json, to_yaml};
use sealed_pflag::{Flag, Matches};
use serde::Serialize;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::restoration::{Plan, Present, plan};
use super::source::{self, Source};
use crate::failure::{Failure, io_cause};
use crate::io::{Streams, Talk};
use crate::kept_keys::{KeptKey, KeyFacts, keep, tell_notes};
use crate::output::Output;
use crate::recovery_keys;
use crate::unlock::{Unlock, UnlockArguments};
use crate::verbs::{Outcome, Verb};

const SYNOPSIS: &str = "\
Usage: seal keys restore SOURCE... --to-directory DIR --unencrypted [flags]

Puts the keys of a backup where a controller finds them: into the directory `keys` of standalone mode. SOURCE is what
`seal keys backup` takes: backups, escrow objects, or a Git clone with either. Names, labels and certificates are kept; a key
that is there already is left alone, and if anything else has the name of a key, nothing at all is written.

Examples: seal keys restore clone/ -i identity.txt --to-directory local/keys --unencrypted
          seal keys restore keys.age --to-directory local/keys --dry-run

";

/// `seal keys restore`.
pub(in crate::verbs) const VERB: Verb = Verb {
    name: "keys restore",
    does: "put the keys of a backup where a controller finds them",
    synopsis: SYNOPSIS,
    flags,
    variables: &[],
    run: |matches, _environment, streams| {
        run(&Request::of(matches)?, streams)?;
        Ok(Outcome::Done)
    },
};

/// What is asked for.
struct Request {
    source: Source,
    namespace: String,
    directory: PathBuf,
    dry_run: bool,
    json: bool,
}

fn flags() -> Vec<Flag> {
    let mut flags = source::flags();
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
            "Directory for the key Secrets, a file each",
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
        if directory.is_empty() {
            return Err(Failure::usage("it is not said where to restore to")
                .hint("--to-directory DIR names the directory with a controller's keys"));
        }
        let dry_run = matches.bool("dry-run");
        if !dry_run && !matches.bool("unencrypted") {
            return Err(Failure::usage(
                "private keys are written to a directory only with --unencrypted",
            )
            .hint("--dry-run shows what would be written"));
        }
        Ok(Self {
            source: Source::of(matches, "keys restore")?,
            namespace: matches.text("controller-namespace").to_owned(),
            directory: PathBuf::from(directory),
            dry_run,
            json: matches.bool("json"),
        })
    }
}

fn run(request: &Request, streams: Streams<'_>) -> Result<(), Failure> {
    let Streams { stdout, stderr, .. } = streams;
    let mut talk = Talk(stderr);
    let keys = request.source.read(&mut talk)?.keys;
    tell_notes(&keys, &mut talk);
    let directory = KeyDirectory {
        path: &request.directory,
        namespace: &request.namespace,
    };
    let there = directory.read(&mut talk)?;
    let plan = plan(&keys, &there)?;
    directory.refuse_taken(&keys, &plan)?;
    if !request.dry_run && !plan.create.is_empty() {
        directory.prepare()?;
        for key in plan.create.iter().filter_map(|index| keys.get(*index)) {
            directory.write(key)?;
        }
        directory.check(&keys, &mut talk)?;
    }
    let report = Report::of(&keys, plan, request.dry_run);
    let mut output = Output::stdout(stdout);
    if request.json {
        output.write(to_json(&report).as_bytes())?;
    } else {
        output.lines(&report.lines())?;
    }
    output.commit()
}

/// The directory in which standalone mode keeps its keys.
struct KeyDirectory<'r> {
    path: &'r Path,
    namespace: &'r str,
}

impl KeyDirectory<'_> {
    /// The keys that are there.
    fn read(&self, talk: &mut Talk<'_>) -> Result<Vec<KeptKey>, Failure> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        let mut unlock = Unlock::load(&UnlockArguments::default())?;
        let found = recovery_keys::collect(&[self.path.to_owned()], &mut unlock, talk)?;
        keep(found, self.namespace)
    }

    fn file(&self, key: &KeptKey) -> PathBuf {
        self.path.join(format!("{}.yaml", key.name()))
    }

    /// A file of the name may hold something else than a key.
    fn refuse_taken(&self, keys: &[KeptKey], plan: &Plan) -> Result<(), Failure> {
        for key in plan.create.iter().filter_map(|index| keys.get(*index)) {
            if !sealed_api::dns1123::is_subdomain(key.name()) {
                return Err(Failure::new(
                    Code::BadName,
                    format!("`{}` is no name of a Secret", key.name()),
                )
                .at(&key.place));
            }
            let file = self.file(key);
            if file.symlink_metadata().is_ok() {
                return Err(Failure::new(
                    Code::AlreadyExists,
                    format!("`{}` is there and is not that key", file.display()),
                )
                .hint("nothing was written; move it away"));
            }
        }
        Ok(())
    }

    fn prepare(&self) -> Result<(), Failure> {
        let failed = |error| cannot_write(self.path, &error);
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(self.path).map_err(failed)?;
        let ignored = self.path.join(".gitignore");
        if !ignored.exists() {
            fs::write(
                ignored,
                "# Private keys and plain Secrets do not belong in git.\n*\n",
            )
            .map_err(failed)?;
        }
        Ok(())
    }

    /// Writes a file that was not there: whole, for nobody else to read, and never over another.
    fn write(&self, key: &KeptKey) -> Result<(), Failure> {
        let path = self.file(key);
        let failed = |error| cannot_write(&path, &error);
        let text = Zeroizing::new(to_yaml(&*key.secret));
        let mut file = NamedTempFile::new_in(self.path).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist_noclobber(&path)
            .map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// Reads everything back: a backup is worth what can be read of it.
    fn check(&self, keys: &[KeptKey], talk: &mut Talk<'_>) -> Result<(), Failure> {
        let there = self.read(talk)?;
        let missing = keys.iter().find(|key| {
            key.fingerprints().any(|name| {
                there
                    .iter()
                    .all(|other| other.fingerprints().all(|held| held != name))
            })
        });
        match missing {
            None => Ok(()),
            Some(key) => Err(Failure::new(
                Code::NoKeys,
                format!(
                    "{}/{} was written and cannot be read back",
                    key.namespace(),
                    key.name()
                ),
            )),
        }
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        Code::UnwritableOutput,
        format!("cannot write `{}`: {}", path.display(), io_cause(error)),
    )
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
