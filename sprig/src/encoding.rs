//! Functions for base64, base32, hashes.

use sealed_template::Functions;

pub(crate) fn register(_functions: &mut Functions) {}
