//! Methods of objects.

use sealed_template::{Function, Method};

/// Methods with their names.
pub(crate) type Methods = Vec<(&'static str, Method)>;

/// Methods that can be called.
pub(crate) fn callable<const N: usize>(methods: [(&'static str, Function); N]) -> Methods {
    methods
        .into_iter()
        .map(|(name, function)| (name, Method::Callable(function)))
        .collect()
}
