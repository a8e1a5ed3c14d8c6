//! The command line of `seal template`, and what it means.

use std::path::PathBuf;

use sealed_api::Values;
use sealed_pflag::{Flag, Matches};

use crate::args::FORMATS;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::input::read_file;
use crate::output::FormatChoice;
use crate::unlock::{self, UnlockArguments};

pub(super) const SYNOPSIS: &str = "\
Usage: seal template [FILE] [flags]

Renders the templates of a SealedSecret (spec.template.data) on this machine and prints the Secret that it will be. FILE
holds SealedSecrets as YAML or JSON; without it they come from standard input.

Examples: seal template sealed.yaml                                     with made-up values
          seal template sealed.yaml --value password=x --entry conf     only what one entry renders
          seal template sealed.yaml --recovery-private-key keys.yaml    with the sealed values
          seal template --text app.conf.tmpl --value user=x             a template that stands by itself

";

/// The one variable that counts: the others are meant for jobs that seal, a format that is set for them, too.
pub(super) const KEYS_VARIABLE: &str = "SEALED_SECRETS_RECOVERY_PRIVATE_KEY";

/// What to render.
pub(super) struct Request {
    /// The input file; none is standard input.
    pub(super) input: Option<PathBuf>,
    /// What the input is.
    pub(super) source: Source,
    /// Values that the command line gives.
    pub(super) values: Values,
}

/// What the input is.
pub(super) enum Source {
    /// SealedSecrets.
    Objects(Objects),
    /// The text of a template.
    Text {
        /// What errors call it.
        name: String,
    },
}

/// What to do with SealedSecrets.
pub(super) struct Objects {
    /// Files with private keys; without any, values are made up.
    pub(super) keys: Vec<PathBuf>,
    /// What opens encrypted ones.
    pub(super) unlock: UnlockArguments,
    /// The one entry to print, as it is.
    pub(super) entry: Option<String>,
    /// The output's format otherwise.
    pub(super) format: FormatChoice,
}

pub(super) fn flags() -> Vec<Flag> {
    let mut flags = vec![
        Flag::text(
            "entry",
            "",
            "Print only the value of this key of the Secret, as it is",
        ),
        Flag::text(
            "format",
            "",
            "Output format, json or yaml; without it that of the input",
        )
        .one_of(FORMATS)
        .short('o'),
        Flag::strings(
            "recovery-private-key",
            "Private keys that open the sealed values: PEM files, key Secrets and Lists of them as YAML or JSON, backups, or directories with these",
        ),
        Flag::text("secret-file", "", "Input file, same as FILE").short('f'),
        Flag::text(
            "text",
            "",
            "Render the template in this file instead of a SealedSecret's",
        ),
        Flag::string_array(
            "value",
            "KEY=VALUE: a value for the sealed item KEY; may be repeated",
        ),
        Flag::string_array(
            "value-file",
            "KEY=FILE: a value from a file; may be repeated",
        ),
    ];
    flags.extend(unlock::flags());
    flags
}

impl Request {
    pub(super) fn of(matches: &Matches, environment: &Environment) -> Result<Self, Failure> {
        let file = file(matches)?;
        let (source, input, missing) = match given(matches, "text") {
            None => (
                Source::Objects(Objects::of(matches)?),
                file,
                Failure::usage("no SealedSecret is given")
                    .hint("`seal template FILE`, or `… | seal template`"),
            ),
            Some(template) => (
                Source::Text {
                    name: lone_template(template, file.is_some(), matches)?,
                },
                Some(template),
                Failure::usage("no template is given")
                    .hint("`seal template --text FILE`, or `… | seal template --text -`"),
            ),
        };
        let input = input.filter(|path| *path != "-");
        if input.is_none() && environment.stdin_is_terminal {
            return Err(missing);
        }
        Ok(Self {
            input: input.map(PathBuf::from),
            source,
            values: values(matches)?,
        })
    }
}

impl Objects {
    fn of(matches: &Matches) -> Result<Self, Failure> {
        let entry = given(matches, "entry").map(str::to_owned);
        let format = given(matches, "format");
        if entry.is_some() && format.is_some() {
            return Err(no_format("--entry"));
        }
        let keys = matches.list("recovery-private-key").iter();
        Ok(Self {
            keys: keys.map(PathBuf::from).collect(),
            unlock: UnlockArguments::of(matches),
            entry,
            format: format.map_or(FormatChoice::FollowInput, FormatChoice::from_flag),
        })
    }
}

/// The value of a text flag that is set to something.
fn given<'m>(matches: &'m Matches, name: &str) -> Option<&'m str> {
    Some(matches.text(name)).filter(|text| !text.is_empty())
}

/// The input file, as an argument or as a flag.
fn file(matches: &Matches) -> Result<Option<&str>, Failure> {
    let flag = given(matches, "secret-file");
    let words = matches.positionals().iter().map(String::as_str);
    let mut files = flag.into_iter().chain(words);
    match (files.next(), files.next()) {
        (Some(_), Some(word)) => Err(Failure::usage(format!("unexpected argument `{word}`"))
            .hint("one file at a time; `seal template --help` shows the usage")),
        (file, _) => Ok(file),
    }
}

/// What errors call the template of `--text`, beside which nothing stands that is about SealedSecrets.
fn lone_template(template: &str, has_file: bool, matches: &Matches) -> Result<String, Failure> {
    // A variable may be meant for other calls.
    let has_keys = matches.source("recovery-private-key") == sealed_pflag::Source::CommandLine;
    let other = [
        ("a SealedSecret", has_file),
        ("--entry", given(matches, "entry").is_some()),
        ("--recovery-private-key", has_keys),
    ];
    if let Some((what, _)) = other.iter().find(|(_, is_given)| *is_given) {
        return Err(Failure::usage(format!(
            "--text renders a template by itself, and not {what}"
        ))
        .hint("its values come from --value and --value-file"));
    }
    if given(matches, "format").is_some() {
        return Err(no_format("--text"));
    }
    let name = template.rsplit(['/', '\\']).next().unwrap_or(template);
    let name = if template == "-" { "stdin" } else { name };
    Ok(name.to_owned())
}

fn no_format(flag: &str) -> Failure {
    Failure::usage(format!(
        "{flag} prints what was rendered as it is, in no format"
    ))
    .hint("leave out --format")
}

fn values(matches: &Matches) -> Result<Values, Failure> {
    let mut values = Values::new();
    let mut add = |key: String, value: Vec<u8>| match values.insert(key.clone(), value.into()) {
        None => Ok(()),
        Some(_) => {
            Err(Failure::usage(format!("two values for `{key}`")).hint("leave out one of them"))
        }
    };
    for given in matches.list("value") {
        let (key, value) = pair(given, "--value", "KEY=VALUE")?;
        add(key, value.as_bytes().to_vec())?;
    }
    for given in matches.list("value-file") {
        let (key, path) = pair(given, "--value-file", "KEY=FILE")?;
        add(key, read_file(path.as_ref())?)?;
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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::name::Name;
    use crate::verbs::call;

    fn asked(line: &str, variable: &str) -> Result<Request, Failure> {
        let environment = Environment {
            name: Name::Seal,
            program: "seal".to_owned(),
            variables: [
                (KEYS_VARIABLE.to_owned(), variable.to_owned()),
                ("SEALED_SECRETS_FORMAT".to_owned(), "json".to_owned()),
            ]
            .into(),
            stdin_is_terminal: true,
            stderr_is_terminal: true,
            terminal: crate::prompt::Terminal::Absent,
            now: Timestamp::UNIX_EPOCH,
        };
        let words = line.split_whitespace().map(str::to_owned).collect();
        let matches = call::read(&super::super::VERB, words, &environment)?;
        Request::of(&matches.expect("no help is asked for"), &environment)
    }

    #[test]
    fn at_a_terminal_the_missing_input_is_named() {
        let told = |line| {
            asked(line, "")
                .err()
                .map(|failure| failure.text(Name::Seal))
        };
        let lone = told("--text -").expect("an error");
        assert!(
            lone.starts_with("error[usage]: no template is given"),
            "{lone}"
        );
        let none = told("--entry x").expect("an error");
        assert!(
            none.starts_with("error[usage]: no SealedSecret is given"),
            "{none}"
        );
    }

    #[test]
    fn of_the_variables_the_one_with_keys_counts_and_only_for_objects() {
        let request =
            asked("sealed.yaml", "a.pem,b.pem").unwrap_or_else(|failure| panic!("{failure:?}"));
        let Source::Objects(objects) = request.source else {
            panic!("it is about objects");
        };
        assert_eq!(
            objects.keys,
            [PathBuf::from("a.pem"), PathBuf::from("b.pem")]
        );
        assert_eq!(objects.format, FormatChoice::FollowInput);
        assert!(asked("--text a.tmpl", "a.pem").is_ok());
        assert!(asked("--text a.tmpl --recovery-private-key a.pem", "").is_err());
    }
}
