//! Files with private keys: PEM, the controller's key Secrets, and encrypted backups of them.
//!
//! As `kubeseal` only what the existing tool reads is read. As `seal` a directory stands for the keys below it, age files
//! and escrow objects are opened, and what cannot be used is told and passed over: in a disaster every key counts.

mod reader;
mod source;

use std::path::PathBuf;
use std::sync::Arc;

use sealed_api::{Wiping, names};
use sealed_crypto::{Keyring, SealingKey};
use sealed_custody::Manifest;
use serde_json::Value;

use self::reader::Reader;
use self::source::Source;
use crate::failure::Failure;
use crate::io::Talk;
use crate::name::Name;
use crate::prompt::Terminal;
use crate::unlock::Unlock;
use crate::walk::{self, Listed, Walked};

/// How files with keys end; of a directory only these are read.
const KEY_FILES: &[&str] = &["age", "crt", "json", "key", "pem", "yaml", "yml"];

/// What a file keeps keys in.
pub(crate) struct KeySecret {
    /// Where it was read, for messages.
    pub(crate) place: String,
    /// The Secret as it is stored. A PEM file has none.
    pub(crate) secret: Option<Wiping>,
    /// Its keys that can be used; more than one where somebody joined PEM files.
    pub(crate) keys: Vec<Arc<SealingKey>>,
    /// Whether the person who named the file answers for it. Nobody does for what lies somewhere below a directory, nor for
    /// what is encrypted to a recipient, since the recipient is public and whoever knows it can encrypt a key of theirs.
    pub(crate) is_vouched: bool,
}

/// Everything that files hold of keys.
#[derive(Default)]
pub(crate) struct Found {
    /// In the order of the files.
    pub(crate) secrets: Vec<KeySecret>,
    /// What backups among the files say of themselves, each with its place.
    pub(crate) backups: Vec<(String, Manifest)>,
}

impl Found {
    /// The keys for opening values.
    pub(crate) fn keyring(&self) -> Keyring {
        let keys = self.secrets.iter().flat_map(|one| &one.keys);
        Keyring::new(keys.map(Arc::clone))
    }
}

impl KeySecret {
    /// Whether a Secret that holds no usable key was meant to.
    fn is_key_secret(secret: &Wiping) -> bool {
        let metadata = &secret.metadata;
        let label = metadata.labels.as_ref();
        label.is_some_and(|all| all.contains_key(names::labels::SEALING_KEY))
            || metadata.name.as_deref() == Some(names::key_secret::DEFAULT_PREFIX)
    }
}

/// Reads the keys to open values with. Whatever cannot be read is told and passed over, unless the command line names it.
pub(crate) fn load(
    files: &[PathBuf],
    name: Name,
    unlock: &mut Unlock,
    talk: &mut Talk<'_>,
) -> Result<Keyring, Failure> {
    let mut reader = Reader::new(name, unlock, talk);
    reader.files(&walked(files, name)?)?;
    Ok(reader.finish().keyring())
}

/// Reads the keys to keep, with the Secrets they are in. What cannot be read is an error, and so is a file that is named and
/// cannot be read to its end: a backup would lack what is in it. Of a directory no bare PEM file counts: it is as likely the
/// key of a web server, or one that a test was committed with, and kept it would become a sealing key.
pub(crate) fn collect(
    files: &[PathBuf],
    unlock: &mut Unlock,
    talk: &mut Talk<'_>,
) -> Result<Found, Failure> {
    let mut reader = Reader::new(Name::Seal, unlock, talk).strict();
    reader.files(&walked(files, Name::Seal)?)?;
    Ok(reader.finish())
}

/// Reads key Secrets that came from somewhere else than a file, which `shown` names.
pub(crate) fn of_objects(
    objects: Vec<Value>,
    shown: &str,
    talk: &mut Talk<'_>,
) -> Result<Found, Failure> {
    // None of them is encrypted.
    let mut unlock = Unlock::asking(Terminal::Absent);
    let mut reader = Reader::new(Name::Seal, &mut unlock, talk).strict();
    for object in objects {
        reader.entry(object, &Source::cluster(shown))?;
    }
    Ok(reader.finish())
}

fn walked(files: &[PathBuf], name: Name) -> Result<Walked, Failure> {
    match name {
        Name::Seal => walk::files(files, KEY_FILES),
        Name::Kubeseal => Ok(Walked {
            files: files
                .iter()
                .map(|path| Listed {
                    path: path.clone(),
                    named: true,
                })
                .collect(),
            unlisted: Vec::new(),
        }),
    }
}
