//! What unsealing costs, keeps secret and forces, beyond the recorded objects.

#![expect(
    clippy::unwrap_used,
    reason = "a failing helper of a test fails the test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sealed_api::{
    Code, PrivateText, Render, RenderError, Rendered, SealedSecret, SealedSecretSpec,
    SecretTemplate, SecretView, Texts, Values, unseal, verify,
};
use sealed_crypto::{Certificate, KeyOrder, Keyring, Label, PrivateKey, SealingKey, seal};
use serde_json::{Value, json};

fn vector(file: &str) -> Vec<u8> {
    let keys = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys");
    std::fs::read(format!("{keys}/{file}")).unwrap()
}

/// Two keys, `rsa2048-a` the newer one.
fn keyring() -> Keyring {
    Keyring::new(
        ["rsa2048-a", "rsa2048-b"]
            .into_iter()
            .zip([2, 1])
            .map(|(name, time)| {
                let key = PrivateKey::from_pem(&vector(&format!("{name}.pkcs1.pem"))).unwrap();
                Arc::new(SealingKey::new(
                    key,
                    None,
                    jiff::Timestamp::from_second(time).unwrap(),
                ))
            }),
    )
}

/// An object web/db whose values are sealed for the older key.
fn sealed(values: &[(&str, &str)]) -> SealedSecret {
    let certificate = Certificate::from_pem(&vector("rsa2048-b.crt.pem")).unwrap();
    let label = Label::strict("web", "db").unwrap();
    let mut object = SealedSecret {
        spec: SealedSecretSpec {
            encrypted_data: values
                .iter()
                .map(|(key, value)| {
                    let value = seal(&certificate, &label, value.as_bytes()).unwrap();
                    ((*key).to_owned(), value.to_string())
                })
                .collect(),
            ..SealedSecretSpec::default()
        },
        ..SealedSecret::default()
    };
    object.metadata.name = Some("db".to_owned());
    object.metadata.namespace = Some("web".to_owned());
    object
}

#[test]
fn a_neighbour_is_opened_with_the_key_that_opened_the_first() {
    let object = sealed(&[("a", "1"), ("b", "2"), ("c", "3")]);
    let unsealed = unseal(&object, &keyring(), &KeyOrder::default(), false, None).unwrap();
    // The newer key is tried in vain once, not once for each value.
    assert_eq!((unsealed.trials, unsealed.keys.len()), (4, 1));
}

#[test]
fn verify_stops_at_the_first_value_that_does_not_open() {
    let mut object = sealed(&[("a", "1"), ("b", "2"), ("c", "3")]);
    object.metadata.name = Some("moved".to_owned());
    let failure = verify(&object, &keyring(), &KeyOrder::default(), false).unwrap_err();
    assert_eq!(failure.to_string(), "no key could decrypt secret (a)");
    assert_eq!((failure.trials(), failure.code()), (2, Code::WrongKey));
}

#[test]
fn structure_is_told_apart_in_codes_and_not_in_the_text() {
    let mut object = sealed(&[]);
    for (key, value) in [("cut", "AQA="), ("text", "hunter2!")] {
        object
            .spec
            .encrypted_data
            .insert(key.to_owned(), value.to_owned());
    }
    let failure = unseal(&object, &keyring(), &KeyOrder::default(), false, None).unwrap_err();
    assert_eq!(
        failure.to_string(),
        "no key could decrypt secret (cut)\nillegal base64 data at input byte 7 (text)"
    );
    let codes: Vec<Code> = failure.reports().iter().map(|report| report.code).collect();
    assert_eq!(codes, [Code::MalformedValue, Code::BadBase64]);
    assert_eq!(failure.trials(), 0);

    let mut nameless = sealed(&[("a", "1")]);
    nameless.metadata.name = None;
    let failure = unseal(&nameless, &keyring(), &KeyOrder::default(), false, None).unwrap_err();
    assert_eq!(failure.to_string(), "no key could decrypt secret (a)");
    assert_eq!(failure.code(), Code::MissingName);
}

/// Renders every text as the keys and values it can see.
struct Sees;

impl Render for Sees {
    fn render<'t>(
        &self,
        texts: &Texts<'t>,
        context: &Values,
    ) -> Vec<(&'t str, Result<Rendered, RenderError>)> {
        let seen: Vec<String> = context
            .iter()
            .map(|(key, value)| format!("{key}={}", String::from_utf8_lossy(value)))
            .collect();
        let render = |key: &str, text: &str| match text {
            "fail" => Err(RenderError::new(
                Code::TemplateFailed,
                "no",
                PrivateText::new(format!("template: {key}: {}", seen.join(","))),
            )),
            text => Ok(Rendered {
                output: seen.join(",").into_bytes().into(),
                is_deterministic: text != "random",
                missing: BTreeSet::new(),
            }),
        };
        let rendered = texts.iter().map(|(key, text)| (*key, render(key, text)));
        rendered.collect()
    }

    fn check<'t>(&self, texts: &Texts<'t>) -> Vec<(&'t str, RenderError)> {
        let faulty = texts.iter().filter(|(_, text)| **text == "broken");
        let whole = PrivateText::new("broken".to_owned());
        let error = RenderError::new(Code::TemplateInvalid, "broken", whole);
        faulty.map(|(key, _)| (*key, error.clone())).collect()
    }
}

fn with_texts(mut object: SealedSecret, texts: &[(&str, Option<&str>)]) -> SealedSecret {
    let data = texts
        .iter()
        .map(|(key, text)| ((*key).to_owned(), text.map(str::to_owned)))
        .collect();
    object.spec.template = Some(SecretTemplate {
        data: Some(data),
        ..SecretTemplate::default()
    });
    object
}

#[test]
fn templates_see_values_and_raw_texts_and_never_replace_a_value() {
    let object = with_texts(
        sealed(&[("a", "1"), ("b", "2")]),
        &[
            ("a", Some("raw a")),
            ("b", None),
            ("t", Some("raw t")),
            ("z", None),
        ],
    );
    let unsealed = unseal(
        &object,
        &keyring(),
        &KeyOrder::default(),
        false,
        Some(&Sees),
    )
    .unwrap();
    let data = unsealed.secret.data.clone().unwrap();
    let texts: BTreeMap<&str, &[u8]> = data
        .iter()
        .map(|(key, value)| (key.as_str(), value.0.as_slice()))
        .collect();
    let want: [(&str, &[u8]); 2] = [("a", b"1"), ("t", b"a=1,b=2,t=raw t")];
    assert_eq!(texts, BTreeMap::from(want));
}

#[test]
fn a_failing_template_fails_the_object_even_where_a_value_wins() {
    let object = with_texts(
        sealed(&[("a", "1")]),
        &[("a", Some("fail")), ("t", Some("fail"))],
    );
    let failure = unseal(
        &object,
        &keyring(),
        &KeyOrder::default(),
        false,
        Some(&Sees),
    )
    .unwrap_err();
    assert_eq!(failure.to_string(), "no (a, t)");
    assert_eq!(
        failure.whole().expose(),
        "template: a: a=1,t=fail (a)\ntemplate: t: a=1,t=fail (t)"
    );
    assert!(unseal(&object, &keyring(), &KeyOrder::default(), false, None).is_ok());
}

#[test]
fn templates_run_only_when_every_value_opened_and_are_checked_all_the_same() {
    let mut object = with_texts(
        sealed(&[("a", "1")]),
        &[("t", Some("fail")), ("u", Some("broken"))],
    );
    object.metadata.name = Some("moved".to_owned());
    let failure = unseal(
        &object,
        &keyring(),
        &KeyOrder::default(),
        false,
        Some(&Sees),
    )
    .unwrap_err();
    assert_eq!(
        failure.to_string(),
        "no key could decrypt secret (a)\nbroken (u)"
    );
}

#[test]
fn what_a_template_made_up_is_named_unless_a_value_wins() {
    let object = with_texts(
        sealed(&[("a", "1")]),
        &[
            ("a", Some("random")),
            ("t", Some("random")),
            ("u", Some("x")),
        ],
    );
    let order = KeyOrder::default();
    let unsealed = unseal(&object, &keyring(), &order, false, Some(&Sees)).unwrap();
    assert_eq!(unsealed.volatile, BTreeSet::from(["t".to_owned()]));
}

#[test]
fn the_owner_is_the_object_and_a_template_cannot_choose_a_place() {
    let mut object = with_texts(sealed(&[("a", "1")]), &[]);
    object.metadata.uid = Some("u-1".to_owned());
    let template = object.spec.template.as_mut().unwrap();
    template.metadata.namespace = Some("kube-system".to_owned());
    template.metadata.name = Some("other".to_owned());
    let unsealed = unseal(
        &object,
        &keyring(),
        &KeyOrder::default(),
        false,
        Some(&Sees),
    )
    .unwrap();
    assert_eq!(
        serde_json::to_value(SecretView(&unsealed.secret)).unwrap()["metadata"],
        json!({
            "name": "db", "namespace": "web",
            "ownerReferences": [{
                "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "db", "uid": "u-1",
                "controller": true,
            }],
        })
    );
}

#[test]
fn debug_output_holds_no_value() {
    let object = sealed(&[("a", "hunter2")]);
    let unsealed = unseal(&object, &keyring(), &KeyOrder::default(), false, None).unwrap();
    assert!(!format!("{unsealed:?}").contains("hunter2"));
    let encoded = sealed_crypto::base64::encode(b"hunter2");
    assert!(!format!("{unsealed:?}").contains(&encoded));
}

#[test]
fn fields_are_written_in_the_order_of_the_existing_tool() {
    let text = json!({
        "status": {}, "spec": {
            "encryptedData": {"b": "", "a": ""},
            "template": {
                "data": {"x": null}, "immutable": false, "type": "Opaque",
                "metadata": {"annotations": {"k": "v"}, "creationTimestamp": null, "labels": {}, "name": "db"},
            },
        },
        "metadata": {"namespace": "web", "name": "db"}, "kind": "SealedSecret",
        "apiVersion": "bitnami.com/v1alpha1",
    });
    let object = SealedSecret::decode_typed(text).unwrap();
    assert_eq!(
        serde_json::to_string(&object).unwrap(),
        r#"{"kind":"SealedSecret","apiVersion":"bitnami.com/v1alpha1","metadata":{"name":"db","namespace":"web"},"spec":{"template":{"metadata":{"name":"db","annotations":{"k":"v"}},"type":"Opaque","immutable":false,"data":{"x":null}},"encryptedData":{"a":"","b":""}}}"#
    );
    let secret: Value = json!({"data": {"b": "", "a": "YQ=="}, "immutable": true, "metadata": {"name": "db"}, "type": "Opaque"});
    let secret = serde_json::from_value(secret).unwrap();
    assert_eq!(
        serde_json::to_string(&SecretView(&secret)).unwrap(),
        r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"db"},"immutable":true,"data":{"a":"YQ==","b":""},"type":"Opaque"}"#
    );
}
