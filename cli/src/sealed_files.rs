//! The SealedSecrets of files and directories, one after the other.

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;

use sealed_api::names;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::failure::Failure;
use crate::git_history::GitHistory;
use crate::input::{documents_of, place, read_file};
use crate::sealed_input::{Found, Kind, decode_one, is_list, items_of};
use crate::walk::{Listed, MANIFESTS, files};

/// Reads file after file, so that a repository is never in memory as a whole.
pub(crate) struct SealedFiles {
    files: VecDeque<Listed>,
    histories: VecDeque<GitHistory>,
    /// Digests of values of histories: an edit elsewhere in a file makes no value another.
    known: BTreeSet<[u8; 32]>,
    found: VecDeque<Found>,
    unread: Vec<Failure>,
}

impl SealedFiles {
    /// The manifests of these files and directories.
    pub(crate) fn of(paths: &[PathBuf]) -> Result<Self, Failure> {
        Ok(Self {
            files: files(paths, MANIFESTS)?.into(),
            histories: VecDeque::new(),
            known: BTreeSet::new(),
            found: VecDeque::new(),
            unread: Vec::new(),
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
            if let Some(file) = self.files.pop_front() {
                self.read(&file)?;
            } else if let Some(history) = self.histories.front_mut() {
                match history.next()? {
                    None => drop(self.histories.pop_front()),
                    Some((place, text)) if mentions_sealed_secrets(&text) => {
                        self.found_in(&text, &place);
                        self.drop_known();
                    }
                    Some(_) => {}
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
        let text = match read_file(&file.path) {
            Err(failure) if file.named => return Err(failure),
            Err(failure) => {
                self.unread.push(failure);
                return Ok(());
            }
            Ok(text) => text,
        };
        // Of what nobody named, most is something else.
        if !file.named && !mentions_sealed_secrets(&text) {
            return Ok(());
        }
        let shown = file.path.display().to_string();
        self.found_in(&text, &shown);
        Ok(())
    }

    /// Takes the SealedSecrets out of a text.
    pub(crate) fn found_in(&mut self, text: &[u8], shown: &str) {
        let nothing = Failure::usage(""); // never seen: no document is no fault here
        let documents = match documents_of(text, shown, &nothing) {
            Ok(documents) => documents,
            Err(failure) if failure == nothing => return,
            Err(failure) => {
                self.unread.push(failure);
                return;
            }
        };
        for document in documents {
            let place = place(&document);
            let value = document.into_value();
            if is_list(&value) {
                for (index, item) in items_of(value).into_iter().enumerate() {
                    self.take(item, format!("{place}, items[{index}]"));
                }
            } else {
                self.take(value, place);
            }
        }
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
        if value.get("kind").and_then(Value::as_str) != Some(names::KIND) {
            return;
        }
        match decode_one(value, place, Kind::Stated) {
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

fn mentions_sealed_secrets(text: &[u8]) -> bool {
    let kind = names::KIND.as_bytes();
    // UTF-16, as some editors write it, holds the same letters with zeros between them.
    text.starts_with(&[0xff, 0xfe])
        || text.starts_with(&[0xfe, 0xff])
        || text.windows(kind.len()).any(|part| part == kind)
}
