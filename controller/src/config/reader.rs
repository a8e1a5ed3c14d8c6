//! Reads typed values out of parsed flags and collects what is wrong with them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use sealed_pflag::{EnvironmentFault, Matches, Source, Value, quote};

use super::pairs;
use crate::args::ENV_PREFIX;

/// Everything that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigFaults(Vec<String>);

impl ConfigFaults {
    /// Variables that do not parse.
    pub fn of_environment(faults: &[EnvironmentFault]) -> Self {
        Self(faults.iter().map(ToString::to_string).collect())
    }
}

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, fault) in self.0.iter().enumerate() {
            let line_end = if n == 0 { "" } else { "\n" };
            write!(f, "{line_end}error: {fault}")?;
        }
        Ok(())
    }
}

pub(super) struct Reader<'m> {
    pub(super) matches: &'m Matches,
    faults: Vec<String>,
}

impl<'m> Reader<'m> {
    pub(super) fn new(matches: &'m Matches) -> Self {
        Self {
            matches,
            faults: Vec::new(),
        }
    }

    /// Notes that the value of `flag` cannot be used, in the words of the place it came from.
    pub(super) fn fault(&mut self, flag: &str, why: impl fmt::Display) {
        let place = self.place(flag);
        let value = match self.matches.value(flag) {
            Value::Bool(value) => value.to_string(),
            Value::Duration(value) => value.to_string(),
            Value::Float32(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            Value::List(value) => value.join(","),
            Value::Text(value) => value.clone(),
            Value::Uint(value) => value.to_string(),
        };
        self.faults
            .push(format!("invalid value {} of {place}: {why}", quote(&value)));
    }

    /// The same of a value that may be a secret by mistake.
    pub(super) fn fault_without_value(&mut self, flag: &str, why: impl fmt::Display) {
        let place = self.place(flag);
        self.faults.push(format!("invalid value of {place}: {why}"));
    }

    fn place(&self, flag: &str) -> String {
        match self.matches.source(flag) {
            Source::Environment => format!(
                "environment variable {ENV_PREFIX}{}",
                flag.to_ascii_uppercase().replace('-', "_")
            ),
            Source::CommandLine | Source::Default => format!("flag --{flag}"),
        }
    }

    pub(super) fn non_empty(&self, flag: &str) -> Option<String> {
        Some(self.matches.text(flag))
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    }

    pub(super) fn parsed<T: FromStr<Err: fmt::Display> + Default>(&mut self, flag: &str) -> T {
        self.matches.text(flag).parse().unwrap_or_else(|why| {
            self.fault(flag, why);
            T::default()
        })
    }

    pub(super) fn within(&mut self, flag: &str, least: u32, most: u32) -> u32 {
        match u32::try_from(self.matches.int(flag)) {
            Ok(value) if (least..=most).contains(&value) => value,
            _ => {
                self.fault(flag, format!("must be a number from {least} to {most}"));
                least
            }
        }
    }

    pub(super) fn duration(&self, flag: &str) -> SignedDuration {
        SignedDuration::from_nanos(self.matches.duration(flag).as_nanos())
    }

    /// Zero and less mean no timeout, as in Go.
    pub(super) fn timeout(&self, flag: &str) -> Option<Duration> {
        self.matches
            .duration(flag)
            .to_std()
            .filter(|timeout| !timeout.is_zero())
    }

    pub(super) fn pairs(&mut self, flag: &str) -> BTreeMap<String, String> {
        pairs::parse(self.matches.text(flag)).unwrap_or_else(|why| {
            self.fault(flag, why);
            BTreeMap::new()
        })
    }

    pub(super) fn finish<T>(self, value: T) -> Result<T, ConfigFaults> {
        if self.faults.is_empty() {
            Ok(value)
        } else {
            Err(ConfigFaults(self.faults))
        }
    }
}
