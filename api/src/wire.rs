//! Objects as the command line prints them: fields in the order of the existing tool, empty ones left out.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    ManagedFieldsEntry, ObjectMeta, OwnerReference,
};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::names;

/// A Secret in the order kind, apiVersion, metadata, immutable, data, stringData, type.
///
/// An empty value is written as `""`. The existing tool writes `null`, which means the same to a reader of the
/// file, but to `kubectl apply` it means "remove this key".
pub struct SecretView<'a>(pub &'a Secret);

/// Metadata in the order of `k8s.io/apimachinery`, so name and namespace come first.
pub(crate) struct MetadataView<'a>(pub(crate) &'a ObjectMeta);

impl Serialize for SecretView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(secret) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", names::secret::KIND)?;
        map.serialize_entry("apiVersion", names::secret::API_VERSION)?;
        map.serialize_entry("metadata", &MetadataView(&secret.metadata))?;
        entry(&mut map, "immutable", secret.immutable.as_ref())?;
        entry(
            &mut map,
            "data",
            secret.data.as_ref().filter(|data| !data.is_empty()),
        )?;
        text_map(&mut map, "stringData", secret.string_data.as_ref())?;
        text(&mut map, "type", secret.type_.as_ref())?;
        map.end()
    }
}

impl Serialize for MetadataView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(metadata) = self;
        let mut map = serializer.serialize_map(None)?;
        text(&mut map, "name", metadata.name.as_ref())?;
        text(&mut map, "generateName", metadata.generate_name.as_ref())?;
        text(&mut map, "namespace", metadata.namespace.as_ref())?;
        text(&mut map, "selfLink", metadata.self_link.as_ref())?;
        text(&mut map, "uid", metadata.uid.as_ref())?;
        text(
            &mut map,
            "resourceVersion",
            metadata.resource_version.as_ref(),
        )?;
        entry(
            &mut map,
            "generation",
            metadata.generation.filter(|number| *number != 0).as_ref(),
        )?;
        entry(
            &mut map,
            "creationTimestamp",
            metadata.creation_timestamp.as_ref(),
        )?;
        entry(
            &mut map,
            "deletionTimestamp",
            metadata.deletion_timestamp.as_ref(),
        )?;
        entry(
            &mut map,
            "deletionGracePeriodSeconds",
            metadata.deletion_grace_period_seconds.as_ref(),
        )?;
        text_map(&mut map, "labels", metadata.labels.as_ref())?;
        text_map(&mut map, "annotations", metadata.annotations.as_ref())?;
        list(
            &mut map,
            "ownerReferences",
            metadata.owner_references.as_deref(),
            OwnerView,
        )?;
        list(
            &mut map,
            "finalizers",
            metadata.finalizers.as_deref(),
            |text| text,
        )?;
        list(
            &mut map,
            "managedFields",
            metadata.managed_fields.as_deref(),
            ManagedView,
        )?;
        map.end()
    }
}

struct OwnerView<'a>(&'a OwnerReference);

impl Serialize for OwnerView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(owner) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("apiVersion", &owner.api_version)?;
        map.serialize_entry("kind", &owner.kind)?;
        map.serialize_entry("name", &owner.name)?;
        map.serialize_entry("uid", &owner.uid)?;
        entry(&mut map, "controller", owner.controller.as_ref())?;
        entry(
            &mut map,
            "blockOwnerDeletion",
            owner.block_owner_deletion.as_ref(),
        )?;
        map.end()
    }
}

struct ManagedView<'a>(&'a ManagedFieldsEntry);

impl Serialize for ManagedView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(managed) = self;
        let mut map = serializer.serialize_map(None)?;
        text(&mut map, "manager", managed.manager.as_ref())?;
        text(&mut map, "operation", managed.operation.as_ref())?;
        text(&mut map, "apiVersion", managed.api_version.as_ref())?;
        entry(&mut map, "time", managed.time.as_ref())?;
        text(&mut map, "fieldsType", managed.fields_type.as_ref())?;
        entry(&mut map, "fieldsV1", managed.fields_v1.as_ref())?;
        text(&mut map, "subresource", managed.subresource.as_ref())?;
        map.end()
    }
}

fn entry<M: SerializeMap>(
    map: &mut M,
    name: &str,
    value: Option<&impl Serialize>,
) -> Result<(), M::Error> {
    match value {
        Some(value) => map.serialize_entry(name, value),
        None => Ok(()),
    }
}

fn text<M: SerializeMap>(map: &mut M, name: &str, value: Option<&String>) -> Result<(), M::Error> {
    entry(map, name, value.filter(|text| !text.is_empty()))
}

fn text_map<M: SerializeMap>(
    map: &mut M,
    name: &str,
    value: Option<&BTreeMap<String, String>>,
) -> Result<(), M::Error> {
    entry(map, name, value.filter(|entries| !entries.is_empty()))
}

fn list<'a, M: SerializeMap, T, V: Serialize>(
    map: &mut M,
    name: &str,
    elements: Option<&'a [T]>,
    view: impl Fn(&'a T) -> V,
) -> Result<(), M::Error> {
    match elements {
        None | Some([]) => Ok(()),
        Some(elements) => {
            let views: Vec<V> = elements.iter().map(view).collect();
            map.serialize_entry(name, &views)
        }
    }
}
