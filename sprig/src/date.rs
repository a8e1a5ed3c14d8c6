//! Functions for dates and durations.

use sealed_template::Functions;

pub(crate) fn register(_functions: &mut Functions) {}
