//! What a command line depends on besides its arguments and files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::name::Name;
use crate::prompt::Terminal;

/// Variables, terminals and the time, read once by the shell. With the same environment, arguments and files the program does
/// the same.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    /// The name the tool answers to.
    pub(crate) name: Name,
    /// The program as it was called, for the header of the usage list.
    pub(crate) program: String,
    /// The environment variables.
    pub(crate) variables: BTreeMap<String, String>,
    /// Whether a person types the input.
    pub(crate) stdin_is_terminal: bool,
    /// Whether a person reads the messages.
    pub(crate) stderr_is_terminal: bool,
    /// Where a person can be asked.
    pub(crate) terminal: Terminal,
    /// When certificates are judged.
    pub(crate) now: Timestamp,
}

impl Environment {
    /// A variable that is set to something.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// The first of several variables that is set to something: proxies are named in either case.
    pub(crate) fn first_variable(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.variable(name))
    }

    /// The home directory.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.first_variable(&["HOME", "USERPROFILE"])
            .map(PathBuf::from)
    }

    /// Where what a person has decided is kept.
    pub(crate) fn config_directory(&self) -> Option<PathBuf> {
        self.directory(&["XDG_CONFIG_HOME", "APPDATA"], ".config")
    }

    /// Where is kept what can be had again.
    pub(crate) fn cache_directory(&self) -> Option<PathBuf> {
        self.directory(&["XDG_CACHE_HOME", "LOCALAPPDATA"], ".cache")
    }

    /// A relative path would be another one in every working directory, so it is none.
    fn directory(&self, variables: &[&str], below_home: &str) -> Option<PathBuf> {
        let named = self.first_variable(variables).map(Path::new);
        let named = named.filter(|path| path.is_absolute());
        let base = match named {
            Some(path) => path.to_owned(),
            None => self.home()?.join(below_home),
        };
        Some(base.join("seal"))
    }
}
