//! Whose a Secret is.
//!
//! The controller may write every Secret of the cluster, and whoever may create a `SealedSecret`
//! chooses its name. So before a Secret is touched it must say itself that it is ours to touch:
//! by a controller reference to the SealedSecret, or by an annotation that its owner put there
//! (compat/controller.md §4.3). Nothing on the SealedSecret can give that permission, or creating
//! one would be a way to overwrite anybody's Secret.

use crate::retain::retained_for;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use sealed_api::is_true;
use sealed_api::names::{self, annotations, labels};

/// What a Secret's own metadata says about who may write it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent facts about one Secret"
)]
pub struct Standing {
    /// Its controller is this SealedSecret, or an earlier one of the same name; or it is retained for one of them.
    pub ours: bool,
    /// Its owner lets us overwrite it and take it over.
    pub managed: bool,
    /// Its owner lets us merge into it.
    pub patch: bool,
    /// It carries the label of sealing keys.
    pub sealing_key: bool,
}

/// What may be done with the Secret that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// Nothing: it is somebody else's.
    Foreign,
    /// Merge into it.
    Patch,
    /// Replace what it holds.
    Replace,
}

impl Standing {
    /// Reads a Secret's metadata on behalf of the SealedSecret `name` with this `uid`.
    pub fn of(secret: &ObjectMeta, name: &str, uid: &str) -> Self {
        let owners = secret.owner_references.iter().flatten();
        let annotated = |key| is_true(secret.annotations.as_ref(), key);
        Self {
            ours: retained_for(secret).is_some()
                || owners.into_iter().any(|owner| {
                    owner.controller == Some(true) && (owner.uid == uid || is_namesake(owner, name))
                }),
            managed: annotated(annotations::MANAGED),
            patch: annotated(annotations::PATCH),
            sealing_key: secret
                .labels
                .as_ref()
                .is_some_and(|all| all.contains_key(labels::SEALING_KEY)),
        }
    }

    /// What it allows. `written` says that this process wrote the very Secret for a SealedSecret
    /// that wants no owner reference on it, so that nothing on it can show that it is ours.
    pub fn ownership(self, written: bool) -> Ownership {
        match self {
            Self { patch: true, .. } => Ownership::Patch,
            Self { ours: true, .. } | Self { managed: true, .. } => Ownership::Replace,
            _ if written => Ownership::Replace,
            _ => Ownership::Foreign,
        }
    }

    /// Whether its deletion is none of our business: we only ever added to it.
    pub fn is_only_patched(self) -> bool {
        self.patch && !self.ours && !self.managed
    }
}

/// Whether a Secret goes with the SealedSecret of this uid (`--old-gc-behavior`).
///
/// Only if it belongs to that very object: a successor of the same name keeps its Secret. Upstream
/// deletes whatever has the name.
pub fn belongs_to(secret: &ObjectMeta, uid: &str) -> bool {
    let mut owners = secret.owner_references.iter().flatten();
    retained_for(secret) == Some(uid)
        || owners.any(|owner| {
            owner.controller == Some(true) && owner.kind == names::KIND && owner.uid == uid
        })
}

/// Whether a reference names a SealedSecret of this name, of whatever uid.
///
/// One with another uid is the trace of a SealedSecret that was deleted and created again, as
/// `kubectl replace --force` does it. Upstream takes its Secret for somebody else's until the
/// garbage collector removes it, and then nothing brings it back.
pub fn is_namesake(owner: &OwnerReference, name: &str) -> bool {
    let group = owner.api_version.split_once('/').map(|(group, _)| group);
    group == Some(names::GROUP) && owner.kind == names::KIND && owner.name == name
}

/// The owner references of a Secret that is taken over or kept: `wanted` first, then those of
/// others, except that there can be only one controller.
pub fn merged_owners(
    existing: &[OwnerReference],
    wanted: &[OwnerReference],
    name: &str,
    uid: &str,
) -> Vec<OwnerReference> {
    let has_controller = wanted.iter().any(|owner| owner.controller == Some(true));
    let kept = existing.iter().filter(|owner| {
        let ours = owner.uid == uid || is_namesake(owner, name);
        let second_controller = has_controller && owner.controller == Some(true);
        let repeated = wanted.iter().any(|wanted| wanted.uid == owner.uid);
        !ours && !second_controller && !repeated
    });
    wanted.iter().chain(kept).cloned().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;

    use super::*;

    fn owner(kind: &str, name: &str, uid: &str, controller: Option<bool>) -> OwnerReference {
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

    fn ours() -> OwnerReference {
        owner("SealedSecret", "app", "u1", Some(true))
    }

    fn owned_by(owner: OwnerReference) -> ObjectMeta {
        ObjectMeta {
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        }
    }

    fn annotated(pairs: &[(&str, &str)]) -> ObjectMeta {
        ObjectMeta {
            annotations: Some(
                pairs
                    .iter()
                    .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                    .collect(),
            ),
            ..ObjectMeta::default()
        }
    }

    #[rstest]
    #[case::ours(owned_by(ours()), Ownership::Replace)]
    #[case::ours_by_uid_under_whatever_name(
        owned_by(owner("SealedSecret", "other", "u1", Some(true))),
        Ownership::Replace
    )]
    #[case::a_namesakes_that_was_deleted(
        owned_by(owner("SealedSecret", "app", "u0", Some(true))),
        Ownership::Replace
    )]
    #[case::another_sealed_secrets(
        owned_by(owner("SealedSecret", "other", "u2", Some(true))),
        Ownership::Foreign
    )]
    #[case::a_namesake_of_another_kind(
        owned_by(owner("Deployment", "app", "u0", Some(true))),
        Ownership::Foreign
    )]
    #[case::owned_but_not_controlled(
        owned_by(owner("SealedSecret", "app", "u1", None)),
        Ownership::Foreign
    )]
    #[case::nobodys(ObjectMeta::default(), Ownership::Foreign)]
    #[case::managed(annotated(&[(annotations::MANAGED, "true")]), Ownership::Replace)]
    #[case::patch(annotated(&[(annotations::PATCH, "true")]), Ownership::Patch)]
    #[case::managed_and_patch(
        annotated(&[(annotations::MANAGED, "true"), (annotations::PATCH, "true")]),
        Ownership::Patch
    )]
    #[case::almost_managed(annotated(&[(annotations::MANAGED, "True")]), Ownership::Foreign)]
    #[case::almost_patch(annotated(&[(annotations::PATCH, "1")]), Ownership::Foreign)]
    fn a_secret_is(#[case] secret: ObjectMeta, #[case] expected: Ownership) {
        assert_eq!(
            Standing::of(&secret, "app", "u1").ownership(false),
            expected
        );
    }

    #[test]
    fn a_secret_goes_with_the_very_object_that_controls_it() {
        assert!(belongs_to(&owned_by(ours()), "u1"));
        assert!(!belongs_to(&owned_by(ours()), "u2"));
        let merely_owned = owner("SealedSecret", "app", "u1", None);
        assert!(!belongs_to(&owned_by(merely_owned), "u1"));
        let managed = annotated(&[(annotations::MANAGED, "true")]);
        assert!(!belongs_to(&managed, "u1"));
    }

    #[test]
    fn what_this_process_wrote_without_owner_stays_ours() {
        let standing = Standing::of(&ObjectMeta::default(), "app", "u1");
        assert_eq!(standing.ownership(true), Ownership::Replace);
    }

    #[test]
    fn the_sealing_label_counts_whatever_its_value() {
        let secret = ObjectMeta {
            labels: Some(BTreeMap::from([(
                labels::SEALING_KEY.to_owned(),
                "compromised".to_owned(),
            )])),
            ..ObjectMeta::default()
        };
        assert!(Standing::of(&secret, "app", "u1").sealing_key);
    }

    #[rstest]
    #[case::nothing_there(&[], vec![ours()])]
    #[case::ours_is_there(&[ours()], vec![ours()])]
    #[case::a_stale_one_of_ours(&[owner("SealedSecret", "app", "u0", Some(true))], vec![ours()])]
    #[case::another_controller(&[owner("Deployment", "d", "u7", Some(true))], vec![ours()])]
    #[case::an_owner_beside_us(
        &[owner("Deployment", "d", "u7", None), ours()],
        vec![ours(), owner("Deployment", "d", "u7", None)]
    )]
    fn owners_become(#[case] existing: &[OwnerReference], #[case] expected: Vec<OwnerReference>) {
        assert_eq!(merged_owners(existing, &[ours()], "app", "u1"), expected);
    }

    #[test]
    fn an_owner_that_the_template_names_is_named_once() {
        let named = owner("Deployment", "d", "u7", None);
        let existing = [owner("Deployment", "d", "u7", Some(true))];
        let merged = merged_owners(&existing, std::slice::from_ref(&named), "app", "u1");
        assert_eq!(merged, [named]);
    }

    #[test]
    fn without_a_reference_of_ours_other_controllers_stay() {
        let existing = [ours(), owner("Deployment", "d", "u7", Some(true))];
        assert_eq!(merged_owners(&existing, &[], "app", "u1"), existing[1..]);
    }
}
