//! The shipped manifests agree with the names in the code, and with the rights of an installation in place.

#![expect(
    clippy::unwrap_used,
    reason = "a failing helper of a test fails the test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sealed_api::names::{http, install};
use sealed_manifest::Documents;
use serde_json::{Value, json};

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn objects(file: &str) -> Vec<Value> {
    let text = std::fs::read(repository().join(file)).unwrap();
    Documents::new(text.as_slice(), file)
        .map(|document| document.unwrap().into_value())
        .collect()
}

fn object(file: &str, kind: &str, name: &str) -> Value {
    let mut all = objects(file).into_iter();
    all.find(|object| object["kind"] == kind && object["metadata"]["name"] == name)
        .unwrap()
}

fn words(list: &Value) -> BTreeSet<&str> {
    let list = list.as_array().into_iter().flatten();
    list.map(|word| word.as_str().unwrap()).collect()
}

/// Group, resource, name of the object and verb, one entry for each right.
type Rights = BTreeSet<(String, String, String, String)>;

/// The rights of every role in a file.
fn rights(file: &str) -> BTreeMap<String, Rights> {
    let mut found = BTreeMap::new();
    for object in objects(file) {
        let Some(rules) = object["rules"].as_array() else {
            continue;
        };
        let mut rights = BTreeSet::new();
        for rule in rules {
            let mut names = words(&rule["resourceNames"]);
            if names.is_empty() {
                names.insert("");
            }
            for group in words(&rule["apiGroups"]) {
                for resource in words(&rule["resources"]) {
                    for name in &names {
                        for verb in words(&rule["verbs"]) {
                            rights.insert((
                                group.to_owned(),
                                resource.to_owned(),
                                (*name).to_owned(),
                                verb.to_owned(),
                            ));
                        }
                    }
                }
            }
        }
        let name = object["metadata"]["name"].as_str().unwrap();
        found.insert(
            format!("{}/{name}", object["kind"].as_str().unwrap()),
            rights,
        );
    }
    found
}

#[test]
fn the_controller_has_the_rights_of_an_installation_in_place_and_no_others() {
    let mut shipped = rights("deploy/rbac.yaml");
    let for_people = shipped
        .remove("Role/sealed-secrets-service-proxier")
        .unwrap();
    assert_eq!(shipped, rights("tests/fixtures/upstream-rbac.yaml"));

    let service = install::CONTROLLER;
    let proxy = [
        service.to_owned(),
        format!("http:{service}:"),
        format!("http:{service}:http"),
        // The same service when it speaks TLS.
        format!("https:{service}:"),
        format!("https:{service}:http"),
    ];
    let wanted: Rights = proxy
        .iter()
        .flat_map(|name| ["create", "get"].map(|verb| ("services/proxy", name.as_str(), verb)))
        .chain([("services", service, "get")])
        .map(|(resource, name, verb)| {
            (
                String::new(),
                resource.to_owned(),
                name.to_owned(),
                verb.to_owned(),
            )
        })
        .collect();
    assert_eq!(for_people, wanted);
}

#[test]
fn nothing_is_bound_to_everybody() {
    let account = json!([{
        "kind": "ServiceAccount", "name": install::CONTROLLER, "namespace": install::NAMESPACE,
    }]);
    let bindings: Vec<_> = objects("deploy/rbac.yaml")
        .into_iter()
        .filter(|object| object["kind"].as_str().unwrap().ends_with("Binding"))
        .collect();
    assert_eq!(bindings.len(), 2);
    for binding in bindings {
        assert_eq!(
            binding["subjects"], account,
            "{}",
            binding["metadata"]["name"]
        );
    }
}

#[test]
fn the_pod_and_both_services_find_each_other() {
    let deployment = object("deploy/deployment.yaml", "Deployment", install::CONTROLLER);
    let pod = &deployment["spec"]["template"];
    let labels = json!({"name": "sealed-secrets-controller"});
    assert_eq!(deployment["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(pod["metadata"]["labels"], labels);
    assert_eq!(pod["spec"]["serviceAccountName"], install::CONTROLLER);
    let container = &pod["spec"]["containers"][0];
    assert_eq!(container["name"], install::CONTROLLER);
    assert_eq!(container["livenessProbe"]["httpGet"]["path"], http::HEALTHZ);
    assert_eq!(container["readinessProbe"]["httpGet"]["path"], http::READYZ);

    for (name, port, place) in [
        (install::CONTROLLER, install::PORT, 0),
        (install::METRICS_SERVICE, install::METRICS_PORT, 1),
    ] {
        let service = object("deploy/service.yaml", "Service", name);
        assert_eq!(service["spec"]["selector"], labels);
        // Without a name: clients of an installation in place write the proxy path without one.
        let ports = json!([{"port": port, "targetPort": port, "protocol": "TCP"}]);
        assert_eq!(service["spec"]["ports"], ports);
        assert_eq!(container["ports"][place]["containerPort"], port);
    }
}

#[test]
fn every_namespaced_object_is_in_the_default_namespace() {
    for file in [
        "rbac.yaml",
        "service.yaml",
        "deployment.yaml",
        "network-policy.yaml",
        "service-proxier-binding.yaml",
    ] {
        for object in objects(&format!("deploy/{file}")) {
            let namespace = &object["metadata"]["namespace"];
            if object["kind"].as_str().unwrap().starts_with("ClusterRole") {
                assert_eq!(*namespace, Value::Null);
            } else {
                assert_eq!(*namespace, install::NAMESPACE, "{file}: {}", object["kind"]);
            }
        }
    }
}

#[test]
fn the_kustomization_lists_every_manifest_but_those_that_somebody_has_to_want() {
    let kustomization = &objects("deploy/kustomization.yaml")[0];
    let mut listed = words(&kustomization["resources"]);
    // Each goes with a flag, or has something to fill in.
    listed.extend([
        "kustomization.yaml",
        "certificate-configmap.yaml",
        "escrow.yaml",
        "network-policy.yaml",
        "service-proxier-binding.yaml",
    ]);
    let present: Vec<String> = std::fs::read_dir(repository().join("deploy"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| {
            Path::new(name)
                .extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    assert_eq!(listed, present.iter().map(String::as_str).collect());
}
