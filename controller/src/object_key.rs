//! The name of an object within the cluster.

use std::fmt;

/// Namespace and name of an object: what queues, memories and logs identify it by.
///
/// A `SealedSecret` and the Secret it becomes share one key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectKey {
    /// The namespace; never empty for the objects this program handles.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl ObjectKey {
    /// Joins a namespace and a name.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

/// `namespace/name`, as log attributes print it.
impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}
