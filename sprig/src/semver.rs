//! Functions for semantic versions.

use sealed_template::Functions;

pub(crate) fn register(_functions: &mut Functions) {}
