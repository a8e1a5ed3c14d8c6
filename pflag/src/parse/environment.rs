//! Reading the environment.

use std::collections::BTreeMap;

use thiserror::Error;

use super::Reader;
use crate::literal::quote;
use crate::matches::Source;

/// An environment variable whose value does not parse.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "invalid value {} of environment variable {variable}: {cause}",
    quote(value)
)]
pub struct EnvironmentFault {
    /// Its name.
    pub variable: String,
    /// Its value.
    pub value: String,
    /// What is wrong with it.
    pub cause: String,
}

impl Reader<'_> {
    /// In the order of names, so that of two variables of one slot the later name wins, as it does in Go.
    pub(super) fn environment(&mut self, environment: &BTreeMap<String, String>) {
        for flag in self.table.flags() {
            let Some(variable) = self.table.variable(flag) else {
                continue;
            };
            let Some(value) = environment.get(&variable) else {
                continue;
            };
            if let Err(cause) = self.store(flag, value, Source::Environment) {
                let value = value.clone();
                self.matches.environment_faults.push(EnvironmentFault {
                    variable,
                    value,
                    cause,
                });
                self.faulty.push(flag.slot());
            }
        }
    }
}
