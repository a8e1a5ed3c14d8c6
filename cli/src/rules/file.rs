//! Finding `.seal.yaml`.

use std::fs;
use std::path::{Component, Path, PathBuf};

use sealed_api::Code;

use super::FILE;
use crate::failure::{Failure, io_cause};
use crate::input::read_file;

/// A file and its text.
type Read = (PathBuf, Vec<u8>);

/// The nearest file, and those above it in the same repository, the nearest first.
pub(super) fn upward(output: Option<&Path>) -> Result<Vec<Read>, Failure> {
    let working = absolute(Path::new("."))?;
    let of_output = output.and_then(Path::parent).map(|parent| {
        // Of `FILE` alone the parent is empty, which is the working directory.
        absolute(&Path::new(".").join(parent))
    });
    let mut starts = of_output.transpose()?.into_iter().collect::<Vec<_>>();
    starts.push(working);
    for start in &starts {
        let mut found = Vec::new();
        for directory in start.ancestors() {
            let path = directory.join(FILE);
            if path.is_file() {
                check_owner(&path, start)?;
                let text = read_file(&path)?;
                found.push((path, text));
            }
            // What stands above a repository is not of it. In a submodule it is a file.
            if !found.is_empty() && directory.join(".git").is_dir() {
                break;
            }
        }
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// The path of a file below a directory, with `/` between its parts.
pub(super) fn below(directory: &Path, output: &Path) -> Option<String> {
    let output = match (output.parent(), output.file_name()) {
        (Some(parent), Some(name)) => absolute(&Path::new(".").join(parent)).ok()?.join(name),
        _ => return None,
    };
    let below = output.strip_prefix(directory).ok()?;
    let parts: Option<Vec<&str>> = below
        .components()
        .map(|part| match part {
            Component::Normal(part) => part.to_str(),
            _ => None,
        })
        .collect();
    Some(parts?.join("/"))
}

/// Links are followed as far as the path exists, so that both ends are of the same tree.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    fs::canonicalize(path)
        .or_else(|_| std::path::absolute(path))
        .map_err(|error| {
            Failure::new(
                Code::UnreadableFile,
                format!("cannot find `{}`: {}", path.display(), io_cause(&error)),
            )
        })
}

/// A file in a directory that many may write to, such as `/tmp`, could be anybody's, and name a certificate of theirs. It must
/// be of who owns the directory that is worked in, or of root; and so must a link to it, since what the file names lies beside
/// the link.
#[cfg(unix)]
fn check_owner(path: &Path, start: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt as _;
    let owner = |metadata: std::io::Result<fs::Metadata>| metadata.map(|one| one.uid()).ok();
    let own = owner(fs::metadata(start));
    let of_path = [fs::metadata(path), fs::symlink_metadata(path)].map(owner);
    if may_speak(&of_path, own) {
        return Ok(());
    }
    Err(Failure::new(
        Code::BadConfiguration,
        format!(
            "`{}` belongs to another user than `{}`",
            path.display(),
            start.display()
        ),
    )
    .hint("it chooses certificates, and whoever chooses them can read what is sealed; remove it, or change its owner"))
}

/// Whether owners of a file and of the link to it are root or `own`.
#[cfg(unix)]
fn may_speak(owners: &[Option<u32>], own: Option<u32>) -> bool {
    owners
        .iter()
        .all(|owner| owner.is_some() && (*owner == Some(0) || *owner == own))
}

#[cfg(not(unix))]
fn check_owner(_: &Path, _: &Path) -> Result<(), Failure> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_file_counts_that_of_the_output_first() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        let inner = root.join("overlays/prod");
        fs::create_dir_all(&inner).unwrap();
        let found = || {
            let found = upward(Some(&inner.join("a.yaml"))).unwrap();
            found.into_iter().map(|(path, _)| path).collect::<Vec<_>>()
        };
        fs::create_dir(root.join(".git")).unwrap();
        fs::write(root.join(FILE), "rules: []").unwrap();
        assert_eq!(found(), [root.join(FILE)]);
        fs::write(inner.join(FILE), "rules: []").unwrap();
        assert_eq!(found(), [inner.join(FILE), root.join(FILE)]);
        assert_eq!(
            below(&root, &root.join("overlays/../overlays/prod/a.yaml")).as_deref(),
            Some("overlays/prod/a.yaml")
        );
        assert_eq!(below(&inner, &root.join("a.yaml")), None);
        // A repository inside is one of its own.
        fs::create_dir(inner.join(".git")).unwrap();
        assert_eq!(found(), [inner.join(FILE)]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_of_somebody_else_does_not_speak_for_the_file_it_leads_to() {
        let (own, stranger) = (Some(1000), Some(1001));
        assert!(may_speak(&[own, own], own) && may_speak(&[Some(0), own], own));
        assert!(!may_speak(&[own, stranger], own) && !may_speak(&[stranger, own], own));
        assert!(!may_speak(&[None, None], None));
    }
}
