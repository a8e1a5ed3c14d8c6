//! Functions for random strings and UUIDs.

use sealed_template::Functions;

pub(crate) fn register(_functions: &mut Functions) {}
