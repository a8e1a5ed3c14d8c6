//! The metrics of compat §7: upstream's names, help texts, labels and buckets, so that existing dashboards and alerts keep working.
//!
//! Differences, each on purpose:
//! * `build_info` is 1, as every `_info` metric is; upstream never sets it.
//! * A series of `condition_info` disappears when its object loses the condition, changes its instance label or is
//!   deleted; upstream leaves stale series behind.
//! * Of the conditions only `Synced` and those of other programs are shown. Ours beside it say the same thing again, and the
//!   shipped alert fires on every series that is not 1.
//! * `sealed_secrets_controller_rsa_decryptions_total` is ours: private-key operations are what the controller's time
//!   goes into, and wrong guesses among many keys show nowhere else.
//! * `sealed_secrets_controller_certificate_expiry_timestamp_seconds` and `sealed_secrets_controller_unusable_key_secrets`
//!   are ours: nobody can seal for a controller without a certificate, and nothing else would tell before somebody tries.
//! * `sealed_secrets_controller_leader` is ours: which of several replicas does the work.
//! * The Go runtime's series have no counterpart here; the process collector's `process_*` series are there.

mod conditions;

use jiff::Timestamp;
use prometheus::{
    Encoder, Gauge, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts,
    Registry, TextEncoder,
};
use sealed_api::Condition;
use sealed_api::names::metrics as names;

use conditions::ConditionInfo;

use crate::object_key::ObjectKey;

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
    certificate_expiry: IntGauge,
    unusable_keys: IntGauge,
    leader: IntGauge,
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
            certificate_expiry: IntGauge::with_opts(Opts::new(
                names::CERTIFICATE_EXPIRY,
                "When the certificate offered for sealing ends, in seconds since 1970; 0 when none is offered.",
            ))?,
            unusable_keys: IntGauge::with_opts(Opts::new(
                names::UNUSABLE_KEYS,
                "Number of key Secrets that hold no key that can be used.",
            ))?,
            leader: IntGauge::with_opts(Opts::new(
                names::LEADER,
                "Whether this process reconciles and makes keys: 1, or 0 while another replica does.",
            ))?,
            registry,
        };
        let registry = &metrics.registry;
        registry.register(Box::new(metrics.unseal_requests.clone()))?;
        registry.register(Box::new(metrics.unseal_errors.clone()))?;
        registry.register(Box::new(metrics.http_requests.clone()))?;
        registry.register(Box::new(metrics.http_duration.clone()))?;
        registry.register(Box::new(metrics.rsa_decryptions.clone()))?;
        registry.register(Box::new(metrics.certificate_expiry.clone()))?;
        registry.register(Box::new(metrics.unusable_keys.clone()))?;
        registry.register(Box::new(metrics.leader.clone()))?;
        #[cfg(target_os = "linux")]
        registry.register(Box::new(
            prometheus::process_collector::ProcessCollector::for_self(),
        ))?;
        Ok(metrics)
    }

    /// Counts one pass over a SealedSecret: retries and deletions too.
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

    /// Shows which keys there are: until when the certificate is valid that is offered, and how many key Secrets hold
    /// nothing that can be used.
    pub fn keys_observed(&self, offered_until: Option<Timestamp>, unusable: usize) {
        self.certificate_expiry
            .set(offered_until.map_or(0, Timestamp::as_second));
        self.unusable_keys
            .set(i64::try_from(unusable).unwrap_or(i64::MAX));
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

    use super::*;

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
                "# HELP sealed_secrets_controller_leader Whether this process reconciles and makes keys: 1, or 0 while another replica does.",
                "# TYPE sealed_secrets_controller_leader gauge",
                "sealed_secrets_controller_leader 0",
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
        let until = Timestamp::from_second(4_722_883_200).unwrap();
        for (offered_until, unusable, expected) in
            [(Some(until), 2, ["4722883200", "2"]), (None, 0, ["0", "0"])]
        {
            metrics.keys_observed(offered_until, unusable);
            let lines = ours(&metrics);
            for (name, value) in [
                "sealed_secrets_controller_certificate_expiry_timestamp_seconds",
                "sealed_secrets_controller_unusable_key_secrets",
            ]
            .iter()
            .zip(expected)
            {
                assert!(lines.contains(&format!("{name} {value}")), "{lines:#?}");
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
