//! docs/metrics.md says what the page shows, and the alerting rules use nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use jiff::Timestamp;
use sealed_api::Condition;
use sealed_manifest::Documents;
use serde_json::Value;

use super::{FailureReason, Metrics};
use crate::fair_pool::FairPool;
use crate::object_key::ObjectKey;
use crate::plan::Noticed;
use crate::queue::{Backoff, Verdict, WorkQueue};

/// A page with every series there can be. A new metric is used here once, and gets its row in docs/metrics.md.
fn whole_page() -> String {
    let metrics = Metrics::new("v0", false).unwrap();
    let pool = FairPool::start("rsa", NonZeroUsize::MIN, NonZeroUsize::MIN).unwrap();
    metrics.show_pool("rsa", &Arc::new(pool));
    metrics.show_queue(&WorkQueue::new(Backoff::with_fast_retries(0), 1));
    metrics.unseal_requested();
    metrics.unseal_failed(FailureReason::Unseal, "shop");
    metrics.http_answered("/v1/verify", &Method::POST, StatusCode::OK, 0.1);
    metrics.rsa_decryptions(1);
    metrics.pass_ended(Verdict::Settled, Duration::ZERO);
    metrics.api_answered(&Method::GET, None);
    let key = ObjectKey {
        namespace: "shop".to_owned(),
        name: "db".to_owned(),
    };
    let synced = Condition {
        type_: "Synced".to_owned(),
        ..Condition::default()
    };
    metrics.conditions_observed(&key, "", &[synced]);
    metrics.drift_found("shop", &Noticed::Reported);
    metrics.foreseen(&[("same", 1)]);
    let fingerprint = format!("SHA256:{}", "A".repeat(43)).parse().unwrap();
    metrics.sealed_items(&BTreeMap::from([(fingerprint, 1)]));
    let watch = metrics.watch("Secrets", "");
    watch.listed(Timestamp::UNIX_EPOCH);
    String::from_utf8(metrics.to_text().unwrap()).unwrap()
}

/// Type and labels of a metric.
type Shape = (String, BTreeSet<String>);

/// The metrics of a page that carry our prefix.
fn shown(page: &str) -> BTreeMap<String, Shape> {
    let mut shown: BTreeMap<String, Shape> = BTreeMap::new();
    for line in page.lines().filter(|line| line.contains(PREFIX)) {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            let (name, kind) = declared.split_once(' ').unwrap();
            shown.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            let (_, labels) = shown.get_mut(family(name)).unwrap();
            labels.extend(labels_of(line));
        }
    }
    shown
}

/// The names before `=` in the braces of a sample or of a selector; `le` belongs to every histogram.
fn labels_of(text: &str) -> BTreeSet<String> {
    let braces = text
        .split('{')
        .nth(1)
        .and_then(|rest| rest.split('}').next());
    let pairs = braces.unwrap_or_default().split("\",");
    pairs
        .filter_map(|pair| pair.split_once('='))
        .map(|(label, _)| label.trim().trim_end_matches('!').to_owned())
        .filter(|label| label != "le")
        .collect()
}

/// The metric that a sample belongs to.
fn family(sample: &str) -> &str {
    let parts = ["_bucket", "_sum", "_count"];
    let histogram = parts.iter().find_map(|part| sample.strip_suffix(part));
    histogram.unwrap_or(sample)
}

const PREFIX: &str = "sealed_secrets_controller_";

fn repository(path: &str) -> String {
    let path = format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The rows of docs/metrics.md: name, type, labels, meaning.
fn documented() -> BTreeMap<String, Shape> {
    let mut rows = BTreeMap::new();
    for row in repository("docs/metrics.md").lines() {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let ["", name, kind, labels, meaning, ""] = cells[..] else {
            continue;
        };
        let name = name.trim_matches('`');
        if name.starts_with(PREFIX) {
            assert!(!meaning.is_empty(), "{name}");
            let labels = labels.split('`').skip(1).step_by(2).map(str::to_owned);
            let row = (kind.to_owned(), labels.collect());
            assert_eq!(rows.insert(name.to_owned(), row), None, "{name} twice");
        }
    }
    rows
}

#[test]
fn every_metric_is_documented_with_its_type_and_labels() {
    assert_eq!(shown(&whole_page()), documented());
}

/// compat/controller.md §7: what existing dashboards and alerts are built on.
#[test]
fn upstreams_metrics_keep_their_types_labels_and_help_texts() {
    let page = whole_page();
    let shown = shown(&page);
    for (name, kind, labels, help) in [
        ("build_info", "gauge", "revision", "Build information."),
        (
            "condition_info",
            "gauge",
            "condition name namespace ss_app_kubernetes_io_instance",
            "Current SealedSecret condition status. Values are -1 (false), 0 (unknown or absent), 1 (true)",
        ),
        (
            "http_request_duration_seconds",
            "histogram",
            "method path",
            "A histogram of latencies for requests.",
        ),
        (
            "http_requests_total",
            "counter",
            "code method path",
            "A counter for requests to the wrapped handler.",
        ),
        (
            "unseal_errors_total",
            "counter",
            "namespace reason",
            "Total number of sealed secret unseal errors by reason",
        ),
        (
            "unseal_requests_total",
            "counter",
            "",
            "Total number of sealed secret unseal requests",
        ),
    ] {
        let labels = labels.split_whitespace().map(str::to_owned).collect();
        let name = format!("{PREFIX}{name}");
        assert_eq!(shown[&name], (kind.to_owned(), labels), "{name}");
        let help = format!("# HELP {name} {help}\n");
        assert!(page.contains(&help), "{help}");
    }
}

#[test]
fn a_watch_that_ends_takes_its_series_along() {
    let metrics = Metrics::new("v0", false).unwrap();
    let page = || String::from_utf8(metrics.to_text().unwrap()).unwrap();
    let watch = metrics.watch("Secrets", "shop");
    let up = "watch_up{namespace=\"shop\",watch=\"Secrets\"}";
    assert!(page().contains(&format!("{up} 0\n")));
    watch.changed(Timestamp::from_second(7).unwrap());
    assert!(page().contains(&format!("{up} 1\n")));
    assert!(page().contains("_event_timestamp_seconds{namespace=\"shop\",watch=\"Secrets\"} 7\n"));
    watch.failed();
    assert!(page().contains(&format!("{up} 0\n")));
    drop(watch);
    assert!(!page().contains("watch_"));
}

/// The metrics in an expression of Prometheus, each with the labels of its selector.
fn used(expression: &str) -> Vec<(&str, BTreeSet<String>)> {
    let starts = expression.match_indices(PREFIX);
    starts
        .map(|(at, _)| {
            let rest = &expression[at..];
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
            let labels = after.starts_with('{').then(|| labels_of(after));
            (name, labels.unwrap_or_default())
        })
        .collect()
}

#[test]
fn alerts_use_metrics_and_labels_that_exist() {
    let documented = documented();
    let text = repository("deploy/monitoring/prometheusrule.yaml");
    let rules = Documents::new(text.as_bytes(), "prometheusrule.yaml")
        .next()
        .unwrap()
        .unwrap()
        .into_value();
    let mut alerts = BTreeSet::new();
    for group in rules["spec"]["groups"].as_array().unwrap() {
        for rule in group["rules"].as_array().unwrap() {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let alert = text(&rule["alert"]);
            for note in ["summary", "description"] {
                assert!(!text(&rule["annotations"][note]).is_empty(), "{alert}");
            }
            let expression = text(&rule["expr"]);
            let used = used(&expression);
            assert!(!used.is_empty(), "{alert}");
            for (name, labels) in used {
                let (kind, known) = documented
                    .get(family(name))
                    .unwrap_or_else(|| panic!("{alert}: there is no {name}"));
                assert!(
                    kind == "histogram" || family(name) == name,
                    "{alert}: {name}"
                );
                assert!(labels.is_subset(known), "{alert}: {name} has {known:?}");
            }
            assert!(alerts.insert(alert.clone()), "{alert} twice");
        }
    }
    for upstreams in [
        "SealedSecretsUnsealErrorHigh",
        "SealedSecretsControllerNotReady",
    ] {
        assert!(alerts.contains(upstreams), "{alerts:?}");
    }
}
