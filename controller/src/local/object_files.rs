//! One file per object: `NAMESPACE/NAME.yaml`.

use std::ffi::{OsStr, OsString};
use std::io;

use super::directory::{Directory, Kind, Stamp};
use crate::object_key::ObjectKey;
use sealed_api::dns1123;

const EXTENSION: &str = ".yaml";

/// A directory with a file for each object.
#[derive(Debug)]
pub(super) struct ObjectFiles {
    directory: Directory,
}

impl ObjectFiles {
    pub(super) fn new(directory: Directory) -> Self {
        Self { directory }
    }

    /// The path of an object's file, for messages.
    pub(super) fn path(&self, key: &ObjectKey) -> String {
        let name = self.directory.path().file_name().unwrap_or_default();
        format!(
            "{}/{}/{}{EXTENSION}",
            name.display(),
            key.namespace,
            key.name
        )
    }

    /// The files there are. Names that no object can have are somebody else's.
    pub(super) fn list(&self) -> io::Result<Vec<(ObjectKey, Stamp)>> {
        let mut all = Vec::new();
        for (namespace, kind) in self.directory.entries()? {
            let Some(namespace) = namespace.to_str().filter(|name| dns1123::is_label(name)) else {
                continue;
            };
            if kind != Kind::Directory {
                continue;
            }
            let Some(inside) = self.directory.subdirectory(OsStr::new(namespace))? else {
                continue;
            };
            for (file, kind) in inside.entries()? {
                let name = file.to_str().and_then(|file| file.strip_suffix(EXTENSION));
                let name = name.filter(|name| dns1123::is_subdomain(name));
                if let (Some(name), Kind::File(stamp)) = (name, kind) {
                    all.push((ObjectKey::new(namespace, name), stamp));
                }
            }
        }
        Ok(all)
    }

    /// What an object's file holds, if there is one.
    pub(super) fn read(&self, key: &ObjectKey) -> io::Result<Option<Vec<u8>>> {
        let (namespace, file) = names(key)?;
        match self.directory.subdirectory(namespace)? {
            Some(inside) => Ok(inside.read(&file)?.map(|(content, _)| content)),
            None => Ok(None),
        }
    }

    /// Puts a file in place as a whole.
    pub(super) fn write(&self, key: &ObjectKey, content: &[u8]) -> io::Result<()> {
        let (namespace, file) = names(key)?;
        self.directory
            .make_subdirectory(namespace)?
            .replace(&file, content)?;
        Ok(())
    }

    /// Removes a file; that there is none is as good.
    pub(super) fn remove(&self, key: &ObjectKey) -> io::Result<()> {
        let (namespace, file) = names(key)?;
        match self.directory.subdirectory(namespace)? {
            Some(inside) => inside.remove(&file),
            None => Ok(()),
        }
    }
}

/// The names become part of a path here: whatever checked them before, they are checked again.
fn names(key: &ObjectKey) -> io::Result<(&OsStr, OsString)> {
    if !dns1123::is_label(&key.namespace) || !dns1123::is_subdomain(&key.name) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok((
        OsStr::new(&key.namespace),
        OsString::from(format!("{}{EXTENSION}", key.name)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_have_a_file_each_and_strangers_are_not_listed() {
        let top = tempfile::tempdir().unwrap();
        let files = ObjectFiles::new(Directory::open_root(top.path()).unwrap());
        let key = ObjectKey::new("web", "db");
        files.write(&key, b"a: b\n").unwrap();
        std::fs::write(top.path().join(".gitignore"), "*").unwrap();
        std::fs::write(top.path().join("web/README.md"), "").unwrap();
        std::fs::write(top.path().join("web/Not_A_Name.yaml"), "").unwrap();
        std::fs::create_dir(top.path().join("Web")).unwrap();
        let listed: Vec<ObjectKey> = files
            .list()
            .unwrap()
            .into_iter()
            .map(|(key, _)| key)
            .collect();
        assert_eq!(listed, std::slice::from_ref(&key));
        assert_eq!(files.read(&key).unwrap().unwrap(), b"a: b\n");
        files.remove(&key).unwrap();
        files.remove(&key).unwrap();
        assert_eq!(files.read(&key).unwrap(), None);
        assert_eq!(files.read(&ObjectKey::new("nowhere", "db")).unwrap(), None);
    }

    #[test]
    fn no_name_leads_out_of_the_directory() {
        let top = tempfile::tempdir().unwrap();
        std::fs::create_dir(top.path().join("inside")).unwrap();
        let files = ObjectFiles::new(Directory::open_root(&top.path().join("inside")).unwrap());
        for (namespace, name) in [
            ("..", "x"),
            ("a", "../../x"),
            ("", "x"),
            ("a/b", "x"),
            ("a", ""),
        ] {
            let key = ObjectKey::new(namespace, name);
            assert!(files.write(&key, b"x").is_err(), "{key}");
            assert!(files.read(&key).is_err(), "{key}");
            assert!(files.remove(&key).is_err(), "{key}");
        }
        assert_eq!(std::fs::read_dir(top.path()).unwrap().count(), 1);
    }
}
