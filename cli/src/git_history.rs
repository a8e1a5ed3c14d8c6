//! Everything that a Git repository holds: whoever has a clone has all of it.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use sealed_api::Code;

use crate::failure::{Failure, io_cause, printable};
use crate::traces;
use crate::walk::{MANIFESTS, has_extension};

/// What is larger is looked through, and not held in memory.
const MAX_SIZE: u64 = 64 << 20;
/// How much of it is looked at in one go.
const PIECE: usize = 1 << 20;

/// Reads every content of a repository once, whatever leads to it: branches, tags, stashes, the index, reflogs, or nothing any
/// more. Those of other repositories that it borrows from are among them.
pub(crate) struct GitHistory {
    shown: String,
    contents: VecDeque<Named>,
    reader: Child,
    names: ChildStdin,
    bytes: BufReader<ChildStdout>,
}

/// A content that is to be read.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    object: String,
    /// A path that it has or had; none if nothing leads to it.
    path: Option<String>,
}

/// A content that may hold SealedSecrets.
pub(crate) struct Version {
    /// Where it stands or stood.
    pub(crate) place: String,
    /// What it is.
    pub(crate) text: Vec<u8>,
}

impl GitHistory {
    /// The history of the repository that `path` is in.
    ///
    /// # Errors
    ///
    /// It is no repository, `git` is missing, or the clone lacks a part of the history: what is not there may be what matters.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let shown = path.display().to_string();
        let shallow = output(path, &["rev-parse", "--is-shallow-repository"])?;
        if shallow.trim_ascii() == b"true" {
            return Err(Failure::new(
                Code::UnreadableFile,
                format!("`{shown}` is a shallow clone, without the older part of its history"),
            )
            .hint("`git fetch --unshallow` gets it"));
        }
        let reached = output(path, REACHED)?;
        let all = output(path, ALL)?;
        let contents = contents(
            &String::from_utf8_lossy(&reached),
            &String::from_utf8_lossy(&all),
        );
        let contents = contents.map_err(|missing| {
            Failure::new(
                Code::UnreadableFile,
                format!("`{shown}` lacks {missing} of the objects that its history names"),
            )
            .hint("a clone that is made without --filter has all of them")
        })?;
        let mut reader = git(path, &["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| no_git(&error))?;
        let (Some(names), Some(bytes)) = (reader.stdin.take(), reader.stdout.take()) else {
            return Err(cannot_read(&shown, "git gave no pipes"));
        };
        Ok(Self {
            contents,
            shown,
            reader,
            names,
            bytes: BufReader::new(bytes),
        })
    }

    /// The next content that may hold SealedSecrets, or why it cannot be told whether it does.
    ///
    /// # Errors
    ///
    /// The rest cannot be read.
    pub(crate) fn next(&mut self) -> Result<Option<Result<Version, Failure>>, Failure> {
        while let Some(named) = self.contents.pop_front() {
            let content = self
                .content(&named.object)
                .map_err(|error| cannot_read(&self.shown, &io_cause(&error)))?;
            let place = self.place(&named);
            let path = named.path.as_deref().map(Path::new);
            let is_manifest = path.map(|path| has_extension(path, MANIFESTS));
            match content {
                Content::Whole(text) if traces::is_lfs_pointer(&text) => {
                    if is_manifest.unwrap_or(true) {
                        return Ok(Some(Err(elsewhere(&place))));
                    }
                }
                Content::Whole(text) => {
                    // Prose and programs that speak of SealedSecrets are no manifests that cannot be read.
                    let matters = match is_manifest {
                        Some(true) => traces::of_sealed_secrets(&text),
                        _ => traces::of_sealed_values(&text),
                    };
                    if matters {
                        return Ok(Some(Ok(Version { place, text })));
                    }
                }
                Content::Skimmed { has_traces: true } => {
                    return Ok(Some(Err(too_large(&place))));
                }
                Content::Skimmed { has_traces: false } => {}
            }
        }
        Ok(None)
    }

    fn place(&self, named: &Named) -> String {
        let shown = &self.shown;
        let short = named.object.get(..10).unwrap_or(&named.object);
        match &named.path {
            Some(path) => format!("{shown}: {path} ({short})"),
            None => format!("{shown}: a content that no branch leads to ({short})"),
        }
    }

    /// Asks for one content: `NAME blob SIZE`, the bytes, a line end.
    fn content(&mut self, name: &str) -> io::Result<Content> {
        writeln!(self.names, "{name}")?;
        self.names.flush()?;
        let mut head = String::new();
        self.bytes.read_line(&mut head)?;
        let size: Option<u64> = match head.split_whitespace().collect::<Vec<_>>().as_slice() {
            [_, "blob", size] => size.parse().ok(),
            _ => None,
        };
        let size = size.ok_or_else(|| io::Error::other(format!("`{}` is missing", head.trim())))?;
        let content = if size > MAX_SIZE {
            let has_traces = skim(&mut self.bytes, size)?;
            Content::Skimmed { has_traces }
        } else {
            Content::Whole(exactly(&mut self.bytes, size)?)
        };
        exactly(&mut self.bytes, 1)?;
        Ok(content)
    }
}

/// What was read of an object.
enum Content {
    /// All of it.
    Whole(Vec<u8>),
    /// Only whether SealedSecrets are spoken of.
    Skimmed { has_traces: bool },
}

/// Reads so many bytes.
fn exactly(reader: &mut impl io::Read, size: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = reader.take(size).read_to_end(&mut bytes)?;
    if (read as u64) < size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

/// Looks through so many bytes, a piece at a time with the end of the one before.
fn skim(reader: &mut impl io::Read, size: u64) -> io::Result<bool> {
    let mut has_traces = false;
    let mut end = Vec::new();
    let mut left = size;
    while left > 0 {
        let piece = exactly(reader, left.min(PIECE as u64))?;
        left -= piece.len() as u64;
        end.extend_from_slice(&piece);
        has_traces |= traces::of_sealed_secrets(&end);
        end.drain(..end.len().saturating_sub(traces::LONGEST));
    }
    Ok(has_traces)
}

/// A line for each object that something leads to: `NAME PATH`, the newest commits first, and `?NAME` for what is missing.
const REACHED: &[&str] = &[
    "rev-list",
    "--objects",
    "--all",
    "--reflog",
    "--indexed-objects",
    "--missing=print",
];

/// A line for each object that is there: `TYPE NAME`.
const ALL: &[&str] = &[
    "cat-file",
    "--batch-all-objects",
    "--batch-check=%(objecttype) %(objectname)",
];

/// The contents, each once: those that something leads to, and then the others. An error is how many are missing.
fn contents(reached: &str, all: &str) -> Result<VecDeque<Named>, usize> {
    let blobs = all.lines().filter_map(|line| line.strip_prefix("blob "));
    let mut blobs: BTreeSet<&str> = blobs.collect();
    let missing = reached.lines().filter(|line| line.starts_with('?')).count();
    if missing > 0 {
        return Err(missing);
    }
    let named = |object: &str, path: Option<&str>| Named {
        object: object.to_owned(),
        path: path.map(str::to_owned),
    };
    let mut contents: VecDeque<Named> = reached
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(object, _)| blobs.remove(object))
        .map(|(object, path)| named(object, Some(path)))
        .collect();
    contents.extend(blobs.into_iter().map(|object| named(object, None)));
    Ok(contents)
}

fn too_large(place: &str) -> Failure {
    let limit = MAX_SIZE >> 20;
    Failure::new(
        Code::MalformedInput,
        format!("it speaks of SealedSecrets, and is larger than {limit} MiB"),
    )
    .at(place)
}

fn elsewhere(place: &str) -> Failure {
    Failure::new(
        Code::UnreadableFile,
        "it is in Git LFS, and the repository holds a pointer only",
    )
    .at(place)
}

impl Drop for GitHistory {
    fn drop(&mut self) {
        // It ends with its input, which is ours to close; this is for the case that it hangs.
        drop(self.reader.kill());
        drop(self.reader.wait());
    }
}

/// The variables by which Git finds a repository and its parts: those of `git rev-parse --local-env-vars`.
const OF_A_REPOSITORY: [&str; 14] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

fn git(path: &Path, words: &[&str]) -> Command {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(if path.is_dir() {
            path.to_owned()
        } else {
            parent(path)
        })
        // Paths as they are: not quoted for odd characters.
        .args(["-c", "core.quotePath=false"])
        .args(words)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_NO_LAZY_FETCH", "1")
        // What a replacement hides is there all the same.
        .env("GIT_NO_REPLACE_OBJECTS", "1");
    // In a hook, say, they name another repository, and that one would be looked through.
    for variable in OF_A_REPOSITORY {
        command.env_remove(variable);
    }
    command
}

fn parent(path: &Path) -> PathBuf {
    path.parent().map_or_else(PathBuf::new, Path::to_owned)
}

fn output(path: &Path, words: &[&str]) -> Result<Vec<u8>, Failure> {
    let output = git(path, words).output().map_err(|error| no_git(&error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let told = String::from_utf8_lossy(&output.stderr);
    let told = told.lines().next().unwrap_or("git failed");
    Err(cannot_read(&path.display().to_string(), &printable(told)))
}

fn cannot_read(shown: &str, cause: &str) -> Failure {
    Failure::new(
        Code::UnreadableFile,
        format!("cannot read the Git history of `{shown}`: {cause}"),
    )
}

fn no_git(error: &io::Error) -> Failure {
    Failure::new(
        Code::UnreadableFile,
        format!("cannot run git: {}", io_cause(error)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_content_is_listed_once_and_what_nothing_leads_to_comes_last() {
        let reached =
            "c1\nt1 \nt2 apps\nb2 apps/a.yaml\nb1 apps/b c.yml\nb2 old/a.yaml\nb3 x.bak\n";
        let all = "blob b0\nblob b1\nblob b2\nblob b3\ncommit c1\ntree t1\ntree t2\n";
        let found = contents(reached, all).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|one| (one.object.as_str(), one.path.as_deref()))
            .collect();
        assert_eq!(
            found,
            [
                ("b2", Some("apps/a.yaml")),
                ("b1", Some("apps/b c.yml")),
                ("b3", Some("x.bak")),
                ("b0", None)
            ]
        );
        assert_eq!(contents("c1\n?b4\n", all), Err(1));
    }

    #[test]
    fn what_is_large_is_looked_through_across_its_pieces() {
        let mut text = vec![b'x'; PIECE - 5];
        text.extend_from_slice(b"SealedSecret");
        text.extend_from_slice(&vec![b'x'; PIECE]);
        let size = text.len() as u64;
        assert!(skim(&mut text.as_slice(), size).unwrap());
        text[PIECE] = b'-';
        assert!(!skim(&mut text.as_slice(), size).unwrap());
        assert!(skim(&mut text.as_slice(), size + 1).is_err());
    }
}
