//! The command line: upstream's flags with upstream's spelling, defaults and variables, and ours.
//!
//! Only flags that do something are declared. What their values mean is decided once, in [`crate::config`].

use std::fmt::Write;

use sealed_api::names::{key_secret, lease};
use sealed_pflag::{Flag, GoDuration, Matches, ParseError, Table};

use crate::config::{Config, ConfigFaults};

/// Every flag is also a variable: `--key-size` is `SEALED_SECRETS_KEY_SIZE`.
pub const ENV_PREFIX: &str = "SEALED_SECRETS_";

/// The version that `--version`, the log and `build_info` show.
pub const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));

/// What a command line asks for.
#[derive(Debug)]
pub enum Command {
    /// Run with this configuration.
    Run(Box<Config>),
    /// Print this on stdout and exit 0.
    Print(String),
    /// Print this on stderr and exit 0.
    Help(String),
    /// Print this on stderr and exit 2.
    Refuse(String),
}

/// Decides what to do. Text on stderr that does not end the program is in [`Config::notices`].
pub fn command(
    program: &str,
    environment: impl IntoIterator<Item = (String, String)>,
    arguments: impl IntoIterator<Item = String>,
) -> Command {
    let table = table();
    let usage = || format!("Usage of {program}:\n{}", table.usage());
    let matches = match table.parse(environment, arguments) {
        Ok(matches) => matches,
        Err(rejected) if rejected.error == ParseError::Help => return Command::Help(usage()),
        Err(rejected) => {
            let mut text = rejected
                .notices
                .iter()
                .fold(String::new(), |text, notice| text + notice + "\n");
            text += &usage();
            writeln!(text, "{rejected}").expect("writing to a String never fails");
            return Command::Refuse(text);
        }
    };
    if matches.bool("version") {
        return Command::Print(format!("controller version: {VERSION}\n"));
    }
    match resolve(&matches) {
        Ok(config) => Command::Run(Box::new(config)),
        Err(faults) => Command::Refuse(format!("{faults}\n")),
    }
}

fn resolve(matches: &Matches) -> Result<Config, ConfigFaults> {
    let faults = matches.environment_faults();
    if !faults.is_empty() {
        return Err(ConfigFaults::of_environment(faults));
    }
    Config::resolve(matches)
}

/// All flags.
pub fn table() -> Table {
    Table::new(keys().into_iter().chain(objects()).chain(process())).env_prefix(ENV_PREFIX)
}

/// Flags about the sealing keys.
fn keys() -> Vec<Flag> {
    let month = GoDuration::from_hours(720);
    vec![
        Flag::bool(
            "allow-sealed-keys",
            false,
            "allow a SealedSecret to become a sealing key of the controller; whoever may create one there can then open every secret",
        ),
        Flag::bool(
            "auto-first-key",
            true,
            "make a sealing key when a start finds none",
        ),
        Flag::duration(
            "backup-reminder",
            GoDuration::from_hours(24),
            "warn when the newest sealing key has had no recorded backup for this long; 0: never",
        ),
        Flag::strings(
            "escrow-recipient",
            "age recipient (age1...) to encrypt every new sealing key to before it is used; may be repeated",
        ),
        Flag::text(
            "key-cutoff-time",
            "",
            "make a new sealing key at start if the newest one is older than this, such as Mon, 02 Jan 2006 15:04:05 -0700",
        ),
        Flag::text(
            "key-order-priority",
            "CertNotBefore",
            "what makes a sealing key the newest: CertNotBefore or SecretCreationTimestamp",
        ),
        Flag::text(
            "key-prefix",
            key_secret::DEFAULT_PREFIX,
            "start of the names of the Secrets that hold sealing keys",
        ),
        Flag::duration(
            "key-renew-period",
            month,
            "make a new sealing key this often; 0 stops renewal",
        ),
        Flag::int(
            "key-size",
            4096,
            "bits of a new sealing key: 2048, 3072, 4096 or 8192",
        ),
        Flag::duration(
            "key-ttl",
            GoDuration::from_hours(87_600),
            "validity of the certificate of a new sealing key",
        ),
        Flag::text(
            "my-cn",
            "",
            "common name in the certificate of a new sealing key",
        ),
        Flag::text(
            "privatekey-annotations",
            "",
            "annotations of new key Secrets, a comma-separated list of key=value",
        ),
        Flag::text(
            "privatekey-labels",
            "",
            "labels of new key Secrets, a comma-separated list of key=value",
        ),
        Flag::text(
            "publish-certificates",
            "",
            "keep the certificate to seal with in a ConfigMap of this name in the controller's namespace",
        )
        .type_word("name"),
        Flag::duration("rotate-period", month, "the old name of key-renew-period")
            .alias_of("key-renew-period")
            .deprecated("please use key-renew-period instead"),
        Flag::bool(
            "watch-for-secrets",
            false,
            "accepted for compatibility: sealing keys are always watched",
        ),
    ]
}

/// Flags about SealedSecrets and the API server.
fn objects() -> Vec<Flag> {
    vec![
        Flag::bool(
            "accept-deprecated-v1-data",
            true,
            "open the deprecated field spec.data",
        ),
        Flag::text(
            "additional-namespaces",
            "",
            "watch the controller's own namespace and this comma-separated list instead of all namespaces",
        ),
        Flag::bool(
            "all-namespaces",
            true,
            "watch all namespaces; otherwise the controller's own only",
        ),
        Flag::text(
            "drift",
            "report",
            "what to do about a hand edit of a Secret: report it, repair what is sealed, or off",
        ),
        Flag::int(
            "kubeclient-burst",
            10,
            "requests to the API server that may go out at once under kubeclient-qps",
        ),
        Flag::float32(
            "kubeclient-qps",
            -1.0,
            "requests to the API server per second; negative: no limit on this side; 0: 5 with a burst of 10",
        ),
        Flag::text(
            "label-selector",
            "",
            "take only SealedSecrets that this label selector matches",
        ),
        Flag::bool(
            "leader-elect",
            true,
            "with several replicas, let one reconcile and make keys; without the right to use leases every one does",
        ),
        Flag::text(
            "lease-name",
            lease::DEFAULT_NAME,
            "name of the lease by which the replicas of one installation elect their leader",
        ),
        Flag::int(
            "max-startup-changes",
            -1,
            "write nothing and exit if the data of more existing Secrets than this would change at the start; negative: no limit",
        ),
        Flag::int(
            "max-unseal-retries",
            5,
            "quick retries after a failure of the API server, before slower ones without end",
        ),
        Flag::bool(
            "observe",
            false,
            "write nothing, log for each SealedSecret what would become of its Secret; to run beside another controller",
        ),
        Flag::bool(
            "old-gc-behavior",
            false,
            "delete a Secret of ours when its SealedSecret goes, without waiting for the garbage collector",
        ),
        Flag::duration(
            "retain-deleted",
            GoDuration::from_secs(0),
            "keep a Secret so long after its SealedSecret is gone, instead of leaving it to the garbage collector; 0: not at all",
        ),
        Flag::int(
            "retain-deleted-max-per-minute",
            10,
            "with --retain-deleted: when more SealedSecrets than this vanish within a minute, their Secrets are not deleted",
        ),
        Flag::bool(
            "skip-recreate",
            false,
            "do not watch Secrets: one that is deleted or changed stays so until its SealedSecret changes",
        ),
        Flag::bool("update-status", true, "write the status of SealedSecrets"),
    ]
}

/// Flags about the process: ports, log, standalone mode.
fn process() -> Vec<Flag> {
    let minutes = GoDuration::from_secs(120);
    vec![
        Flag::text("listen-addr", ":8080", "address of the HTTP API"),
        Flag::text("listen-metrics-addr", ":8081", "address of the metrics"),
        Flag::text(
            "local",
            "",
            "work on this directory instead of a cluster: keys and sealed in it are read, secrets is written",
        )
        .type_word("directory"),
        Flag::text("log-format", "text", "text or json"),
        Flag::bool(
            "log-info-stdout",
            true,
            "log INFO and DEBUG to stdout; otherwise everything goes to stderr",
        ),
        Flag::text(
            "log-level",
            "INFO",
            "lowest level that is logged: DEBUG, INFO, WARN or ERROR",
        ),
        Flag::bool(
            "metrics-omit-secret-labels",
            false,
            "leave out the metric that names every SealedSecret",
        ),
        Flag::bool(
            "once",
            false,
            "with --local: bring everything into sync, print a line for each object, exit 1 if one failed",
        ),
        Flag::int("rate-limit", 2, "verify and rotate requests per second and client"),
        Flag::int(
            "rate-limit-burst",
            2,
            "verify and rotate requests beyond the first that may come at once",
        ),
        Flag::duration(
            "read-timeout",
            minutes,
            "time for a request to arrive, and for an idle connection; 0: no limit",
        ),
        Flag::text(
            "metrics-tls-secret",
            "",
            "serve the metrics over TLS with the certificate of this Secret of type kubernetes.io/tls, see tls-secret",
        )
        .type_word("name"),
        Flag::text(
            "tls-secret",
            "",
            "serve the HTTP API over TLS with the certificate of this Secret of type kubernetes.io/tls in the controller's namespace, or of the file tls/NAME.yaml below the directory of --local",
        )
        .type_word("name"),
        Flag::bool("version", false, "print the version and exit"),
        Flag::duration(
            "write-timeout",
            minutes,
            "time for a client to take its answer; 0: no limit",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(environment: &[(&str, &str)], arguments: &[&str]) -> Command {
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        command(
            "controller",
            environment,
            arguments.iter().map(|a| (*a).to_owned()),
        )
    }

    fn refusal(environment: &[(&str, &str)], arguments: &[&str]) -> String {
        match run(environment, arguments) {
            Command::Refuse(text) => text,
            other => panic!("{arguments:?} {environment:?}: {other:?}"),
        }
    }

    #[test]
    fn version_is_printed_even_beside_a_bad_variable() {
        let Command::Print(text) = run(&[("SEALED_SECRETS_KEY_SIZE", "big")], &["--version"])
        else {
            panic!("not printed");
        };
        assert_eq!(
            text,
            format!("controller version: v{}\n", env!("CARGO_PKG_VERSION"))
        );
    }

    #[test]
    fn help_lists_every_flag_but_the_deprecated_one() {
        for word in ["-h", "--help"] {
            let Command::Help(text) = run(&[], &[word]) else {
                panic!("no help");
            };
            assert!(text.starts_with("Usage of controller:\n"), "{text}");
            for flag in table().flags() {
                let listed = text.contains(&format!("      --{} ", flag.name()));
                assert_eq!(listed, flag.name() != "rotate-period", "{}", flag.name());
            }
        }
    }

    /// compat/controller.md §8.1, complete.
    #[test]
    fn every_flag_of_upstream_exists() {
        let ours = table();
        let ours: Vec<&str> = ours.flags().map(Flag::name).collect();
        for name in "accept-deprecated-v1-data additional-namespaces all-namespaces key-cutoff-time key-order-priority \
             key-prefix key-renew-period key-size key-ttl kubeclient-burst kubeclient-qps label-selector listen-addr \
             listen-metrics-addr log-format log-info-stdout log-level max-unseal-retries metrics-omit-secret-labels my-cn \
             old-gc-behavior privatekey-annotations privatekey-labels rate-limit rate-limit-burst read-timeout \
             write-timeout rotate-period skip-recreate update-status version watch-for-secrets"
            .split_whitespace()
        {
            assert!(ours.contains(&name), "{name}");
        }
    }

    #[test]
    fn a_parse_error_comes_after_the_usage() {
        let text = refusal(&[], &["--key-renew-period", "30d"]);
        assert!(text.starts_with("Usage of controller:\n"), "{text}");
        assert!(
            text.ends_with(
                "\ninvalid argument \"30d\" for \"--key-renew-period\" flag: time: unknown unit \"d\" in duration \"30d\"\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn a_bad_variable_is_refused_by_name_instead_of_becoming_zero() {
        let text = refusal(&[("SEALED_SECRETS_ALL_NAMESPACES", "flase")], &[]);
        assert!(
            text.contains("SEALED_SECRETS_ALL_NAMESPACES") && text.contains("\"flase\""),
            "{text}"
        );
        let overruled = run(
            &[("SEALED_SECRETS_ALL_NAMESPACES", "flase")],
            &["--all-namespaces"],
        );
        assert!(matches!(overruled, Command::Run(_)), "{overruled:?}");
    }

    #[test]
    fn the_deprecated_flag_sets_the_period_and_is_noticed() {
        let Command::Run(config) = run(&[], &["--rotate-period=1h"]) else {
            panic!("refused");
        };
        assert_eq!(
            config.keys.renew_period,
            Some(jiff::SignedDuration::from_hours(1))
        );
        assert_eq!(
            config.notices,
            ["Flag --rotate-period has been deprecated, please use key-renew-period instead"]
        );
    }
}
