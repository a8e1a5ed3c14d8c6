//! The files that a Git repository holds or once held: whoever has a clone has all of them.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use sealed_api::Code;

use crate::failure::{Failure, io_cause, printable};
use crate::walk::{MANIFESTS, has_extension};

/// Reads every version of every manifest that a branch or tag leads to, each content once.
pub(crate) struct GitHistory {
    shown: String,
    /// Names of contents, each with a path that it has or had.
    contents: VecDeque<(String, String)>,
    reader: Child,
    names: ChildStdin,
    bytes: BufReader<ChildStdout>,
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
        let list = output(path, &["rev-list", "--objects", "--all"])?;
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
            contents: manifests(&String::from_utf8_lossy(&list)),
            shown,
            reader,
            names,
            bytes: BufReader::new(bytes),
        })
    }

    /// The next content, with where it stands or stood.
    pub(crate) fn next(&mut self) -> Result<Option<(String, Vec<u8>)>, Failure> {
        let Some((name, path)) = self.contents.pop_front() else {
            return Ok(None);
        };
        let bytes = self
            .content(&name)
            .map_err(|error| cannot_read(&self.shown, &io_cause(&error)))?;
        let short = name.get(..10).unwrap_or(&name);
        Ok(Some((format!("{}: {path} ({short})", self.shown), bytes)))
    }

    /// Asks for one content: `NAME blob SIZE`, the bytes, a line end.
    fn content(&mut self, name: &str) -> io::Result<Vec<u8>> {
        writeln!(self.names, "{name}")?;
        self.names.flush()?;
        let mut head = String::new();
        self.bytes.read_line(&mut head)?;
        let size: Option<usize> = match head.split_whitespace().collect::<Vec<_>>().as_slice() {
            [_, "blob", size] => size.parse().ok(),
            _ => None,
        };
        let size = size.ok_or_else(|| io::Error::other(format!("`{}` is missing", head.trim())))?;
        let mut content = vec![0; size];
        self.bytes.read_exact(&mut content)?;
        let mut end = [0];
        self.bytes.read_exact(&mut end)?;
        Ok(content)
    }
}

impl Drop for GitHistory {
    fn drop(&mut self) {
        // It ends with its input, which is ours to close; this is for the case that it hangs.
        drop(self.reader.kill());
        drop(self.reader.wait());
    }
}

/// `NAME PATH` lines: the contents whose paths are those of manifests, each once.
fn manifests(list: &str) -> VecDeque<(String, String)> {
    let mut known = BTreeSet::new();
    list.lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(_, path)| has_extension(Path::new(path), MANIFESTS))
        .filter(|(name, _)| known.insert(*name))
        .map(|(name, path)| (name.to_owned(), path.to_owned()))
        .collect()
}

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
        .env("GIT_NO_LAZY_FETCH", "1");
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
    fn each_content_of_a_manifest_is_listed_once() {
        let list =
            "c1\nt1 \nt2 apps\nb1 apps/a.yaml\nb2 apps/b c.yml\nb1 old/a.yaml\nb3 readme.md\n";
        let found: Vec<_> = manifests(list).into();
        let pair = |name: &str, path: &str| (name.to_owned(), path.to_owned());
        assert_eq!(
            found,
            [pair("b1", "apps/a.yaml"), pair("b2", "apps/b c.yml")]
        );
    }
}
