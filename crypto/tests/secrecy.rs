//! Secrets show in no debug output, cannot be copied, and are shared between threads.

use std::marker::PhantomData;
use std::sync::Arc;

use jiff::Timestamp;
use sealed_crypto::{
    Certificate, KeyOrder, Keyring, Label, Opened, Plaintext, PrivateKey, SealingKey, seal,
};

/// Whether a type implements a trait: an inherent constant hides the trait's where it exists.
macro_rules! implements {
    ($type:ty: $bound:path) => {{
        trait Otherwise {
            const _ANSWER: bool = false;
        }
        impl<T> Otherwise for Probe<T> {}
        struct Probe<T>(PhantomData<T>);
        impl<T: $bound> Probe<T> {
            const _ANSWER: bool = true;
        }
        let Probe(_) = Probe::<$type>(PhantomData);
        assert!(!<Probe<$type> as Otherwise>::_ANSWER);
        Probe::<$type>::_ANSWER
    }};
}

#[test]
fn private_material_has_no_copy_and_no_text() {
    // The macro can tell.
    assert!(implements!(String: Clone) && implements!(String: std::fmt::Display));

    assert!(!implements!(PrivateKey: Clone) && !implements!(PrivateKey: std::fmt::Display));
    assert!(!implements!(SealingKey: Clone) && !implements!(SealingKey: std::fmt::Display));
    assert!(!implements!(Plaintext: Clone) && !implements!(Plaintext: std::fmt::Display));
    assert!(!implements!(Opened: Clone) && !implements!(Opened: std::fmt::Display));
    assert!(!implements!(Plaintext: AsRef<[u8]>) && !implements!(Plaintext: std::ops::Deref));
}

#[test]
fn keys_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<PrivateKey>();
    shared::<SealingKey>();
    shared::<Keyring>();
    shared::<Certificate>();
}

#[test]
fn debug_output_shows_names_and_sizes_only() {
    let private_key = PrivateKey::generate(2048).unwrap();
    let name = private_key.fingerprint().to_string();
    let pem = private_key.to_pkcs1_pem().unwrap();
    let der = sealed_crypto::base64::decode(
        pem.lines()
            .filter(|line| !line.starts_with('-'))
            .collect::<String>()
            .as_bytes(),
    )
    .unwrap();

    let expected = format!("PrivateKey {{ fingerprint: {name}, bits: 2048, .. }}");
    assert_eq!(format!("{private_key:?}"), expected);

    let request = sealed_crypto::CertificateRequest {
        common_name: "cn".to_owned(),
        not_before: Timestamp::UNIX_EPOCH,
        not_after: Timestamp::UNIX_EPOCH,
    };
    let certificate = private_key.self_signed(&request).unwrap();
    let label = Label::cluster_wide();
    let value = seal(&certificate, &label, b"hunter2-hunter2").unwrap();
    let key = SealingKey::new(private_key, Some(certificate), Timestamp::UNIX_EPOCH);
    let keyring = Keyring::new([Arc::new(key)]);
    let opened = keyring
        .unseal(&label, &value, &KeyOrder::default())
        .unwrap();

    assert_eq!(format!("{:?}", opened.plaintext), "Plaintext(15 bytes)");
    for shown in [
        format!("{keyring:?}"),
        format!("{keyring:#?}"),
        format!("{opened:?}"),
    ] {
        assert!(shown.contains(&name), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
        // Neither the private numbers nor the plaintext as a list of bytes.
        for window in der.chunks_exact(4) {
            let listed = format!("{window:?}");
            let listed = listed.trim_matches(['[', ']']);
            assert!(!shown.contains(listed), "{shown}");
        }
        assert!(!shown.contains("104, 117, 110"), "{shown}");
    }
}
