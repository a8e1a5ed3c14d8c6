//! Functions for types and kinds.

use sealed_template::Functions;

pub(crate) fn register(_functions: &mut Functions) {}
