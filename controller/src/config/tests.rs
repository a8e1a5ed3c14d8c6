//! The flags of compat §8.1 and what their values become.

use std::time::Duration;

use super::*;
use crate::args::table;
use crate::drift::DriftRule;

fn resolve(arguments: &[&str]) -> Result<Config, ConfigFaults> {
    resolve_with(&[], arguments)
}

fn resolve_with(environment: &[(&str, &str)], arguments: &[&str]) -> Result<Config, ConfigFaults> {
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let arguments = arguments.iter().map(|argument| (*argument).to_owned());
    Config::resolve(&table().parse(environment, arguments).unwrap())
}

fn config(arguments: &[&str]) -> Config {
    resolve(arguments).unwrap_or_else(|faults| panic!("{arguments:?}: {faults}"))
}

#[test]
fn defaults_are_upstreams() {
    let config = config(&[]);
    assert_eq!(config.log, LogConfig::default());
    assert_eq!(config.http.listen.to_string(), ":8080");
    assert_eq!(config.http.listen_metrics.to_string(), ":8081");
    assert_eq!(config.http.quota, Quota { rate: 2, burst: 2 });
    let two_minutes = Some(Duration::from_mins(2));
    assert_eq!(config.http.timeouts.read, two_minutes);
    assert_eq!(config.http.timeouts.write, two_minutes);
    assert_eq!(
        config.keys,
        KeyConfig {
            prefix: "sealed-secrets-key".to_owned(),
            bits: 4096,
            ttl: SignedDuration::from_hours(87_600),
            renew_period: Some(SignedDuration::from_hours(720)),
            cutoff: None,
            order: KeyOrderPriority::CertNotBefore,
            common_name: String::new(),
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            auto_first_key: true,
            allow_sealed: false,
            escrow: None,
            backup_reminder: Some(SignedDuration::from_hours(24)),
            publish: None,
        }
    );
    assert_eq!(
        config.objects,
        ObjectConfig {
            accept_v1_data: true,
            namespaces: Namespaces::All,
            label_selector: None,
            retain: None,
            rehearse: Rehearse::No,
            drift: DriftRule::Report,
            max_unseal_retries: 5,
            old_gc_behavior: false,
            skip_recreate: false,
            update_status: true,
        }
    );
    assert_eq!((config.client.rate, config.local), (None, None));
}

#[test]
fn a_bad_value_is_refused_with_flag_value_and_form() {
    for (flag, value, form) in [
        ("key-size", "2560", "must be 2048, 3072, 4096 or 8192"),
        ("key-size", "1024", "must be 2048, 3072, 4096 or 8192"),
        ("key-ttl", "0", "must be longer than 0"),
        ("key-ttl", "-1h", "must be longer than 0"),
        ("key-renew-period", "-1h", "0 stops renewal"),
        ("key-cutoff-time", "yesterday", "must be a time such as"),
        (
            "key-order-priority",
            "Newest",
            "CertNotBefore or SecretCreationTimestamp",
        ),
        ("key-prefix", "Keys", "name contains illegal character K"),
        ("key-prefix", "", "must start with a letter or digit"),
        (
            "privatekey-labels",
            "a=1,",
            "comma-separated list of key=value",
        ),
        (
            "privatekey-labels",
            "a=b c",
            "cannot be the value of the label `a`",
        ),
        (
            "privatekey-annotations",
            "a b=c",
            "cannot be the key of a label or annotation",
        ),
        (
            "privatekey-annotations",
            "seal-tool/renew=x",
            "has a meaning of its own",
        ),
        ("backup-reminder", "-1h", "0 stops reminders"),
        (
            "publish-certificates",
            "a/b",
            "must be the name of a ConfigMap",
        ),
        ("additional-namespaces", "a,B", "list of namespace names"),
        (
            "additional-namespaces",
            "../kube-system",
            "list of namespace names",
        ),
        ("listen-addr", "8080", "must be an address such as :8080"),
        (
            "listen-metrics-addr",
            ":metrics",
            "must be an address such as :8080",
        ),
        ("rate-limit", "0", "must be a number from 1 to"),
        ("rate-limit", "1000000001", "must be a number from 1 to"),
        ("rate-limit-burst", "-1", "must be a number from 0 to"),
        ("kubeclient-qps", "nan", "must be a number"),
        ("local", "", "must name a directory"),
        ("tls-secret", "../key", "must be the name of a Secret"),
        ("metrics-tls-secret", "a/b", "must be the name of a Secret"),
    ] {
        let text = resolve(&[&format!("--{flag}={value}")])
            .unwrap_err()
            .to_string();
        let start = if value == "0" || value.contains('h') {
            "error: invalid value".to_owned()
        } else {
            format!(
                "error: invalid value {} of flag --{flag}: ",
                sealed_pflag::quote(value)
            )
        };
        assert!(
            text.to_lowercase().starts_with(&start.to_lowercase()) && text.contains(form),
            "{text}"
        );
    }
    let long = "a".repeat(246);
    assert_eq!(
        resolve(&["--key-prefix", &long]).unwrap_err().to_string(),
        format!(
            "error: invalid value \"{long}\" of flag --key-prefix: name is too long, must be shorter than 245, got 246"
        )
    );
}

#[test]
fn a_bad_variable_is_named_as_such_and_every_fault_is_told() {
    let faults =
        resolve_with(&[("SEALED_SECRETS_RATE_LIMIT", "0")], &["--key-size=1"]).unwrap_err();
    assert_eq!(
        faults.to_string(),
        "error: invalid value \"0\" of environment variable SEALED_SECRETS_RATE_LIMIT: must be a number from 1 to 1000000000\n\
         error: invalid value \"1\" of flag --key-size: must be 2048, 3072, 4096 or 8192"
    );
}

#[test]
fn the_cutoff_time_is_gos_rfc1123z() {
    let cutoff = config(&["--key-cutoff-time", "Mon, 14 Oct 2024 21:45:30 +0200"])
        .keys
        .cutoff;
    assert_eq!(cutoff, Some("2024-10-14T19:45:30Z".parse().unwrap()));
    let wrong_weekday = config(&["--key-cutoff-time", "Tue, 14 Oct 2024 21:45:30 +0200"])
        .keys
        .cutoff;
    assert_eq!(wrong_weekday, cutoff);
}

/// Each accepted or refused as Go's `time.Parse(time.RFC1123Z, …)` does.
#[test]
fn a_cutoff_is_read_as_go_reads_it() {
    let cutoff =
        |text: &str| resolve(&["--key-cutoff-time", text]).map(|config| config.keys.cutoff);
    for (text, instant) in [
        ("Mon, 14 Oct 2024 21:45:30 -0700", "2024-10-15T04:45:30Z"),
        ("Mon, 14 Oct 2024 21:45:30 -0000", "2024-10-14T21:45:30Z"),
        ("mon, 14 oct 2024 21:45:30 +0000", "2024-10-14T21:45:30Z"),
        ("Thu, 29 Feb 2024 00:00:00 +0000", "2024-02-29T00:00:00Z"),
    ] {
        assert_eq!(cutoff(text), Ok(Some(instant.parse().unwrap())), "{text}");
    }
    for text in [
        "2024-10-14T21:45:30Z",
        "Mon, 14 Oct 2024 21:45:30",
        "Thu, 29 Feb 2023 00:00:00 +0000",
        "Mon, 14 Oct 2024 24:00:00 +0000",
        "14.10.2024",
    ] {
        assert!(cutoff(text).is_err(), "{text}");
    }
    assert_eq!(cutoff(""), Ok(None));
}

#[test]
fn escrow_recipients_are_repeated_or_listed_and_never_repeated_in_an_error() {
    let [a, b] = [(); 2].map(|()| age::x25519::Identity::generate().to_public().to_string());
    let count = |arguments: &[&str]| config(arguments).keys.escrow.map(|all| all.count());
    let (listed, flag_a, flag_b) = (
        format!("--escrow-recipient={a},{b}"),
        format!("--escrow-recipient={a}"),
        format!("--escrow-recipient={b}"),
    );
    assert_eq!(count(&[&listed]), Some(2));
    assert_eq!(count(&[&flag_a, &flag_b]), Some(2));
    assert_eq!(count(&[]), None);
    let text = resolve(&["--escrow-recipient=AGE-SECRET-KEY-1QQQ"])
        .unwrap_err()
        .to_string();
    assert!(
        text.starts_with("error: invalid value of flag --escrow-recipient: "),
        "{text}"
    );
    assert!(!text.contains("QQQ"), "{text}");
}

#[test]
fn labels_and_annotations_of_new_keys() {
    let keys = config(&[
        "--privatekey-labels=team=a,sealedsecrets.bitnami.com/sealed-secrets-key=off",
        "--privatekey-annotations=note=c=d",
    ])
    .keys;
    assert_eq!(
        keys.labels,
        BTreeMap::from([("team".to_owned(), "a".to_owned())])
    );
    assert_eq!(
        keys.annotations,
        BTreeMap::from([("note".to_owned(), "c".to_owned())])
    );
}

#[test]
fn zero_switches_renewal_and_timeouts_off() {
    let config = config(&[
        "--key-renew-period=0",
        "--read-timeout=0",
        "--write-timeout=-1s",
    ]);
    assert_eq!(config.keys.renew_period, None);
    assert_eq!(
        (config.http.timeouts.read, config.http.timeouts.write),
        (None, None)
    );
}

#[test]
fn namespaces_are_trimmed_and_deduplicated_and_win_over_all() {
    let namespaces = |arguments: &[&str]| config(arguments).objects.namespaces;
    assert_eq!(
        namespaces(&["--additional-namespaces", "a, b,,a , b"]),
        Namespaces::OwnAnd(vec!["a".to_owned(), "b".to_owned()])
    );
    assert_eq!(
        namespaces(&["--all-namespaces=false"]),
        Namespaces::OwnAnd(Vec::new())
    );
}

#[test]
fn the_client_rate_follows_the_go_library() {
    let rate = |arguments: &[&str]| {
        config(arguments)
            .client
            .rate
            .map(|r| (r.per_second, r.burst))
    };
    assert_eq!(rate(&["--kubeclient-qps=-1"]), None);
    assert_eq!(
        rate(&["--kubeclient-qps=0", "--kubeclient-burst=99"]),
        Some((5.0, 10))
    );
    assert_eq!(
        rate(&["--kubeclient-qps=2.5", "--kubeclient-burst=4"]),
        Some((2.5, 4))
    );
    assert!(resolve(&["--kubeclient-qps=1", "--kubeclient-burst=0"]).is_err());
}

#[test]
fn standalone_mode_listens_on_loopback_unless_told_otherwise() {
    let local = config(&["--local", "/d", "--listen-metrics-addr=:9"]);
    assert_eq!(local.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(local.http.listen_metrics.to_string(), ":9");
    assert_eq!(
        local.local,
        Some(LocalConfig {
            directory: "/d".into(),
            once: false,
        })
    );
}

#[test]
fn flags_that_would_do_nothing_are_refused() {
    let text = resolve(&["--local=/d", "--label-selector=a=b", "--update-status"])
        .unwrap_err()
        .to_string();
    assert_eq!(
        text,
        "error: invalid value \"a=b\" of flag --label-selector: has no meaning with --local\n\
         error: invalid value \"true\" of flag --update-status: has no meaning with --local"
    );
    let text = resolve(&["--once"]).unwrap_err().to_string();
    assert!(text.contains("--once: needs --local DIR"), "{text}");
}

#[test]
fn what_upstream_takes_for_a_default_is_taken_for_it() {
    let config = config(&[
        "--log-level=",
        "--log-format=",
        "stray",
        "--max-unseal-retries=-3",
    ]);
    assert_eq!(config.log, LogConfig::default());
    assert_eq!(config.stray_arguments, ["stray"]);
    assert_eq!(config.objects.max_unseal_retries, 0);
}

#[test]
fn a_log_that_nobody_can_mean_is_refused() {
    let text = resolve(&["--log-level=verbose", "--log-format=xml"])
        .unwrap_err()
        .to_string();
    assert_eq!(
        text,
        "error: invalid value \"xml\" of flag --log-format: must be text or json\n\
         error: invalid value \"verbose\" of flag --log-level: not a log level: DEBUG, INFO, WARN or ERROR, \
         optionally followed by +N or -N"
    );
}

#[test]
fn replicas_elect_a_leader_unless_told_otherwise() {
    let lease = |arguments: &[&str]| config(arguments).election.map(|election| election.lease);
    assert_eq!(lease(&[]).as_deref(), Some("sealed-secrets-controller"));
    assert_eq!(lease(&["--lease-name=a.b"]).as_deref(), Some("a.b"));
    assert_eq!(lease(&["--leader-elect=false"]), None);
    let fault = resolve(&["--lease-name=a/b"]).unwrap_err().to_string();
    assert!(fault.contains("--lease-name"), "{fault}");
}
