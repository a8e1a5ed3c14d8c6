//! Where in an object the reader stands: cheap to carry along, rendered only for an error.

use std::fmt;

use super::beginning;

/// One step of the way from the root of an object to a field.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    parent: Option<&'a Self>,
    step: Step<'a>,
    /// The Go struct whose field this is: Go's messages name it.
    go_struct: &'static str,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Field(&'a str),
    Index(usize),
    Key(&'a str),
    Root,
}

impl<'a> Place<'a> {
    pub(crate) fn root() -> Self {
        Self {
            parent: None,
            step: Step::Root,
            go_struct: "",
        }
    }

    /// Field `name` of the Go struct `go_struct`.
    pub(crate) fn field(&'a self, go_struct: &'static str, name: &'a str) -> Self {
        Self {
            parent: Some(self),
            step: Step::Field(name),
            go_struct,
        }
    }

    /// Entry `key` of the map at this place.
    pub(crate) fn key(&'a self, key: &'a str) -> Self {
        Self {
            parent: Some(self),
            step: Step::Key(key),
            go_struct: self.go_struct,
        }
    }

    /// Element `index` of the list at this place.
    pub(crate) fn index(&'a self, index: usize) -> Self {
        Self {
            parent: Some(self),
            step: Step::Index(index),
            go_struct: self.go_struct,
        }
    }

    pub(crate) fn go_struct(&self) -> &'static str {
        self.go_struct
    }

    /// The path as Go prints it: field names only, no map keys, no list indexes.
    pub(crate) fn go_path(&self) -> String {
        let mut path = self.parent.map_or_else(String::new, Place::go_path);
        if let Step::Field(name) = self.step {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(name);
        }
        path
    }
}

/// The path as people need it: `spec.template.data["user"]`, `metadata.finalizers[0]`.
impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(parent) = self.parent else {
            return Ok(());
        };
        parent.fmt(f)?;
        match self.step {
            Step::Field(name) if parent.parent.is_none() => f.write_str(name),
            Step::Field(name) => write!(f, ".{name}"),
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Key(key) => write!(f, "[{:?}]", beginning(key)),
            Step::Root => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_key_is_told_by_its_beginning() {
        let root = Place::root();
        let told = root.key(&"ü".repeat(1000)).to_string();
        assert_eq!(told, format!("[\"{}…\"]", "ü".repeat(64)));
        let just = "x".repeat(64);
        assert_eq!(root.key(&just).to_string(), format!("[\"{just}\"]"));
    }

    #[test]
    fn people_see_keys_and_go_does_not() {
        let root = Place::root();
        let spec = root.field("SealedSecret", "spec");
        let data = spec.field("SealedSecretSpec", "encryptedData");
        let entry = data.key("a b");
        assert_eq!(entry.to_string(), "spec.encryptedData[\"a b\"]");
        assert_eq!(entry.go_path(), "spec.encryptedData");
        assert_eq!(entry.go_struct(), "SealedSecretSpec");
        assert_eq!(data.index(3).to_string(), "spec.encryptedData[3]");
    }
}
