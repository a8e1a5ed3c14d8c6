//! Reading the command line.

use super::{ParseError, Reader};
use crate::flag::{Flag, Kind};
use crate::literal;
use crate::matches::Source;

impl Reader<'_> {
    pub(super) fn arguments(
        &mut self,
        mut rest: impl Iterator<Item = String>,
    ) -> Result<(), ParseError> {
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
}

/// The first byte in single quotes: pflag reads shorthands byte by byte.
fn quote_byte(letters: &str) -> String {
    let byte = letters.as_bytes().first().copied().unwrap_or_default();
    literal::quote_char(char::from(byte))
}
