//! Sealing Secrets: what the program is for.
//!
//! The input may be longer than memory: documents are read, sealed and set aside a few at a time. Nothing is delivered before all
//! of them are understood, since a part is easily taken for the whole.

mod batch;

use std::mem;
use std::sync::Arc;

use sealed_crypto::Certificate;
use sealed_manifest::Format;

use batch::{Ready, Sealer, Started, Waiting};

use super::Context;
use super::secret_input::{self, Found, Piece, no_secrets};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::Talk;
use crate::name::Name;
use crate::output::{FormatChoice, Output};
use crate::placement::Placer;
use crate::progress::Progress;
use crate::request::Sealing;
use crate::target::{Target, load_certificates};

/// As many are sealed at a time: enough to keep every processor busy, few enough to keep memory small.
const BATCH: usize = 128;

pub(super) fn run(mut context: Context<'_>, asked: &Sealing) -> Result<(), Failure> {
    let name = context.name();
    let certificates = load_certificates(
        &asked.targets,
        context.environment,
        context.stdin,
        &mut context.talk,
    )?;
    let Context {
        environment,
        format,
        input,
        stdin,
        output,
        mut talk,
    } = context;
    let mut progress = Progress::of(environment, &mut talk);
    let mut lines = lines(asked, certificates, environment, format, output)?;
    let nothing = no_secrets(input.origin());
    // Scripts may have come to rely on what the existing tool prints before it meets such a fault.
    let mut refused = None;
    let mut names = Names::new(asked);
    secret_input::each(
        input,
        stdin,
        name,
        asked.keep_others,
        nothing,
        |piece, format| {
            let found = match piece {
                Piece::Secret(found) => found,
                Piece::Other(other) => {
                    for line in &mut lines {
                        line.add(Waiting::Other(other.text(line.format(format)?)), format)?;
                    }
                    return Ok(());
                }
            };
            names.next(name)?;
            if names.seen.is_multiple_of(BATCH) {
                progress.show(&format!("{} Secrets sealed", names.seen));
            }
            if refused.is_some() {
                return Ok(());
            }
            for line in &mut lines {
                match line.place(&found, progress.talk()) {
                    Ok(ready) => line.add(Waiting::Secret(Box::new(ready)), format)?,
                    Err(failure) if name == Name::Seal => return Err(failure),
                    Err(failure) => refused = Some(failure),
                }
            }
            Ok(())
        },
    )?;
    if let Some(failure) = refused {
        return lines
            .into_iter()
            .try_for_each(Line::abandon)
            .and(Err(failure));
    }
    for line in &mut lines {
        line.finish()?;
    }
    lines.into_iter().try_for_each(|line| line.output.commit())
}

/// One target, what waits to be sealed for it, and what is being sealed.
struct Line<'a, 'io> {
    target: &'a Target,
    sealer: Arc<Sealer>,
    placer: Placer<'a>,
    choice: FormatChoice,
    waiting: Vec<Waiting>,
    /// That of what waits.
    format: Format,
    started: Option<Started>,
    output: Output<'io>,
}

fn lines<'a, 'io>(
    asked: &'a Sealing,
    certificates: Vec<Arc<Certificate>>,
    environment: &'a Environment,
    format: &FormatChoice,
    output: Output<'io>,
) -> Result<Vec<Line<'a, 'io>>, Failure> {
    let mut single = Some(output.held());
    let is_single = asked.targets.len() == 1;
    let mut lines = Vec::with_capacity(asked.targets.len());
    for (target, certificate) in asked.targets.iter().zip(certificates) {
        let (output, choice) = match (single.take(), &target.output) {
            (Some(output), _) if is_single => (output, format.clone()),
            (_, Some(path)) => (Output::file(path, environment.name)?, format.for_file(path)),
            (_, None) => continue, // of several targets each has a file
        };
        lines.push(Line {
            target,
            sealer: Arc::new(Sealer {
                certificate,
                own: asked.own.clone(),
                name: environment.name,
            }),
            placer: Placer::new(&target.place, asked.allow_empty_data, environment),
            choice,
            waiting: Vec::new(),
            format: Format::Yaml,
            started: None,
            output,
        });
    }
    Ok(lines)
}

impl Line<'_, '_> {
    /// The format of the output for a document of the input's first format.
    fn format(&self, input: Format) -> Result<Format, Failure> {
        self.choice.resolve(input)
    }

    /// Gives a Secret its place here.
    fn place(&mut self, found: &Found, talk: &mut Talk<'_>) -> Result<Ready, Failure> {
        let mut secret = found.secret.clone();
        match self.placer.apply(&mut secret, talk) {
            Ok(scope) => Ok(Ready {
                secret,
                scope,
                place: found.place.clone(),
            }),
            Err(failure) => Err(self.target.explain(failure.at(&found.place))),
        }
    }

    fn add(&mut self, waiting: Waiting, input: Format) -> Result<(), Failure> {
        self.format = self.format(input)?;
        self.waiting.push(waiting);
        if self.waiting.len() < BATCH {
            return Ok(());
        }
        let full = mem::take(&mut self.waiting);
        let started = self.sealer.start(full, self.format);
        self.write_started()?;
        self.started = Some(started);
        Ok(())
    }

    /// Writes the batch that is being sealed.
    fn write_started(&mut self) -> Result<(), Failure> {
        match self.started.take() {
            Some(started) => self.output.write(started.texts()?.as_bytes()),
            None => Ok(()),
        }
    }

    /// Seals and writes all there is.
    fn finish(&mut self) -> Result<(), Failure> {
        self.write_started()?;
        let rest = mem::take(&mut self.waiting);
        let texts = self.sealer.seal(rest, self.format)?;
        self.output.write(texts.as_bytes())
    }

    /// Shows what was sealed before a fault. Where nothing was, the fault is the only thing to tell.
    fn abandon(mut self) -> Result<(), Failure> {
        self.finish()?;
        self.output.abandon()
    }
}

/// As `seal` one Secret at most is renamed: the existing tool gives all of them the name, and whoever applies them keeps the last.
struct Names {
    is_one_wanted: bool,
    seen: usize,
}

impl Names {
    fn new(asked: &Sealing) -> Self {
        Self {
            is_one_wanted: asked
                .targets
                .iter()
                .any(|target| target.place.name.is_some()),
            seen: 0,
        }
    }

    fn next(&mut self, name: Name) -> Result<(), Failure> {
        self.seen += 1;
        if name == Name::Seal && self.is_one_wanted && self.seen > 1 {
            return Err(
                Failure::usage("--name fits one Secret, and the input holds more")
                    .hint("leave out --name, and give each Secret its metadata.name"),
            );
        }
        Ok(())
    }
}
