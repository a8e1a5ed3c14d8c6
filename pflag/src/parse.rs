//! Reading environment and command line into [`Matches`].

mod arguments;
mod environment;

pub use environment::EnvironmentFault;

use thiserror::Error;

use crate::csv;
use crate::duration::GoDuration;
use crate::flag::{Flag, Kind, Table};
use crate::literal::{self, quote};
use crate::matches::{Matches, Source, Value};

/// Why a command line was refused; the texts are pflag's.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ParseError {
    /// An argument that can be neither flag nor value.
    #[error("bad flag syntax: {argument}")]
    BadSyntax {
        /// As typed.
        argument: String,
    },
    /// `-h`, or `--help` where the table has no such flag. No error: the caller shows the usage list.
    #[error("pflag: help requested")]
    Help,
    /// The value of a flag does not parse.
    #[error("invalid argument {} for {} flag: {cause}", quote(value), quote(flag))]
    InvalidValue {
        /// The flag with its short form, as in the usage list.
        flag: String,
        /// As typed.
        value: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The command line ends where a value should stand.
    #[error("flag needs an argument: {flag}")]
    MissingValue {
        /// `--long`, or `'s' in -xs`.
        flag: String,
    },
    /// No such flag.
    #[error("unknown flag: --{name}")]
    UnknownFlag {
        /// Without dashes and value.
        name: String,
    },
    /// No such letter.
    #[error("unknown shorthand flag: {letter} in -{bundle}")]
    UnknownShorthand {
        /// In single quotes.
        letter: String,
        /// The letters that were still to be read, this one first.
        bundle: String,
    },
}

/// A refused command line.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{error}")]
pub struct Rejected {
    /// Why.
    pub error: ParseError,
    /// The notices that arose before the error.
    pub notices: Vec<String>,
}

impl Table {
    /// Reads the environment, then the arguments (without the program's name), which win.
    pub fn parse(
        &self,
        environment: impl IntoIterator<Item = (String, String)>,
        arguments: impl IntoIterator<Item = String>,
    ) -> Result<Matches, Rejected> {
        let mut reader = Reader::new(self);
        reader.environment(&environment.into_iter().collect());
        match reader.arguments(arguments.into_iter()) {
            Ok(()) => Ok(reader.matches),
            Err(error) => Err(Rejected {
                error,
                notices: reader.matches.notices,
            }),
        }
    }
}

struct Reader<'t> {
    table: &'t Table,
    matches: Matches,
    /// The slot of each fault, parallel to `matches.environment_faults`.
    faulty: Vec<&'static str>,
}

impl<'t> Reader<'t> {
    fn new(table: &'t Table) -> Self {
        let values = table
            .flags()
            .filter(|flag| flag.alias_of.is_none())
            .map(|flag| (flag.name, (flag.kind.default_value(), Source::Default)))
            .collect();
        let matches = Matches {
            values,
            positionals: Vec::new(),
            notices: Vec::new(),
            environment_faults: Vec::new(),
        };
        Self {
            table,
            matches,
            faulty: Vec::new(),
        }
    }

    /// Replaces the value; a list grows by what the same source says again.
    fn store(&mut self, flag: &Flag, text: &str, source: Source) -> Result<(), String> {
        let mut value = value_of(&flag.kind, text)?;
        let entry = self
            .matches
            .values
            .get_mut(flag.slot())
            .expect("the table checked aliases");
        if let (Value::List(old), Value::List(new)) = (&mut entry.0, &mut value)
            && entry.1 == source
        {
            old.append(new);
        } else {
            *entry = (value, source);
        }
        Ok(())
    }
}

/// Reads one value; the error is the end of pflag's message.
fn value_of(kind: &Kind, text: &str) -> Result<Value, String> {
    Ok(match kind {
        Kind::Bool(_) => Value::Bool(literal::parse_bool(text)?),
        Kind::Checked(_, check) => {
            check(text)?;
            Value::Text(text.to_owned())
        }
        Kind::Duration(_) => Value::Duration(
            text.parse::<GoDuration>()
                .map_err(|error| error.to_string())?,
        ),
        Kind::Float32(_) => Value::Float32(literal::parse_float32(text)?),
        Kind::Int(_) => Value::Int(literal::parse_int(text)?),
        Kind::StringArray => Value::List(vec![text.to_owned()]),
        Kind::Strings => Value::List(csv::record(text)?),
        Kind::Text(_) => Value::Text(text.to_owned()),
        Kind::Uint(_) => Value::Uint(literal::parse_uint(text)?),
    })
}

#[cfg(test)]
mod tests;
