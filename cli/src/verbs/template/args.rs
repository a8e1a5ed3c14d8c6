//! The command line of `seal template`, and what it means.

use std::path::PathBuf;

use sealed_api::Values;
use sealed_pflag::{Flag, Matches, ParseError, Table};

use crate::environment::Environment;
use crate::failure::Failure;
use crate::input::read_file;
use crate::output::FormatChoice;
use crate::suggest;

const SYNOPSIS: &str = "\
Usage: seal template [FILE] [flags]

Renders the templates of a SealedSecret (spec.template.data) on this machine and prints the Secret that it will be. FILE
holds SealedSecrets as YAML or JSON; without it they come from standard input.

Examples: seal template sealed.yaml                                     with made-up values
          seal template sealed.yaml --value password=x --key app.conf   only what one entry renders
          seal template sealed.yaml --recovery-private-key keys.yaml    with the sealed values
          seal template --text app.conf.tmpl --value user=x             a template that stands by itself

";

/// What was asked for.
pub(super) enum Wish {
    /// This help.
    Help(String),
    /// A rendering.
    Do(Box<Request>),
}

/// What to render.
pub(super) struct Request {
    /// The input file; none is standard input.
    pub(super) input: Option<PathBuf>,
    /// What the input is.
    pub(super) source: Source,
    /// Values that the command line gives.
    pub(super) values: Values,
    /// The output's format.
    pub(super) format: FormatChoice,
}

/// What the input is.
pub(super) enum Source {
    /// SealedSecrets.
    Objects {
        /// Files with private keys.
        keys: Vec<PathBuf>,
        /// The one entry to print.
        entry: Option<String>,
    },
    /// The text of a template.
    Text {
        /// What errors call it.
        name: String,
    },
}

fn table() -> Table {
    Table::new([
        Flag::text("format", "", "Output format, json or yaml; without it that of the input").short('o'),
        Flag::bool("help", false, "Print this help").short('h'),
        Flag::text("key", "", "Print only the value of this key of the Secret, as it is"),
        Flag::strings(
            "recovery-private-key",
            "Private keys that open the sealed values: PEM files, or key Secrets and Lists of them as YAML or JSON",
        ),
        Flag::text("text", "", "Render the template in this file instead of a SealedSecret's"),
        Flag::string_array("value", "KEY=VALUE: a value for the sealed item KEY; may be repeated"),
        Flag::string_array("value-file", "KEY=FILE: a value from a file; may be repeated"),
    ])
    .env_prefix("SEALED_SECRETS_")
}

impl Wish {
    pub(super) fn of(words: Vec<String>, environment: &Environment) -> Result<Self, Failure> {
        let table = table();
        // Variables are meant for jobs that seal: a format that is set for them is not meant here.
        let matches = match table.parse([], words) {
            Ok(matches) => matches,
            Err(rejected) => {
                return match rejected.error {
                    ParseError::Help => Ok(Self::help()),
                    error => Err(misused(&error)),
                };
            }
        };
        if matches.bool("help") {
            return Ok(Self::help());
        }
        Request::of(&matches, environment).map(|request| Self::Do(Box::new(request)))
    }

    fn help() -> Self {
        Self::Help(format!("{SYNOPSIS}{}", table().usage()))
    }
}

fn misused(error: &ParseError) -> Failure {
    let failure = Failure::usage(error.to_string());
    match error {
        ParseError::UnknownFlag { name } => match suggest::nearest_flag(name, &table()) {
            Some(flag) => failure.hint(format!("did you mean `--{flag}`?")),
            None => failure.hint("`seal template --help` lists the flags"),
        },
        _ => failure.hint("`seal template --help` lists the flags"),
    }
}

impl Request {
    fn of(matches: &Matches, environment: &Environment) -> Result<Self, Failure> {
        let text = |name: &str| Some(matches.text(name)).filter(|text| !text.is_empty());
        let keys: Vec<PathBuf> = matches
            .list("recovery-private-key")
            .iter()
            .map(PathBuf::from)
            .collect();
        let file = match matches.positionals() {
            [] => None,
            [file] => Some(file.as_str()),
            [_, word, ..] => {
                return Err(Failure::usage(format!("unexpected argument `{word}`"))
                    .hint("one file at a time; `seal template --help` shows the usage"));
            }
        };
        let (source, input) = match text("text") {
            None => {
                let entry = text("key").map(str::to_owned);
                (Source::Objects { keys, entry }, file)
            }
            Some(template) => {
                let other = [
                    ("a SealedSecret", file.is_some()),
                    ("--key", text("key").is_some()),
                    ("--recovery-private-key", !keys.is_empty()),
                ];
                if let Some((what, _)) = other.iter().find(|(_, given)| *given) {
                    return Err(Failure::usage(format!(
                        "--text renders a template by itself, and not {what}"
                    ))
                    .hint("its values come from --value and --value-file"));
                }
                let name = template.rsplit(['/', '\\']).next().unwrap_or(template);
                let name = if template == "-" { "stdin" } else { name };
                (
                    Source::Text {
                        name: name.to_owned(),
                    },
                    Some(template),
                )
            }
        };
        let input = input.filter(|path| *path != "-");
        if input.is_none() && environment.stdin_is_terminal {
            return Err(Failure::usage("no SealedSecret is given")
                .hint("`seal template FILE`, or `… | seal template`"));
        }
        Ok(Self {
            input: input.map(PathBuf::from),
            source,
            values: values(matches)?,
            format: text("format").map_or(FormatChoice::FollowInput, FormatChoice::from_flag),
        })
    }
}

fn values(matches: &Matches) -> Result<Values, Failure> {
    let mut values = Values::new();
    for given in matches.list("value") {
        let (key, value) = pair(given, "--value", "KEY=VALUE")?;
        values.insert(key, value.as_bytes().to_vec().into());
    }
    for given in matches.list("value-file") {
        let (key, path) = pair(given, "--value-file", "KEY=FILE")?;
        values.insert(key, read_file(path.as_ref())?.into());
    }
    Ok(values)
}

/// Without the text itself in the message: it may be a value.
fn pair<'a>(given: &'a str, flag: &str, form: &str) -> Result<(String, &'a str), Failure> {
    match given.split_once('=') {
        Some((key, rest)) if !key.is_empty() => Ok((key.to_owned(), rest)),
        _ => Err(Failure::usage(format!("{flag} takes {form}"))),
    }
}
