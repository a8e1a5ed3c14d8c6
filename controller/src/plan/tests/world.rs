//! A cluster of one object and one Secret.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use k8s_openapi::ByteString;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use sealed_api::{SealedSecretSpec, SecretTemplate, Templates, unseal};
use sealed_crypto::{KeyOrder, Keyring};
use sealed_sprig::System;

use super::*;
use crate::object_key::ObjectKey;

static TEMPLATES: LazyLock<Templates<System>> = LazyLock::new(|| Templates::new(System::new()));

pub(super) struct World {
    pub(super) object: SealedSecret,
    pub(super) target: Option<Secret>,
    pub(super) last: Option<Done>,
    pub(super) rules: Rules,
    pub(super) contested: Option<Duration>,
}

pub(super) fn now() -> Timestamp {
    Timestamp::from_second(1_000).expect("in range")
}

pub(super) fn key() -> ObjectKey {
    ObjectKey::new("web", "app")
}

pub(super) fn named() -> ObjectMeta {
    ObjectMeta {
        name: Some("app".to_owned()),
        namespace: Some("web".to_owned()),
        ..ObjectMeta::default()
    }
}

pub(super) fn strings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

pub(super) fn bytes(pairs: &[(&str, &str)]) -> BTreeMap<String, ByteString> {
    strings(pairs)
        .into_iter()
        .map(|(key, value)| (key, ByteString(value.into_bytes())))
        .collect()
}

pub(super) fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, Option<String>> {
    strings(pairs)
        .into_iter()
        .map(|(key, value)| (key, Some(value)))
        .collect()
}

/// An object that opens without any key: its data are plain texts of the template.
pub(super) fn object(data: &[(&str, &str)]) -> SealedSecret {
    SealedSecret {
        metadata: ObjectMeta {
            uid: Some("u1".to_owned()),
            generation: Some(1),
            ..named()
        },
        spec: SealedSecretSpec {
            template: Some(SecretTemplate {
                data: Some(texts(data)),
                ..SecretTemplate::default()
            }),
            ..SealedSecretSpec::default()
        },
        status: None,
    }
}

/// A Secret that exists and is nobody's.
pub(super) fn secret(data: &[(&str, &str)]) -> Secret {
    Secret {
        metadata: ObjectMeta {
            uid: Some("s1".to_owned()),
            resource_version: Some("1".to_owned()),
            ..named()
        },
        data: Some(bytes(data)),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    }
}

pub(super) fn owner(kind: &str, name: &str, uid: &str, controller: Option<bool>) -> OwnerReference {
    let api_version = match kind {
        "SealedSecret" => "bitnami.com/v1alpha1",
        _ => "apps/v1",
    };
    OwnerReference {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        uid: uid.to_owned(),
        controller,
        block_owner_deletion: None,
    }
}

impl World {
    pub(super) fn new(object: SealedSecret) -> Self {
        Self {
            object,
            target: None,
            last: None,
            rules: Rules {
                key_namespace: "kube-system".to_owned(),
                key_prefix: "sealed-secrets-key".to_owned(),
                allow_sealed_keys: false,
                update_status: true,
                own_statuses: false,
                retain: false,
                drift: DriftRule::default(),
                content_key: ContentKey::new(&[7; 32]),
            },
            contested: None,
        }
    }

    pub(super) fn template(&mut self) -> &mut SecretTemplate {
        self.object.spec.template.get_or_insert_default()
    }

    pub(super) fn target(&mut self) -> &mut Secret {
        self.target.as_mut().expect("there is a Secret")
    }

    pub(super) fn restart(&mut self) {
        self.last = None;
    }

    pub(super) fn attempt(&self) -> Attempt {
        let keyring = Keyring::default();
        let order = KeyOrder::default();
        Attempt {
            unsealed: unseal(&self.object, &keyring, &order, true, Some(&*TEMPLATES)),
            opened_by: OpenedBy::default(),
            keys: KeySet::from(&keyring),
            input: InputDigest::of(&self.object),
        }
    }

    pub(super) fn observed<'a>(&'a self, attempt: &'a Attempt) -> Observed<'a> {
        Observed {
            object: &self.object,
            attempt,
            target: self.target.as_ref(),
            last: self.last.as_ref(),
            rules: &self.rules,
            contested: self.contested,
            now: now(),
        }
    }

    pub(super) fn plan(&self) -> Plan {
        plan(&self.observed(&self.attempt()))
    }

    /// A pass whose plan does not matter.
    pub(super) fn settle(&mut self) {
        drop(self.pass());
    }

    /// Plans and does it, as an API server would.
    pub(super) fn pass(&mut self) -> Plan {
        let attempt = self.attempt();
        let observed = self.observed(&attempt);
        let plan = plan(&observed);
        let mut written = plan.write.secret().cloned();
        if let Some(written) = &mut written {
            let metadata = &mut written.metadata;
            metadata.uid.get_or_insert_with(|| "s1".to_owned());
            metadata.resource_version = Some("2".to_owned());
            written.type_.get_or_insert_with(|| "Opaque".to_owned());
        }
        let done = Done::planned(&observed, &plan, written.as_ref());
        self.last = Some(done);
        if written.is_some() {
            self.target = written;
        }
        if plan.status.is_some() {
            self.object.status.clone_from(&plan.status);
        }
        plan
    }
}
