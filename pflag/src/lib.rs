//! The command-line grammar of the Go package pflag, as data.
//!
//! Scripts that drive the Go programs rely on that grammar to the letter: `--flag value`, `--flag=value`, bundled one-letter
//! flags, booleans that take a value only after `=`, lists written as CSV records, Go's number and duration literals, and the
//! texts of the usage list and of every parse error. General argument parsers differ in all of these.
//!
//! A program declares a [`Table`] of [`Flag`]s, hands over its environment and its arguments, and gets [`Matches`], which know
//! for each flag its value and where the value came from. Nothing here touches the process: the caller reads the environment
//! and decides what is printed where and which status to exit with.
//!
//! ```
//! use sealed_pflag::{Flag, Source, Table};
//!
//! let table = Table::new([
//!     Flag::text("format", "json", "output format").short('o'),
//!     Flag::bool("raw", false, "seal one value"),
//! ])
//! .env_prefix("SEALED_SECRETS_");
//! let environment = [("SEALED_SECRETS_FORMAT".to_owned(), "yaml".to_owned())];
//! let matches = table.parse(environment, ["--raw".to_owned()]).expect("both parse");
//! assert_eq!(matches.text("format"), "yaml");
//! assert_eq!(matches.source("format"), Source::Environment);
//! assert!(matches.bool("raw"));
//! ```
//!
//! Deliberate differences from pflag, all of them traps there: `-n=` gives the empty value (pflag gives `=`), a list flag on the
//! command line replaces the list of the environment (pflag adds to it), `-test.x` is an unknown flag (pflag swallows it), and
//! an environment value that does not parse is reported through [`Matches::environment_faults`] (the Go programs ignore it).

mod csv;
mod duration;
mod flag;
mod literal;
mod matches;
mod parse;
#[cfg(test)]
mod recorded;
mod usage;

pub use duration::{DurationError, GoDuration};
pub use flag::{Flag, Kind, Table};
pub use literal::quote;
pub use matches::{Matches, Source, Value};
pub use parse::{EnvironmentFault, ParseError, Rejected};
