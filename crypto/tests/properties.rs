//! What holds for every value.

#![expect(
    clippy::unwrap_used,
    reason = "a failing helper of a test fails the test"
)]

use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use proptest::prelude::*;
use sealed_crypto::{
    Certificate, KeyOrder, Keyring, Label, PrivateKey, Scope, SealedValue, SealingKey, seal,
};

fn read(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys/");
    std::fs::read(format!("{folder}{name}")).unwrap()
}

static CERTIFICATE: LazyLock<Certificate> =
    LazyLock::new(|| Certificate::from_pem(&read("rsa2048-a.crt.pem")).unwrap());

static KEYRING: LazyLock<Keyring> = LazyLock::new(|| {
    let key = PrivateKey::from_pem(&read("rsa2048-a.pkcs8.pem")).unwrap();
    Keyring::new([Arc::new(SealingKey::new(key, None, Timestamp::UNIX_EPOCH))])
});

fn unseal(label: &Label, value: &SealedValue) -> Option<Vec<u8>> {
    let opened = KEYRING.unseal(label, value, &KeyOrder::default()).ok()?;
    Some(opened.plaintext.expose().to_vec())
}

fn labels() -> impl Strategy<Value = Label> {
    let scopes = prop_oneof![
        Just(Scope::Strict),
        Just(Scope::NamespaceWide),
        Just(Scope::ClusterWide)
    ];
    (scopes, "[a-z0-9-]{1,10}", "[a-z0-9.-]{1,20}")
        .prop_map(|(scope, namespace, name)| Label::for_scope(scope, &namespace, &name).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn unsealing_undoes_sealing(
        label in labels(),
        plaintext in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let value = seal(&CERTIFICATE, &label, &plaintext).unwrap();
        prop_assert_eq!(value.as_bytes().len(), 2 + 256 + plaintext.len() + 16);
        prop_assert_eq!(value.wrapped_key_len(), 256);
        let read_back = SealedValue::from_base64(&value.to_string()).unwrap();
        prop_assert_eq!(unseal(&label, &read_back), Some(plaintext));
    }

    #[test]
    fn a_value_opens_at_its_own_label_only(here in labels(), there in labels()) {
        let value = seal(&CERTIFICATE, &here, b"hunter2").unwrap();
        prop_assert_eq!(unseal(&there, &value).is_some(), here == there);
    }

    #[test]
    fn a_changed_length_fails(cut in 1..40_usize, more in proptest::collection::vec(any::<u8>(), 1..20)) {
        let label = Label::cluster_wide();
        let value = seal(&CERTIFICATE, &label, &[7; 30]).unwrap();
        let shorter = value.as_bytes()[..value.as_bytes().len() - cut].to_vec();
        let longer = [value.as_bytes(), &more].concat();
        for bytes in [shorter, longer] {
            let opened = SealedValue::from_bytes(bytes).ok().and_then(|value| unseal(&label, &value));
            prop_assert_eq!(opened, None);
        }
    }
}

#[test]
fn any_flipped_bit_fails() {
    let label = Label::strict("team-a", "db").unwrap();
    let value = seal(&CERTIFICATE, &label, b"hunter2").unwrap();
    assert!(unseal(&label, &value).is_some());
    for index in 0..value.as_bytes().len() {
        for bit in 0..8 {
            let mut bytes = value.as_bytes().to_vec();
            bytes[index] ^= 1 << bit;
            let opened = SealedValue::from_bytes(bytes)
                .ok()
                .and_then(|value| unseal(&label, &value));
            assert_eq!(opened, None, "bit {bit} of byte {index}");
        }
    }
}

#[test]
fn two_sealings_of_one_value_share_nothing() {
    let label = Label::cluster_wide();
    let [a, b] = [(); 2].map(|()| seal(&CERTIFICATE, &label, &[0; 64]).unwrap());
    let (a, b) = (&a.as_bytes()[2..], &b.as_bytes()[2..]);
    // The session key is fresh: neither the wrapped key nor the key stream repeats.
    for start in 0..a.len() - 8 {
        assert_ne!(a[start..start + 8], b[start..start + 8], "offset {start}");
    }
}
