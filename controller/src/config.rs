//! What the command line and the environment mean: validated once, at start, into types.
//!
//! Upstream finds a bad value when it first uses it (a panic at the next renewal, a division by zero at the first request) or
//! turns it into zero. Here the process does not start, and says which flag or variable it is and what it takes.

mod address;
mod objects;
mod pairs;
mod reader;
mod selector;

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use sealed_custody::Recipients;
use sealed_pflag::Matches;

pub use address::ListenAddress;
use objects::objects;
pub use objects::{Namespaces, ObjectConfig, Rehearse};
pub use reader::ConfigFaults;

use crate::http::{Quota, Timeouts};
use crate::logging::{LogConfig, LogFormat, LogLevel};
use reader::Reader;
use sealed_api::dns1123;

/// Sizes that aws-lc generates; every RSA operation of this program runs there.
const KEY_SIZES: [i64; 4] = [2048, 3072, 4096, 8192];

/// Kubernetes appends five characters to the prefix, and the name has to stay within 253.
const MAX_KEY_PREFIX: usize = 245;

/// Flags that only a cluster gives a meaning: with `--local` they would silently do nothing.
const CLUSTER_ONLY: [&str; 18] = [
    "additional-namespaces",
    "all-namespaces",
    "drift",
    "kubeclient-burst",
    "kubeclient-qps",
    "label-selector",
    "leader-elect",
    "lease-name",
    "max-startup-changes",
    "max-unseal-retries",
    "observe",
    "old-gc-behavior",
    "publish-certificates",
    "retain-deleted",
    "retain-deleted-max-per-minute",
    "skip-recreate",
    "update-status",
    "watch-for-secrets",
];

/// Everything the flags decide.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Lines for stderr, such as the use of a deprecated flag.
    pub notices: Vec<String>,
    /// Arguments that are no flags: ignored, as upstream does, but worth a warning (`--update-status false` is one).
    pub stray_arguments: Vec<String>,
    /// How the process logs.
    pub log: LogConfig,
    /// The HTTP API and the metrics.
    pub http: HttpConfig,
    /// The sealing keys.
    pub keys: KeyConfig,
    /// Which SealedSecrets are handled and how.
    pub objects: ObjectConfig,
    /// How the API server is talked to.
    pub client: ClientConfig,
    /// How replicas elect a leader; `None` when each does everything.
    pub election: Option<ElectionConfig>,
    /// Standalone mode; `None` is a cluster.
    pub local: Option<LocalConfig>,
}

/// The two listeners.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpConfig {
    /// The HTTP API.
    pub listen: ListenAddress,
    /// The metrics.
    pub listen_metrics: ListenAddress,
    /// The Secret with the certificate of the HTTP API; `None` is plain HTTP.
    pub tls_secret: Option<String>,
    /// The Secret with the certificate of the metrics; `None` is plain HTTP.
    pub metrics_tls_secret: Option<String>,
    /// Of every connection.
    pub timeouts: Timeouts,
    /// Of verify and rotate.
    pub quota: Quota,
    /// Whether the metric that names every object is left out.
    pub omit_secret_labels: bool,
}

/// What makes a key the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOrderPriority {
    /// `notBefore` of its certificate.
    CertNotBefore,
    /// The creation time of its Secret.
    SecretCreationTimestamp,
}

/// How sealing keys are made and chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyConfig {
    /// Start of the names of key Secrets, and the whole name of the legacy one.
    pub prefix: String,
    /// Bits of a new key.
    pub bits: u32,
    /// Validity of a new certificate.
    pub ttl: SignedDuration,
    /// Time between two new keys; `None` when renewal is off.
    pub renew_period: Option<SignedDuration>,
    /// A newest key older than this is replaced at start.
    pub cutoff: Option<Timestamp>,
    /// What makes a key the newest.
    pub order: KeyOrderPriority,
    /// Common name of a new certificate; empty for none.
    pub common_name: String,
    /// Labels of a new key Secret, besides the one that makes it a sealing key.
    pub labels: BTreeMap<String, String>,
    /// Annotations of a new key Secret.
    pub annotations: BTreeMap<String, String>,
    /// Whether a start that finds no key makes one.
    pub auto_first_key: bool,
    /// Whether a SealedSecret may become a sealing key.
    pub allow_sealed: bool,
    /// Whom every new key is encrypted to before it is used.
    pub escrow: Option<Recipients>,
    /// How long the newest key may be without a backup before that is told; `None` for ever.
    pub backup_reminder: Option<SignedDuration>,
    /// The ConfigMap that offers the certificate.
    pub publish: Option<String>,
}

/// A client-side limit of requests to the API server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClientRate {
    /// Requests per second, more than 0.
    pub per_second: f64,
    /// Requests that may go out at once.
    pub burst: u32,
}

/// How the API server is talked to.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientConfig {
    /// `None` leaves the rate to the API server's own fairness.
    pub rate: Option<ClientRate>,
}

/// How replicas elect a leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElectionConfig {
    /// Name of the Lease, in the controller's namespace.
    pub lease: String,
}

/// Standalone mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalConfig {
    /// The directory with `keys`, `sealed` and `secrets`.
    pub directory: PathBuf,
    /// Settle everything once and exit.
    pub once: bool,
}

impl Config {
    /// Validates what was parsed. Every fault is reported, not only the first.
    pub fn resolve(matches: &Matches) -> Result<Self, ConfigFaults> {
        let mut read = Reader::new(matches);
        let local = local(&mut read);
        let config = Self {
            notices: matches.notices().to_vec(),
            stray_arguments: matches.positionals().to_vec(),
            log: log(&mut read),
            http: http(&mut read, local.is_some()),
            keys: keys(&mut read),
            objects: objects(&mut read),
            client: client(&mut read),
            election: election(&mut read),
            local,
        };
        read.finish(config)
    }
}

/// Upstream takes what it cannot read for the default. A misspelt level would then hide what is asked for.
fn log(read: &mut Reader<'_>) -> LogConfig {
    let format = match read.matches.text("log-format") {
        "json" => LogFormat::Json,
        // A chart whose value is empty still sets the flag.
        "text" | "" => LogFormat::Text,
        _ => {
            read.fault("log-format", "must be text or json");
            LogFormat::Text
        }
    };
    let level = match read.matches.text("log-level") {
        "" => LogLevel::INFO,
        text => text.parse().unwrap_or_else(|why| {
            read.fault("log-level", why);
            LogLevel::INFO
        }),
    };
    LogConfig {
        format,
        level,
        info_to_stdout: read.matches.bool("log-info-stdout"),
    }
}

fn local(read: &mut Reader<'_>) -> Option<LocalConfig> {
    let directory = read.matches.text("local");
    let once = read.matches.bool("once");
    if !read.matches.is_set("local") {
        if once {
            read.fault("once", "needs --local DIR");
        }
        return None;
    }
    if directory.is_empty() {
        read.fault("local", "must name a directory");
    }
    for flag in CLUSTER_ONLY {
        if read.matches.is_set(flag) {
            read.fault(flag, "has no meaning with --local");
        }
    }
    Some(LocalConfig {
        directory: PathBuf::from(directory),
        once,
    })
}

fn http(read: &mut Reader<'_>, local: bool) -> HttpConfig {
    // A person's own machine is not a pod: nobody else is to reach keys in a test directory unless asked to.
    let mut address = |flag: &str| {
        let address: ListenAddress = read.parsed(flag);
        if local && !read.matches.is_set(flag) {
            address.on_loopback()
        } else {
            address
        }
    };
    let (listen, listen_metrics) = (address("listen-addr"), address("listen-metrics-addr"));
    HttpConfig {
        listen,
        listen_metrics,
        tls_secret: secret_name(read, "tls-secret"),
        metrics_tls_secret: secret_name(read, "metrics-tls-secret"),
        timeouts: Timeouts {
            read: read.timeout("read-timeout"),
            write: read.timeout("write-timeout"),
        },
        quota: Quota {
            rate: read.within("rate-limit", 1, 1_000_000_000),
            burst: read.within("rate-limit-burst", 0, 1_000_000_000),
        },
        omit_secret_labels: read.matches.bool("metrics-omit-secret-labels"),
    }
}

fn secret_name(read: &mut Reader<'_>, flag: &str) -> Option<String> {
    let name = read.non_empty(flag)?;
    if !dns1123::is_subdomain(&name) {
        read.fault(flag, "must be the name of a Secret");
    }
    Some(name)
}

fn keys(read: &mut Reader<'_>) -> KeyConfig {
    let matches = read.matches;
    let bits = matches.int("key-size");
    if !KEY_SIZES.contains(&bits) {
        read.fault("key-size", "must be 2048, 3072, 4096 or 8192");
    }
    let ttl = read.duration("key-ttl");
    if !ttl.is_positive() {
        read.fault(
            "key-ttl",
            "must be longer than 0, or no certificate could be used",
        );
    }
    let period = read.duration("key-renew-period");
    if period.is_negative() {
        read.fault("key-renew-period", "must not be negative; 0 stops renewal");
    }
    let mut labels = read.pairs("privatekey-labels");
    pairs::check_labels(&labels).unwrap_or_else(|fault| read.fault("privatekey-labels", fault));
    // Upstream's rule: this label cannot be taken away from a new key.
    labels.remove(sealed_api::names::labels::SEALING_KEY);
    let annotations = read.pairs("privatekey-annotations");
    pairs::check_keys(&annotations)
        .and_then(|()| pairs::check_not_ours(&annotations))
        .unwrap_or_else(|fault| read.fault("privatekey-annotations", fault));
    let reminder = read.duration("backup-reminder");
    if reminder.is_negative() {
        read.fault("backup-reminder", "must not be negative; 0 stops reminders");
    }
    let escrow = Recipients::parse(matches.list("escrow-recipient")).unwrap_or_else(|fault| {
        read.fault_without_value("escrow-recipient", fault);
        None
    });
    KeyConfig {
        prefix: key_prefix(read),
        bits: u32::try_from(bits).unwrap_or_default(),
        ttl,
        renew_period: period.is_positive().then_some(period),
        cutoff: cutoff(read),
        order: key_order(read),
        common_name: matches.text("my-cn").to_owned(),
        labels,
        annotations,
        auto_first_key: matches.bool("auto-first-key"),
        allow_sealed: matches.bool("allow-sealed-keys"),
        escrow,
        backup_reminder: reminder.is_positive().then_some(reminder),
        publish: publish(read),
    }
}

fn publish(read: &mut Reader<'_>) -> Option<String> {
    let name = read.non_empty("publish-certificates")?;
    if !dns1123::is_subdomain(&name) {
        read.fault("publish-certificates", "must be the name of a ConfigMap");
    }
    Some(name)
}

fn key_prefix(read: &mut Reader<'_>) -> String {
    let prefix = read.matches.text("key-prefix");
    let illegal = |c: &char| !matches!(c, 'a'..='z' | '0'..='9' | '-');
    if let Some(c) = prefix.chars().find(illegal) {
        read.fault("key-prefix", format!("name contains illegal character {c}"));
    } else if prefix.len() > MAX_KEY_PREFIX {
        let length = prefix.len();
        read.fault(
            "key-prefix",
            format!("name is too long, must be shorter than {MAX_KEY_PREFIX}, got {length}"),
        );
    } else if !prefix.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        read.fault("key-prefix", "must start with a letter or digit");
    }
    prefix.to_owned()
}

fn cutoff(read: &mut Reader<'_>) -> Option<Timestamp> {
    let text = read.non_empty("key-cutoff-time")?;
    // Go does not check the weekday against the date either.
    let parsed = jiff::fmt::rfc2822::DateTimeParser::new()
        .relaxed_weekday(true)
        .parse_timestamp(&text);
    if parsed.is_err() {
        read.fault(
            "key-cutoff-time",
            "must be a time such as Mon, 14 Oct 2024 21:45:30 +0200",
        );
    }
    parsed.ok()
}

fn key_order(read: &mut Reader<'_>) -> KeyOrderPriority {
    match read.matches.text("key-order-priority") {
        "CertNotBefore" => KeyOrderPriority::CertNotBefore,
        "SecretCreationTimestamp" => KeyOrderPriority::SecretCreationTimestamp,
        _ => {
            read.fault(
                "key-order-priority",
                "must be CertNotBefore or SecretCreationTimestamp",
            );
            KeyOrderPriority::CertNotBefore
        }
    }
}

fn client(read: &mut Reader<'_>) -> ClientConfig {
    let rate = f64::from(read.matches.float32("kubeclient-qps"));
    let burst = read.matches.int("kubeclient-burst");
    if rate.is_nan() {
        read.fault("kubeclient-qps", "must be a number");
    }
    if rate > 0.0 && burst <= 0 {
        read.fault(
            "kubeclient-burst",
            "must be more than 0 when --kubeclient-qps is",
        );
    }
    let rate = if rate > 0.0 && rate.is_finite() {
        Some(ClientRate {
            per_second: rate,
            burst: u32::try_from(burst.max(1)).unwrap_or(u32::MAX),
        })
    } else {
        // What the Go client library makes of 0.
        (rate == 0.0).then_some(ClientRate {
            per_second: 5.0,
            burst: 10,
        })
    };
    ClientConfig { rate }
}

fn election(read: &mut Reader<'_>) -> Option<ElectionConfig> {
    let lease = read.matches.text("lease-name");
    if !dns1123::is_subdomain(lease) {
        read.fault(
            "lease-name",
            "must be a name of lower-case letters, digits, '-' and '.'",
        );
    }
    read.matches.bool("leader-elect").then(|| ElectionConfig {
        lease: lease.to_owned(),
    })
}

#[cfg(test)]
mod tests;
