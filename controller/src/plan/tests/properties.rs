//! What holds whatever the object and its Secret look like.

use proptest::prelude::*;
use sealed_api::is_true;

use super::*;

fn entries(keys: &'static [&'static str]) -> impl Strategy<Value = Vec<(&'static str, String)>> {
    prop::sample::subsequence(keys.to_vec(), 0..=keys.len()).prop_flat_map(|keys| {
        keys.into_iter()
            .map(|key| (Just(key), "[xy]"))
            .collect::<Vec<_>>()
    })
}

fn switches(keys: &'static [&'static str]) -> impl Strategy<Value = Vec<(&'static str, String)>> {
    prop::sample::subsequence(keys.to_vec(), 0..=keys.len()).prop_map(|keys| {
        keys.into_iter()
            .map(|key| (key, "true".to_owned()))
            .collect()
    })
}

fn map(pairs: &[(&'static str, String)]) -> std::collections::BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect()
}

fn type_() -> impl Strategy<Value = Option<String>> {
    let types = [
        "",
        "Opaque",
        "kubernetes.io/tls",
        "kubernetes.io/service-account-token",
    ];
    prop::option::of(prop::sample::select(types.to_vec()).prop_map(str::to_owned))
}

fn immutable() -> impl Strategy<Value = Option<bool>> {
    prop::option::of(any::<bool>())
}

prop_compose! {
    fn any_object()(
        data in entries(&["a", "b", "token"]),
        labels in entries(&["l", "m"]),
        annotations in switches(&[MANAGED, PATCH, SKIP_SET_OWNER_REFERENCES, "n"]),
        type_ in type_(),
        immutable in immutable(),
    ) -> SealedSecret {
        let data: Vec<_> = data.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let mut object = object(&data);
        let template = object.spec.template.get_or_insert_default();
        template.metadata.labels = Some(map(&labels));
        template.metadata.annotations = Some(map(&annotations));
        template.type_ = type_;
        template.immutable = immutable;
        object
    }
}

prop_compose! {
    fn any_secret()(
        data in entries(&["a", "b", "c", "token"]),
        labels in entries(&["l", "o"]),
        annotations in switches(&[MANAGED, PATCH, "p"]),
        owners in prop::sample::subsequence(vec![
            owner("SealedSecret", "app", "u1", Some(true)),
            owner("SealedSecret", "app", "u0", Some(true)),
            owner("SealedSecret", "app", "u1", None),
            owner("Job", "j", "u3", Some(true)),
            owner("Job", "k", "u4", None),
        ], 0..=2),
        type_ in type_(),
        immutable in immutable(),
    ) -> Secret {
        let data: Vec<_> = data.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let mut secret = secret(&data);
        secret.metadata.labels = Some(map(&labels));
        secret.metadata.annotations = Some(map(&annotations));
        // The API server refuses a second controller.
        let controllers = owners.iter().filter(|owner| owner.controller == Some(true));
        if controllers.count() <= 1 {
            secret.metadata.owner_references = Some(owners);
        }
        secret.type_ = type_.filter(|type_| !type_.is_empty()).or(secret.type_);
        secret.immutable = immutable;
        secret
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// A second pass over what the first one left writes nothing and tells nothing, in the same
    /// process and after a restart.
    #[test]
    fn a_pass_is_idempotent(object in any_object(), target in prop::option::of(any_secret())) {
        let mut world = World::new(object);
        // In a cluster the signed record does what the status does here.
        world.rules.own_statuses = true;
        world.target = target;
        let first = world.pass();
        for restart in [false, true] {
            if restart {
                world.restart();
            }
            let again = world.plan();
            prop_assert_eq!(again.write, Write::Nothing);
            prop_assert_eq!(&again.outcome, &first.outcome);
            prop_assert_eq!(again.event, None);
            prop_assert_eq!(again.status, None);
        }
    }

    /// A Secret is only ever written if it says itself that it may be.
    #[test]
    fn a_foreign_secret_is_never_written(object in any_object(), target in any_secret()) {
        let annotated = |key| is_true(target.metadata.annotations.as_ref(), key);
        let permitted = annotated(MANAGED)
            || annotated(PATCH)
            || target.metadata.owner_references.iter().flatten().any(|owner| {
                owner.controller == Some(true) && owner.kind == "SealedSecret"
            });
        let mut world = World::new(object);
        world.target = Some(target);
        prop_assert!(permitted || world.plan().write == Write::Nothing);
    }

    /// What is written holds every value, names one controller at most, and replaces exactly the
    /// Secret that was looked at.
    #[test]
    fn a_write_is_complete_and_conditional(
        object in any_object(),
        target in prop::option::of(any_secret()),
    ) {
        let mut world = World::new(object);
        world.target = target;
        let plan = world.plan();
        if let Some(written) = plan.write.secret() {
            let wanted = world.template().data.clone().unwrap_or_default();
            let data = written.data.clone().unwrap_or_default();
            for (key, text) in wanted {
                let text = text.unwrap_or_default();
                prop_assert_eq!(data.get(&key).map(|value| value.0.clone()), Some(text.into_bytes()));
            }
            let owners = written.metadata.owner_references.iter().flatten();
            prop_assert!(owners.filter(|owner| owner.controller == Some(true)).count() <= 1);
            let observed = world.target.as_ref();
            prop_assert_eq!(&written.metadata.uid, &observed.and_then(|secret| secret.metadata.uid.clone()));
            prop_assert_eq!(
                &written.metadata.resource_version,
                &observed.and_then(|secret| secret.metadata.resource_version.clone())
            );
        }
    }
}
