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

/// What there is to read.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    /// The files, in order.
    pub(crate) files: Vec<Listed>,
    /// Directories below those that were named, which cannot be listed.
    pub(crate) unlisted: Vec<Failure>,
}

/// The files of `paths` in order: a file as it is, of a directory all files below it whose names end in one of
/// `extensions`, sorted. Links are not followed there, and what git keeps for itself is left out.
///
/// # Errors
///
/// A directory that is named cannot be listed.
pub(crate) fn files(paths: &[PathBuf], extensions: &[&str]) -> Result<Walked, Failure> {
    let mut walked = Walked::default();
    for path in paths {
        if path.is_dir() {
            below(path, extensions, &mut walked).map_err(|error| cannot_list(path, &error))?;
        } else {
            walked.files.push(Listed {
                path: path.clone(),
                named: true,
            });
        }
    }
    Ok(walked)
}

fn below(directory: &Path, extensions: &[&str], walked: &mut Walked) -> io::Result<()> {
    let mut entries = fs::read_dir(directory)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type()?;
        let path = entry.path();
        if kind.is_dir() {
            if entry.file_name() != ".git"
                && let Err(error) = below(&path, extensions, walked)
            {
                walked.unlisted.push(cannot_list(&path, &error));
            }
        } else if kind.is_file() && has_extension(&path, extensions) {
            walked.files.push(Listed { path, named: false });
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
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_directory_that_cannot_be_listed_costs_no_other() {
        let top = tempfile::tempdir().unwrap();
        let path = |name: &str| top.path().join(name);
        fs::create_dir(path("a")).unwrap();
        fs::write(path("b.yaml"), "").unwrap();
        let mut walked = Walked::default();
        // For root nothing is closed; but a directory may go away.
        assert!(below(&path("gone"), MANIFESTS, &mut walked).is_err());
        fs::set_permissions(path("a"), fs::Permissions::from_mode(0o000)).unwrap();
        let walked = files(&[top.path().to_owned()], MANIFESTS).unwrap();
        let is_open = fs::read_dir(path("a")).is_ok();
        assert_eq!(walked.files.len(), 1);
        assert_eq!(walked.unlisted.len(), usize::from(!is_open));
        fs::set_permissions(path("a"), fs::Permissions::from_mode(0o700)).unwrap();
    }

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
            .files
            .iter()
            .map(|one| one.path.strip_prefix(top.path()).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names, ["a.json", "b/a.yml", "b/x.YAML", "notes.txt"]);
        assert_eq!(
            listed.files.iter().map(|one| one.named).collect::<Vec<_>>(),
            [false, false, false, true]
        );
    }
}
