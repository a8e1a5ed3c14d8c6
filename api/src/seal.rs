//! Secret to SealedSecret (compat/cli.md §7 to §9).

use std::borrow::Cow;
use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealed_crypto::{Certificate, Label, LabelError, Scope, SealError, seal};

use crate::codes::Code;
use crate::names::{TRUE, annotations};
use crate::scope::{ScopeConflict, choose_scope, scope_annotation};
use crate::sealed_secret::{SealedSecret, SealedSecretSpec, SecretTemplate};
use crate::secret_input::join_string_data;
use crate::unseal::label_code;

/// What the person who seals says about the Secrets in the input.
#[derive(Clone, Copy, Debug, Default)]
pub struct Placement<'a> {
    /// `--name`: the name of every Secret, whatever the input says.
    pub name: Option<&'a str>,
    /// The namespace of a Secret that names none.
    pub namespace: Option<&'a str>,
    /// Whether that namespace was asked for (`--namespace`) and so has to agree with the input's. One from a
    /// kubeconfig merely fills in.
    pub namespace_asked: bool,
    /// `--scope`, where it was given.
    pub scope: Option<Scope>,
    /// `--allow-empty-data`.
    pub allow_empty_data: bool,
}

impl Placement<'_> {
    /// Gives `secret` its final name, namespace and scope annotations, and says which scope it has.
    pub fn apply(&self, secret: &mut Secret) -> Result<Scope, SealSecretError> {
        let is_empty = secret.data.as_ref().is_none_or(BTreeMap::is_empty)
            && secret.string_data.as_ref().is_none_or(BTreeMap::is_empty);
        if is_empty && !self.allow_empty_data {
            return Err(SealSecretError::EmptyData);
        }
        let metadata = &mut secret.metadata;
        if let Some(name) = non_empty(self.name) {
            metadata.name = Some(name.to_owned());
        }
        if non_empty(metadata.name.as_deref()).is_none() {
            return Err(SealSecretError::MissingName);
        }
        let scope = choose_scope(self.scope, metadata)?;
        if scope == Scope::ClusterWide {
            // The namespace is not part of the label, so it is neither filled in nor compared.
            return Ok(scope);
        }
        let asked = non_empty(self.namespace);
        match (non_empty(metadata.namespace.as_deref()), asked) {
            (None, None) => return Err(SealSecretError::MissingNamespace),
            (None, Some(asked)) => metadata.namespace = Some(asked.to_owned()),
            (Some(input), Some(asked)) if self.namespace_asked && input != asked => {
                return Err(SealSecretError::NamespaceMismatch {
                    input: input.to_owned(),
                    asked: asked.to_owned(),
                });
            }
            (Some(_), _) => {}
        }
        Ok(scope)
    }
}

/// Seals every value of `secret` for the key behind `certificate`, bound to the Secret's place by `scope`.
///
/// The result's own metadata holds name, namespace and the scope annotation, nothing else. Everything that
/// describes the Secret goes into the template, except what belongs to the object it was read from (uid,
/// times, owners) and annotations that hold its plain values.
pub fn seal_secret(
    secret: &Secret,
    scope: Scope,
    certificate: &Certificate,
) -> Result<SealedSecret, SealSecretError> {
    let name = non_empty(secret.metadata.name.as_deref()).ok_or(SealSecretError::MissingName)?;
    let namespace = non_empty(secret.metadata.namespace.as_deref());
    let label = Label::for_scope(scope, namespace.unwrap_or_default(), name).map_err(place)?;

    let mut joined = Cow::Borrowed(secret);
    if secret.string_data.is_some() {
        join_string_data(joined.to_mut());
    }
    let values = joined.data.iter().flatten();
    let encrypted_data = seal_values(
        values.map(|(key, value)| (key, value.0.as_slice())),
        &label,
        certificate,
    )?;

    Ok(SealedSecret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: namespace.map(str::to_owned),
            annotations: scope_annotation(scope)
                .map(|annotation| BTreeMap::from([(annotation.to_owned(), TRUE.to_owned())])),
            ..ObjectMeta::default()
        },
        spec: SealedSecretSpec {
            template: Some(template_of(secret, scope)),
            data: None,
            encrypted_data,
        },
        status: None,
    })
}

/// Seals each value by itself.
pub(crate) fn seal_values<'a>(
    values: impl Iterator<Item = (&'a String, &'a [u8])>,
    label: &Label,
    certificate: &Certificate,
) -> Result<BTreeMap<String, String>, SealSecretError> {
    values
        .map(|(key, value)| {
            let sealed =
                seal(certificate, label, value).map_err(|source| SealSecretError::Encryption {
                    key: key.clone(),
                    source,
                })?;
            Ok((key.clone(), sealed.to_string()))
        })
        .collect()
}

/// The template from which unsealing makes the same Secret again.
fn template_of(secret: &Secret, scope: Scope) -> SecretTemplate {
    let mut metadata = portable_metadata(&secret.metadata);
    if let Some(annotation) = scope_annotation(scope) {
        let all = metadata.annotations.get_or_insert_default();
        all.insert(annotation.to_owned(), TRUE.to_owned());
    }
    SecretTemplate {
        metadata,
        type_: secret.type_.clone().filter(|type_| !type_.is_empty()),
        immutable: secret.immutable,
        data: None,
    }
}

/// Metadata without what belongs to one object in one cluster, and without copies of plain values.
pub(crate) fn portable_metadata(metadata: &ObjectMeta) -> ObjectMeta {
    let mut portable = ObjectMeta {
        self_link: None,
        uid: None,
        resource_version: None,
        generation: None,
        creation_timestamp: None,
        deletion_timestamp: None,
        deletion_grace_period_seconds: None,
        owner_references: None,
        ..metadata.clone()
    };
    if let Some(all) = &mut portable.annotations {
        // Both hold the whole plain Secret.
        all.remove(annotations::KUBECTL_LAST_APPLIED);
        all.remove(annotations::KUBECFG_LAST_APPLIED);
    }
    portable.annotations = portable.annotations.filter(|all| !all.is_empty());
    portable.labels = portable.labels.filter(|all| !all.is_empty());
    portable
}

/// Why a Secret cannot be sealed. Texts are those of the existing tool, which scripts match.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealSecretError {
    /// There is nothing to seal.
    #[error(
        "secret.data is empty in input Secret, assuming this is an error and aborting. \
         To work with empty data, --allow-empty-data can be used"
    )]
    EmptyData,
    /// The cryptography failed, which no input is known to cause.
    #[error("cannot seal `{key}`")]
    Encryption {
        /// The key of the value.
        key: String,
        /// What the crypto crate says.
        source: SealError,
    },
    /// The Secret has no name, and none was given.
    #[error("missing metadata.name in input Secret")]
    MissingName,
    /// The scope binds values to a namespace, and there is none.
    #[error("secret must declare a namespace")]
    MissingNamespace,
    /// The namespace asked for is not that of the input.
    #[error(
        "namespace mismatch: input secret is in namespace {input:?} but {asked:?} was specified"
    )]
    NamespaceMismatch {
        /// Namespace of the input.
        input: String,
        /// Namespace asked for.
        asked: String,
    },
    /// Name or namespace cannot be part of a label.
    #[error(transparent)]
    Place(LabelError),
    /// The scope asked for contradicts the input's annotation.
    #[error(transparent)]
    Scope(#[from] ScopeConflict),
}

impl SealSecretError {
    /// Stable code of the fault.
    pub fn code(&self) -> Code {
        match self {
            Self::EmptyData => Code::EmptySecret,
            Self::Encryption { .. } => Code::BadCertificate,
            Self::MissingName => Code::MissingName,
            Self::MissingNamespace => Code::MissingNamespace,
            Self::NamespaceMismatch { .. } => Code::NamespaceMismatch,
            Self::Place(error) => label_code(error),
            Self::Scope(conflict) => conflict.code(),
        }
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::MissingName => Some("--name says it, or metadata.name of a Secret"),
            Self::MissingNamespace => {
                Some("--namespace (-n) says it, or metadata.namespace of a Secret")
            }
            Self::Scope(conflict) => Some(conflict.hint()),
            _ => None,
        }
    }
}

fn place(error: LabelError) -> SealSecretError {
    match error {
        LabelError::EmptyName => SealSecretError::MissingName,
        LabelError::EmptyNamespace => SealSecretError::MissingNamespace,
        other => SealSecretError::Place(other),
    }
}

fn non_empty(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}
