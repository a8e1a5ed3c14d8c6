//! The files that paths on the command line mean.

use std::path::{Path, PathBuf};
use std::{fs, io};

use sealed_api::Code;

use crate::failure::{Failure, io_cause};

/// What manifests are called.
pub(crate) const MANIFESTS: &[&str] = &["yaml", "yml", "json"];

/// A file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Whether the command line names it, and not only a directory above it: then what it holds is meant, whatever it is.
    pub(crate) named: bool,
}

/// The files of `paths` in order: a file as it is, of a directory all files below it whose names end in one of
/// `extensions`, sorted. Links are not followed there, and what git keeps for itself is left out.
pub(crate) fn files(paths: &[PathBuf], extensions: &[&str]) -> Result<Vec<Listed>, Failure> {
    let mut all = Vec::new();
    for path in paths {
        if path.is_dir() {
            below(path, extensions, &mut all)
                .map_err(|(path, error)| cannot_list(&path, &error))?;
        } else {
            all.push(Listed {
                path: path.clone(),
                named: true,
            });
        }
    }
    Ok(all)
}

fn below(
    directory: &Path,
    extensions: &[&str],
    all: &mut Vec<Listed>,
) -> Result<(), (PathBuf, io::Error)> {
    let failed = |error| (directory.to_owned(), error);
    let mut entries = fs::read_dir(directory)
        .and_then(Iterator::collect::<io::Result<Vec<_>>>)
        .map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type().map_err(failed)?;
        let path = entry.path();
        if kind.is_dir() {
            if entry.file_name() != ".git" {
                below(&path, extensions, all)?;
            }
        } else if kind.is_file() && has_extension(&path, extensions) {
            all.push(Listed { path, named: false });
        }
    }
    Ok(())
}

/// Whether a file is called like one of these.
pub(crate) fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|own| extensions.iter().any(|one| own.eq_ignore_ascii_case(one)))
}

fn cannot_list(path: &Path, error: &io::Error) -> Failure {
    Failure::new(
        Code::UnreadableFile,
        format!("cannot list `{}`: {}", path.display(), io_cause(error)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_give_what_is_called_right_and_files_are_what_they_are() {
        let top = tempfile::tempdir().unwrap();
        let path = |name: &str| top.path().join(name);
        for name in ["b/x.YAML", "b/a.yml", "a.json", "notes.txt", ".git/c.yaml"] {
            fs::create_dir_all(path(name).parent().unwrap()).unwrap();
            fs::write(path(name), "").unwrap();
        }
        let listed = files(&[top.path().to_owned(), path("notes.txt")], MANIFESTS).unwrap();
        let names: Vec<_> = listed
            .iter()
            .map(|one| one.path.strip_prefix(top.path()).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names, ["a.json", "b/a.yml", "b/x.YAML", "notes.txt"]);
        assert_eq!(
            listed.iter().map(|one| one.named).collect::<Vec<_>>(),
            [false, false, false, true]
        );
    }
}
