//! The objects in the files of one directory, read again only when a file has changed.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealed_api::{DecodeError, expand_list};
use sealed_manifest::{Documents, ReadError};
use serde_json::Value;
use zeroize::Zeroizing;

use super::directory::{Directory, Kind, Stamp};

/// Extensions of the files that are read.
const EXTENSIONS: [&str; 3] = ["json", "yaml", "yml"];

/// How deep directories may be nested: more is a mistake, such as a copy of a directory into itself.
const MAX_DEPTH: usize = 32;

/// One object of a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Manifest {
    /// `path/from/DIR.yaml: document N`, for messages.
    pub(super) place: String,
    /// The object.
    pub(super) value: Value,
}

/// Something that could not be read, and so could hide objects.
#[derive(Debug, thiserror::Error)]
pub(super) enum ManifestError {
    #[error("{path}: {reason}")]
    File { path: String, reason: String },
    #[error("{place}: {}", .fault.reason())]
    List {
        place: String,
        fault: Box<DecodeError>,
    },
    #[error(transparent)]
    Syntax(#[from] ReadError),
}

/// What a file held when it was read.
type Content<T> = Arc<Vec<Result<T, ManifestError>>>;

/// The files of a directory tree, each turned into a list of `T`.
pub(super) struct Files<T> {
    known: BTreeMap<PathBuf, (Stamp, Content<T>)>,
    read: Box<dyn Fn(Manifest) -> Option<T> + Send>,
}

impl<T> Files<T> {
    /// Files that were never read. `read` says what an object becomes; `None` passes over it.
    pub(super) fn new(read: impl Fn(Manifest) -> Option<T> + Send + 'static) -> Self {
        Self {
            known: BTreeMap::new(),
            read: Box::new(read),
        }
    }

    /// Reads what has changed below `top`, and returns the content of all files in the order of their paths.
    pub(super) fn scan(&mut self, top: &Directory) -> Vec<Content<T>> {
        let mut known = std::mem::take(&mut self.known);
        let mut all = Vec::new();
        self.walk(
            top,
            Path::new(shown_name(top)),
            MAX_DEPTH,
            &mut known,
            &mut all,
        );
        all
    }

    fn walk(
        &mut self,
        directory: &Directory,
        path: &Path,
        depth: usize,
        known: &mut BTreeMap<PathBuf, (Stamp, Content<T>)>,
        all: &mut Vec<Content<T>>,
    ) {
        let entries = match directory.entries() {
            Ok(entries) if depth > 0 => entries,
            Ok(_) => return all.push(fault(path, &"directories are nested too deeply")),
            Err(error) => return all.push(fault(path, &error)),
        };
        for (name, kind) in entries {
            let path = path.join(&name);
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            match kind {
                Kind::Directory => match directory.subdirectory(&name) {
                    Ok(Some(inner)) => self.walk(&inner, &path, depth - 1, known, all),
                    Ok(None) => {}
                    Err(error) => all.push(fault(&path, &error)),
                },
                Kind::File(stamp) if is_manifest(&name) => {
                    let content = match known.remove(&path) {
                        Some((seen, content)) if seen == stamp => Some((seen, content)),
                        _ => self.read_file(directory, &name, &path),
                    };
                    if let Some((stamp, content)) = content {
                        all.push(Arc::clone(&content));
                        self.known.insert(path, (stamp, content));
                    }
                }
                // Silence would look like an object that does not arrive.
                Kind::Other if is_manifest(&name) => {
                    all.push(fault(
                        &path,
                        &"not a regular file, and links are not followed",
                    ));
                }
                Kind::File(_) | Kind::Other => {}
            }
        }
    }

    fn read_file(
        &self,
        directory: &Directory,
        name: &OsStr,
        path: &Path,
    ) -> Option<(Stamp, Content<T>)> {
        match directory.read(name) {
            Ok(None) => None,
            Ok(Some((bytes, stamp))) => {
                let bytes = Zeroizing::new(bytes);
                let shown = path.display().to_string();
                let objects = objects(&bytes, &shown);
                let content = objects
                    .filter_map(|object| match object {
                        Ok(manifest) => (self.read)(manifest).map(Ok),
                        Err(error) => Some(Err(error)),
                    })
                    .collect();
                Some((stamp, Arc::new(content)))
            }
            // Not remembered: tried again at the next scan.
            Err(error) => Some((Stamp::default(), fault(path, &error))),
        }
    }
}

/// The objects of one file, lists expanded.
fn objects<'a>(
    bytes: &'a [u8],
    path: &'a str,
) -> impl Iterator<Item = Result<Manifest, ManifestError>> + 'a {
    Documents::new(bytes, path).flat_map(|document| {
        let document = match document {
            Ok(document) => document,
            Err(error) => return vec![Err(error.into())],
        };
        let place = format!("{}: document {}", document.origin(), document.index());
        match expand_list(document.into_value()) {
            Ok(values) => values
                .into_iter()
                .map(|value| {
                    let place = place.clone();
                    Ok(Manifest { place, value })
                })
                .collect(),
            Err(fault) => {
                let fault = Box::new(fault);
                vec![Err(ManifestError::List { place, fault })]
            }
        }
    })
}

fn fault<T>(path: &Path, reason: &impl ToString) -> Content<T> {
    Arc::new(vec![Err(ManifestError::File {
        path: path.display().to_string(),
        reason: reason.to_string(),
    })])
}

fn is_manifest(name: &OsString) -> bool {
    let extension = Path::new(name).extension().and_then(OsStr::to_str);
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
}

/// Messages name files from `DIR` on: the user knows where that is.
fn shown_name(directory: &Directory) -> &OsStr {
    directory.path().file_name().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fs;

    use super::*;

    thread_local! {
        static READS: Cell<usize> = const { Cell::new(0) };
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "the signature that `Files` asks for"
    )]
    fn name_of(manifest: Manifest) -> Option<String> {
        READS.set(READS.get() + 1);
        let name = manifest.value.get("metadata")?.get("name")?.as_str()?;
        Some(format!("{} {name}", manifest.place))
    }

    fn scanned(files: &mut Files<String>, top: &Path) -> Vec<String> {
        let directory = Directory::open_root(top).unwrap();
        let shown = top.file_name().unwrap().to_str().unwrap();
        let content = files.scan(&directory);
        let items = content.iter().flat_map(|content| content.iter());
        let texts = items.map(|item| match item {
            Ok(name) => name.clone(),
            Err(error) => format!("! {error}"),
        });
        texts.map(|text| text.replace(shown, "D")).collect()
    }

    #[test]
    fn a_tree_is_read_in_order_and_only_what_is_a_manifest() {
        let top = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = top.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put(
            "b.yaml",
            "metadata: {name: b1}\n---\n---\nmetadata: {name: b2}\n",
        );
        put("a/x.json", r#"{"metadata": {"name": "x"}}"#);
        put(
            "a/y.yml",
            "apiVersion: v1\nkind: List\nitems: [{metadata: {name: y1}}, {metadata: {name: y2}}]\n",
        );
        put("notes.txt", "metadata: {name: no}");
        put(".git/c.yaml", "metadata: {name: no}");
        put(
            "broken.yaml",
            "metadata: {name: ok}\n---\na: [\n---\nmetadata: {name: after}\n",
        );
        let mut files = Files::new(name_of);
        let seen = scanned(&mut files, top.path());
        let (broken, rest): (Vec<_>, Vec<_>) =
            seen.into_iter().partition(|text| text.starts_with('!'));
        assert_eq!(
            rest,
            [
                "D/a/x.json: document 1 x",
                "D/a/y.yml: document 1 y1",
                "D/a/y.yml: document 1 y2",
                "D/b.yaml: document 1 b1",
                "D/b.yaml: document 2 b2",
                "D/broken.yaml: document 1 ok",
                "D/broken.yaml: document 3 after",
            ]
        );
        assert_eq!(broken.len(), 1);
        assert!(
            broken[0].starts_with("! D/broken.yaml: document 2, line 3"),
            "{broken:?}"
        );
    }

    #[test]
    fn an_unchanged_file_is_not_read_again() {
        let top = tempfile::tempdir().unwrap();
        fs::write(top.path().join("a.yaml"), "metadata: {name: a}").unwrap();
        fs::write(top.path().join("b.yaml"), "metadata: {name: b}").unwrap();
        let mut files = Files::new(name_of);
        READS.set(0);
        assert_eq!(scanned(&mut files, top.path()).len(), 2);
        assert_eq!(scanned(&mut files, top.path()).len(), 2);
        assert_eq!(READS.get(), 2);
        fs::write(top.path().join("a.yaml"), "metadata: {name: changed}").unwrap();
        fs::remove_file(top.path().join("b.yaml")).unwrap();
        assert_eq!(
            scanned(&mut files, top.path()),
            ["D/a.yaml: document 1 changed"]
        );
        assert_eq!(READS.get(), 3);
    }

    #[test]
    fn a_link_in_the_place_of_a_manifest_is_said_and_not_followed() {
        let top = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/passwd", top.path().join("a.yaml")).unwrap();
        assert_eq!(
            scanned(&mut Files::new(name_of), top.path()),
            ["! D/a.yaml: not a regular file, and links are not followed"]
        );
    }
}
