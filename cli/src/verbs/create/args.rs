//! The command lines of `seal create`, and what they mean.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sealed_api::Code;
use sealed_manifest::Format;
use sealed_pflag::{Flag, Matches};
use zeroize::Zeroizing;

use super::kind::{DOCKER, Kind};
use crate::args::{Connection, FORMATS};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::input::read_file;
use crate::name::Name;
use crate::object_name;
use crate::output::FormatChoice;
use crate::own_metadata::{self, OwnMetadata};
use crate::target::{self, Target};
use crate::values::{GENERATE_HELP, Recipe, Source, pair};

pub(super) const GENERIC: &str = "\
Usage: seal create generic NAME [flags]

Seals values from the command line, files, standard input, prompts or generators, with the flags of `kubectl create secret
generic`. What --from-literal gives can be read by every process of this machine, and stays in the history of the shell:
--prompt and --from-stdin are for values that matter.

Examples: seal create generic db -n web --prompt password --from-literal user=app -w db.yaml
          seal create generic db -n web --generate password=password,length=40 --cert cert.pem
          vault read -field=token secret/ci | seal create generic ci -n web --from-stdin token
          seal create generic app -n web --from-env-file .env --from-file config/ --dry-run

";

pub(super) const TLS: &str = "\
Usage: seal create tls NAME --cert FILE --key FILE [flags]

Seals a TLS certificate and its private key, which must belong together. As in `kubectl create secret tls`, --cert is the
certificate of the Secret; the one to seal with is --sealing-cert here, or SEALED_SECRETS_CERT.

Examples: seal create tls web-tls -n web --cert tls.crt --key tls.key --sealing-cert cert.pem
          seal create tls db-tls -n web --generate tls.key=tls,host=db.web.svc,days=90

";

pub(super) const DOCKER_REGISTRY: &str = "\
Usage: seal create docker-registry NAME --docker-username USER [flags]

Seals the credentials of a container registry, for imagePullSecrets, with the flags of `kubectl create secret
docker-registry`. What --docker-password gives can be read by every process of this machine: --prompt docker-password and
--from-stdin docker-password keep it to themselves.

Examples: seal create docker-registry pull -n web --docker-server ghcr.io --docker-username me --prompt docker-password
          az acr login -n acme --expose-token -o tsv --query accessToken | seal create docker-registry pull -n web \\
            --docker-server acme.azurecr.io --docker-username 00000000-0000-0000-0000-000000000000 --from-stdin docker-password
          seal create docker-registry pull -n web --from-file ~/.docker/config.json

";

pub(super) const BASIC_AUTH: &str = "\
Usage: seal create basic-auth NAME --username USER [flags]

Seals a user name and a password (type kubernetes.io/basic-auth). What --password gives can be read by every process of this
machine: --prompt password and --from-stdin password keep it to themselves.

Examples: seal create basic-auth git -n flux-system --username bot --prompt password
          seal create basic-auth db -n web --username app --generate password=password

";

pub(super) const SSH_AUTH: &str = "\
Usage: seal create ssh-auth NAME [flags]

Seals a private key for SSH (type kubernetes.io/ssh-auth). A key that is generated shows its public half, for the other side.

Examples: seal create ssh-auth deploy -n ci --from-file ~/.ssh/deploy
          seal create ssh-auth deploy -n ci --generate ssh-privatekey=ssh-key,comment=deploy

";

/// What to make.
pub(super) struct Request {
    pub(super) name: String,
    pub(super) type_: Option<String>,
    pub(super) sources: Vec<Source>,
    pub(super) own: OwnMetadata,
    pub(super) template: Template,
    pub(super) targets: Vec<Target>,
    /// YAML, unless something else is asked for.
    pub(super) format: FormatChoice,
    pub(super) is_dry_run: bool,
    pub(super) is_json: bool,
}

/// What the Secret is besides its sealed values.
pub(super) struct Template {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    /// Texts that the controller renders.
    pub(super) entries: BTreeMap<String, String>,
    pub(super) is_immutable: bool,
}

pub(super) fn flags(kind: Kind) -> Vec<Flag> {
    let taken: &[&str] = match kind {
        Kind::BasicAuth => &["username", "password"],
        Kind::Tls => &["cert"],
        Kind::DockerRegistry | Kind::Generic | Kind::SshAuth => &[],
    };
    let mut flags = target::flags();
    flags.retain(|flag| !taken.contains(&flag.name()));
    flags.extend(kind_flags(kind));
    flags.extend(source_flags());
    flags.extend(own_metadata::flags());
    flags.extend(template_flags());
    flags.extend([
        Flag::bool(
            "dry-run",
            false,
            "Do all but seal, and show what would be sealed: keys and sizes, no values",
        )
        .without_env(),
        Flag::text("format", "yaml", "Output format, yaml or json")
            .one_of(FORMATS)
            .short('o'),
        Flag::bool("json", false, "With --dry-run: as JSON").without_env(),
        Flag::text(
            "sealed-secret-file",
            "",
            "Output file, instead of standard output",
        )
        .short('w')
        .without_env(),
        target::target_flag(),
    ]);
    flags
}

fn kind_flags(kind: Kind) -> Vec<Flag> {
    let sealing =
        "File or URL of the certificate to seal with, instead of asking the controller for it";
    let mut flags = match kind {
        Kind::Generic => vec![Flag::text(
            "type",
            "",
            "Type of the Secret, instead of Opaque",
        )],
        Kind::SshAuth => Vec::new(),
        Kind::Tls => vec![
            Flag::text(
                "cert",
                "",
                "File of the TLS certificate, PEM; --sealing-cert is the one to seal with",
            ),
            Flag::text(
                "key",
                "",
                "File of the private key of the TLS certificate, PEM",
            ),
            Flag::text("sealing-cert", "", sealing),
        ],
        Kind::DockerRegistry => vec![
            Flag::text("docker-email", "", "Email address"),
            Flag::text(
                "docker-password",
                "",
                "Password, which every process of this machine can read: --prompt docker-password is for people",
            ),
            Flag::text("docker-server", "", "Registry; without it Docker Hub"),
            Flag::text("docker-username", "", "User name"),
        ],
        Kind::BasicAuth => vec![
            Flag::text(
                "password",
                "",
                "Password, which every process of this machine can read: --prompt password is for people",
            ),
            Flag::text("username", "", "User name"),
        ],
    };
    if kind != Kind::Tls {
        flags.push(Flag::text("sealing-cert", "", "Same as --cert").alias_of("cert"));
    }
    flags.into_iter().map(Flag::without_env).collect()
}

fn source_flags() -> [Flag; 6] {
    [
        Flag::strings("from-env-file", "File of lines KEY=VALUE, each a value; may be repeated"),
        Flag::strings(
            "from-file",
            "PATH or KEY=PATH: a file, under its name or KEY, or all files of a directory; may be repeated",
        ),
        Flag::string_array(
            "from-literal",
            "KEY=VALUE: a value, which every process of this machine can read; may be repeated",
        ),
        Flag::string_array("from-stdin", "KEY: the value is standard input, every byte of it"),
        Flag::string_array("generate", GENERATE_HELP),
        Flag::string_array("prompt", "KEY: ask for the value at the terminal, without showing it; may be repeated"),
    ]
    .map(Flag::without_env)
}

fn template_flags() -> [Flag; 4] {
    [
        Flag::bool("immutable", false, "Make a Secret whose data cannot be changed"),
        Flag::string_array(
            "template",
            "KEY=FILE: a template in which the controller puts the values, such as `url=postgres://{{ .user }}:{{ .password }}@db`; may be repeated",
        ),
        Flag::string_array("template-annotation", "KEY=VALUE: an annotation of the Secret; may be repeated"),
        Flag::string_array("template-label", "KEY=VALUE: a label of the Secret; may be repeated"),
    ]
    .map(Flag::without_env)
}

impl Request {
    pub(super) fn of(
        kind: Kind,
        matches: &Matches,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let name = name(matches)?;
        let connection = match kind {
            // There the flags of the same names are values.
            Kind::BasicAuth => Connection::of_others(matches, &["username", "password"]),
            _ => Connection::of(matches),
        };
        let cert = if kind == Kind::Tls {
            "sealing-cert"
        } else {
            "cert"
        };
        let output = text(matches, "sealed-secret-file").map(PathBuf::from);
        let format = if matches.is_set("format") {
            FormatChoice::from_flag(matches.text("format"))
        } else {
            FormatChoice::FollowInput
        };
        format.resolve(Format::Yaml)?;
        let is_dry_run = matches.bool("dry-run");
        let is_json = matches.bool("json");
        if is_json && !is_dry_run {
            return Err(Failure::usage("--json is the form of what --dry-run tells")
                .hint("`-o json` writes the SealedSecret as JSON"));
        }
        let sources = sources(kind, matches)?;
        let mut target = Target::of(matches, cert, connection, environment, output);
        target.place.name = Some(name.clone());
        let targets = target.all(matches.list("target"), Name::Seal)?;
        let reads_stdin = sources
            .iter()
            .any(|source| matches!(source, Source::Stdin(_)));
        for target in &targets {
            target.check_stdin(reads_stdin)?;
        }
        let type_ = match kind.type_() {
            Some(type_) => Some(type_.to_owned()),
            None => text(matches, "type"),
        };
        Ok(Self {
            name,
            type_,
            sources,
            own: OwnMetadata::parse(matches.list("label"), matches.list("annotation"))?,
            template: Template::of(matches)?,
            targets,
            format,
            is_dry_run,
            is_json,
        })
    }
}

impl Template {
    fn of(matches: &Matches) -> Result<Self, Failure> {
        let mut entries = BTreeMap::new();
        for given in matches.list("template") {
            let (key, path) = pair(given, "--template", "KEY=FILE")?;
            object_name::check_data_key(key)?;
            let text = String::from_utf8(read_file(Path::new(path))?).map_err(|_| {
                Failure::new(Code::MalformedInput, format!("`{path}` is not UTF-8 text"))
            })?;
            entries.insert(key.to_owned(), text);
        }
        Ok(Self {
            labels: own_metadata::labels("--template-label", matches.list("template-label"))?,
            annotations: own_metadata::annotations(
                "--template-annotation",
                matches.list("template-annotation"),
            )?,
            entries,
            is_immutable: matches.bool("immutable"),
        })
    }
}

fn text(matches: &Matches, flag: &str) -> Option<String> {
    Some(matches.text(flag).to_owned()).filter(|text| !text.is_empty())
}

/// As in kubectl there is exactly one name.
fn name(matches: &Matches) -> Result<String, Failure> {
    match matches.positionals() {
        [name] => {
            object_name::check_name("NAME", name)?;
            Ok(name.clone())
        }
        [] => Err(Failure::usage("there is no name for the Secret")
            .hint("it stands behind the kind: `seal create generic NAME`")),
        // A word too many may be a value, so it is not shown.
        _ => Err(Failure::usage("there is more than one name")
            .hint("a Secret has one; values come from flags such as --prompt KEY")),
    }
}

fn sources(kind: Kind, matches: &Matches) -> Result<Vec<Source>, Failure> {
    let mut sources = Vec::new();
    let literal = |key: &str, value: &str| Source::Literal {
        key: key.to_owned(),
        value: Zeroizing::new(value.to_owned()),
    };
    let file = |flag: &str, key: &str| {
        text(matches, flag).map(|path| Source::File {
            key: Some(key.to_owned()),
            path: PathBuf::from(path),
        })
    };
    let fields: &[&str] = match kind {
        Kind::BasicAuth => &["username", "password"],
        Kind::DockerRegistry => &DOCKER,
        Kind::Generic | Kind::SshAuth | Kind::Tls => &[],
    };
    for field in fields {
        sources.extend(text(matches, field).map(|value| literal(field, &value)));
    }
    if kind == Kind::Tls {
        sources.extend(file("cert", "tls.crt"));
        sources.extend(file("key", "tls.key"));
    }
    for given in matches.list("from-literal") {
        let (key, value) = pair(given, "--from-literal", "KEY=VALUE")?;
        sources.push(literal(key, value));
    }
    for given in matches.list("from-file") {
        let mut source = Source::file(given)?;
        if let Source::File {
            key: key @ None, ..
        } = &mut source
        {
            *key = kind.file_key().map(str::to_owned);
        }
        sources.push(source);
    }
    for path in matches.list("from-env-file") {
        sources.push(Source::EnvFile(PathBuf::from(path)));
    }
    match matches.list("from-stdin") {
        [] => {}
        [key] => sources.push(Source::Stdin(key.clone())),
        _ => {
            return Err(Failure::usage("standard input is one value")
                .hint("--from-env-file /dev/stdin reads several, as lines KEY=VALUE"));
        }
    }
    for given in matches.list("generate") {
        let (key, recipe) = Recipe::parse_with_key(given)?;
        sources.push(Source::Generated { key, recipe });
    }
    // Last, so that nobody types a password for a command line that makes no sense.
    for key in matches.list("prompt") {
        sources.push(Source::Prompt(key.clone()));
    }
    Ok(sources)
}
