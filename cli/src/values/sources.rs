//! Where single values come from.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use sealed_api::Code;
use zeroize::Zeroizing;

use super::{Items, Plaintext, Recipe, env_file};
use crate::environment::Environment;
use crate::failure::{Failure, io_cause};
use crate::input::read_file;
use crate::io::Talk;

/// Where a value comes from, or several.
pub(crate) enum Source {
    /// A file, under a key of its own; or a directory, each file of which is a value under its name.
    File {
        /// The key; none takes the name of the file.
        key: Option<String>,
        /// The file or directory.
        path: PathBuf,
    },
    /// A file of lines `KEY=VALUE`.
    EnvFile(PathBuf),
    /// Made up.
    Generated {
        /// The key.
        key: String,
        /// How.
        recipe: Recipe,
    },
    /// From the command line, where every process of the machine can read it.
    Literal {
        /// The key.
        key: String,
        /// The value.
        value: Zeroizing<String>,
    },
    /// Typed at the terminal.
    Prompt(String),
    /// Standard input, every byte of it.
    Stdin(String),
}

/// What values are gathered with.
pub(crate) struct Supply<'a, 'io> {
    /// Variables, terminals and the time.
    pub(crate) environment: &'a Environment,
    /// Standard input.
    pub(crate) stdin: &'a mut dyn Read,
    /// What has to be said.
    pub(crate) talk: &'a mut Talk<'io>,
}

impl Source {
    /// Reads `--from-file`: `PATH` or `KEY=PATH`.
    pub(crate) fn file(given: &str) -> Result<Self, Failure> {
        let (key, path) = match given.split_once('=') {
            None => (None, given),
            Some((_, path)) if path.contains('=') => {
                return Err(Failure::usage(
                    "--from-file: neither keys nor paths can contain `=`",
                ));
            }
            Some(("", path)) => {
                return Err(Failure::usage(format!(
                    "--from-file: there is no key before `={path}`"
                )));
            }
            Some((key, "")) => {
                return Err(Failure::usage(format!(
                    "--from-file: there is no path after `{key}=`"
                )));
            }
            Some((key, path)) => (Some(key.to_owned()), path),
        };
        Ok(Self::File {
            key,
            path: PathBuf::from(path),
        })
    }

    /// Adds what comes from here.
    pub(crate) fn read(
        &self,
        items: &mut Items,
        supply: &mut Supply<'_, '_>,
    ) -> Result<(), Failure> {
        match self {
            Self::File { key, path } if path.is_dir() => match key {
                Some(_) => Err(Failure::usage(format!(
                    "`{}` is a directory, whose files are keys by their names",
                    path.display()
                ))
                .hint("leave out the key, or name a file")),
                None => directory(path, items),
            },
            Self::File { key, path } => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let key = key.as_deref().unwrap_or(&name);
                items.add(key, Zeroizing::new(read_file(path)?))
            }
            Self::EnvFile(path) => env_file::add(path, supply.environment, items),
            Self::Generated { key, recipe } => {
                recipe.make(key, supply.environment.now, items, supply.talk)
            }
            Self::Literal { key, value } => {
                items.add(key, Zeroizing::new(value.as_bytes().to_vec()))
            }
            Self::Prompt(key) => {
                let typed = supply.environment.terminal.ask_twice(key)?;
                items.add(key, Zeroizing::new(typed.as_bytes().to_vec()))
            }
            Self::Stdin(key) => {
                let value = supply.stdin_value(key)?;
                items.add(key, value)
            }
        }
    }
}

impl Supply<'_, '_> {
    /// Every byte of standard input counts. That a line end at the end does, too, surprises people: the Secret then holds a
    /// password that no server takes.
    fn stdin_value(&mut self, key: &str) -> Result<Plaintext, Failure> {
        if self.environment.stdin_is_terminal {
            return Err(Failure::usage(format!(
                "the value of `{key}` is to come from standard input, which is the terminal"
            ))
            .hint("--prompt asks for a value without showing it"));
        }
        let mut value = Zeroizing::new(Vec::new());
        self.stdin.read_to_end(&mut value).map_err(|error| {
            Failure::new(
                Code::UnreadableFile,
                format!("cannot read standard input: {}", io_cause(&error)),
            )
        })?;
        let (last, before) = value.split_last().unwrap_or((&0, &[]));
        if *last == b'\n' && !before.contains(&b'\n') {
            self.talk.say(&format!(
                "note: the value of `{key}` ends with a line end; `printf %s` writes none"
            ));
        }
        Ok(value)
    }
}

/// The regular files of a directory, as kubectl takes them: no links, no directories below.
fn directory(path: &Path, items: &mut Items) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| {
        Failure::new(
            Code::UnreadableFile,
            format!("cannot read `{}`: {}", path.display(), io_cause(error)),
        )
    };
    for entry in fs::read_dir(path).map_err(|error| failed(&error))? {
        let entry = entry.map_err(|error| failed(&error))?;
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let name = entry.file_name();
            let value = Zeroizing::new(read_file(&entry.path())?);
            items
                .add(&name.to_string_lossy(), value)
                .map_err(|failure| failure.at(path.display()))?;
        }
    }
    Ok(())
}
