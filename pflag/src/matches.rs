//! What a command line said.

use std::collections::BTreeMap;

use crate::duration::GoDuration;
use crate::parse::EnvironmentFault;

/// Where the value of a flag came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// The environment variable of the flag.
    Environment,
    /// The command line.
    CommandLine,
}

/// The value of a flag.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of a switch.
    Bool(bool),
    /// Of a duration.
    Duration(GoDuration),
    /// Of a floating-point number.
    Float32(f32),
    /// Of a signed integer.
    Int(i64),
    /// Of either kind of list.
    List(Vec<String>),
    /// Of a text, checked or not.
    Text(String),
    /// Of an unsigned integer.
    Uint(u64),
}

/// The values of all flags, the positional arguments, and what the caller should tell the user.
///
/// The accessors take the name of a declared flag of the right kind. Anything else is a mistake in the program, not in its
/// input, and panics.
#[derive(Clone, Debug)]
pub struct Matches {
    pub(crate) values: BTreeMap<&'static str, (Value, Source)>,
    pub(crate) positionals: Vec<String>,
    pub(crate) notices: Vec<String>,
    pub(crate) environment_faults: Vec<EnvironmentFault>,
}

/// One accessor per kind of value.
macro_rules! accessor {
    ($(#[$doc:meta])* $name:ident, $variant:ident($pattern:pat) => $result:expr, $type:ty) => {
        $(#[$doc])*
        pub fn $name(&self, name: &str) -> $type {
            let Value::$variant($pattern) = self.value(name) else {
                unreachable!("--{name} is declared as another kind")
            };
            $result
        }
    };
}

impl Matches {
    /// The value of the flag `name`.
    pub fn value(&self, name: &str) -> &Value {
        &self.entry(name).0
    }

    /// Where the value of the flag `name` came from.
    pub fn source(&self, name: &str) -> Source {
        self.entry(name).1
    }

    /// Whether environment or command line set the flag `name`.
    pub fn is_set(&self, name: &str) -> bool {
        self.source(name) != Source::Default
    }

    accessor!(
        /// The value of a switch.
        bool, Bool(value) => *value, bool
    );
    accessor!(
        /// The value of a duration flag.
        duration, Duration(value) => *value, GoDuration
    );
    accessor!(
        /// The value of a floating-point flag.
        float32, Float32(value) => *value, f32
    );
    accessor!(
        /// The value of a signed integer flag.
        int, Int(value) => *value, i64
    );
    accessor!(
        /// The items of a list flag.
        list, List(value) => value, &[String]
    );
    accessor!(
        /// The value of a text flag.
        text, Text(value) => value, &str
    );
    accessor!(
        /// The value of an unsigned integer flag.
        uint, Uint(value) => *value, u64
    );

    /// The arguments that are no flags, in order.
    pub fn positionals(&self) -> &[String] {
        &self.positionals
    }

    /// A line for each use of a deprecated flag on the command line.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// The variables that do not parse and that no flag of the command line replaced. Their flags keep the default: the caller
    /// decides whether that is good enough.
    pub fn environment_faults(&self) -> &[EnvironmentFault] {
        &self.environment_faults
    }

    fn entry(&self, name: &str) -> &(Value, Source) {
        self.values
            .get(name)
            .expect("only declared flags, not aliases, are asked for")
    }
}
