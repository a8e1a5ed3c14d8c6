//! Functions for regular expressions.

use sealed_template::Functions;

pub(crate) fn register(_functions: &mut Functions) {}
