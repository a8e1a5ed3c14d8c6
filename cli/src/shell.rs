//! The edge to the process: arguments, variables, streams and the time of the run are read here and nowhere else.
//!
//! Only what happens during a run is met where it is waited for: a person's answer in `prompt` and `confirm`, the time that passes
//! in `progress`, `cluster` and `verbs/keys/renew`.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write};
use std::process::ExitCode;

use jiff::Timestamp;
use sealed_pflag::ParseError;

use crate::args::{Arguments, table};
use crate::commands;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::help;
use crate::io::{Streams, Talk};
use crate::name::Name;
use crate::prompt::Terminal;
use crate::request::Wish;
use crate::suggest;
use crate::verbs::Call;

/// Runs the program of this process, under `name` or under the name it was started with.
pub fn main(name: Option<Name>) -> ExitCode {
    sealed_custody::forbid_core_dumps();
    let mut words = std::env::args_os();
    let program = words
        .next()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    #[expect(
        clippy::disallowed_methods,
        reason = "the shell is where the clock is read"
    )]
    let environment = Environment {
        name: name.unwrap_or_else(|| Name::of_program(&program)),
        program,
        // A variable that is not text is none of ours: names and values of flags are.
        variables: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        stdin_is_terminal: stdin.is_terminal(),
        stderr_is_terminal: stderr.is_terminal(),
        terminal: if stdin.is_terminal() || stdout.is_terminal() || stderr.is_terminal() {
            Terminal::Present
        } else {
            Terminal::Absent
        },
        now: Timestamp::now(),
    };
    let streams = Streams {
        stdin: &mut stdin.lock(),
        stdout: &mut stdout.lock(),
        stderr: &mut stderr.lock(),
    };
    let words: Result<Vec<String>, _> = words.map(std::ffi::OsString::into_string).collect();
    match words {
        Ok(words) => run(words, &environment, streams),
        Err(_) => fail(
            &Failure::usage("an argument is not UTF-8 text"),
            &environment,
            streams.stderr,
        ),
    }
}

/// Runs the program on the arguments `words`, without the program's name.
fn run(words: Vec<String>, environment: &Environment, mut streams: Streams<'_>) -> ExitCode {
    if environment.name == Name::Seal
        && let Some(call) = Call::of(&words)
    {
        return call.run(environment, streams);
    }
    if environment.name == Name::Seal && words == ["help"] {
        return help(environment, &mut streams, false);
    }
    let table = table(environment.name);
    let variables: BTreeMap<String, String> = environment.variables.clone();
    let matches = match table.parse(variables, words) {
        Ok(matches) => matches,
        Err(rejected) => {
            for notice in &rejected.notices {
                Talk(streams.stderr).say(notice);
            }
            return match rejected.error {
                ParseError::Help => help(environment, &mut streams, true),
                error => fail(&misused(&error, environment), environment, streams.stderr),
            };
        }
    };
    for notice in matches.notices() {
        Talk(streams.stderr).say(notice);
    }
    let arguments = Arguments::from_matches(&matches, environment.name);
    if !arguments.version
        && !arguments.help
        && let Some(fault) = matches.environment_faults().first()
    {
        let failure = Failure::usage(fault.to_string()).bare(format!("error: {fault}"));
        return fail(&failure, environment, streams.stderr);
    }
    match Wish::resolve(arguments, environment) {
        Ok(Wish::Version) => print(&environment.name.version_line(), environment, &mut streams),
        Ok(Wish::Help) => help(environment, &mut streams, false),
        Ok(Wish::Do(request)) => {
            let Streams {
                stdin,
                stdout,
                stderr,
            } = streams;
            match commands::run(
                &request,
                environment,
                Streams {
                    stdin,
                    stdout,
                    stderr: &mut *stderr,
                },
            ) {
                Ok(()) => ExitCode::SUCCESS,
                Err(failure) => {
                    drop(stderr.write_all(failure.text(environment.name).as_bytes()));
                    failure.exit_code(environment.name)
                }
            }
        }
        Err(failure) => fail(&failure, environment, streams.stderr),
    }
}

/// A command line that Go's flag library would refuse. `kubeseal` lists the flags, `seal` points to the one that was meant.
fn misused(error: &ParseError, environment: &Environment) -> Failure {
    let failure = Failure::usage(error.to_string());
    match environment.name {
        Name::Kubeseal => {
            let list = format!(
                "{}{}{error}",
                header(environment),
                table(Name::Kubeseal).usage()
            );
            failure.bare(list)
        }
        Name::Seal => failure.hint(suggest::after(error, &table(Name::Seal), "seal --help")),
    }
}

fn header(environment: &Environment) -> String {
    format!("Usage of {}:\n", environment.program)
}

/// The list of flags. The existing tool prints the header for `-h`, which it does not declare, on standard error.
fn help(environment: &Environment, streams: &mut Streams<'_>, undeclared: bool) -> ExitCode {
    if environment.name == Name::Seal {
        return print(&help::seal(), environment, streams);
    }
    let mut text = table(Name::Kubeseal).usage();
    if undeclared {
        drop(streams.stderr.write_all(header(environment).as_bytes()));
    } else {
        text.insert_str(0, &header(environment));
    }
    print(&text, environment, streams)
}

fn print(text: &str, environment: &Environment, streams: &mut Streams<'_>) -> ExitCode {
    let written = streams
        .stdout
        .write_all(text.as_bytes())
        .and_then(|()| streams.stdout.flush());
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(
            &crate::output::stdout_failed(&error),
            environment,
            streams.stderr,
        ),
    }
}

fn fail(failure: &Failure, environment: &Environment, stderr: &mut dyn Write) -> ExitCode {
    drop(stderr.write_all(failure.text(environment.name).as_bytes()));
    failure.exit_code(environment.name)
}
