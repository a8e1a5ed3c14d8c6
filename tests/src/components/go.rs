//! Programs of a Go module in this room, built once.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

/// What to build and how.
pub(super) struct Module<'a> {
    /// Its directory in `tests/`; also its name.
    pub(super) directory: &'a str,
    /// Import paths of main packages.
    pub(super) packages: &'a [&'a str],
    /// Options of the linker.
    pub(super) ldflags: &'a str,
    /// How long a first build takes, for the person who waits.
    pub(super) takes: &'a str,
}

impl Module<'_> {
    /// The directory that holds its programs, built now if need be.
    pub(super) fn built(&self) -> Result<PathBuf> {
        let cache = super::cache()?;
        let done = cache.join(format!("{}-{}", self.directory, self.key()?));
        if done.is_dir() {
            return Ok(done);
        }
        fs::create_dir_all(&cache).with_context(|| format!("cannot create {}", cache.display()))?;
        let lock_path = cache.join(format!("{}.lock", self.directory));
        let lock = File::create(&lock_path)
            .with_context(|| format!("cannot create {}", lock_path.display()))?;
        lock.lock()
            .with_context(|| format!("cannot lock {}", lock_path.display()))?;
        // Whoever held the lock before may have built it.
        if done.is_dir() {
            return Ok(done);
        }
        let partial = tempfile::tempdir_in(&cache)
            .with_context(|| format!("cannot write to {}", cache.display()))?;
        self.build(partial.path())?;
        // In one step, so that an interrupted build is never taken for a finished one.
        fs::rename(partial.keep(), &done)
            .with_context(|| format!("cannot create {}", done.display()))?;
        Ok(done)
    }

    fn source(&self) -> PathBuf {
        super::repository().join("tests").join(self.directory)
    }

    /// Everything that decides the result: go.mod and go.sum (which pin every dependency), our own sources, the options.
    fn key(&self) -> Result<String> {
        let source = self.source();
        let mut files: Vec<PathBuf> = fs::read_dir(&source)
            .with_context(|| format!("cannot list {}", source.display()))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                path.extension().is_some_and(|extension| {
                    ["go", "mod", "sum"].iter().any(|known| extension == *known)
                })
            })
            .collect();
        files.sort();
        let mut digest = Sha256::new();
        digest.update(self.ldflags);
        for file in files {
            let content =
                fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            digest.update(Sha256::digest(content));
        }
        Ok(crate::hex(&digest.finalize()[..8]))
    }

    fn build(&self, into: &Path) -> Result<()> {
        crate::announce(&format!(
            "building `tests/{}` with Go, once; the first time takes about {}",
            self.directory, self.takes
        ));
        let start = Instant::now();
        let mut output = into.as_os_str().to_owned();
        // With the slash, Go takes it for a directory also when there is one program only.
        output.push("/");
        let status = Command::new("go")
            .args(["build", "-trimpath", "-ldflags", self.ldflags, "-o"])
            .arg(&output)
            .args(self.packages)
            .current_dir(self.source())
            // No C compiler needed, and programs that run on any Linux.
            .env("CGO_ENABLED", "0")
            .status();
        match status {
            Ok(status) if status.success() => {
                crate::announce(&format!("built in {} s", start.elapsed().as_secs()));
                Ok(())
            }
            Ok(status) => bail!(
                "cannot build `tests/{}`: go ended with {status}, see its messages above\n\
                 hint: needs Go 1.26 or newer and, the first time, the Go module proxy; outside of a network \
                 namespace: target/debug/testkit build",
                self.directory
            ),
            Err(error) if error.kind() == ErrorKind::NotFound => bail!(
                "cannot build `tests/{}`: there is no `go` on PATH\n\
                 hint: install Go 1.26 or newer (apt-get install golang-go, dnf install golang, or \
                 https://go.dev/doc/install), or set SEALED_TESTS_SKIP=cluster,go to go without the tests that need it",
                self.directory
            ),
            Err(error) => Err(error).context("cannot run `go`"),
        }
    }
}
