use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealed_api::{SealedSecretSpec, SecretTemplate};
use sealed_crypto::{Certificate, Label, PrivateKey, SealingKey, seal};

use super::*;

fn file(name: &str) -> Vec<u8> {
    let path = format!(
        concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys/{}"),
        name
    );
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn sealing_key(name: &str) -> Arc<SealingKey> {
    let private_key = PrivateKey::from_pem(&file(&format!("{name}.pkcs1.pem"))).expect("sound");
    Arc::new(SealingKey::new(private_key, None, Timestamp::UNIX_EPOCH))
}

fn sealed(key: &str, value: &str) -> String {
    let certificate = Certificate::from_pem(&file(&format!("{key}.crt.pem"))).expect("sound");
    let label = Label::strict("web", "app").expect("a label");
    let value = seal(&certificate, &label, value.as_bytes()).expect("seals");
    value.to_string()
}

fn object(values: &[(&str, String)]) -> SealedSecret {
    SealedSecret {
        metadata: ObjectMeta {
            name: Some("app".to_owned()),
            namespace: Some("web".to_owned()),
            uid: Some("u1".to_owned()),
            ..ObjectMeta::default()
        },
        spec: SealedSecretSpec {
            encrypted_data: values
                .iter()
                .map(|(key, value)| ((*key).to_owned(), value.clone()))
                .collect(),
            ..SealedSecretSpec::default()
        },
        status: None,
    }
}

async fn open(object: &SealedSecret, keyring: &Keyring, choice: &KeyChoice) -> Attempt {
    open_after(&LatestKey::default(), object, keyring, choice).await
}

async fn open_after(
    latest: &LatestKey,
    object: &SealedSecret,
    keyring: &Keyring,
    choice: &KeyChoice,
) -> Attempt {
    let pool = FairPool::start("rsa", NonZeroUsize::MIN, NonZeroUsize::MIN).expect("starts");
    let opener = Opener {
        pool: &pool,
        keyring,
        accept_v1_data: true,
        renderer: &Renderer::start().expect("starts"),
        latest,
    };
    let order = KeyOrder::default();
    opener.open(object, order, choice).await.expect("not lost")
}

/// Many objects are given their order of keys before anything is open.
#[tokio::test]
async fn what_opened_another_object_is_tried_before_the_rest() {
    let keys = ["rsa2048-a", "rsa2048-b"].map(sealing_key);
    let keyring = Keyring::new(keys.clone());
    for (name, key) in ["rsa2048-a", "rsa2048-b"].into_iter().zip(&keys) {
        let latest = LatestKey::default();
        let object = object(&[("x", sealed(name, "1"))]);
        open_after(&latest, &object, &keyring, &KeyChoice::All).await;
        assert_eq!(latest.known(), Some(key.fingerprint()));
        let attempt = open_after(&latest, &object, &keyring, &KeyChoice::All).await;
        assert_eq!(attempt.unsealed.expect("opens").trials, 1);
    }
}

#[tokio::test]
async fn every_value_opens_and_the_keys_are_named() {
    let (a, b) = (sealing_key("rsa2048-a"), sealing_key("rsa2048-b"));
    let keyring = Keyring::new([Arc::clone(&a), Arc::clone(&b)]);
    let object = object(&[
        ("x", sealed("rsa2048-a", "1")),
        ("y", sealed("rsa2048-b", "2")),
    ]);
    let attempt = open(&object, &keyring, &KeyChoice::All).await;
    let both = BTreeSet::from([a.fingerprint(), b.fingerprint()]);
    assert_eq!(attempt.opened_by.keys().collect::<BTreeSet<_>>(), both);
    assert_eq!(attempt.keys, KeySet::from(&keyring));
    let data = attempt
        .unsealed
        .as_ref()
        .expect("opens")
        .secret
        .data
        .as_ref()
        .expect("has data");
    assert_eq!(
        (&data["x"].0, &data["y"].0),
        (&b"1".to_vec(), &b"2".to_vec())
    );
}

#[tokio::test]
async fn the_key_of_the_first_value_is_tried_first_for_the_rest() {
    let keyring = Keyring::new([sealing_key("rsa2048-b"), sealing_key("rsa2048-a")]);
    let values = ["u", "v", "w"].map(|key| (key, sealed("rsa2048-a", key)));
    let attempt = open(&object(&values), &keyring, &KeyChoice::All).await;
    // Two for the first value, then one each.
    assert_eq!(attempt.unsealed.as_ref().expect("opens").trials, 4);
}

#[tokio::test]
async fn a_failure_names_the_keys_that_opened_the_rest() {
    let a = sealing_key("rsa2048-a");
    let keyring = Keyring::new([Arc::clone(&a)]);
    let object = object(&[
        ("x", sealed("rsa2048-a", "1")),
        ("y", sealed("rsa2048-b", "2")),
    ]);
    let attempt = open(&object, &keyring, &KeyChoice::All).await;
    assert_eq!(
        attempt.opened_by.keys().collect::<Vec<_>>(),
        [a.fingerprint()]
    );
    let failure = attempt.unsealed.as_ref().expect_err("does not open");
    assert_eq!(failure.to_string(), "no key could decrypt secret (y)");
    assert_eq!(failure.trials(), 2);
}

#[tokio::test]
async fn only_chosen_keys_are_tried() {
    let (a, b) = (sealing_key("rsa2048-a"), sealing_key("rsa2048-b"));
    let keyring = Keyring::new([Arc::clone(&a), Arc::clone(&b)]);
    let object = object(&[("x", sealed("rsa2048-b", "1"))]);
    let only = |key: &SealingKey| KeyChoice::Only(BTreeSet::from([key.fingerprint()]));
    let attempt = open(&object, &keyring, &only(&b)).await;
    assert_eq!(attempt.unsealed.as_ref().expect("opens").trials, 1);
    let attempt = open(&object, &keyring, &only(&a)).await;
    assert_eq!(
        attempt
            .unsealed
            .as_ref()
            .expect_err("does not open")
            .trials(),
        1
    );
    assert_eq!(attempt.keys, KeySet::from(&keyring));
}

fn with_template(mut object: SealedSecret, text: &str) -> SealedSecret {
    object.spec.template = Some(SecretTemplate {
        data: Some([("t".to_owned(), Some(text.to_owned()))].into()),
        ..SecretTemplate::default()
    });
    object
}

#[tokio::test]
async fn templates_are_rendered_and_those_that_differ_each_time_are_named() {
    let keyring = Keyring::new([sealing_key("rsa2048-a")]);
    let object = object(&[("x", sealed("rsa2048-a", "hunter2"))]);
    for (text, rendered, volatile) in [
        ("{{ .x | upper }}", Some("HUNTER2"), false),
        ("{{ randAlphaNum 8 }}", None, true),
    ] {
        let object = with_template(object.clone(), text);
        let attempt = open(&object, &keyring, &KeyChoice::All).await;
        let unsealed = attempt.unsealed.as_ref().expect("renders");
        assert_eq!(unsealed.volatile.contains("t"), volatile, "{text}");
        if let Some(rendered) = rendered {
            let data = unsealed.secret.data.as_ref().expect("has data");
            assert_eq!(data["t"].0, rendered.as_bytes());
        }
    }
}

#[tokio::test]
async fn what_is_published_of_a_failed_template_holds_no_value_and_no_position() {
    let keyring = Keyring::new([sealing_key("rsa2048-a")]);
    let object = object(&[("x", sealed("rsa2048-a", "hunter2"))]);
    let object = with_template(object, "{{ if eq .x \"hunter2\" }}{{ fail .x }}{{ end }}");
    let attempt = open(&object, &keyring, &KeyChoice::All).await;
    let failure = attempt.unsealed.as_ref().expect_err("fails");
    let public = "template failed: function-failed (t)";
    assert_eq!(
        (failure.to_string(), failure.published()),
        (public.to_owned(), public.to_owned())
    );
    assert!(!format!("{failure:?}").contains("hunter2"));
    assert_eq!(
        failure.whole().expose(),
        "template: t:1:27: executing \"t\" at <fail .x>: error calling fail: hunter2 (t)"
    );
}
