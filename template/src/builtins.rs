//! The functions of the template language.

use crate::function::Functions;

pub(crate) fn register(_functions: &mut Functions) {}
