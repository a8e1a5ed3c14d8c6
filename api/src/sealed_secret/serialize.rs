//! Writing a SealedSecret, in the field order of the existing command line (compat/cli.md §10).
//!
//! The API server does not care about order; files under version control do, and a diff between what the two
//! tools write should show ciphertexts only. Absent fields are left out, `creationTimestamp: null` and
//! `status: {}` never appear: they would differ from the live object for ever.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Condition, SealedSecret, SealedSecretSpec, SealedSecretStatus, SecretTemplate};
use crate::names;
use crate::wire::MetadataView;

impl Serialize for SealedSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", names::KIND)?;
        map.serialize_entry("apiVersion", names::API_VERSION)?;
        map.serialize_entry("metadata", &MetadataView(&self.metadata))?;
        map.serialize_entry("spec", &self.spec)?;
        let empty = SealedSecretStatus::default();
        if let Some(status) = self.status.as_ref().filter(|status| **status != empty) {
            map.serialize_entry("status", status)?;
        }
        map.end()
    }
}

impl Serialize for SealedSecretSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(template) = &self.template {
            map.serialize_entry("template", template)?;
        }
        if let Some(data) = &self.data {
            map.serialize_entry("data", data)?;
        }
        map.serialize_entry("encryptedData", &self.encrypted_data)?;
        map.end()
    }
}

impl Serialize for SecretTemplate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("metadata", &MetadataView(&self.metadata))?;
        if let Some(type_) = self.type_.as_deref().filter(|type_| !type_.is_empty()) {
            map.serialize_entry("type", type_)?;
        }
        if let Some(immutable) = self.immutable {
            map.serialize_entry("immutable", &immutable)?;
        }
        if let Some(data) = self.data.as_ref().filter(|data| !data.is_empty()) {
            map.serialize_entry("data", data)?;
        }
        map.end()
    }
}

impl Serialize for SealedSecretStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(generation) = self.observed_generation {
            map.serialize_entry("observedGeneration", &generation)?;
        }
        if !self.conditions.is_empty() {
            map.serialize_entry("conditions", &self.conditions)?;
        }
        map.end()
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &self.type_)?;
        map.serialize_entry("status", &self.status)?;
        if let Some(time) = &self.last_update_time {
            map.serialize_entry("lastUpdateTime", time)?;
        }
        if let Some(time) = &self.last_transition_time {
            map.serialize_entry("lastTransitionTime", time)?;
        }
        if let Some(reason) = &self.reason {
            map.serialize_entry("reason", reason)?;
        }
        if let Some(message) = &self.message {
            map.serialize_entry("message", message)?;
        }
        map.end()
    }
}
