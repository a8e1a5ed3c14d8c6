//! What is remembered about clusters on this machine: a file for each kind, a list of records in each.
//!
//! What stands there decides what secrets are sealed with, so a file counts only if nobody else could have written it.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sealed_api::Code;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, io_cause};
use crate::output::Output;

/// Tells a cluster from all others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClusterId {
    /// Address of the API server.
    pub(crate) server: String,
    /// Digest of the certificates that the API server is known by, those of the system left out.
    pub(crate) authority: String,
}

/// Tells a Service of a cluster from all others, one of the same name that was made later included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServiceId {
    /// Its namespace.
    pub(crate) namespace: String,
    /// Its name.
    pub(crate) name: String,
    /// Its uid.
    pub(crate) uid: String,
}

/// The records of a file.
#[derive(Debug)]
pub(super) struct Remembered<T> {
    path: PathBuf,
    /// In no order that matters.
    pub(super) all: Vec<T>,
}

impl<T: Serialize + DeserializeOwned> Remembered<T> {
    /// Reads a file; one that is not there holds nothing.
    pub(super) fn load(path: PathBuf) -> Result<Self, Failure> {
        let all = match read(&path) {
            Ok(text) => {
                serde_json::from_slice(&text).map_err(|_| unusable(&path, "it is malformed"))
            }
            // A home that is not there, or is no directory, remembers nothing.
            Err(Unread::Io(error))
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(Vec::new())
            }
            Err(Unread::Io(error)) => Err(unusable(&path, &io_cause(&error))),
            Err(Unread::Foreign) => Err(unusable(&path, "others could have written it")),
        }?;
        Ok(Self { path, all })
    }

    /// Begins anew, whatever stands in the file.
    pub(super) fn empty(path: PathBuf) -> Self {
        let all = Vec::new();
        Self { path, all }
    }

    /// Writes the file, for nobody else to read.
    pub(super) fn save(&self) -> Result<(), Failure> {
        if let Some(directory) = self.path.parent() {
            private_directory(directory)
                .map_err(|error| unusable(&self.path, &io_cause(&error)))?;
        }
        let mut output = Output::private_file(&self.path)?;
        output.write(sealed_manifest::to_json(&self.all).as_bytes())?;
        output.commit()
    }
}

/// Why a file is not read.
enum Unread {
    Io(io::Error),
    Foreign,
}

fn read(path: &Path) -> Result<Vec<u8>, Unread> {
    let mut file = File::open(path).map_err(Unread::Io)?;
    if !is_private(&file.metadata().map_err(Unread::Io)?) {
        return Err(Unread::Foreign);
    }
    let mut text = Vec::new();
    file.read_to_end(&mut text).map_err(Unread::Io)?;
    Ok(text)
}

/// Whether nobody can have written it but this user, and root, who could do anything.
#[cfg(unix)]
fn is_private(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    const WRITABLE_BY_OTHERS: u32 = 0o022;
    [0, rustix::process::geteuid().as_raw()].contains(&metadata.uid())
        && metadata.mode() & WRITABLE_BY_OTHERS == 0
}

#[cfg(not(unix))]
fn is_private(_: &fs::Metadata) -> bool {
    true
}

fn private_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn unusable(path: &Path, cause: &str) -> Failure {
    Failure::new(
        Code::BadConfiguration,
        format!("cannot use `{}`: {cause}", path.display()),
    )
    .hint("remove it: what it remembered is asked for again")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &Path) -> String {
        let loaded = Remembered::<ClusterId>::load(path.to_owned());
        let name = crate::name::Name::Seal;
        loaded.map_or_else(
            |failure| failure.text(name),
            |found| format!("{:?}", found.all),
        )
    }

    #[test]
    fn what_was_saved_is_read_and_nobody_else_may_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/seal/kept.json");
        assert_eq!(told(&path), "[]");
        let mut kept = Remembered::empty(path.clone());
        kept.all.push(ClusterId {
            server: "https://192.0.2.1".to_owned(),
            authority: "x".to_owned(),
        });
        kept.save().unwrap();
        let again = Remembered::<ClusterId>::load(path.clone()).unwrap();
        assert_eq!(again.all, kept.all);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&path), 0o600);
            assert_eq!(mode(path.parent().unwrap()), 0o700);
        }
    }

    #[test]
    fn what_cannot_be_trusted_is_no_memory() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kept.json");
        fs::write(&path, "[{}]").unwrap();
        assert!(told(&path).contains("malformed"), "{}", told(&path));
        fs::write(&path, "[]").unwrap();
        assert_eq!(told(&path), "[]");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
            assert!(
                told(&path).contains("others could have written it"),
                "{}",
                told(&path)
            );
        }
    }
}
