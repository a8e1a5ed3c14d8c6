//! Reading environment and command line into [`Matches`].

use std::collections::BTreeMap;

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

    /// In the order of names, so that of two variables of one slot the later name wins, as it does in Go.
    fn environment(&mut self, environment: &BTreeMap<String, String>) {
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

    fn arguments(&mut self, mut rest: impl Iterator<Item = String>) -> Result<(), ParseError> {
        while let Some(argument) = rest.next() {
            if argument == "--" {
                self.matches.positionals.extend(rest);
                return Ok(());
            } else if let Some(long) = argument.strip_prefix("--") {
                self.long(long, &mut rest)?;
            } else if let Some(bundle) = argument.strip_prefix('-').filter(|b| !b.is_empty()) {
                self.bundle(bundle, &mut rest)?;
            } else {
                self.matches.positionals.push(argument);
            }
        }
        Ok(())
    }

    fn long(
        &mut self,
        text: &str,
        rest: &mut impl Iterator<Item = String>,
    ) -> Result<(), ParseError> {
        if text.starts_with(['-', '=']) {
            return Err(ParseError::BadSyntax {
                argument: format!("--{text}"),
            });
        }
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        let Some(flag) = self.table.flags.get(name) else {
            return Err(match name {
                "help" => ParseError::Help,
                _ => ParseError::UnknownFlag {
                    name: name.to_owned(),
                },
            });
        };
        let value = match value {
            Some(value) => value,
            None if matches!(flag.kind, Kind::Bool(_)) => "true".to_owned(),
            None => rest.next().ok_or_else(|| ParseError::MissingValue {
                flag: format!("--{text}"),
            })?,
        };
        self.set(flag, value)
    }

    fn bundle(
        &mut self,
        mut letters: &str,
        rest: &mut impl Iterator<Item = String>,
    ) -> Result<(), ParseError> {
        while let Some(letter) = letters.chars().next() {
            let after = &letters[letter.len_utf8()..];
            let Some(flag) = self.table.by_letter(letter) else {
                return Err(match letter {
                    'h' => ParseError::Help,
                    _ => ParseError::UnknownShorthand {
                        letter: quote_byte(letters),
                        bundle: letters.to_owned(),
                    },
                });
            };
            if let Some(value) = after.strip_prefix('=') {
                return self.set(flag, value.to_owned());
            }
            if matches!(flag.kind, Kind::Bool(_)) {
                self.set(flag, "true".to_owned())?;
                letters = after;
                continue;
            }
            if !after.is_empty() {
                return self.set(flag, after.to_owned());
            }
            let value = rest.next().ok_or_else(|| ParseError::MissingValue {
                flag: format!("{} in -{letters}", quote_byte(letters)),
            })?;
            return self.set(flag, value);
        }
        Ok(())
    }

    fn set(&mut self, flag: &Flag, value: String) -> Result<(), ParseError> {
        if let Err(cause) = self.store(flag, &value, Source::CommandLine) {
            return Err(ParseError::InvalidValue {
                flag: flag.display_name(),
                value,
                cause,
            });
        }
        // The command line decides, so what the environment said no longer matters.
        while let Some(at) = self.faulty.iter().position(|slot| *slot == flag.slot()) {
            self.faulty.remove(at);
            self.matches.environment_faults.remove(at);
        }
        if let Some(advice) = flag.deprecated {
            self.matches.notices.push(format!(
                "Flag --{} has been deprecated, {advice}",
                flag.name
            ));
        }
        Ok(())
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

/// The first byte in single quotes: pflag reads shorthands byte by byte.
fn quote_byte(letters: &str) -> String {
    let byte = letters.as_bytes().first().copied().unwrap_or_default();
    literal::quote_char(char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        fn colour(text: &str) -> Result<(), String> {
            match text {
                "red" | "blue" => Ok(()),
                _ => Err("must be one of: red, blue".to_owned()),
            }
        }
        Table::new([
            Flag::bool("all", false, "").short('a'),
            Flag::bool("better", true, "").short('b'),
            Flag::bool("worse", true, "")
                .alias_of("better")
                .deprecated("please use --better instead"),
            Flag::checked("colour", "red", colour, "").short('c'),
            Flag::duration("every", GoDuration::from_nanos(0), ""),
            Flag::float32("factor", 1.5, ""),
            Flag::int("group-size", 3, "").short('g'),
            Flag::string_array("item", ""),
            Flag::strings("list", "").short('l'),
            Flag::text("name", "", "").short('n'),
            Flag::text("secret-level", "x", "").without_env(),
            Flag::uint("units", 1, ""),
        ])
        .env_prefix("T_")
    }

    fn parse(arguments: &[&str]) -> Result<Matches, Rejected> {
        parse_with(&[], arguments)
    }

    fn parse_with(environment: &[(&str, &str)], arguments: &[&str]) -> Result<Matches, Rejected> {
        let environment = environment
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        table().parse(environment, arguments.iter().map(|a| (*a).to_owned()))
    }

    fn refusal(arguments: &[&str]) -> String {
        parse(arguments).unwrap_err().to_string()
    }

    #[test]
    fn long_values_follow_a_blank_or_an_equals_sign() {
        assert_eq!(parse(&["--name", "x"]).unwrap().text("name"), "x");
        assert_eq!(parse(&["--name=x=y"]).unwrap().text("name"), "x=y");
        assert_eq!(parse(&["--name="]).unwrap().text("name"), "");
        assert_eq!(parse(&["--name", "--all"]).unwrap().text("name"), "--all");
        assert_eq!(parse(&["--name", "--"]).unwrap().text("name"), "--");
    }

    #[test]
    fn short_values_follow_a_blank_an_equals_sign_or_the_letter() {
        for arguments in [
            &["-n", "x"][..],
            &["-nx"],
            &["-n=x"],
            &["-abn", "x"],
            &["-abnx"],
        ] {
            assert_eq!(parse(arguments).unwrap().text("name"), "x", "{arguments:?}");
        }
        assert_eq!(parse(&["-n=", "x"]).unwrap().text("name"), "");
    }

    #[test]
    fn switches_take_a_value_only_after_an_equals_sign() {
        let matches = parse(&["--better", "false"]).unwrap();
        assert!(matches.bool("better"));
        assert_eq!(matches.positionals(), ["false"]);
        assert!(!parse(&["--better=F"]).unwrap().bool("better"));
        assert!(!parse(&["-ab=0"]).unwrap().bool("better"));
        assert!(!parse(&["-b=false"]).unwrap().bool("better"));
    }

    #[test]
    fn bundles_end_at_the_first_letter_that_takes_a_value() {
        let matches = parse(&["-anab"]).unwrap();
        assert!(matches.bool("all"));
        assert_eq!(matches.text("name"), "ab");
    }

    #[test]
    fn positionals_stand_anywhere_and_two_dashes_end_the_flags() {
        let matches = parse(&["one", "-", "--all", "", "--", "--name", "x"]).unwrap();
        assert_eq!(matches.positionals(), ["one", "-", "", "--name", "x"]);
        assert!(matches.bool("all"));
    }

    #[test]
    fn the_last_occurrence_wins_and_lists_add_up() {
        let arguments = [
            "-n",
            "a",
            "--name=b",
            "-l",
            "a,\"b,c\"",
            "--list",
            "",
            "--list=d",
            "--item",
            "a,b",
            "--item=",
        ];
        let matches = parse(&arguments).unwrap();
        assert_eq!(matches.text("name"), "b");
        assert_eq!(matches.list("list"), ["a", "b,c", "d"]);
        assert_eq!(matches.list("item"), ["a,b", ""]);
    }

    #[test]
    fn refusals_read_as_in_go() {
        for (arguments, message) in [
            (&["--foo=secret"][..], "unknown flag: --foo"),
            (&["--nam", "x"], "unknown flag: --nam"),
            (&["-x"], "unknown shorthand flag: 'x' in -x"),
            (&["-axb"], "unknown shorthand flag: 'x' in -xb"),
            (&["-test.run"], "unknown shorthand flag: 't' in -test.run"),
            (&["-é"], "unknown shorthand flag: 'Ã' in -é"),
            (&["--name"], "flag needs an argument: --name"),
            (&["-an"], "flag needs an argument: 'n' in -n"),
            (&["---x"], "bad flag syntax: ---x"),
            (&["--=x"], "bad flag syntax: --=x"),
            (
                &["-c", "green"],
                r#"invalid argument "green" for "-c, --colour" flag: must be one of: red, blue"#,
            ),
            (
                &["--all=maybe"],
                r#"invalid argument "maybe" for "-a, --all" flag: strconv.ParseBool: parsing "maybe": invalid syntax"#,
            ),
            (
                &["-g", "vv"],
                r#"invalid argument "vv" for "-g, --group-size" flag: strconv.ParseInt: parsing "vv": invalid syntax"#,
            ),
            (
                &["--units=-1"],
                r#"invalid argument "-1" for "--units" flag: strconv.ParseUint: parsing "-1": invalid syntax"#,
            ),
            (
                &["--factor=a\n"],
                r#"invalid argument "a\n" for "--factor" flag: strconv.ParseFloat: parsing "a\n": invalid syntax"#,
            ),
            (
                &["--every", "30d"],
                r#"invalid argument "30d" for "--every" flag: time: unknown unit "d" in duration "30d""#,
            ),
            (
                &["-l", "a\"b"],
                r#"invalid argument "a\"b" for "-l, --list" flag: parse error on line 1, column 2: bare " in non-quoted-field"#,
            ),
        ] {
            assert_eq!(refusal(arguments), message, "{arguments:?}");
        }
    }

    #[test]
    fn undeclared_help_is_asked_for_before_the_rest_is_read() {
        assert_eq!(
            parse(&["--all", "-h", "--foo"]).unwrap_err().error,
            ParseError::Help
        );
        assert_eq!(parse(&["-ah"]).unwrap_err().error, ParseError::Help);
        assert_eq!(parse(&["--help"]).unwrap_err().error, ParseError::Help);
    }

    #[test]
    fn the_command_line_beats_the_environment_and_the_source_tells() {
        let environment = [
            ("T_NAME", "e"),
            ("T_GROUP_SIZE", "0x10"),
            ("T_LIST", "a,b"),
            ("T_SECRET_LEVEL", "e"),
        ];
        let matches = parse_with(&environment, &["--name", "c", "--list", "d"]).unwrap();
        assert_eq!(
            (matches.text("name"), matches.source("name")),
            ("c", Source::CommandLine)
        );
        assert_eq!(
            (matches.int("group-size"), matches.source("group-size")),
            (16, Source::Environment)
        );
        assert_eq!(
            (matches.uint("units"), matches.source("units")),
            (1, Source::Default)
        );
        assert_eq!(matches.list("list"), ["d"]);
        assert_eq!(matches.text("secret-level"), "x");
        assert!(!matches.is_set("secret-level"));
    }

    #[test]
    fn an_empty_variable_counts_as_set() {
        let matches = parse_with(&[("T_NAME", "")], &[]).unwrap();
        assert_eq!(
            (matches.text("name"), matches.source("name")),
            ("", Source::Environment)
        );
    }

    #[test]
    fn unparsable_variables_are_reported_unless_the_command_line_decides() {
        let environment = [("T_ALL", "yes"), ("T_COLOUR", "green")];
        let matches = parse_with(&environment, &["--colour=blue"]).unwrap();
        let faults: Vec<_> = matches
            .environment_faults()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            faults,
            [
                r#"invalid value "yes" of environment variable T_ALL: strconv.ParseBool: parsing "yes": invalid syntax"#
            ]
        );
        assert!(!matches.bool("all"));
    }

    #[test]
    fn aliases_share_the_value_and_deprecation_is_noticed_on_the_command_line_only() {
        let matches = parse(&["--better", "--worse=false"]).unwrap();
        assert!(!matches.bool("better"));
        assert_eq!(
            matches.notices(),
            ["Flag --worse has been deprecated, please use --better instead"]
        );
        let matches = parse_with(&[("T_BETTER", "true"), ("T_WORSE", "false")], &[]).unwrap();
        assert!(!matches.bool("better"));
        assert!(matches.notices().is_empty());
        assert_eq!(parse(&["--worse", "--nope"]).unwrap_err().notices.len(), 1);
    }
}
