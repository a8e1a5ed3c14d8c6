//! What holds for every input.

#![expect(
    clippy::unwrap_used,
    reason = "a failing helper of a test fails the test"
)]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use sealed_api::names::annotations;
use sealed_api::{
    Decoded, Origin, SealedSecret, choose_scope, decode_secret, expand_list, reencrypt,
    seal_secret, unseal,
};
use sealed_crypto::{Certificate, KeyOrder, Keyring, PrivateKey, SealingKey};
use serde_json::{Value, json};

fn vector(file: &str) -> Vec<u8> {
    std::fs::read(format!(
        "{}/../tests/vectors/keys/{file}",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap()
}

/// A key and its certificate.
struct Pair(Keyring, Certificate);

fn pair(name: &str) -> Pair {
    let key = PrivateKey::from_pem(&vector(&format!("{name}.pkcs1.pem"))).unwrap();
    let key = SealingKey::new(key, None, jiff::Timestamp::UNIX_EPOCH);
    let certificate = Certificate::from_pem(&vector(&format!("{name}.crt.pem"))).unwrap();
    Pair(Keyring::new([Arc::new(key)]), certificate)
}

static OLD: LazyLock<Pair> = LazyLock::new(|| pair("rsa2048-a"));
static NEW: LazyLock<Pair> = LazyLock::new(|| pair("rsa2048-b"));

/// Annotations, the ones that mean something among them.
fn some_annotations() -> impl Strategy<Value = BTreeMap<String, String>> {
    let key = prop_oneof![
        Just(annotations::CLUSTER_WIDE.to_owned()),
        Just(annotations::NAMESPACE_WIDE.to_owned()),
        Just(annotations::MANAGED.to_owned()),
        Just(annotations::SKIP_SET_OWNER_REFERENCES.to_owned()),
        "[a-z]{1,3}",
    ];
    let value = prop_oneof![Just("true".to_owned()), Just("True".to_owned()), ".{0,4}"];
    btree_map(key, value, 0..5)
}

fn some_secret() -> impl Strategy<Value = Secret> {
    let values = btree_map("[a-zA-Z0-9._-]{1,8}", vec(any::<u8>(), 0..40), 0..3);
    (some_annotations(), values, any::<Option<bool>>()).prop_map(
        |(annotations, values, immutable)| Secret {
            metadata: ObjectMeta {
                name: Some("db".to_owned()),
                namespace: Some("web".to_owned()),
                annotations: Some(annotations).filter(|all| !all.is_empty()),
                ..ObjectMeta::default()
            },
            data: Some(
                values
                    .into_iter()
                    .map(|(key, value)| (key, ByteString(value)))
                    .collect(),
            )
            .filter(|data: &BTreeMap<_, _>| !data.is_empty()),
            immutable,
            ..Secret::default()
        },
    )
}

/// Any JSON, its keys mostly those that mean something, so that reading gets far.
fn some_json() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(
        "kind apiVersion metadata spec status data stringData type immutable template encryptedData name \
         namespace labels annotations finalizers ownerReferences managedFields creationTimestamp generation \
         conditions observedGeneration lastUpdateTime items uid controller Data KIND x"
            .split_whitespace()
            .collect::<Vec<_>>(),
    );
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "v1",
            "Secret",
            "List",
            "SealedSecret",
            "bitnami.com/v1alpha1",
            "YQ==",
            "true",
            "2024-01-01T00:00:00Z",
            "2024-01-01T00:00:00.5+01:00",
            "é\u{0}",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(key.clone(), inner, 0..8).prop_map(|members| {
                Value::Object(
                    members
                        .into_iter()
                        .map(|(key, value)| (key.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}

/// JSON that begins as an object of ours does.
fn nearly_an_object() -> impl Strategy<Value = Value> {
    (some_json(), some_json(), some_json(), some_json()).prop_map(
        |(metadata, template, items, status)| {
            json!({
                "metadata": metadata,
                "spec": {"template": template, "encryptedData": items},
                "status": status,
                "data": items,
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn reading_never_panics_and_what_was_read_is_written_alike(
        value in prop_oneof![some_json(), nearly_an_object()]
    ) {
        let read = SealedSecret::decode(value.clone());
        let watched = Decoded::from_value(value.clone());
        prop_assert_eq!(read.is_ok(), matches!(watched, Decoded::Sound(_)));
        match read {
            Ok(object) => {
                let written = serde_json::to_value(&object).unwrap();
                let again = SealedSecret::decode_typed(written.clone()).unwrap();
                prop_assert_eq!(serde_json::to_value(&again).unwrap(), written);
            }
            Err(error) => prop_assert!(!error.to_string().is_empty() && !error.reason().is_empty()),
        }
        if let Ok(documents) = expand_list(value) {
            for document in documents {
                drop(decode_secret(document, Origin::Yaml).map_err(|error| error.to_string()));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn unsealing_undoes_sealing(mut secret in some_secret()) {
        let scope = choose_scope(None, &mut secret.metadata).unwrap();
        let sealed = seal_secret(&secret, scope, &OLD.1).unwrap();
        prop_assert_eq!(sealed.scope(), scope);
        let unsealed =
            unseal(&sealed, &OLD.0, &KeyOrder::default(), false, None).unwrap();
        let mut got = Secret::clone(&unsealed.secret);
        got.metadata.owner_references = None;
        prop_assert!(got == secret, "another Secret");
    }

    #[test]
    fn re_encrypting_keeps_the_label_whatever_the_template_says(
        own in some_annotations(),
        in_template in some_annotations(),
        text in "[{}a-z. ]{0,12}",
        secret in some_secret(),
    ) {
        let mut bare = secret;
        bare.metadata.annotations = Some(own.clone());
        let scope = choose_scope(None, &mut bare.metadata).unwrap();
        let mut sealed = seal_secret(&bare, scope, &OLD.1).unwrap();
        sealed.metadata.annotations = Some(own);
        let template = sealed.spec.template.get_or_insert_default();
        template.metadata.annotations = Some(in_template);
        template.data = Some(BTreeMap::from([("t".to_owned(), Some(text)), ("n".to_owned(), None)]));

        let order = KeyOrder::default();
        let renewed = reencrypt(&sealed, &OLD.0, &order, &NEW.1, false).unwrap();
        prop_assert_eq!(renewed.label(), sealed.label());
        let mut without_items = renewed.clone();
        without_items.spec.encrypted_data = sealed.spec.encrypted_data.clone();
        prop_assert_eq!(without_items, sealed.clone());

        let opened = unseal(&renewed, &NEW.0, &order, false, None).unwrap();
        prop_assert!(opened.secret.data == bare.data, "other values");
        prop_assert_eq!(
            unseal(&renewed, &OLD.0, &order, false, None).is_ok(),
            sealed.spec.encrypted_data.is_empty()
        );
    }
}
