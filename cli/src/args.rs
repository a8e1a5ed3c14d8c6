//! The flags, and the command line as typed.

mod connection;
mod logging;

use sealed_api::names::install;
use sealed_crypto::Scope;
use sealed_pflag::{Flag, Matches, Source, Table};

pub(crate) use self::connection::Connection;
use self::connection::connection_flags;
pub(crate) use self::connection::{CERTIFICATE_VARIABLES, CONTROLLER_VARIABLES, SEALING_VARIABLES};
use self::logging::logging_flags;
use crate::name::Name;
use crate::own_metadata;
use crate::target;

/// Every flag that is known under a name, with its default and its help.
pub(crate) fn table(name: Name) -> Table {
    let flags = own_flags()
        .into_iter()
        .chain(connection_flags())
        .chain(logging_flags());
    match name {
        Name::Kubeseal => Table::new(flags),
        Name::Seal => Table::new(flags.chain(seal_flags())),
    }
    .env_prefix("SEALED_SECRETS_")
}

/// The flags that have an effect, as `seal` tells them.
pub(crate) fn effective_table() -> Table {
    let own = own_flags().map(|flag| match flag.name() {
        // Without the default of `kubeseal`.
        "format" => Flag::text(
            "format",
            "",
            "Output format, json or yaml; without it that of the input",
        )
        .one_of(FORMATS)
        .short('o'),
        _ => flag,
    });
    Table::new(
        own.into_iter()
            .chain(connection_flags())
            .chain(seal_flags()),
    )
}

/// The flags that say which controller is meant, for verbs that talk to it.
pub(crate) fn controller_flags() -> Vec<Flag> {
    const OWN: [&str; 3] = ["controller-name", "controller-namespace", "kubeconfig"];
    let own = own_flags().into_iter();
    let own = own.filter(|flag| OWN.contains(&flag.name()));
    let connection = connection_flags().into_iter();
    // That one is about the Secret.
    own.chain(connection.filter(|flag| flag.name() != "namespace"))
        .collect()
}

/// What the existing tool does not know.
fn seal_flags() -> Vec<Flag> {
    let mut flags = own_metadata::flags().to_vec();
    flags.push(cache_flag());
    flags.push(
        Flag::bool(
            "keep-others",
            false,
            "Pass through what is no Secret, as it is, instead of refusing it",
        )
        .without_env(),
    );
    flags.push(target::target_flag());
    flags
}

/// The flags that say what a verb seals with and for where. How it is bound to its place is the verb's to say.
pub(crate) fn sealing_flags() -> Vec<Flag> {
    const OWN: [&str; 4] = [
        "cert",
        "controller-name",
        "controller-namespace",
        "kubeconfig",
    ];
    let own = own_flags().into_iter();
    let own = own.filter(|flag| OWN.contains(&flag.name()));
    own.chain(connection_flags())
        .chain([cache_flag()])
        .collect()
}

/// `--cache-cert`.
pub(crate) fn cache_flag() -> Flag {
    Flag::bool(
        "cache-cert",
        false,
        "Keep the controller's certificate on this machine, and use it for up to 7 days when no cluster answers",
    )
}

/// The names of the flags without any effect.
pub(crate) fn inert_flags() -> impl Iterator<Item = &'static str> {
    logging_flags().into_iter().map(|flag| flag.name())
}

/// What documents are written as.
pub(crate) const FORMATS: &[&str] = &["json", "yaml"];

/// Where values may open.
pub(crate) const SCOPES: &[&str] = &["strict", "namespace-wide", "cluster-wide"];

fn own_flags() -> [Flag; 21] {
    [
        Flag::bool("allow-empty-data", false, "Seal a Secret that has no data"),
        Flag::text(
            "cert",
            "",
            "File or URL of the certificate to seal with, instead of asking the controller for it",
        ),
        Flag::text(
            "controller-name",
            install::CONTROLLER,
            "Service of the controller",
        ),
        Flag::text(
            "controller-namespace",
            install::NAMESPACE,
            "Namespace of the controller",
        ),
        Flag::bool(
            "fetch-cert",
            false,
            "Print the certificate, to keep it for --cert",
        ),
        Flag::text("format", "json", "Output format, json or yaml").one_of(FORMATS).short('o'),
        Flag::strings(
            "from-file",
            "File that holds the value for --raw, as PATH or KEY=PATH; /dev/stdin is standard input",
        ),
        Flag::bool("help", false, "Print this list"),
        Flag::text("kubeconfig", "", "kubeconfig file to use"),
        Flag::text(
            "merge-into",
            "",
            "Seal the items of the input into this file, which holds a SealedSecret, in place",
        ),
        Flag::text(
            "name",
            "",
            "Name of the SealedSecret; needed for --raw in the scope strict",
        ),
        Flag::bool(
            "raw",
            false,
            "Seal one value, from --from-file or standard input, and print only its ciphertext",
        ),
        Flag::bool(
            "re-encrypt",
            false,
            "Have the controller re-encrypt the SealedSecret with its newest key",
        ),
        Flag::strings(
            "recovery-private-key",
            "Private keys for --recovery-unseal: PEM files, or key Secrets and Lists of them as YAML or JSON",
        ),
        Flag::bool(
            "recovery-unseal",
            false,
            "Unseal offline with --recovery-private-key, for when the cluster is gone",
        ),
        Flag::bool("rotate", false, "Same as --re-encrypt")
            .deprecated("please use --re-encrypt instead")
            .alias_of("re-encrypt"),
        Flag::checked(
            "scope",
            "strict",
            check_scope,
            "Scope of the SealedSecret: strict, namespace-wide or cluster-wide; without it the scope annotations of the input count",
        )
        .one_of(SCOPES),
        Flag::text(
            "sealed-secret-file",
            "",
            "Output file, instead of standard output",
        )
        .short('w'),
        Flag::text("secret-file", "", "Input file, instead of standard input").short('f'),
        Flag::bool(
            "validate",
            false,
            "Ask the controller whether it can unseal the SealedSecret",
        ),
        Flag::bool("version", false, "Print the version"),
    ]
}

pub(crate) fn check_scope(text: &str) -> Result<(), String> {
    if text.is_empty() || text.parse::<Scope>().is_ok() {
        return Ok(());
    }
    Err("must be one of: strict, namespace-wide, cluster-wide".to_owned())
}

/// The command line and the variables, read but not yet understood.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one field for each switch of the command line"
)]
pub(crate) struct Arguments {
    /// `--allow-empty-data`.
    pub(crate) allow_empty_data: bool,
    /// `--annotation`.
    pub(crate) annotations: Vec<String>,
    /// `--cache-cert`.
    pub(crate) cache_cert: bool,
    /// Whether `--cache-cert` stands on the command line.
    pub(crate) cache_cert_typed: bool,
    /// `--cert`.
    pub(crate) cert: Option<String>,
    /// Whether `--cert` stands on the command line; a variable holds for every repository.
    pub(crate) cert_typed: bool,
    /// `--controller-name`.
    pub(crate) controller_name: String,
    /// Whether somebody set `--controller-name`.
    pub(crate) controller_named: bool,
    /// `--controller-namespace`.
    pub(crate) controller_namespace: String,
    /// `--fetch-cert`.
    pub(crate) fetch_cert: bool,
    /// `--format`, where somebody set it.
    pub(crate) format: Option<String>,
    /// `--from-file`.
    pub(crate) from_file: Vec<String>,
    /// `--help`.
    pub(crate) help: bool,
    /// `--keep-others`.
    pub(crate) keep_others: bool,
    /// `--label`.
    pub(crate) labels: Vec<String>,
    /// `--merge-into`.
    pub(crate) merge_into: Option<String>,
    /// `--name`.
    pub(crate) secret_name: Option<String>,
    /// `--namespace`, without a prefix such as `ns/`.
    pub(crate) namespace: Option<String>,
    /// `--raw`.
    pub(crate) raw: bool,
    /// `--re-encrypt` or `--rotate`.
    pub(crate) re_encrypt: bool,
    /// `--recovery-private-key`.
    pub(crate) recovery_private_key: Vec<String>,
    /// Whether `--recovery-private-key` stands on the command line; a variable may be meant for other calls.
    pub(crate) recovery_key_typed: bool,
    /// `--recovery-unseal`.
    pub(crate) recovery_unseal: bool,
    /// `--scope`, where somebody set it to a scope.
    pub(crate) scope: Option<Scope>,
    /// `--sealed-secret-file`.
    pub(crate) sealed_secret_file: Option<String>,
    /// `--secret-file`.
    pub(crate) secret_file: Option<String>,
    /// `--target`.
    pub(crate) targets: Vec<String>,
    /// `--validate`.
    pub(crate) validate: bool,
    /// `--version`.
    pub(crate) version: bool,
    /// The flags that say which cluster is meant.
    pub(crate) connection: Connection,
    /// What is no flag.
    pub(crate) positionals: Vec<String>,
}

impl Arguments {
    /// Takes the values out of what was matched with the table of `name`.
    pub(crate) fn from_matches(matches: &Matches, name: Name) -> Self {
        let is_seal = name == Name::Seal;
        let of_seal = |flag: &str| {
            let list = is_seal.then(|| matches.list(flag).to_vec());
            list.unwrap_or_default()
        };
        let text = |name: &str| Some(matches.text(name).to_owned()).filter(|text| !text.is_empty());
        Self {
            allow_empty_data: matches.bool("allow-empty-data"),
            annotations: of_seal("annotation"),
            cache_cert: is_seal && matches.bool("cache-cert"),
            cache_cert_typed: is_seal && matches.source("cache-cert") == Source::CommandLine,
            cert: text("cert"),
            cert_typed: matches.source("cert") == Source::CommandLine,
            controller_name: matches.text("controller-name").to_owned(),
            controller_named: matches.is_set("controller-name"),
            controller_namespace: matches.text("controller-namespace").to_owned(),
            fetch_cert: matches.bool("fetch-cert"),
            format: (matches.source("format") != Source::Default)
                .then(|| matches.text("format").to_owned()),
            from_file: matches.list("from-file").to_vec(),
            help: matches.bool("help"),
            keep_others: is_seal && matches.bool("keep-others"),
            labels: of_seal("label"),
            merge_into: text("merge-into"),
            secret_name: text("name"),
            namespace: namespace_of(matches),
            raw: matches.bool("raw"),
            re_encrypt: matches.bool("re-encrypt"),
            recovery_private_key: matches.list("recovery-private-key").to_vec(),
            recovery_key_typed: matches.source("recovery-private-key") == Source::CommandLine,
            recovery_unseal: matches.bool("recovery-unseal"),
            scope: scope_of(matches),
            sealed_secret_file: text("sealed-secret-file"),
            secret_file: text("secret-file"),
            targets: of_seal("target"),
            validate: matches.bool("validate"),
            version: matches.bool("version"),
            connection: Connection::of(matches),
            positionals: matches.positionals().to_vec(),
        }
    }
}

/// `--namespace`, where somebody set it.
pub(crate) fn namespace_of(matches: &Matches) -> Option<String> {
    Some(matches.text("namespace"))
        .filter(|text| !text.is_empty())
        .map(|text| without_namespace_prefix(text.to_owned()))
}

/// `--scope`, where somebody set it to a scope.
pub(crate) fn scope_of(matches: &Matches) -> Option<Scope> {
    matches
        .is_set("scope")
        .then(|| matches.text("scope").parse().ok())
        .flatten()
}

/// kubectl lets a namespace be written as a resource, so `ns/db` is `db`.
fn without_namespace_prefix(namespace: String) -> String {
    for prefix in ["namespaces/", "namespace/", "ns/"] {
        if let (Some(head), Some(rest)) =
            (namespace.get(..prefix.len()), namespace.get(prefix.len()..))
            && head.eq_ignore_ascii_case(prefix)
            && !rest.is_empty()
        {
            return rest.to_owned();
        }
    }
    namespace
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Arguments {
        let arguments = arguments.iter().map(|a| (*a).to_owned());
        Arguments::from_matches(&table(Name::Seal).parse([], arguments).unwrap(), Name::Seal)
    }

    #[test]
    fn the_namespace_may_be_written_as_a_resource() {
        for (typed, meant) in [
            ("ns/db", "db"),
            ("Namespaces/db", "db"),
            ("namespace/ns/db", "ns/db"),
            ("ns/", "ns/"),
            ("db", "db"),
        ] {
            assert_eq!(parse(&["-n", typed]).namespace.as_deref(), Some(meant));
        }
    }

    #[test]
    fn only_a_scope_that_was_named_counts() {
        assert_eq!(parse(&[]).scope, None);
        assert_eq!(parse(&["--scope="]).scope, None);
        assert_eq!(parse(&["--scope=strict"]).scope, Some(Scope::Strict));
    }
}
