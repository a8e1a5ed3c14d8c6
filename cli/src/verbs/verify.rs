//! `seal verify`: whether SealedSecrets open, by the controller's word or with private keys.

use std::io::Read;
use std::path::{Path, PathBuf};

use sealed_pflag::{Flag, Matches};

use super::inputs::{self, Inputs};
use super::unseal::keys_flag;
use super::{Outcome, Verb};
use crate::args::controller_flags;
use crate::binding::refused;
use crate::cluster::{CONTROLLER_VARIABLES, Cluster, Controller, Verdict};
use crate::drill::{Drill, Lost, Report};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::faults::{self, called};
use crate::input::Input;
use crate::io::{Streams, Talk};
use crate::name::Name;
use crate::output::Output;
use crate::progress::Progress;
use crate::recovery_keys;
use crate::sealed_files::SealedFiles;
use crate::sealed_input::{go_shaped, no_sealed_secrets};
use crate::unlock::{self, Unlock, UnlockArguments};

const SYNOPSIS: &str = "\
Usage: seal verify [FILE|DIR...] [flags]

Says which SealedSecrets do not open, and why as far as can be told: the controller is asked, or with --recovery-private-key
each value is tried with private keys, without a cluster. Nothing is printed of any value. The exit code is 3 if
something does not open or cannot be read.

Examples: seal verify sealed.yaml                                             by the controller of the current context
          seal verify clusters/prod --recovery-private-key keys.age -i id.txt  with a backup
          seal verify < sealed.yaml --json

JSON: objects, values, opened, trials (private-key operations); lost: place, object, items, code, message, hints; unread: code,
      message, hints

";

/// `seal verify`.
pub(super) const VERB: Verb = Verb {
    name: "verify",
    does: "say whether SealedSecrets open, by the controller or with private keys",
    synopsis: SYNOPSIS,
    flags,
    variables: CONTROLLER_VARIABLES,
    run: |matches, environment, streams| {
        run(&Request::of(matches, environment)?, environment, streams)
    },
};

/// What is asked for.
struct Request {
    inputs: Inputs,
    judge: Judge,
    skips_unread: bool,
    json: bool,
}

/// Who knows whether something opens.
enum Judge {
    /// The controller.
    Controller(Box<Controller>),
    /// These private keys.
    Keys(Vec<PathBuf>, UnlockArguments),
}

fn flags() -> Vec<Flag> {
    let mut flags = vec![
        Flag::bool("json", false, "Report as JSON"),
        keys_flag(),
        inputs::flag(),
        Flag::bool(
            "skip-unreadable",
            false,
            "Files that are no YAML or JSON, such as templates of Helm charts, are told and do not count",
        ),
    ];
    flags.extend(unlock::flags());
    flags.extend(controller_flags());
    flags
}

impl Request {
    fn of(matches: &Matches, environment: &Environment) -> Result<Self, Failure> {
        let keys = matches.list("recovery-private-key");
        let judge = if keys.is_empty() {
            Judge::Controller(Box::new(Controller::of(matches)))
        } else {
            let keys = keys.iter().map(PathBuf::from).collect();
            Judge::Keys(keys, UnlockArguments::of(matches))
        };
        Ok(Self {
            inputs: Inputs::of(matches, environment, "verify")?,
            judge,
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
    let Streams {
        stdin,
        stdout,
        stderr,
    } = streams;
    let mut talk = Talk(stderr);
    let mut files = files(&request.inputs, stdin)?;
    let mut report = match &request.judge {
        Judge::Controller(controller) => {
            let cluster = Cluster::connect(controller, environment, &mut talk)?;
            ask(&cluster, &mut files, Progress::of(environment, &mut talk))?
        }
        Judge::Keys(keys, unlock) => {
            let mut unlock = Unlock::load(unlock, environment.terminal)?;
            let keyring = recovery_keys::load(keys, Name::Seal, &mut unlock, &mut talk)?;
            if keyring.is_empty() {
                return Err(faults::no_key());
            }
            let mut drill = Drill::new(&keyring);
            let progress = Progress::of(environment, &mut talk);
            drill.run(|| files.next(), progress)?;
            drill.finish()
        }
    };
    report.add_unread(files.into_unread());
    if report.objects == 0 && report.unread.is_empty() {
        return Err(no_sealed_secrets(&request.inputs.shown()));
    }
    let mut output = Output::stdout(stdout);
    if request.json {
        output.report(&report)?;
    } else {
        output.lines(&report.lines())?;
    }
    output.commit()?;
    Ok(if report.has_problems(request.skips_unread) {
        Outcome::Problems
    } else {
        Outcome::Done
    })
}

fn files(inputs: &Inputs, stdin: &mut dyn Read) -> Result<SealedFiles, Failure> {
    let paths: Vec<PathBuf> = inputs.iter().flatten().map(Path::to_owned).collect();
    let mut files = SealedFiles::of(&paths)?;
    if paths.len() < inputs.iter().count() {
        let input = Input::default();
        let shown = input.origin().to_owned();
        files.read_text(input.text(stdin)?, &shown);
    }
    Ok(files)
}

/// Asks the controller about one object after the other.
fn ask(
    cluster: &Cluster,
    files: &mut SealedFiles,
    mut progress: Progress<'_, '_>,
) -> Result<Report, Failure> {
    let mut report = Report::default();
    while let Some(found) = files.next()? {
        let object = called(&found.sealed);
        let values = found.sealed.spec.encrypted_data.len() as u64;
        report.objects += 1;
        report.values += values;
        progress.show(&format!("{} SealedSecrets tried", report.objects));
        let problem = refused(&found.sealed);
        let verdict = cluster
            .verify(&go_shaped(found.sealed))
            .map_err(|failure| failure.at(&found.place))?;
        match verdict {
            Verdict::Accepted(()) => report.opened += values,
            Verdict::Refused => report.lost.push(Lost {
                problem,
                place: found.place,
                object,
                items: Vec::new(),
            }),
        }
    }
    Ok(report)
}
