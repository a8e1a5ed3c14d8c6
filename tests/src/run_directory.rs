//! Where a cluster keeps its database, logs and credentials.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// A directory that its process holds a lock on. Removed when dropped; those whose process is gone (statics are
/// never dropped, killed tests neither) are removed by the next one that is made, so that the logs of a failed run
/// can be read until then.
#[derive(Debug)]
pub(crate) struct RunDirectory {
    path: PathBuf,
    _held: File,
}

impl RunDirectory {
    /// Makes one below `parent`.
    pub(crate) fn create(parent: &Path, purpose: &str) -> Result<Self> {
        fs::create_dir_all(parent)
            .with_context(|| format!("cannot create {}", parent.display()))?;
        // Held until the new directory has its lock, or another process would take it for abandoned.
        let gate = lock_file(&parent.join(".lock"))?;
        gate.lock()
            .with_context(|| format!("cannot lock {}", parent.display()))?;
        remove_abandoned(parent)?;

        let path = tempfile::Builder::new()
            .prefix(&format!("{purpose}-{}-", std::process::id()))
            .tempdir_in(parent)
            .with_context(|| format!("cannot create a directory in {}", parent.display()))?
            .keep();
        let held = lock_file(&path.join(".lock"))?;
        held.lock()
            .with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(Self { path, _held: held })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // What remains is removed by the next one.
            fs::remove_dir_all(&self.path).ok();
        }
    }
}

fn lock_file(path: &Path) -> Result<File> {
    File::create(path).with_context(|| format!("cannot create {}", path.display()))
}

fn remove_abandoned(parent: &Path) -> Result<()> {
    let entries =
        fs::read_dir(parent).with_context(|| format!("cannot list {}", parent.display()))?;
    for path in entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
    {
        let in_use = File::open(path.join(".lock"))
            .is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)));
        if !in_use {
            fs::remove_dir_all(&path)
                .with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abandoned_directories_are_swept_and_held_ones_stay() -> Result<()> {
        let parent = tempfile::tempdir()?;
        let held = RunDirectory::create(parent.path(), "held")?;
        let abandoned = parent.path().join("abandoned");
        fs::create_dir(&abandoned)?;
        fs::write(abandoned.join(".lock"), "")?;

        let next = RunDirectory::create(parent.path(), "next")?;
        assert!(!abandoned.exists());
        assert!(held.path().exists());

        let path = next.path().to_owned();
        drop(next);
        assert!(!path.exists());
        Ok(())
    }
}
