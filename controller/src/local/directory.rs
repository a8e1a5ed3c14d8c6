//! Directories opened step by step, so that no symbolic link below `DIR` is ever followed.
//!
//! A checkout can hold links: `sealed/x.yaml` to a private file, `secrets/team` to somebody's home. Looking first and
//! opening afterwards leaves a moment in between; here every step is one `openat` that refuses links.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, Stat};
use rustix::io::Errno;

/// The largest file that is read. A SealedSecret is at most 3 MiB; a file may hold many.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// Only the owner may look into a directory of keys and Secrets.
const PRIVATE_DIRECTORY: Mode = Mode::RWXU;

/// Only the owner may read keys and Secrets.
const PRIVATE_FILE: Mode = Mode::RUSR.union(Mode::WUSR);

/// Tells the temporary names of concurrent writes apart.
static WRITES: AtomicU32 = AtomicU32::new(0);

/// Names of unfinished files start so. They are never read.
pub(super) const TEMPORARY: &str = ".writing-";

/// A directory that is open: what its path means later does not matter.
#[derive(Debug)]
pub(super) struct Directory {
    handle: OwnedFd,
    path: PathBuf,
}

/// What a directory entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Directory,
    File(Stamp),
    /// A link, a pipe, a device: nothing this program reads.
    Other,
}

/// Changes whenever a file does: device, inode, size, times of modification and change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp([i128; 7]);

impl Stamp {
    /// `i128`, because the fields have other types on other systems.
    fn of(stat: &Stat) -> Self {
        Self([
            i128::from(stat.st_dev),
            i128::from(stat.st_ino),
            i128::from(stat.st_size),
            i128::from(stat.st_mtime),
            i128::from(stat.st_mtime_nsec),
            i128::from(stat.st_ctime),
            i128::from(stat.st_ctime_nsec),
        ])
    }
}

impl Directory {
    /// Opens the directory the user named. That path may lead through links: it is the user's.
    pub(super) fn open_root(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            handle: rustix::fs::open(path, flags, Mode::empty())?,
            path: path.to_owned(),
        })
    }

    /// The path it was opened by, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the directory for this process alone; false if another one has it.
    pub(super) fn lock(&self) -> io::Result<bool> {
        match rustix::fs::flock(&self.handle, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(true),
            Err(Errno::WOULDBLOCK) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// A directory in this one, if there is one.
    pub(super) fn subdirectory(&self, name: &OsStr) -> io::Result<Option<Self>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.handle, component(name)?, flags, Mode::empty()) {
            Ok(handle) => Ok(Some(Self {
                handle,
                path: self.path.join(name),
            })),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR) => Err(not_a("directory", name)),
            Err(error) => Err(error.into()),
        }
    }

    /// A directory in this one, made for the owner alone if it is missing.
    pub(super) fn make_subdirectory(&self, name: &OsStr) -> io::Result<Self> {
        match rustix::fs::mkdirat(&self.handle, component(name)?, PRIVATE_DIRECTORY) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        self.subdirectory(name)?
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    /// Everything in it, sorted by name; unfinished files are left out.
    pub(super) fn entries(&self) -> io::Result<Vec<(OsString, Kind)>> {
        let mut entries = Vec::new();
        for entry in Dir::read_from(&self.handle)? {
            let name = OsString::from_vec(entry?.file_name().to_bytes().to_vec());
            if name == "." || name == ".." || name.as_bytes().starts_with(TEMPORARY.as_bytes()) {
                continue;
            }
            // None: it was removed since.
            if let Some(kind) = self.kind(&name)? {
                entries.push((name, kind));
            }
        }
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(entries)
    }

    /// What `name` is, if it exists.
    pub(super) fn kind(&self, name: &OsStr) -> io::Result<Option<Kind>> {
        match rustix::fs::statat(&self.handle, component(name)?, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => Kind::Directory,
                FileType::RegularFile => Kind::File(Stamp::of(&stat)),
                _ => Kind::Other,
            })),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The content of a regular file, if it exists, and its stamp when it was opened.
    pub(super) fn read(&self, name: &OsStr) -> io::Result<Option<(Vec<u8>, Stamp)>> {
        // Not blocking: opening a pipe would otherwise wait for a writer for ever.
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let handle = match rustix::fs::openat(&self.handle, component(name)?, flags, Mode::empty())
        {
            Ok(handle) => handle,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(not_a("regular file", name)),
            Err(error) => return Err(error.into()),
        };
        let stat = rustix::fs::fstat(&handle)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(not_a("regular file", name));
        }
        let mut content = Vec::new();
        File::from(handle)
            .take(MAX_FILE + 1)
            .read_to_end(&mut content)?;
        if content.len() as u64 > MAX_FILE {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("larger than {} MiB", MAX_FILE / 1024 / 1024),
            ));
        }
        Ok(Some((content, Stamp::of(&stat))))
    }

    /// Puts a file of the owner alone in the place of `name`: a reader sees the old content or the new, never a part,
    /// and a crash leaves one of them.
    pub(super) fn replace(&self, name: &OsStr, content: &[u8]) -> io::Result<Stamp> {
        let number = WRITES.fetch_add(1, Ordering::Relaxed);
        let temporary = OsString::from(format!("{TEMPORARY}{number}"));
        let written = self.write_new(&temporary, content).and_then(|stamp| {
            rustix::fs::renameat(&self.handle, &temporary, &self.handle, component(name)?)?;
            // The name is part of what must survive a crash.
            rustix::fs::fsync(&self.handle)?;
            // Renaming changes the time of the change.
            match self.kind(name)? {
                Some(Kind::File(stamp)) => Ok(stamp),
                _ => Ok(stamp),
            }
        });
        if written.is_err() {
            // Best effort: the next write under this name removes it too.
            drop(self.remove(&temporary));
        }
        written
    }

    fn write_new(&self, name: &OsStr, content: &[u8]) -> io::Result<Stamp> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = || rustix::fs::openat(&self.handle, name, flags, PRIVATE_FILE);
        let handle = match open() {
            // Left by a process that was killed: the lock says that it is not at work any more.
            Err(Errno::EXIST) => {
                rustix::fs::unlinkat(&self.handle, name, AtFlags::empty())?;
                open()?
            }
            opened => opened?,
        };
        let mut file = File::from(handle);
        file.write_all(content)?;
        file.sync_all()?;
        Ok(Stamp::of(&rustix::fs::fstat(&file)?))
    }

    /// Removes a file; that there is none is as good.
    pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.handle, component(name)?, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// One step of a path: callers check names before, and this is the last line.
fn component(name: &OsStr) -> io::Result<&OsStr> {
    let bytes = name.as_bytes();
    if bytes.is_empty()
        || bytes == b"."
        || bytes == b".."
        || bytes.contains(&b'/')
        || bytes.contains(&0)
    {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(name)
}

fn not_a(wanted: &str, name: &OsStr) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        format!(
            "`{}` is not a {wanted}, and links are not followed",
            name.display()
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn root() -> (tempfile::TempDir, Directory) {
        let temporary = tempfile::tempdir().unwrap();
        let root = Directory::open_root(temporary.path()).unwrap();
        (temporary, root)
    }

    fn os(name: &str) -> &OsStr {
        OsStr::new(name)
    }

    #[test]
    fn files_are_for_the_owner_and_replaced_as_a_whole() {
        let (temporary, root) = root();
        let inside = root.make_subdirectory(os("team")).unwrap();
        inside.replace(os("a.yaml"), b"one").unwrap();
        let stamp = inside.replace(os("a.yaml"), b"two").unwrap();
        assert_eq!(
            inside.read(os("a.yaml")).unwrap(),
            Some((b"two".to_vec(), stamp))
        );
        let mode = |path: &str| {
            temporary
                .path()
                .join(path)
                .metadata()
                .unwrap()
                .permissions()
                .mode()
                & 0o777
        };
        assert_eq!((mode("team"), mode("team/a.yaml")), (0o700, 0o600));
        assert_eq!(
            inside.entries().unwrap(),
            [(os("a.yaml").to_owned(), Kind::File(stamp))]
        );
        inside.remove(os("a.yaml")).unwrap();
        inside.remove(os("a.yaml")).unwrap();
        assert_eq!(inside.read(os("a.yaml")).unwrap(), None);
    }

    #[test]
    fn links_are_never_followed() {
        let (temporary, root) = root();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("private"), "text").unwrap();
        symlink(
            outside.path().join("private"),
            temporary.path().join("file"),
        )
        .unwrap();
        symlink(outside.path(), temporary.path().join("team")).unwrap();
        assert!(root.read(os("file")).is_err());
        assert!(root.subdirectory(os("team")).is_err());
        assert!(root.make_subdirectory(os("team")).is_err());
        let kinds: Vec<Kind> = root
            .entries()
            .unwrap()
            .into_iter()
            .map(|(_, kind)| kind)
            .collect();
        assert_eq!(kinds, [Kind::Other, Kind::Other]);
        // A link in the place of a file is replaced, what it points to is not touched.
        root.replace(os("file"), b"new").unwrap();
        assert_eq!(
            std::fs::read(outside.path().join("private")).unwrap(),
            b"text"
        );
    }

    #[test]
    fn a_pipe_does_not_hang_the_reader() {
        let (temporary, root) = root();
        let path = temporary.path().join("pipe");
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        assert!(root.read(os("pipe")).is_err());
    }

    #[test]
    fn a_name_is_one_step() {
        let (_temporary, root) = root();
        for name in ["", ".", "..", "a/b", "../x", "a\0b"] {
            assert!(root.read(os(name)).is_err(), "{name:?}");
            assert!(root.replace(os(name), b"x").is_err(), "{name:?}");
            assert!(root.subdirectory(os(name)).is_err(), "{name:?}");
        }
    }

    #[test]
    fn what_a_killed_process_left_is_overwritten_and_never_listed() {
        let (temporary, root) = root();
        let next = WRITES.load(Ordering::Relaxed);
        // Other tests write too: leave enough names behind to meet one of them.
        for number in next..next + 64 {
            std::fs::write(
                temporary.path().join(format!("{TEMPORARY}{number}")),
                "half",
            )
            .unwrap();
        }
        root.replace(os("a"), b"whole").unwrap();
        let names: Vec<OsString> = root
            .entries()
            .unwrap()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["a"]);
        assert_eq!(std::fs::read(temporary.path().join("a")).unwrap(), b"whole");
    }

    #[test]
    fn one_process_at_a_time() {
        let (temporary, root) = root();
        assert!(root.lock().unwrap());
        assert!(
            !Directory::open_root(temporary.path())
                .unwrap()
                .lock()
                .unwrap()
        );
        drop(root);
        assert!(
            Directory::open_root(temporary.path())
                .unwrap()
                .lock()
                .unwrap()
        );
    }
}
