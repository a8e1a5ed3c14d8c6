//! Where keys are restored to: the directory of standalone mode, or the namespace of a controller.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use sealed_api::{Code, Wiping};
use sealed_manifest::to_yaml;
use zeroize::Zeroizing;

use super::cluster_keys::ClusterKeys;
use crate::failure::{Failure, io_cause};
use crate::io::Talk;
use crate::kept_keys::{KeptKey, keep};
use crate::output::{Output, beside};
use crate::prompt::Terminal;
use crate::recovery_keys;
use crate::unlock::{Unlock, UnlockArguments};

/// Creation times count whole seconds, and order keys under one setting of the controller.
const PAUSE: Duration = Duration::from_secs(1);

/// A place for keys.
pub(super) enum Target<'r> {
    /// A directory.
    Directory(KeyDirectory<'r>),
    /// A cluster, with what it holds.
    Cluster(Box<ClusterKeys>),
}

impl Target<'_> {
    /// The namespace that Secrets must be in to count there, if it matters.
    pub(super) fn namespace(&self) -> Option<&str> {
        match self {
            Self::Directory(_) => None,
            Self::Cluster(cluster) => Some(cluster.store.namespace()),
        }
    }

    /// The keys that are there now.
    pub(super) fn read(&self, talk: &mut Talk<'_>) -> Result<Vec<KeptKey>, Failure> {
        match self {
            Self::Directory(directory) => directory.read(talk),
            Self::Cluster(cluster) => cluster.again(),
        }
    }

    /// The same once more, when what is wrong there has been told.
    pub(super) fn again(&self) -> Result<Vec<KeptKey>, Failure> {
        self.read(&mut Talk(&mut io::sink()))
    }

    /// Refuses keys that cannot be created, before any is.
    pub(super) fn check_names(&self, keys: &[&KeptKey]) -> Result<(), Failure> {
        match self {
            Self::Directory(directory) => directory.check_names(keys),
            Self::Cluster(cluster) => keys.iter().try_for_each(|key| {
                if cluster.store.has(key.name())? {
                    let (namespace, name) = (cluster.store.namespace(), key.name());
                    return Err(in_the_way(&format!("Secret {namespace}/{name}")));
                }
                Ok(())
            }),
        }
    }

    /// Creates keys, in their order.
    pub(super) fn create(&self, keys: &[Wiping]) -> Result<(), Failure> {
        match self {
            Self::Directory(directory) => {
                directory.prepare()?;
                keys.iter().try_for_each(|key| directory.write(key))
            }
            Self::Cluster(cluster) => {
                for (index, key) in keys.iter().enumerate() {
                    if index > 0 {
                        sleep(PAUSE);
                    }
                    cluster.store.create(key)?;
                }
                Ok(())
            }
        }
    }
}

/// The directory in which standalone mode keeps its keys.
pub(super) struct KeyDirectory<'r> {
    pub(super) path: &'r Path,
    pub(super) namespace: &'r str,
    /// Where a person is asked for the passphrase of a backup that lies there.
    pub(super) terminal: Terminal,
}

impl KeyDirectory<'_> {
    /// The keys that are there.
    fn read(&self, talk: &mut Talk<'_>) -> Result<Vec<KeptKey>, Failure> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        let mut unlock = Unlock::load(&UnlockArguments::default(), self.terminal)?;
        let found = recovery_keys::collect(&[self.path.to_owned()], &mut unlock, talk)?;
        keep(found, self.namespace)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.yaml"))
    }

    /// A file of the name may hold something else than a key.
    fn check_names(&self, keys: &[&KeptKey]) -> Result<(), Failure> {
        for key in keys {
            let file = self.file(key.name());
            if file.symlink_metadata().is_ok() {
                return Err(in_the_way(&format!("`{}`", file.display())));
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
            // Whole or absent: an empty one would be taken for what somebody wants.
            let mut output = Output::private_file(&ignored)?;
            output.write(b"# Private keys and plain Secrets do not belong in git.\n*\n")?;
            output.commit()?;
        }
        Ok(())
    }

    /// Writes a file that was not there: whole, for nobody else to read, and never over another.
    fn write(&self, key: &Secret) -> Result<(), Failure> {
        let path = self.file(key.metadata.name.as_deref().unwrap_or_default());
        let failed = |error| cannot_write(&path, &error);
        let text = Zeroizing::new(to_yaml(key));
        let mut file = beside(&path).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist_noclobber(&path)
            .map_err(|error| failed(error.error))?;
        Ok(())
    }
}

fn in_the_way(what: &str) -> Failure {
    Failure::new(
        Code::AlreadyExists,
        format!("{what} is there and is not that key"),
    )
    .hint("nothing was written; move it away")
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::new(
        Code::UnwritableOutput,
        format!("cannot write `{}`: {}", path.display(), io_cause(error)),
    )
}
