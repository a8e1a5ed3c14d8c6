//! The declaration of flags.

use std::collections::BTreeMap;

use crate::duration::GoDuration;
use crate::matches::Value;

/// Checks the text of a flag that has its own small grammar and says what is wrong with it.
type Check = fn(&str) -> Result<(), String>;

/// What a flag takes, together with its default.
#[derive(Clone, Debug)]
pub enum Kind {
    /// `--flag` or `--flag=V`, never `--flag V`.
    Bool(bool),
    /// Text that must satisfy a check, such as one of several words.
    Checked(&'static str, Check),
    /// A Go duration such as `720h` or `1.5s`.
    Duration(GoDuration),
    /// A floating-point number of 32 bits.
    Float32(f32),
    /// A signed integer in any notation of Go source code.
    Int(i64),
    /// A list; each occurrence adds one item as it is.
    StringArray,
    /// A list; each occurrence is one CSV record whose fields are added.
    Strings,
    /// Any text.
    Text(&'static str),
    /// An unsigned integer in any notation of Go source code.
    Uint(u64),
}

impl Kind {
    /// The value before environment and command line are looked at.
    pub(crate) fn default_value(&self) -> Value {
        match self {
            Self::Bool(default) => Value::Bool(*default),
            Self::Checked(default, _) | Self::Text(default) => Value::Text((*default).to_owned()),
            Self::Duration(default) => Value::Duration(*default),
            Self::Float32(default) => Value::Float32(*default),
            Self::Int(default) => Value::Int(*default),
            Self::StringArray | Self::Strings => Value::List(Vec::new()),
            Self::Uint(default) => Value::Uint(*default),
        }
    }
}

/// One flag: name, kind and default, and how it shows itself.
#[derive(Clone, Debug)]
pub struct Flag {
    pub(crate) name: &'static str,
    pub(crate) short: Option<char>,
    pub(crate) kind: Kind,
    pub(crate) help: &'static str,
    pub(crate) type_word: Option<&'static str>,
    pub(crate) env: bool,
    pub(crate) hidden: bool,
    pub(crate) deprecated: Option<&'static str>,
    pub(crate) alias_of: Option<&'static str>,
    pub(crate) choices: &'static [&'static str],
}

impl Flag {
    const fn new(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self {
            name,
            short: None,
            kind,
            help,
            type_word: None,
            env: true,
            hidden: false,
            deprecated: None,
            alias_of: None,
            choices: &[],
        }
    }

    /// A switch.
    pub const fn bool(name: &'static str, default: bool, help: &'static str) -> Self {
        Self::new(name, Kind::Bool(default), help)
    }

    /// Text that `check` accepts; its message completes `invalid argument "V" for "--name" flag: `.
    pub const fn checked(
        name: &'static str,
        default: &'static str,
        check: Check,
        help: &'static str,
    ) -> Self {
        Self::new(name, Kind::Checked(default, check), help)
    }

    /// A Go duration.
    pub const fn duration(name: &'static str, default: GoDuration, help: &'static str) -> Self {
        Self::new(name, Kind::Duration(default), help)
    }

    /// A floating-point number of 32 bits.
    pub const fn float32(name: &'static str, default: f32, help: &'static str) -> Self {
        Self::new(name, Kind::Float32(default), help)
    }

    /// A signed integer.
    pub const fn int(name: &'static str, default: i64, help: &'static str) -> Self {
        Self::new(name, Kind::Int(default), help)
    }

    /// A list of items taken as they are.
    pub const fn string_array(name: &'static str, help: &'static str) -> Self {
        Self::new(name, Kind::StringArray, help)
    }

    /// A list of CSV fields.
    pub const fn strings(name: &'static str, help: &'static str) -> Self {
        Self::new(name, Kind::Strings, help)
    }

    /// Any text.
    pub const fn text(name: &'static str, default: &'static str, help: &'static str) -> Self {
        Self::new(name, Kind::Text(default), help)
    }

    /// An unsigned integer.
    pub const fn uint(name: &'static str, default: u64, help: &'static str) -> Self {
        Self::new(name, Kind::Uint(default), help)
    }

    /// Also answers to `-letter`.
    #[must_use]
    pub const fn short(mut self, letter: char) -> Self {
        self.short = Some(letter);
        self
    }

    /// Shows `word` in the usage list instead of the kind's own word.
    #[must_use]
    pub const fn type_word(mut self, word: &'static str) -> Self {
        self.type_word = Some(word);
        self
    }

    /// Has no environment variable.
    #[must_use]
    pub const fn without_env(mut self) -> Self {
        self.env = false;
        self
    }

    /// Works, but is not listed.
    #[must_use]
    pub const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// Works, is not listed, and each use on the command line adds a notice that ends in `advice`.
    #[must_use]
    pub const fn deprecated(mut self, advice: &'static str) -> Self {
        self.deprecated = Some(advice);
        self.hidden()
    }

    /// Sets the value of the flag `name`, which must be of the same kind, instead of one of its own.
    #[must_use]
    pub const fn alias_of(mut self, name: &'static str) -> Self {
        self.alias_of = Some(name);
        self
    }

    /// Is one of these words. That is for those who offer them: the text is not checked.
    #[must_use]
    pub const fn one_of(mut self, choices: &'static [&'static str]) -> Self {
        self.choices = choices;
        self
    }

    /// The words of which it is one; none if it can be anything.
    pub fn choices(&self) -> &'static [&'static str] {
        self.choices
    }

    /// The long name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The letter of the short form, if it has one.
    pub fn letter(&self) -> Option<char> {
        self.short
    }

    /// What it is for.
    pub fn help(&self) -> &'static str {
        self.help
    }

    /// Whether lists leave it out.
    pub fn is_hidden(&self) -> bool {
        self.hidden
    }

    /// Whether it takes the next argument as its value. A switch takes one only after `=`.
    pub fn takes_value(&self) -> bool {
        !matches!(self.kind, Kind::Bool(_))
    }

    /// The name under which the value is kept.
    pub(crate) fn slot(&self) -> &'static str {
        self.alias_of.unwrap_or(self.name)
    }

    /// The name as an error message quotes it.
    pub(crate) fn display_name(&self) -> String {
        match self.short {
            Some(letter) => format!("-{letter}, --{}", self.name),
            None => format!("--{}", self.name),
        }
    }
}

/// Every flag of a program.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub(crate) flags: BTreeMap<&'static str, Flag>,
    pub(crate) env_prefix: Option<&'static str>,
}

impl Table {
    /// A table of `flags`, in any order.
    ///
    /// # Panics
    ///
    /// If a name or a letter is taken twice or an alias names no flag: a table is code, so this shows in the first test.
    pub fn new(flags: impl IntoIterator<Item = Flag>) -> Self {
        let mut table = Self::default();
        for flag in flags {
            assert!(
                flag.short
                    .is_none_or(|letter| table.by_letter(letter).is_none()),
                "-{:?} is declared twice",
                flag.short
            );
            let name = flag.name;
            assert!(
                table.flags.insert(name, flag).is_none(),
                "--{name} is declared twice"
            );
        }
        for flag in table.flags.values() {
            assert!(
                table.flags.contains_key(flag.slot()),
                "--{} is an alias of nothing",
                flag.name
            );
        }
        table
    }

    /// Each flag `--a-b` may also be set by the variable `prefix` + `A_B`.
    #[must_use]
    pub fn env_prefix(mut self, prefix: &'static str) -> Self {
        self.env_prefix = Some(prefix);
        self
    }

    /// The flags in the order of the usage list.
    pub fn flags(&self) -> impl Iterator<Item = &Flag> {
        self.flags.values()
    }

    pub(crate) fn by_letter(&self, letter: char) -> Option<&Flag> {
        self.flags.values().find(|flag| flag.short == Some(letter))
    }

    /// The environment variable of a flag, if it has one.
    pub(crate) fn variable(&self, flag: &Flag) -> Option<String> {
        let prefix = self.env_prefix.filter(|_| flag.env)?;
        Some(format!(
            "{prefix}{}",
            flag.name.to_ascii_uppercase().replace('-', "_")
        ))
    }
}
