//! The SealedSecret object, `bitnami.com/v1alpha1`.
//!
//! The types implement the traits of `k8s-openapi`, which is all that kube's `Api` asks for, so this crate
//! needs no Kubernetes client. Field docs serve `kubectl explain`.

mod decode;
mod serialize;

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use sealed_crypto::{Label, LabelError, Scope};

use crate::names;
use crate::scope::scope_of;

pub(crate) use decode::salvage_status;

/// A Secret whose values only the controller of one cluster can read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SealedSecret {
    /// Standard metadata. Name, namespace and the scope annotations decide where the values open.
    pub metadata: ObjectMeta,
    /// What the Secret is to be.
    pub spec: SealedSecretSpec,
    /// What became of it.
    pub status: Option<SealedSecretStatus>,
}

/// What the Secret is to be: sealed values, and a template for everything else.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase"))]
pub struct SealedSecretSpec {
    /// Metadata, type and further data of the Secret that is made.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub template: Option<SecretTemplate>,
    /// Deprecated: the whole Secret sealed as one value. Use encryptedData.
    #[cfg_attr(
        feature = "schema",
        schemars(default, schema_with = "crate::crd::base64_text")
    )]
    pub data: Option<ByteString>,
    /// The sealed values by their keys in the Secret, each in base64. Every value is sealed by itself, so a
    /// value may be added, replaced or removed without touching the others.
    #[cfg_attr(
        feature = "schema",
        schemars(schema_with = "crate::crd::encrypted_data")
    )]
    pub encrypted_data: BTreeMap<String, String>,
}

/// The shape of the Secret that is made.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase"))]
pub struct SecretTemplate {
    /// Metadata of the Secret: labels, annotations and anything else. Name and namespace are always those
    /// of the SealedSecret. Scope annotations in here do not decide where values open.
    #[cfg_attr(
        feature = "schema",
        schemars(default, schema_with = "crate::crd::template_metadata")
    )]
    pub metadata: ObjectMeta,
    /// Type of the Secret. Opaque when left out.
    #[cfg_attr(feature = "schema", schemars(default, rename = "type"))]
    pub type_: Option<String>,
    /// Whether the Secret's data is fixed once it is written.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub immutable: Option<bool>,
    /// Further keys of the Secret, each a Go template over the unsealed values: "{{ .password }}". A key that
    /// is also in encryptedData keeps its unsealed value. A null value leaves a key of encryptedData out of
    /// the Secret, while templates still see it.
    #[cfg_attr(
        feature = "schema",
        schemars(default, schema_with = "crate::crd::template_data")
    )]
    pub data: Option<BTreeMap<String, Option<String>>>,
}

/// What became of the SealedSecret. Written by the controller.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase"))]
pub struct SealedSecretStatus {
    /// Generation of the object that the conditions speak of. -1 before the controller has seen the object.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub observed_generation: Option<i64>,
    /// The state of the object, Synced first.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub conditions: Vec<Condition>,
}

/// One aspect of the object's state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase"))]
pub struct Condition {
    /// Which aspect: Synced says whether the Secret is what this object describes.
    #[cfg_attr(feature = "schema", schemars(rename = "type"))]
    pub type_: String,
    /// True, False or Unknown.
    pub status: String,
    /// When the condition was last written.
    #[cfg_attr(
        feature = "schema",
        schemars(default, schema_with = "crate::crd::time")
    )]
    pub last_update_time: Option<Time>,
    /// When the status last changed from one value to another.
    #[cfg_attr(
        feature = "schema",
        schemars(default, schema_with = "crate::crd::time")
    )]
    pub last_transition_time: Option<Time>,
    /// A word for programs: why the condition has this status.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub reason: Option<String>,
    /// A sentence for people.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub message: Option<String>,
}

impl SealedSecret {
    /// The object's name, empty when it has none.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// The object's namespace, empty when it has none.
    pub fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// How tightly the values are bound, by the object's own annotations and nothing else.
    pub fn scope(&self) -> Scope {
        scope_of(&self.metadata)
    }

    /// The label every value of this object must have been sealed under.
    pub fn label(&self) -> Result<Label, LabelError> {
        Label::for_scope(self.scope(), self.namespace(), self.name())
    }
}

impl SealedSecretStatus {
    /// The condition of this type.
    pub fn condition(&self, type_: &str) -> Option<&Condition> {
        self.conditions
            .iter()
            .find(|condition| condition.type_ == type_)
    }
}

impl k8s_openapi::Resource for SealedSecret {
    const API_VERSION: &'static str = names::API_VERSION;
    const GROUP: &'static str = names::GROUP;
    const KIND: &'static str = names::KIND;
    const VERSION: &'static str = names::VERSION;
    const URL_PATH_SEGMENT: &'static str = names::PLURAL;
    type Scope = k8s_openapi::NamespaceResourceScope;
}

impl k8s_openapi::ListableResource for SealedSecret {
    const LIST_KIND: &'static str = names::LIST_KIND;
}

impl k8s_openapi::Metadata for SealedSecret {
    type Ty = ObjectMeta;

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn metadata_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
