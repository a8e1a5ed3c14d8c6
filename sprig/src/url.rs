//! Functions for URLs.

use sealed_template::Functions;

pub(crate) fn register(_functions: &mut Functions) {}
