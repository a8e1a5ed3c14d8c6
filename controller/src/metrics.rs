//! The metrics of compat §7: upstream's names, help texts, labels and buckets, so that existing dashboards and alerts keep working.
//!
//! Differences, each on purpose:
//! * `build_info` is 1, as every `_info` metric is; upstream never sets it.
//! * A series of `condition_info` disappears when its object loses the condition, changes its instance label or is
//!   deleted; upstream leaves stale series behind.
//! * Of the conditions only `Synced`, `Drifted` and those of other programs are shown. Ours beside it say the same thing again, and the
//!   shipped alert fires on every series that is not 1.
//! * `sealed_secrets_controller_rsa_decryptions_total` is ours: private-key operations are what the controller's time
//!   goes into, and wrong guesses among many keys show nowhere else.
//! * Those of the keys ([`KeysShown`]) are ours: nobody can seal for a controller without a certificate, nothing that was
//!   sealed opens after a lost key, and nothing else would tell in time.
//! * `sealed_secrets_controller_sealed_items_by_key` is ours: a key that nothing is sealed for any more can be retired.
//! * `sealed_secrets_controller_leader` is ours: which of several replicas does the work.
//! * `sealed_secrets_controller_drift_total` is ours, and `condition_info` has a series `Drifted` with the value 1 while the
//!   Secret of an object holds what somebody has edited into it.
//! * `sealed_secrets_controller_foreseen_objects` is ours, and there only with `--observe` or `--max-startup-changes`.
//! * What the process is doing shows in series of ours: passes and requests to the API server ([`activity`]), watches
//!   ([`watches`]), the queue and the threads ([`load`]).
//! * The Go runtime's series have no counterpart here; the process collector's `process_*` series are there.

mod activity;
mod conditions;
#[cfg(test)]
mod documented;
mod keys;
mod load;
mod sealed_items;
mod watches;

use std::collections::BTreeMap;

use prometheus::{
    Encoder, Gauge, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry, TextEncoder,
};
use sealed_api::Condition;
use sealed_api::names::metrics as names;
use sealed_crypto::Fingerprint;

use activity::Activity;
use conditions::ConditionInfo;
use keys::KeyGauges;
pub use keys::KeysShown;
use load::Load;
use sealed_items::SealedItems;
pub(crate) use watches::WatchSeries;
use watches::Watches;

use crate::object_key::ObjectKey;
use crate::plan::Noticed;

/// Why a pass over a SealedSecret failed: the label `reason` of `unseal_errors_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureReason {
    /// The object could not be read.
    Fetch,
    /// The status could not be written.
    Status,
    /// The target Secret belongs to somebody else.
    Unmanaged,
    /// The object does not open.
    Unseal,
    /// The Secret could not be read or written.
    Update,
}

impl FailureReason {
    fn as_str(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Status => "status",
            Self::Unmanaged => "unmanaged",
            Self::Unseal => "unseal",
            Self::Update => "update",
        }
    }
}

/// Every metric of the process, and their registry.
pub struct Metrics {
    registry: Registry,
    unseal_requests: IntCounter,
    unseal_errors: IntCounterVec,
    conditions: Option<ConditionInfo>,
    http_requests: IntCounterVec,
    http_duration: HistogramVec,
    rsa_decryptions: IntCounter,
    keys: KeyGauges,
    drift: IntCounterVec,
    foreseen: IntGaugeVec,
    leader: IntGauge,
    sealed_items: SealedItems,
    activity: Activity,
    load: Load,
    watches: Watches,
}

impl Metrics {
    /// Registers everything. `version` becomes the label `revision`; with `omit_secret_labels` no series names an object.
    pub fn new(version: &str, omit_secret_labels: bool) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let build_info = Gauge::with_opts(
            Opts::new(names::BUILD_INFO, "Build information.").const_label("revision", version),
        )?;
        build_info.set(1.0);
        registry.register(Box::new(build_info))?;
        let metrics = Self {
            unseal_requests: IntCounter::with_opts(Opts::new(
                names::UNSEAL_REQUESTS,
                "Total number of sealed secret unseal requests",
            ))?,
            unseal_errors: IntCounterVec::new(
                Opts::new(
                    names::UNSEAL_ERRORS,
                    "Total number of sealed secret unseal errors by reason",
                ),
                &["reason", "namespace"],
            )?,
            conditions: if omit_secret_labels {
                None
            } else {
                Some(ConditionInfo::register(&registry)?)
            },
            http_requests: IntCounterVec::new(
                Opts::new(
                    names::HTTP_REQUESTS,
                    "A counter for requests to the wrapped handler.",
                ),
                &["path", "code", "method"],
            )?,
            http_duration: HistogramVec::new(
                HistogramOpts::from(Opts::new(
                    names::HTTP_DURATION,
                    "A histogram of latencies for requests.",
                )),
                &["path", "method"],
            )?,
            rsa_decryptions: IntCounter::with_opts(Opts::new(
                names::RSA_DECRYPTIONS,
                "Total number of RSA private-key decryptions, wrong keys included.",
            ))?,
            keys: KeyGauges::register(&registry)?,
            foreseen: IntGaugeVec::new(
                Opts::new(
                    names::FORESEEN,
                    "Number of SealedSecrets by what would become of them, while nothing is written.",
                ),
                &["verdict"],
            )?,
            drift: IntCounterVec::new(
                Opts::new(
                    names::DRIFT,
                    "Total number of hand edits of Secrets by what was done about them.",
                ),
                &["namespace", "action"],
            )?,
            leader: IntGauge::with_opts(Opts::new(
                names::LEADER,
                "Whether this process reconciles and makes keys: 1, or 0 while another replica does.",
            ))?,
            sealed_items: SealedItems::register(&registry)?,
            activity: Activity::register(&registry)?,
            load: Load::register(&registry)?,
            watches: Watches::register(&registry)?,
            registry,
        };
        let registry = &metrics.registry;
        registry.register(Box::new(metrics.unseal_requests.clone()))?;
        registry.register(Box::new(metrics.unseal_errors.clone()))?;
        registry.register(Box::new(metrics.http_requests.clone()))?;
        registry.register(Box::new(metrics.http_duration.clone()))?;
        registry.register(Box::new(metrics.rsa_decryptions.clone()))?;
        registry.register(Box::new(metrics.drift.clone()))?;
        registry.register(Box::new(metrics.foreseen.clone()))?;
        registry.register(Box::new(metrics.leader.clone()))?;
        #[cfg(target_os = "linux")]
        registry.register(Box::new(
            prometheus::process_collector::ProcessCollector::for_self(),
        ))?;
        Ok(metrics)
    }

    /// Counts one pass over the body of a SealedSecret, retries included. Passes that memory alone settles are not counted,
    /// deletions only with `--old-gc-behavior`.
    pub fn unseal_requested(&self) {
        self.unseal_requests.inc();
    }

    /// Counts one failed pass.
    pub fn unseal_failed(&self, reason: FailureReason, namespace: &str) {
        self.unseal_errors
            .with_label_values(&[reason.as_str(), namespace])
            .inc();
    }

    /// Counts private-key operations, whether they opened anything or not.
    pub fn rsa_decryptions(&self, trials: u32) {
        self.rsa_decryptions.inc_by(u64::from(trials));
    }

    /// Counts one hand edit of a Secret.
    pub fn drift_found(&self, namespace: &str, noticed: &Noticed) {
        let action = match noticed {
            Noticed::Reported => "reported",
            Noticed::Repaired(_) => "repaired",
        };
        self.drift.with_label_values(&[namespace, action]).inc();
    }

    /// Shows how many objects there are of each verdict.
    pub fn foreseen(&self, counts: &[(&'static str, usize)]) {
        for (verdict, count) in counts {
            self.foreseen
                .with_label_values(&[*verdict])
                .set(i64::try_from(*count).unwrap_or(i64::MAX));
        }
    }

    /// Shows which keys there are.
    pub fn keys_observed(&self, keys: &KeysShown) {
        self.keys.show(keys);
    }

    /// Shows whether this process leads.
    pub fn leading(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    /// Shows nothing of any object: another process leads, and shows them.
    pub fn objects_unwatched(&self) {
        if let Some(info) = &self.conditions {
            info.clear();
        }
        self.load.forget_queue();
        self.sealed_items.observed(&BTreeMap::new());
    }

    /// Shows how many sealed values each key opened.
    pub fn sealed_items(&self, by_key: &BTreeMap<Fingerprint, u64>) {
        self.sealed_items.observed(by_key);
    }

    /// Shows exactly these conditions of one object. `instance` is its label `app.kubernetes.io/instance`, or empty.
    pub fn conditions_observed(&self, key: &ObjectKey, instance: &str, conditions: &[Condition]) {
        if let Some(info) = &self.conditions {
            info.observed(key, instance, conditions);
        }
    }

    /// Drops every series of an object that is gone.
    pub fn object_gone(&self, key: &ObjectKey) {
        if let Some(info) = &self.conditions {
            info.gone(key);
        }
    }

    /// Counts one answered HTTP request.
    pub fn http_answered(
        &self,
        path: &str,
        method: &http::Method,
        code: http::StatusCode,
        seconds: f64,
    ) {
        let method = method_label(method);
        self.http_requests
            .with_label_values(&[path, code.as_str(), method])
            .inc();
        self.http_duration
            .with_label_values(&[path, method])
            .observe(seconds);
    }

    /// All series in Prometheus' text format 0.0.4.
    pub fn to_text(&self) -> Result<Vec<u8>, prometheus::Error> {
        self.load.refresh();
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

/// The method in lower case; anything a client made up is `unknown`, or it could grow the series without end.
fn method_label(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "get",
        "PUT" => "put",
        "HEAD" => "head",
        "POST" => "post",
        "DELETE" => "delete",
        "CONNECT" => "connect",
        "OPTIONS" => "options",
        "NOTIFY" => "notify",
        "TRACE" => "trace",
        "PATCH" => "patch",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use http::{Method, StatusCode};
    use jiff::Timestamp;

    use super::*;
    use crate::key_marks::Backups;

    fn metrics() -> Metrics {
        Metrics::new("v1.2.3", false).unwrap()
    }

    /// The lines that start with our prefix.
    fn ours(metrics: &Metrics) -> Vec<String> {
        String::from_utf8(metrics.to_text().unwrap())
            .unwrap()
            .lines()
            .filter(|line| line.contains("sealed_secrets_controller_"))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn at_start_only_the_label_free_series_exist() {
        assert_eq!(
            ours(&metrics()),
            [
                "# HELP sealed_secrets_controller_build_info Build information.",
                "# TYPE sealed_secrets_controller_build_info gauge",
                "sealed_secrets_controller_build_info{revision=\"v1.2.3\"} 1",
                "# HELP sealed_secrets_controller_certificate_expiry_timestamp_seconds When the certificate offered for sealing ends, in seconds since 1970; 0 when none is offered.",
                "# TYPE sealed_secrets_controller_certificate_expiry_timestamp_seconds gauge",
                "sealed_secrets_controller_certificate_expiry_timestamp_seconds 0",
                "# HELP sealed_secrets_controller_current_key_timestamp_seconds When the key offered for sealing came into use, in seconds since 1970; 0 when none is offered.",
                "# TYPE sealed_secrets_controller_current_key_timestamp_seconds gauge",
                "sealed_secrets_controller_current_key_timestamp_seconds 0",
                "# HELP sealed_secrets_controller_keys_without_backup Number of keys in use that no backup is known of.",
                "# TYPE sealed_secrets_controller_keys_without_backup gauge",
                "sealed_secrets_controller_keys_without_backup 0",
                "# HELP sealed_secrets_controller_leader Whether this process reconciles and makes keys: 1, or 0 while another replica does.",
                "# TYPE sealed_secrets_controller_leader gauge",
                "sealed_secrets_controller_leader 0",
                "# HELP sealed_secrets_controller_newest_key_backup_timestamp_seconds When the newest key was last backed up, in seconds since 1970; 0 when no backup is known.",
                "# TYPE sealed_secrets_controller_newest_key_backup_timestamp_seconds gauge",
                "sealed_secrets_controller_newest_key_backup_timestamp_seconds 0",
                "# HELP sealed_secrets_controller_oldest_key_without_backup_timestamp_seconds When the oldest key came into use that no backup is known of, in seconds since 1970; 0 when there is none.",
                "# TYPE sealed_secrets_controller_oldest_key_without_backup_timestamp_seconds gauge",
                "sealed_secrets_controller_oldest_key_without_backup_timestamp_seconds 0",
                "# HELP sealed_secrets_controller_rsa_decryptions_total Total number of RSA private-key decryptions, wrong keys included.",
                "# TYPE sealed_secrets_controller_rsa_decryptions_total counter",
                "sealed_secrets_controller_rsa_decryptions_total 0",
                "# HELP sealed_secrets_controller_unseal_requests_total Total number of sealed secret unseal requests",
                "# TYPE sealed_secrets_controller_unseal_requests_total counter",
                "sealed_secrets_controller_unseal_requests_total 0",
                "# HELP sealed_secrets_controller_unusable_key_secrets Number of key Secrets that hold no key that can be used.",
                "# TYPE sealed_secrets_controller_unusable_key_secrets gauge",
                "sealed_secrets_controller_unusable_key_secrets 0",
            ]
        );
    }

    #[test]
    fn keys_are_shown_by_what_can_be_done_with_them() {
        let metrics = metrics();
        let at = |second| Timestamp::from_second(second).unwrap();
        let shown = KeysShown {
            offered: Some((at(5), at(4_722_883_200))),
            unusable: 2,
            backups: Backups::of([(at(3), None), (at(5), Some(at(7))), (at(4), None)]),
        };
        let names = [
            "certificate_expiry_timestamp_seconds",
            "current_key_timestamp_seconds",
            "unusable_key_secrets",
            "keys_without_backup",
            "oldest_key_without_backup_timestamp_seconds",
            "newest_key_backup_timestamp_seconds",
        ];
        for (keys, expected) in [
            (shown, ["4722883200", "5", "2", "2", "3", "7"]),
            (KeysShown::default(), ["0"; 6]),
        ] {
            metrics.keys_observed(&keys);
            let lines = ours(&metrics);
            for (name, value) in names.iter().zip(expected) {
                let line = format!("sealed_secrets_controller_{name} {value}");
                assert!(lines.contains(&line), "{line}\n{lines:#?}");
            }
        }
    }

    #[test]
    fn errors_are_counted_by_reason_and_namespace() {
        let metrics = metrics();
        metrics.unseal_failed(FailureReason::Unseal, "shop");
        metrics.unseal_failed(FailureReason::Unseal, "shop");
        metrics.unseal_failed(FailureReason::Fetch, "");
        let lines = ours(&metrics);
        for line in [
            "sealed_secrets_controller_unseal_errors_total{namespace=\"shop\",reason=\"unseal\"} 2",
            "sealed_secrets_controller_unseal_errors_total{namespace=\"\",reason=\"fetch\"} 1",
        ] {
            assert!(lines.iter().any(|l| l == line), "{lines:#?}");
        }
    }

    #[test]
    fn requests_have_upstreams_labels_and_buckets() {
        let metrics = metrics();
        metrics.http_answered("/v1/verify", &Method::POST, StatusCode::CONFLICT, 0.02);
        let made_up = Method::from_bytes(b"FROB").unwrap();
        metrics.http_answered("/v1/verify", &made_up, StatusCode::METHOD_NOT_ALLOWED, 3.0);
        let lines = ours(&metrics);
        let expected = [
            "sealed_secrets_controller_http_requests_total{code=\"409\",method=\"post\",path=\"/v1/verify\"} 1",
            "sealed_secrets_controller_http_requests_total{code=\"405\",method=\"unknown\",path=\"/v1/verify\"} 1",
            "sealed_secrets_controller_http_request_duration_seconds_bucket{method=\"post\",path=\"/v1/verify\",le=\"0.01\"} 0",
            "sealed_secrets_controller_http_request_duration_seconds_bucket{method=\"post\",path=\"/v1/verify\",le=\"0.025\"} 1",
        ];
        for line in expected {
            assert!(lines.iter().any(|l| l == line), "{line}\n{lines:#?}");
        }
        let buckets: Vec<&str> = lines
            .iter()
            .filter_map(|l| {
                l.split_once("method=\"post\",path=\"/v1/verify\",le=\"")?
                    .1
                    .split('"')
                    .next()
            })
            .collect();
        assert_eq!(
            buckets,
            [
                "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10",
                "+Inf"
            ]
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_collector_is_there() {
        let text = String::from_utf8(metrics().to_text().unwrap()).unwrap();
        for name in [
            "process_resident_memory_bytes",
            "process_cpu_seconds_total",
            "process_open_fds",
        ] {
            assert!(text.contains(name), "{name}");
        }
    }
}
