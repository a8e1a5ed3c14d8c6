//! The SealedSecrets of files and directories, one after the other.

mod glance;

use std::collections::{BTreeSet, VecDeque};
use std::io::{BufRead, Cursor};
use std::path::PathBuf;

use sealed_manifest::{Documents, ReadErrorKind};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use self::glance::{Glance, SMALL};
use crate::failure::{Failure, io_cause};
use crate::git_history::{GitHistory, Version};
use crate::input::{cannot_read, has_braces, open_file, place, unreadable, with_template_hint};
use crate::sealed_input::{Found, decode_whole, entries, is_sealed_secret};
use crate::walk::{Listed, MANIFESTS, files};

/// Reads file after file, and a document at a time, so that a repository is never in memory as a whole.
pub(crate) struct SealedFiles {
    files: VecDeque<Listed>,
    histories: VecDeque<GitHistory>,
    /// Digests of values of histories: an edit elsewhere in a file makes no value another.
    known: BTreeSet<[u8; 32]>,
    /// What is being read, a document at a time.
    reading: Option<Reading>,
    /// What that document holds, if it is a List.
    found: VecDeque<Found>,
    unread: Vec<Failure>,
}

/// A text of which some documents were read.
struct Reading {
    documents: Documents<Box<dyn BufRead + Send>>,
    /// Whether it looks like a template, as far as that was looked at.
    has_braces: bool,
    /// Whether it is one version of a file among others.
    is_history: bool,
}

impl Reading {
    fn new(text: Box<dyn BufRead + Send>, shown: &str) -> Self {
        Self {
            documents: Documents::new(text, shown),
            has_braces: false,
            is_history: false,
        }
    }
}

impl SealedFiles {
    /// The manifests of these files and directories.
    pub(crate) fn of(paths: &[PathBuf]) -> Result<Self, Failure> {
        let walked = files(paths, MANIFESTS)?;
        Ok(Self {
            files: walked.files.into(),
            histories: VecDeque::new(),
            known: BTreeSet::new(),
            reading: None,
            found: VecDeque::new(),
            unread: walked.unlisted,
        })
    }

    /// After these, what the Git repositories at these paths ever held.
    pub(crate) fn with_histories(mut self, repositories: &[PathBuf]) -> Result<Self, Failure> {
        for path in repositories {
            self.histories.push_back(GitHistory::open(path)?);
        }
        Ok(self)
    }

    /// The next SealedSecret. What cannot be read is noted, and the next file follows; a file that is named must be there.
    pub(crate) fn next(&mut self) -> Result<Option<Found>, Failure> {
        loop {
            if let Some(found) = self.found.pop_front() {
                return Ok(Some(found));
            }
            if let Some(reading) = self.reading.take() {
                self.read_document(reading);
            } else if let Some(file) = self.files.pop_front() {
                self.read(&file)?;
            } else if let Some(history) = self.histories.front_mut() {
                match history.next()? {
                    None => drop(self.histories.pop_front()),
                    Some(Err(failure)) => self.unread.push(failure),
                    Some(Ok(Version { place, text })) => {
                        self.read_text(text, &place);
                        if let Some(reading) = &mut self.reading {
                            reading.is_history = true;
                        }
                    }
                }
            } else {
                return Ok(None);
            }
        }
    }

    /// What could not be read, though it seems to hold SealedSecrets.
    pub(crate) fn into_unread(self) -> Vec<Failure> {
        self.unread
    }

    fn read(&mut self, file: &Listed) -> Result<(), Failure> {
        let shown = file.path.display().to_string();
        if file.named {
            let reader = open_file(&file.path)?;
            self.reading = Some(Reading::new(Box::new(reader), &shown));
            return Ok(());
        }
        let glance = open_file(&file.path).and_then(|reader| {
            Glance::at(reader, SMALL).map_err(|error| cannot_read(&shown, &io_cause(&error)))
        });
        match glance {
            Err(failure) => self.unread.push(failure),
            Ok(Glance::Nothing) => {}
            Ok(Glance::Small(text)) => self.read_text(text, &shown),
            Ok(Glance::Large { has_braces }) => match open_file(&file.path) {
                Err(failure) => self.unread.push(failure),
                Ok(reader) => {
                    let mut reading = Reading::new(Box::new(reader), &shown);
                    reading.has_braces = has_braces;
                    self.reading = Some(reading);
                }
            },
        }
        Ok(())
    }

    /// The SealedSecrets of a text come next.
    pub(crate) fn read_text(&mut self, text: Vec<u8>, shown: &str) {
        let has_braces = has_braces(&text);
        let mut reading = Reading::new(Box::new(Cursor::new(text)), shown);
        reading.has_braces = has_braces;
        self.reading = Some(reading);
    }

    /// Takes the SealedSecrets out of the next document.
    fn read_document(&mut self, mut reading: Reading) {
        match reading.documents.next() {
            None => return,
            Some(Err(error)) => {
                let failure = with_template_hint(unreadable(&error), reading.has_braces);
                self.unread.push(failure);
                if matches!(error.kind(), ReadErrorKind::Io(_)) {
                    return;
                }
            }
            Some(Ok(document)) => {
                let place = place(&document);
                match entries(document.into_value(), &place) {
                    Err(failure) => self.unread.push(failure),
                    Ok(entries) => {
                        for entry in entries {
                            let place = entry.place(&place);
                            self.take(entry.value, place);
                        }
                    }
                }
                if reading.is_history {
                    self.drop_known();
                }
            }
        }
        self.reading = Some(reading);
    }

    /// Leaves of what was found only the values that no earlier version of the same object had.
    fn drop_known(&mut self) {
        let known = &mut self.known;
        self.found.retain_mut(|found| {
            let sealed = &mut found.sealed;
            let place = format!(
                "{} {}/{}",
                sealed.scope(),
                sealed.namespace(),
                sealed.name()
            );
            sealed
                .spec
                .encrypted_data
                .retain(|key, value| known.insert(digest(&[&place, key, value])));
            !sealed.spec.encrypted_data.is_empty() || sealed.spec.data.is_some()
        });
    }

    fn take(&mut self, value: Value, place: String) {
        if !is_sealed_secret(&value) {
            return;
        }
        match decode_whole(value, place) {
            Ok(found) => self.found.push_back(found),
            Err(failure) => self.unread.push(failure),
        }
    }
}

fn digest(parts: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
