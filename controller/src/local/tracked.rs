//! Whether git tracks files where keys and Secrets are to be kept.
//!
//! A `.gitignore` of `*` keeps git from picking up new files, but not files it already tracks: those would be committed with
//! the next `git commit -a`. So the index is read, which is the list of tracked files. It is read here rather than by
//! running `git`: the program may be missing, and its answer depends on configuration and environment.
//!
//! Whatever cannot be understood counts as tracked: the question is whether private keys end up in a repository.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Bytes of an index entry before the hash: times, device, inode, mode, owner, size.
const ENTRY_HEAD: usize = 40;

/// Why a directory must not hold keys or Secrets.
#[derive(Debug, thiserror::Error)]
pub(super) enum TrackedError {
    #[error("`{}` cannot be read", .path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "git tracks `{file}`: keys and Secrets must not be kept where git commits them; \
         use another directory, or `git rm --cached` that file"
    )]
    Tracked { file: String },
    #[error(
        "cannot tell whether git tracks files in this directory: `{}` is in a form this program does not know; \
         use a directory outside the repository",
        .index.display()
    )]
    Unknown { index: PathBuf },
}

/// Fails if a git repository around `directory` tracks anything in one of the directories `names` in it.
pub(super) fn refuse_tracked(directory: &Path, names: &[&str]) -> Result<(), TrackedError> {
    let io_error = |path: &Path| {
        let path = path.to_owned();
        |source| TrackedError::Io { path, source }
    };
    let directory = fs::canonicalize(directory).map_err(io_error(directory))?;
    for top in directory.ancestors() {
        let Some(git) = git_directory(top).map_err(io_error(top))? else {
            continue;
        };
        let index = git.join("index");
        let bytes = match fs::read(&index) {
            Ok(bytes) => bytes,
            // A repository in which nothing was ever added.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(io_error(&index)(error)),
        };
        let tracked = paths(&bytes).ok_or(TrackedError::Unknown { index })?;
        let relative = directory.strip_prefix(top).unwrap_or(&directory);
        for name in names {
            let mut prefix = relative.join(name).into_os_string().into_encoded_bytes();
            prefix.push(b'/');
            if let Some(file) = tracked
                .iter()
                .find(|path| path.starts_with(&prefix) && !is_ours(path))
            {
                return Err(TrackedError::Tracked {
                    file: String::from_utf8_lossy(file).into_owned(),
                });
            }
        }
    }
    Ok(())
}

/// The `.gitignore` this program writes may well be committed.
fn is_ours(path: &[u8]) -> bool {
    path.ends_with(b"/.gitignore")
}

/// The directory with the index of the repository whose work tree starts at `top`. In linked work trees and submodules `.git`
/// is a file that names it.
fn git_directory(top: &Path) -> io::Result<Option<PathBuf>> {
    let git = top.join(".git");
    match fs::metadata(&git) {
        Ok(metadata) if metadata.is_dir() => Ok(Some(git)),
        Ok(_) => {
            let text = fs::read_to_string(&git)?;
            Ok(text
                .strip_prefix("gitdir:")
                .map(|named| top.join(named.trim())))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The paths in an index of version 2, 3 or 4 (git's `index-format` documentation); `None` for anything else.
fn paths(index: &[u8]) -> Option<Vec<Vec<u8>>> {
    // The hash is SHA-1 or SHA-256; only one length leads through all entries to well-formed extensions.
    [20, 32]
        .into_iter()
        .find_map(|hash| paths_with_hash(index, hash))
}

fn paths_with_hash(index: &[u8], hash: usize) -> Option<Vec<Vec<u8>>> {
    let header = index.strip_prefix(b"DIRC")?;
    let version = u32::from_be_bytes(*header.first_chunk()?);
    let count = u32::from_be_bytes(*header.get(4..)?.first_chunk()?);
    if !(2..=4).contains(&version) {
        return None;
    }
    let mut rest = header.get(8..)?;
    let mut paths: Vec<Vec<u8>> = Vec::new();
    for _ in 0..count {
        let entry = rest;
        let flags = u16::from_be_bytes(*entry.get(ENTRY_HEAD + hash..)?.first_chunk()?);
        let extended = flags & 0x4000 != 0;
        let head = ENTRY_HEAD + hash + if extended { 4 } else { 2 };
        let (path, used) = if version == 4 {
            let previous = paths.last().map_or(&[][..], Vec::as_slice);
            compressed(entry.get(head..)?, previous)?
        } else {
            let name = until_nul(entry.get(head..)?)?;
            // One to eight NULs fill the entry up to a multiple of eight.
            (name.to_vec(), (head + name.len() + 8) / 8 * 8 - head)
        };
        rest = entry.get(head + used..)?;
        paths.push(path);
    }
    extensions_are_known(rest, hash).then_some(paths)
}

/// A path of version 4: how many bytes of the previous path to drop, then what follows in their place.
fn compressed(bytes: &[u8], previous: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut strip = 0_usize;
    let mut used = 0;
    loop {
        let byte = *bytes.get(used)?;
        used += 1;
        strip = strip.checked_add(usize::from(byte & 0x7f))?;
        if byte & 0x80 == 0 {
            break;
        }
        strip = strip.checked_add(1)?.checked_mul(128)?;
    }
    let suffix = until_nul(bytes.get(used..)?)?;
    let kept = previous.get(..previous.len().checked_sub(strip)?)?;
    Some(([kept, suffix].concat(), used + suffix.len() + 1))
}

fn until_nul(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(..bytes.iter().position(|b| *b == 0)?)
}

/// After the entries come extensions and a hash over everything. One whose name starts with a small letter changes what the
/// entries mean (a split index keeps some elsewhere).
fn extensions_are_known(mut rest: &[u8], hash: usize) -> bool {
    while rest.len() > hash {
        let (Some(name), Some(size)) = (rest.first(), rest.get(4..).and_then(|r| r.first_chunk()))
        else {
            return false;
        };
        let size = u32::from_be_bytes(*size) as usize;
        let Some(after) = rest.get(8..).and_then(|r| r.get(size..)) else {
            return false;
        };
        if !name.is_ascii_uppercase() {
            return false;
        }
        rest = after;
    }
    rest.len() == hash
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An index as git writes it, with `flags` and path bytes given per entry.
    fn index(version: u32, hash: usize, entries: &[(u16, &[u8])], extensions: &[u8]) -> Vec<u8> {
        let mut bytes = b"DIRC".to_vec();
        bytes.extend(version.to_be_bytes());
        bytes.extend(u32::try_from(entries.len()).unwrap().to_be_bytes());
        for (flags, path) in entries {
            let start = bytes.len();
            bytes.extend(vec![1; ENTRY_HEAD + hash]);
            bytes.extend(flags.to_be_bytes());
            if flags & 0x4000 != 0 {
                bytes.extend([0, 0]);
            }
            bytes.extend(*path);
            if version == 4 {
                bytes.push(0);
            } else {
                let length = bytes.len() - start;
                bytes.extend(vec![0; (length / 8 + 1) * 8 - length]);
            }
        }
        bytes.extend(extensions);
        bytes.extend(vec![7; hash]);
        bytes
    }

    fn texts(index: &[u8]) -> Option<Vec<String>> {
        let paths = paths(index)?;
        Some(
            paths
                .into_iter()
                .map(|p| String::from_utf8(p).unwrap())
                .collect(),
        )
    }

    #[test]
    fn every_version_and_hash_is_read() {
        let entries: [(u16, &[u8]); 3] = [(0, b"a"), (0, b"dir/seven77"), (0, b"dir/z")];
        let tree = b"TREE\0\0\0\x02xx";
        for hash in [20, 32] {
            let read = texts(&index(2, hash, &entries, tree)).unwrap();
            assert_eq!(read, ["a", "dir/seven77", "dir/z"], "{hash}");
        }
        let extended: [(u16, &[u8]); 2] = [(0x4000, b"a"), (0, b"b")];
        assert_eq!(texts(&index(3, 20, &extended, b"")).unwrap(), ["a", "b"]);
        // Strip 0, add; strip 3 of "dir/abc", add; strip nothing, add.
        let compressed: [(u16, &[u8]); 3] = [(0, b"\0dir/abc"), (0, b"\x03xyz"), (0, b"\0!")];
        assert_eq!(
            texts(&index(4, 20, &compressed, tree)).unwrap(),
            ["dir/abc", "dir/xyz", "dir/xyz!"]
        );
    }

    #[test]
    fn what_is_not_understood_is_not_guessed() {
        let good = index(2, 20, &[(0, b"a")], b"");
        assert!(paths(&good).is_some());
        assert!(paths(&good[..good.len() - 1]).is_none());
        assert!(paths(b"").is_none());
        assert!(paths(&index(5, 20, &[], b"")).is_none());
        assert!(
            paths(&index(2, 20, &[], b"link\0\0\0\0")).is_none(),
            "a split index"
        );
        assert!(paths(&index(4, 20, &[(0, b"\x05a")], b"")).is_none());
    }

    fn repository(paths: &[&str]) -> tempfile::TempDir {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir_all(top.path().join(".git")).unwrap();
        fs::create_dir_all(top.path().join("a/local/keys")).unwrap();
        let entries: Vec<(u16, &[u8])> = paths.iter().map(|p| (0, p.as_bytes())).collect();
        fs::write(top.path().join(".git/index"), index(2, 20, &entries, b"")).unwrap();
        top
    }

    #[test]
    fn a_tracked_key_is_refused_and_neighbours_are_not() {
        let refused = |top: &tempfile::TempDir| {
            refuse_tracked(&top.path().join("a/local"), &["keys", "secrets"])
        };
        let tracked = repository(&["a/local/secrets/ns/db.yaml"]);
        let error = refused(&tracked).unwrap_err().to_string();
        assert!(
            error.starts_with("git tracks `a/local/secrets/ns/db.yaml`"),
            "{error}"
        );
        let fine = repository(&[
            "a/local/sealed/db.yaml",
            "keys/x",
            "a/local/keys/.gitignore",
            "a/local/keysmith",
        ]);
        refused(&fine).unwrap();
        fs::write(fine.path().join(".git/index"), b"garbage").unwrap();
        assert!(matches!(refused(&fine), Err(TrackedError::Unknown { .. })));
        fs::remove_file(fine.path().join(".git/index")).unwrap();
        refused(&fine).unwrap();
    }

    #[test]
    fn a_linked_work_tree_is_found_through_its_file() {
        let top = repository(&["a/local/keys/k.yaml"]);
        fs::rename(top.path().join(".git"), top.path().join("elsewhere")).unwrap();
        fs::write(top.path().join(".git"), "gitdir: elsewhere\n").unwrap();
        assert!(refuse_tracked(&top.path().join("a/local"), &["keys"]).is_err());
    }
}
