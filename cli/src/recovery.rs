//! Secrets out of a stream of SealedSecrets with private keys, a few at a time.
//!
//! The stream may be longer than memory. All of it is opened before anything is delivered, since half of a recovery is easily
//! taken for the whole.

use std::io::Read;
use std::sync::{Arc, Mutex};

use rayon::prelude::*;
use sealed_api::{Code, SealedSecret, SecretView, Templates, UnsealFailure, Unsealed, unseal};
use sealed_crypto::{KeyOrder, Keyring};
use sealed_manifest::Format;
use sealed_sprig::System;
use zeroize::Zeroizing;

use crate::diagnosis::{Places, sealed_elsewhere};
use crate::drill::order_for;
use crate::failure::Failure;
use crate::faults;
use crate::input::Input;
use crate::output::{FormatChoice, Output, serialize};
use crate::sealed_input::{self, Found, Kind, no_sealed_secrets};

/// From this many objects on it pays to wake other threads.
const MANY: usize = 8;
/// As many are opened before they are written.
const BATCH: usize = 128;
/// For how many objects that do not open it is found out why.
const MAX_EXPLAINED: usize = 20;

/// Opens SealedSecrets in order, and explains where it cannot.
pub(crate) struct Recovery<'k, 'io> {
    keyring: &'k Keyring,
    templates: Templates<System>,
    choice: FormatChoice,
    output: Output<'io>,
    /// Whether what opens is wanted even where something does not.
    keeps_going: bool,
    /// That of the results, as the first document has it if nothing else is asked for.
    format: Option<Format>,
    waiting: Vec<Waiting>,
    recent: Mutex<KeyOrder>,
    places: Places,
    seen: usize,
    opened: usize,
    lost: Vec<Lost>,
}

struct Waiting {
    found: Found,
    origin: Arc<str>,
}

/// An object that does not open.
struct Lost {
    told: Failure,
    /// With the item that may have been sealed for another place, which shows when all places are known.
    unexplained: Option<(SealedSecret, String)>,
}

/// How a recovery ended that did not fail.
pub(crate) struct Recovered {
    pub(crate) seen: usize,
    pub(crate) opened: usize,
    /// Why the others did not open.
    pub(crate) failures: Vec<Failure>,
}

impl<'k, 'io> Recovery<'k, 'io> {
    pub(crate) fn new(
        keyring: &'k Keyring,
        choice: FormatChoice,
        output: Output<'io>,
        keeps_going: bool,
    ) -> Self {
        Self {
            keyring,
            templates: Templates::new(System::new()),
            choice,
            output: output.held(),
            keeps_going,
            format: None,
            waiting: Vec::new(),
            recent: Mutex::default(),
            places: Places::default(),
            seen: 0,
            opened: 0,
            lost: Vec::new(),
        }
    }

    /// Opens all SealedSecrets of an input; it must have some. `told` hears how many there were so far.
    pub(crate) fn read(
        &mut self,
        input: Input,
        stdin: &mut dyn Read,
        mut told: impl FnMut(usize),
    ) -> Result<(), Failure> {
        let origin: Arc<str> = input.origin().into();
        let before = self.seen;
        input.each(stdin, |document| {
            let document = document?;
            sealed_input::refuse_broken_json(&document)?;
            if self.format.is_none() {
                self.format = Some(self.choice.resolve(document.format())?);
            }
            for found in sealed_input::decode_all(document, Kind::Stated)? {
                self.add(found, &origin)?;
            }
            told(self.seen);
            Ok(())
        })?;
        if self.seen == before {
            return Err(no_sealed_secrets(&origin));
        }
        Ok(())
    }

    fn add(&mut self, found: Found, origin: &Arc<str>) -> Result<(), Failure> {
        self.places.note(&found.sealed);
        self.seen += 1;
        if self.gave_up() {
            return Ok(());
        }
        let origin = origin.clone();
        self.waiting.push(Waiting { found, origin });
        if self.waiting.len() < BATCH {
            Ok(())
        } else {
            self.open()
        }
    }

    /// Delivers what opened, after `read` was the end of the input.
    pub(crate) fn finish(mut self, read: Result<(), Failure>) -> Result<Recovered, Failure> {
        if read.is_ok() {
            self.open()?;
        }
        let gave_up = self.gave_up();
        let mut lost = std::mem::take(&mut self.lost);
        if gave_up {
            lost.truncate(1);
        }
        let explained = lost.into_iter().map(|lost| self.explained(lost));
        let mut failures: Vec<Failure> = explained.collect();
        if gave_up && let Some(failure) = failures.pop() {
            return Err(failure);
        }
        read?;
        self.output.commit()?;
        Ok(Recovered {
            seen: self.seen,
            opened: self.opened,
            failures,
        })
    }

    /// Whether nothing will be delivered; what follows may still say for which place the lost object was sealed.
    fn gave_up(&self) -> bool {
        !self.keeps_going && !self.lost.is_empty()
    }

    fn open(&mut self) -> Result<(), Failure> {
        let waiting = std::mem::take(&mut self.waiting);
        let format = self.format.unwrap_or(Format::Yaml);
        let (keyring, recent, templates) = (self.keyring, &self.recent, &self.templates);
        let one = |waiting: &Waiting| open_one(&waiting.found.sealed, keyring, recent, templates);
        let opened: Vec<_> = if waiting.len() < MANY {
            waiting.iter().map(one).collect()
        } else {
            waiting.par_iter().map(one).collect()
        };
        for (waiting, opened) in waiting.into_iter().zip(opened) {
            match opened {
                Ok(unsealed) if !self.gave_up() => {
                    let text = serialize(&SecretView(&unsealed.secret), format);
                    self.output.write(Zeroizing::new(text).as_bytes())?;
                    self.opened += 1;
                }
                Ok(_) => {}
                Err(failure) => self.lose(waiting, &failure),
            }
        }
        Ok(())
    }

    fn lose(&mut self, waiting: Waiting, failure: &UnsealFailure) {
        let Waiting { found, origin } = waiting;
        let told = faults::cannot("unseal", failure, &found, &origin, self.keyring);
        let mut wrong = failure.reports().iter();
        let item = wrong
            .find(|report| report.code == Code::WrongKey)
            .and_then(|report| report.key.clone())
            .filter(|_| self.lost.len() < MAX_EXPLAINED);
        let unexplained = item.map(|item| (found.sealed, item));
        self.lost.push(Lost { told, unexplained });
    }

    fn explained(&self, lost: Lost) -> Failure {
        let place = lost.unexplained.and_then(|(sealed, item)| {
            let order = order_for(&sealed, &self.recent);
            sealed_elsewhere(&sealed, &item, self.keyring, &order, &self.places)
        });
        match place {
            Some(place) => lost.told.hint(place),
            None => lost.told,
        }
    }
}

fn open_one(
    sealed: &SealedSecret,
    keyring: &Keyring,
    recent: &Mutex<KeyOrder>,
    templates: &Templates<System>,
) -> Result<Unsealed, UnsealFailure> {
    let order = order_for(sealed, recent);
    let mut unsealed = unseal(sealed, keyring, &order, true, Some(templates))?;
    if let (Some(key), Ok(mut recent)) = (unsealed.keys.first(), recent.lock()) {
        recent.prefer(*key);
    }
    // An owner is named by its uid, and there is none here: no API server would take that.
    unsealed.secret.metadata.owner_references = None;
    Ok(unsealed)
}
