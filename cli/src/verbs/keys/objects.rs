//! Which SealedSecrets the verbs about keys look at: of the cluster, of directories, of what Git ever held.

use std::path::PathBuf;

use sealed_crypto::Keyring;
use sealed_pflag::{Flag, Matches};
use serde_json::Value;

use crate::cluster::{KeyStore, SealedPages};
use crate::drill::Drill;
use crate::failure::Failure;
use crate::sealed_files::SealedFiles;
use crate::sealed_input::{Found, decode_whole};

/// What helps where a namespace is missing.
pub(super) const NO_NAMESPACE: &str =
    "--assume-namespace names the namespaces that it is applied to";

/// What the command line says about it.
pub(super) struct Objects {
    directories: Vec<PathBuf>,
    repositories: Vec<PathBuf>,
    /// What objects without a namespace may be meant for.
    namespaces: Vec<String>,
}

/// One after the other.
pub(super) struct ObjectStream<'s> {
    pages: Option<SealedPages<'s>>,
    files: SealedFiles,
    unread: Vec<Failure>,
}

/// The flags for it.
pub(super) fn flags() -> [Flag; 3] {
    [
        Flag::strings(
            "assume-namespace",
            "Namespace that files without one are applied to, as those of Kustomize; may be repeated",
        ),
        Flag::strings(
            "dir",
            "Directory or file with SealedSecrets; may be repeated",
        ),
        Flag::strings(
            "git",
            "Git repository, with every SealedSecret that it ever held; may be repeated",
        ),
    ]
}

impl Objects {
    pub(super) fn of(matches: &Matches) -> Self {
        let paths = |name: &str| matches.list(name).iter().map(PathBuf::from).collect();
        Self {
            directories: paths("dir"),
            repositories: paths("git"),
            namespaces: matches.list("assume-namespace").to_vec(),
        }
    }

    /// Whether none are named.
    pub(super) fn is_empty(&self) -> bool {
        self.directories.is_empty() && self.repositories.is_empty()
    }

    /// Where they are, for messages.
    pub(super) fn shown(&self) -> String {
        let all = self.directories.iter().chain(&self.repositories);
        let shown: Vec<String> = all.map(|path| path.display().to_string()).collect();
        shown.join(", ")
    }

    /// A drill of them with these keys.
    pub(super) fn drill<'k>(&'k self, keyring: &'k Keyring) -> Drill<'k> {
        Drill::new(keyring).assuming(&self.namespaces)
    }

    /// All of them, those of the cluster first, if one is given.
    pub(super) fn stream<'s>(
        &self,
        store: Option<&'s KeyStore>,
    ) -> Result<ObjectStream<'s>, Failure> {
        Ok(ObjectStream {
            pages: store.map(KeyStore::sealed_secrets),
            files: SealedFiles::of(&self.directories)?.with_histories(&self.repositories)?,
            unread: Vec::new(),
        })
    }
}

impl ObjectStream<'_> {
    pub(super) fn next(&mut self) -> Result<Option<Found>, Failure> {
        while let Some(pages) = &mut self.pages {
            match pages.next()? {
                None => self.pages = None,
                Some(object) => {
                    let place = format!("cluster: SealedSecret {}", called(&object));
                    match decode_whole(object, place) {
                        Ok(found) => return Ok(Some(found)),
                        Err(failure) => self.unread.push(failure),
                    }
                }
            }
        }
        self.files.next()
    }

    pub(super) fn into_unread(mut self) -> Vec<Failure> {
        self.unread.extend(self.files.into_unread());
        self.unread
    }
}

/// `namespace/name` of an object that was not decoded yet, and may not be at all.
fn called(object: &Value) -> String {
    let text = |path| object.pointer(path).and_then(Value::as_str);
    let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
    format!("{}/{}", namespace.unwrap_or("?"), name.unwrap_or("?"))
}
