//! The `CustomResourceDefinition`, made from the types (feature `schema`).
//!
//! It accepts, prunes, prints and stores what the existing definition does (compat/controller.md §2.1 to §2.3,
//! with the printer columns of the Helm chart), and differs in two places, both of which that definition
//! needs to work as documented:
//!
//! * Values of `spec.template.data` may be null. The API server otherwise drops the documented null before
//!   the controller can see it.
//! * `status` defaults to `observedGeneration: -1`, so that tools which follow kstatus see an object the
//!   controller has not looked at as "in progress" and not as done.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::names;
use crate::sealed_secret::{SealedSecretSpec, SealedSecretStatus};

/// First lines of the generated file.
const HEADER: &str = "# Generated from the types in api/src/sealed_secret.rs by `make generate`. Do not edit.\n---\n";

/// The definition as a file, given what turns it into YAML.
pub fn file(to_yaml: impl FnOnce(&Value) -> String) -> String {
    format!("{HEADER}{}", to_yaml(&custom_resource_definition()))
}

/// The whole definition.
pub fn custom_resource_definition() -> Value {
    let mut spec = schema_of::<SealedSecretSpec>();
    for path in [
        "/properties/template/properties/metadata",
        "/properties/template/properties/data",
        "/properties/template/properties/data/additionalProperties",
    ] {
        set(&mut spec, path, "nullable", json!(true));
    }
    let mut status = schema_of::<SealedSecretStatus>();
    set(
        &mut status,
        "",
        "default",
        json!({"observedGeneration": -1}),
    );

    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": names::CRD_NAME},
        "spec": {
            "group": names::GROUP,
            "names": {
                "kind": names::KIND,
                "listKind": names::LIST_KIND,
                "plural": names::PLURAL,
                "singular": names::SINGULAR,
            },
            "scope": "Namespaced",
            "versions": [{
                "name": names::VERSION,
                "served": true,
                "storage": true,
                "subresources": {"status": {}},
                "additionalPrinterColumns": [
                    {"jsonPath": ".status.conditions[0].message", "name": "Status", "type": "string"},
                    {"jsonPath": ".status.conditions[0].status", "name": "Synced", "type": "string"},
                    {"jsonPath": ".metadata.creationTimestamp", "name": "Age", "type": "date"},
                ],
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "description": "A Secret whose values only the controller of one cluster can read. \
                        Safe to keep in a repository that everybody can read.",
                    "required": ["spec"],
                    "properties": {
                        "apiVersion": {"type": "string", "description": "Always bitnami.com/v1alpha1."},
                        "kind": {"type": "string", "description": "Always SealedSecret."},
                        "metadata": {"type": "object"},
                        "spec": spec,
                        "status": status,
                    },
                }},
            }],
        },
    })
}

/// The schema of a type as a structural schema wants it: one tree without references.
fn schema_of<T: JsonSchema>() -> Value {
    let mut generator = SchemaSettings::openapi3()
        .with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        })
        .into_generator();
    let mut schema = generator.root_schema_for::<T>().to_value();
    tidy(&mut schema);
    schema
}

/// Removes what schemars adds for Rust's sake, and the line ends of doc comments.
///
/// `nullable` must go in particular: the API server drops a null where null is not allowed, and stores it where
/// it is, so an optional field is not the same as a nullable one.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            // A property may have any of these names; only in a schema (which has a type) are they keywords.
            if object.get("type").is_some_and(Value::is_string) {
                for keyword in ["default", "nullable", "title"] {
                    object.remove(keyword);
                }
                if let Some(Value::String(text)) = object.get_mut("description") {
                    *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                }
            }
            object.values_mut().for_each(tidy);
        }
        Value::Array(elements) => elements.iter_mut().for_each(tidy),
        _ => {}
    }
}

fn set(schema: &mut Value, path: &str, keyword: &str, value: Value) {
    schema
        .pointer_mut(path)
        .and_then(Value::as_object_mut)
        .expect("the path names a schema of our own types")
        .insert(keyword.to_owned(), value);
}

pub(crate) fn encrypted_data(_: &mut SchemaGenerator) -> Schema {
    // The last line has no effect beside the one before it, but stands in the existing definition: a diff
    // between the two should show differences only.
    json_schema!({
        "type": "object",
        "additionalProperties": {"type": "string"},
        "x-kubernetes-preserve-unknown-fields": true,
    })
}

pub(crate) fn base64_text(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "byte"})
}

pub(crate) fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "date-time"})
}

pub(crate) fn template_metadata(_: &mut SchemaGenerator) -> Schema {
    let text_map = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let mut properties = Map::new();
    for (name, schema) in [
        ("annotations", text_map.clone()),
        (
            "finalizers",
            json!({"type": "array", "items": {"type": "string"}}),
        ),
        ("labels", text_map),
        ("name", json!({"type": "string"})),
        ("namespace", json!({"type": "string"})),
    ] {
        properties.insert(name.to_owned(), schema);
    }
    json_schema!({
        "type": "object",
        "properties": properties,
        "x-kubernetes-preserve-unknown-fields": true,
    })
}

pub(crate) fn template_data(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "additionalProperties": {"type": "string"}})
}
