//! Finding `.seal.yaml`.

use std::fs;
use std::path::{Component, Path, PathBuf};

use sealed_api::Code;

use super::FILE;
use crate::failure::{Failure, io_cause};
use crate::input::read_file;

/// The nearest file and its text.
pub(super) fn nearest(output: Option<&Path>) -> Result<Option<(PathBuf, Vec<u8>)>, Failure> {
    let working = absolute(Path::new("."))?;
    let of_output = output.and_then(Path::parent).map(|parent| {
        // Of `FILE` alone the parent is empty, which is the working directory.
        absolute(&Path::new(".").join(parent))
    });
    let mut starts = of_output.transpose()?.into_iter().collect::<Vec<_>>();
    starts.push(working);
    for start in &starts {
        for directory in start.ancestors() {
            let path = directory.join(FILE);
            if path.is_file() {
                check_owner(&path, start)?;
                let text = read_file(&path)?;
                return Ok(Some((path, text)));
            }
        }
    }
    Ok(None)
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
/// be of who owns the directory that is worked in, or of root.
#[cfg(unix)]
fn check_owner(path: &Path, start: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt as _;
    let owner = |path: &Path| fs::metadata(path).map(|metadata| metadata.uid()).ok();
    let file = owner(path);
    if file == Some(0) || file == owner(start) {
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
            let found = nearest(Some(&inner.join("a.yaml")));
            found.ok().flatten().map(|(path, _)| path)
        };
        fs::write(root.join(FILE), "rules: []").unwrap();
        assert_eq!(found(), Some(root.join(FILE)));
        fs::write(inner.join(FILE), "rules: []").unwrap();
        assert_eq!(found(), Some(inner.join(FILE)));
        assert_eq!(
            below(&root, &root.join("overlays/../overlays/prod/a.yaml")).as_deref(),
            Some("overlays/prod/a.yaml")
        );
        assert_eq!(below(&inner, &root.join("a.yaml")), None);
    }
}
