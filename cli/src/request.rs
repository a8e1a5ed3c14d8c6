//! What was typed, understood: which of the tool's jobs, on what, with which result where.

use std::path::{Path, PathBuf};

use sealed_crypto::Scope;
use sealed_manifest::Format;

use crate::args::{Arguments, Connection, table};
use crate::cluster::Controller;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::name::Name;
use crate::output::FormatChoice;
use crate::own_metadata::OwnMetadata;
use crate::suggest;
use crate::target::Target;

/// One job.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// What to do.
    pub(crate) job: Job,
    /// The input file; none is standard input.
    pub(crate) input: Option<PathBuf>,
    /// The output file; none is standard output.
    pub(crate) output: Option<PathBuf>,
    /// The output's format.
    pub(crate) format: FormatChoice,
    /// What was asked for and will not be done.
    pub(crate) warnings: Vec<String>,
}

/// What to do. Where several were asked for, the first of this list is done, as in the existing tool.
#[derive(Clone, Debug)]
pub(crate) enum Job {
    /// Unseal with private keys, offline.
    Recover {
        /// Files with keys.
        keys: Vec<PathBuf>,
    },
    /// Ask the controller whether it can open a SealedSecret.
    Validate(Controller),
    /// Have the controller re-encrypt a SealedSecret.
    ReEncrypt(Controller),
    /// Copy the certificate.
    FetchCertificate(CertificateSource),
    /// Seal the input's items into a file.
    Merge {
        /// The file.
        into: PathBuf,
        /// What to seal with, and for where.
        target: Target,
        /// Whether an input without data is meant.
        allow_empty_data: bool,
    },
    /// Seal one value.
    Raw {
        /// What to seal with, and for where.
        target: Target,
        /// Where the value is; none is standard input.
        from_file: Vec<String>,
    },
    /// Seal Secrets.
    Seal(Sealing),
}

/// How to seal Secrets.
#[derive(Clone, Debug)]
pub(crate) struct Sealing {
    /// What to seal with, for where and into which files; one at least.
    pub(crate) targets: Vec<Target>,
    /// Labels and annotations of the SealedSecrets.
    pub(crate) own: OwnMetadata,
    /// Whether an input without data is meant.
    pub(crate) allow_empty_data: bool,
    /// Whether to pass through what is no Secret.
    pub(crate) keep_others: bool,
}

/// Where the certificate is.
#[derive(Clone, Debug)]
pub(crate) enum CertificateSource {
    /// With the controller.
    Controller(Box<Controller>),
    /// With the controller, or kept on this machine for when that cannot be reached.
    Cached(Box<Controller>),
    /// A file or a URL, as typed.
    Location(String),
    /// Standard input.
    Stdin,
}

impl CertificateSource {
    /// What `--cert` names, or else the controller.
    pub(crate) fn of(cert: Option<String>, controller: Controller, name: Name) -> Self {
        match cert {
            Some(place) if name == Name::Seal => Self::typed(&place),
            Some(location) => Self::Location(location),
            None => Self::Controller(Box::new(controller)),
        }
    }

    /// The same, where `--cache-cert` is set: what the controller offers is kept.
    #[must_use]
    pub(crate) fn cached(self, is_cached: bool) -> Self {
        match self {
            Self::Controller(controller) if is_cached => Self::Cached(controller),
            other => other,
        }
    }

    /// A place as `seal` understands it: `-` is standard input.
    pub(crate) fn typed(place: &str) -> Self {
        match place {
            "-" => Self::Stdin,
            location => Self::Location(location.to_owned()),
        }
    }
}

/// Where a sealed value shall open, as far as the command line says.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// `--name`.
    pub(crate) name: Option<String>,
    /// `--namespace`.
    pub(crate) namespace: Option<String>,
    /// `--scope`.
    pub(crate) scope: Option<Scope>,
    /// Leads to the kubeconfig, whose namespace counts where nobody names one.
    pub(crate) connection: Connection,
}

/// A word for the user, or a job.
#[derive(Clone, Debug)]
pub(crate) enum Wish {
    /// Print the version.
    Version,
    /// Print the flags.
    Help,
    /// Do something.
    Do(Box<Request>),
}

impl Wish {
    /// Understands the arguments.
    pub(crate) fn resolve(
        arguments: Arguments,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        if arguments.version {
            return Ok(Self::Version);
        }
        if arguments.help {
            return Ok(Self::Help);
        }
        if environment.name == Name::Seal
            && let Some(word) = arguments.positionals.first()
        {
            return Err(suggest::unexpected_argument(word, &table(Name::Seal)));
        }
        if !arguments.from_file.is_empty() && !arguments.raw {
            return Err(Failure::usage("--from-file works with --raw only")
                .kubeseal("--from-file requires --raw")
                .hint("--raw seals one value; a whole Secret comes from standard input or -f"));
        }
        Request::resolve(arguments, environment).map(|request| Self::Do(Box::new(request)))
    }
}

impl Request {
    fn resolve(arguments: Arguments, environment: &Environment) -> Result<Self, Failure> {
        let name = environment.name;
        let input = arguments.secret_file.clone().map(PathBuf::from);
        let mut output = arguments.sealed_secret_file.clone().map(PathBuf::from);
        let typed_format = arguments.format.clone();
        let mut warnings = Vec::new();
        if !arguments.recovery_private_key.is_empty()
            && !arguments.recovery_unseal
            && environment.stderr_is_terminal
        {
            warnings.push("warning: ignoring --recovery-private-key because unseal command not chosen with --recovery-unseal".to_owned());
        }
        if name == Name::Seal {
            check_jobs(&arguments)?;
        }
        let job = Job::resolve(arguments, output.clone(), name)?;
        if matches!(job, Job::ReEncrypt(_)) && output.is_none() {
            output.clone_from(&input);
        }
        if matches!(job, Job::Merge { .. }) && output.is_some() {
            return Err(Failure::usage(
                "--merge-into changes its file in place and has no other output",
            )
            .hint("leave out --sealed-secret-file"));
        }
        if matches!(job, Job::Raw { .. }) && input.is_some() {
            return Err(Failure::usage("--raw does not read --secret-file")
                .hint("a value comes from --from-file or standard input"));
        }
        if matches!(job, Job::Validate(_)) {
            output = None; // there is no result to put anywhere
        }
        let format = format_choice(typed_format.as_deref(), output.as_deref(), name, &job);
        if name == Name::Seal
            && let FormatChoice::Unknown(_) = format
        {
            format.resolve(Format::Json)?;
        }
        check_stdin(&job, input.as_deref())?;
        Ok(Self {
            job,
            input,
            output,
            format,
            warnings,
        })
    }
}

/// As `seal` only one job is asked for: of several, the existing tool does the first it knows and is silent about the others.
fn check_jobs(arguments: &Arguments) -> Result<(), Failure> {
    let jobs = [
        ("--recovery-unseal", arguments.recovery_unseal),
        ("--validate", arguments.validate),
        ("--re-encrypt", arguments.re_encrypt),
        ("--fetch-cert", arguments.fetch_cert),
        ("--merge-into", arguments.merge_into.is_some()),
        ("--raw", arguments.raw),
    ];
    let mut asked = jobs.iter().filter(|(_, is_set)| *is_set);
    let job = asked.next().map(|(job, _)| *job);
    if let (Some(one), Some((other, _))) = (job, asked.next()) {
        return Err(Failure::usage(format!(
            "{one} and {other} are two jobs, and one is done at a time"
        ))
        .hint("leave out one of them"));
    }
    let of_sealing = [
        ("--annotation", !arguments.annotations.is_empty()),
        ("--cache-cert", arguments.cache_cert_typed),
        ("--keep-others", arguments.keep_others),
        ("--label", !arguments.labels.is_empty()),
        ("--target", !arguments.targets.is_empty()),
    ];
    if let (Some(job), Some((flag, _))) = (job, of_sealing.iter().find(|(_, is_set)| *is_set)) {
        return Err(Failure::usage(format!(
            "{flag} works where Secrets are sealed, and not with {job}"
        ))
        .hint("leave out one of them"));
    }
    if arguments.recovery_key_typed && !arguments.recovery_unseal {
        return Err(
            Failure::usage("--recovery-private-key works with --recovery-unseal only")
                .hint("--recovery-unseal opens a SealedSecret with it; nothing is sealed with a private key"),
        );
    }
    Ok(())
}

impl Job {
    fn resolve(arguments: Arguments, output: Option<PathBuf>, name: Name) -> Result<Self, Failure> {
        let controller = Controller {
            name: arguments.controller_name,
            is_named: arguments.controller_named,
            namespace: arguments.controller_namespace,
            connection: arguments.connection.clone(),
        };
        if arguments.recovery_unseal {
            let keys = arguments
                .recovery_private_key
                .into_iter()
                .map(PathBuf::from)
                .collect();
            return Ok(Self::Recover { keys });
        }
        if arguments.validate {
            return Ok(Self::Validate(controller));
        }
        if arguments.re_encrypt {
            return Ok(Self::ReEncrypt(controller));
        }
        let certificate = CertificateSource::of(arguments.cert, controller, name);
        if arguments.fetch_cert {
            return Ok(Self::FetchCertificate(certificate));
        }
        let merge_into = arguments.merge_into.map(PathBuf::from);
        let target = Target {
            certificate: certificate.cached(arguments.cache_cert),
            certificate_is_typed: arguments.cert_typed,
            place: Place {
                name: arguments.secret_name,
                namespace: arguments.namespace,
                scope: arguments.scope,
                connection: arguments.connection,
            },
            output: merge_into.clone().or(output),
            ruled: None,
        };
        let allow_empty_data = arguments.allow_empty_data;
        Ok(if let Some(into) = merge_into {
            Self::Merge {
                into,
                target: target.under_rules(None, name)?,
                allow_empty_data,
            }
        } else if arguments.raw {
            Self::Raw {
                target: target.under_rules(None, name)?,
                from_file: arguments.from_file,
            }
        } else {
            Self::Seal(Sealing {
                targets: target.all(&arguments.targets, name)?,
                own: OwnMetadata::parse(&arguments.labels, &arguments.annotations)?,
                allow_empty_data,
                keep_others: arguments.keep_others,
            })
        })
    }
}

/// The suffix of the output file beats the flag, and as `seal` the input decides where nobody says anything.
fn format_choice(
    typed: Option<&str>,
    output: Option<&Path>,
    name: Name,
    job: &Job,
) -> FormatChoice {
    let asked = match typed {
        Some(text) => FormatChoice::from_flag(text),
        // A merged file and a file re-encrypted in place keep their format under either name.
        None if name == Name::Seal || matches!(job, Job::Merge { .. }) => FormatChoice::FollowInput,
        None => FormatChoice::Fixed(Format::Json),
    };
    match output {
        Some(path) => asked.for_file(path),
        None => asked,
    }
}

/// Standard input can be the certificate or the input, not both.
fn check_stdin(job: &Job, input: Option<&Path>) -> Result<(), Failure> {
    let of_certificate = |target: &Target| matches!(target.certificate, CertificateSource::Stdin);
    let clash = match job {
        Job::Merge { target, .. } => of_certificate(target) && input.is_none(),
        Job::Seal(sealing) => sealing.targets.iter().any(of_certificate) && input.is_none(),
        Job::Raw { target, from_file } => of_certificate(target) && from_file.is_empty(),
        _ => false,
    };
    if clash {
        return Err(
            Failure::usage("standard input cannot be both the certificate and the input")
                .hint("name a file for one of them"),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(name: Name, arguments: &[&str]) -> Result<Request, Failure> {
        let environment = Environment {
            name,
            program: name.as_str().to_owned(),
            variables: [].into(),
            stdin_is_terminal: false,
            stderr_is_terminal: false,
            terminal: crate::prompt::Terminal::Absent,
            now: jiff::Timestamp::UNIX_EPOCH,
        };
        let matches = table(name)
            .parse([], arguments.iter().map(|a| (*a).to_owned()))
            .unwrap();
        match Wish::resolve(Arguments::from_matches(&matches, name), &environment)? {
            Wish::Do(request) => Ok(*request),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_first_mode_of_the_list_wins() {
        let all = [
            "--merge-into=t",
            "--raw",
            "--fetch-cert",
            "--re-encrypt",
            "--validate",
            "--recovery-unseal",
        ];
        let job = |count: usize| resolve(Name::Kubeseal, &all[..count]).unwrap().job;
        assert!(matches!(job(0), Job::Seal(_)));
        assert!(matches!(job(1), Job::Merge { .. }));
        assert!(matches!(job(2), Job::Merge { .. }));
        assert!(matches!(job(3), Job::FetchCertificate(_)));
        assert!(matches!(job(4), Job::ReEncrypt(_)));
        assert!(matches!(job(5), Job::Validate(_)));
        assert!(matches!(job(6), Job::Recover { .. }));
    }

    #[test]
    fn format_comes_from_suffix_flag_and_name_in_this_order() {
        use FormatChoice::{Fixed, FollowInput, Unknown};
        for (name, arguments, format) in [
            (Name::Kubeseal, &[][..], Fixed(Format::Json)),
            (Name::Seal, &[], FollowInput),
            (Name::Seal, &["-w", "x.json"], Fixed(Format::Json)),
            (Name::Seal, &["-w", "x.txt"], FollowInput),
            (
                Name::Kubeseal,
                &["-w", "x.yml", "-o", "xml"],
                Fixed(Format::Yaml),
            ),
            (Name::Kubeseal, &["-w", "x.YAML"], Fixed(Format::Json)),
            (Name::Kubeseal, &["-w", "d/.yaml"], Fixed(Format::Yaml)),
            (Name::Kubeseal, &["-o", "YAML"], Fixed(Format::Yaml)),
            (Name::Kubeseal, &["-o", ""], Fixed(Format::Json)),
            (Name::Kubeseal, &["-o", "xml"], Unknown("xml".to_owned())),
            (Name::Kubeseal, &["--merge-into", "t"], FollowInput),
            (
                Name::Kubeseal,
                &["--merge-into", "t", "-o", "json"],
                Fixed(Format::Json),
            ),
        ] {
            assert_eq!(
                resolve(name, arguments).unwrap().format,
                format,
                "{arguments:?}"
            );
        }
    }

    #[test]
    fn re_encrypting_a_file_writes_it_back() {
        let request = resolve(Name::Seal, &["--re-encrypt", "-f", "s.yaml"]).unwrap();
        assert_eq!(request.output, Some(PathBuf::from("s.yaml")));
        let request = resolve(
            Name::Seal,
            &["--re-encrypt", "-f", "s.yaml", "-w", "o.yaml"],
        )
        .unwrap();
        assert_eq!(request.output, Some(PathBuf::from("o.yaml")));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (name, arguments, words) in [
            (Name::Seal, &["secret.yaml"][..], "unexpected argument"),
            (Name::Seal, &["-o", "xml"], "output format"),
            (Name::Seal, &["--cert", "-"], "standard input"),
            (Name::Seal, &["--cert", "-", "--raw"], "standard input"),
            (
                Name::Kubeseal,
                &["--from-file", "x"],
                "--from-file requires --raw",
            ),
            (Name::Kubeseal, &["--raw", "-f", "x"], "--raw does not read"),
            (
                Name::Kubeseal,
                &["--merge-into", "x", "-w", "y"],
                "no other output",
            ),
        ] {
            let text = resolve(name, arguments).unwrap_err().text(name);
            assert!(text.contains(words), "{arguments:?}: {text}");
        }
        assert!(resolve(Name::Kubeseal, &["secret.yaml"]).is_ok());
        assert!(resolve(Name::Seal, &["--cert", "-", "-f", "x"]).is_ok());
    }
}
