//! Functions for certificates, keys, password hashes, AES.

use sealed_template::Functions;

pub(crate) fn register(_functions: &mut Functions) {}
