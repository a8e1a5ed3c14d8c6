//! Finding the controller's Service by its labels, where it does not have the usual name.
//!
//! Only in the namespace that the controller is expected in. Whoever may create a labelled Service somewhere else would
//! otherwise be handed everybody's secrets, sealed for a key of theirs.

use sealed_api::Code;
use serde_json::Value;

use super::ApiServer;
use crate::failure::Failure;

/// The labels of the Service: of the Helm chart, and of the plain manifest.
const SELECTORS: [&str; 2] = [
    "app.kubernetes.io/name%3Dsealed-secrets",
    "name%3Dsealed-secrets-controller",
];
/// The name that the Helm chart gives it by default.
const CHART: &str = "sealed-secrets";

/// What a search found.
#[derive(Debug, PartialEq)]
pub(super) enum Discovery {
    /// The one Service.
    One(Value),
    /// Names of several.
    Several(Vec<String>),
    /// None; those of other namespaces as `(namespace, name)`.
    Elsewhere(Vec<(String, String)>),
}

/// Looks for the Service in `namespace`.
pub(super) fn search(server: &ApiServer, namespace: &str) -> Discovery {
    let path = format!("/api/v1/namespaces/{namespace}/services");
    let listed = listed(server, &path);
    let candidates = match listed {
        Some(found) => found,
        // Many may get one Service by its name and list none.
        None => server
            .get(&format!("{path}/{CHART}"), &format!("services {CHART}"))
            .into_iter()
            .collect(),
    };
    match chosen(candidates) {
        Discovery::Elsewhere(_) => {
            let others = listed_anywhere(server).into_iter();
            Discovery::Elsewhere(others.filter(|(other, _)| other != namespace).collect())
        }
        found => found,
    }
}

impl Discovery {
    /// Explains a `failure` to find the Service in `namespace` by what was found instead.
    pub(super) fn refuse(self, failure: Failure, namespace: &str) -> Failure {
        match self {
            Self::One(_) => failure,
            Self::Several(names) => Failure::new(
                Code::BadConfiguration,
                format!(
                    "several Services in namespace `{namespace}` may be the controller's: {}",
                    names.join(", ")
                ),
            )
            .hint("--controller-name says which is meant"),
            Self::Elsewhere(others) => others.into_iter().fold(failure, |failure, (namespace, name)| {
                failure.hint(format!(
                    "there is a Service `{name}` in namespace `{namespace}`; if that is your controller's: --controller-namespace {namespace} --controller-name {name}"
                ))
            }),
        }
    }
}

/// The Services with either label; nothing where they may not be listed.
fn listed(server: &ApiServer, path: &str) -> Option<Vec<Value>> {
    let mut all = Vec::new();
    for selector in SELECTORS {
        let mut list = server
            .get(&format!("{path}?labelSelector={selector}"), "services")
            .ok()?;
        if let Value::Array(items) = list["items"].take() {
            all.extend(items);
        }
    }
    Some(all)
}

fn listed_anywhere(server: &ApiServer) -> Vec<(String, String)> {
    let all = listed(server, "/api/v1/services").unwrap_or_default();
    let text = |service: &Value, field: &str| {
        service["metadata"][field]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let mut found: Vec<_> = all
        .iter()
        .filter(|service| !is_of_metrics(service))
        .map(|service| (text(service, "namespace"), text(service, "name")))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// The one candidate, unless there are none or several.
fn chosen(candidates: Vec<Value>) -> Discovery {
    let mut candidates: Vec<Value> = candidates
        .into_iter()
        .filter(|service| !is_of_metrics(service))
        .collect();
    match (candidates.pop(), candidates.is_empty()) {
        (None, _) => Discovery::Elsewhere(Vec::new()),
        (Some(one), true) => Discovery::One(one),
        (Some(last), false) => {
            candidates.push(last);
            let names = candidates.iter();
            let names = names.filter_map(|service| service["metadata"]["name"].as_str());
            let mut names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
            names.sort();
            Discovery::Several(names)
        }
    }
}

/// The Service of the metrics has the same labels and serves no certificate.
fn is_of_metrics(service: &Value) -> bool {
    let metadata = &service["metadata"];
    metadata["labels"]["app.kubernetes.io/component"] == "metrics"
        || metadata["name"]
            .as_str()
            .is_some_and(|name| name.ends_with("-metrics"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(name: &str) -> Value {
        json!({"metadata": {"name": name}})
    }

    #[test]
    fn one_service_is_chosen_and_several_are_named() {
        let chart_metrics = json!({"metadata": {
            "name": "x", "labels": {"app.kubernetes.io/component": "metrics"}
        }});
        let plain_metrics = service("sealed-secrets-controller-metrics");
        let one = vec![chart_metrics.clone(), service("a"), plain_metrics];
        assert_eq!(chosen(one), Discovery::One(service("a")));
        let several = vec![service("b"), service("a")];
        assert_eq!(
            chosen(several),
            Discovery::Several(vec!["`a`".to_owned(), "`b`".to_owned()])
        );
        assert_eq!(
            chosen(vec![chart_metrics]),
            Discovery::Elsewhere(Vec::new())
        );
    }
}
