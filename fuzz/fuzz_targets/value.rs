//! Reading sealed values: no input panics, reading and writing undo each other, and nothing that
//! a fuzzer makes up opens. Input may be a value in base64 or in binary.

#![no_main]

use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use sealed_crypto::{KeyOrder, Keyring, Label, PrivateKey, SealedValue, SealingKey, base64};

static KEYRING: LazyLock<Keyring> = LazyLock::new(|| {
    let pem = include_bytes!("../../tests/vectors/keys/rsa2048-a.pkcs1.pem");
    let key = PrivateKey::from_pem(pem).expect("a good key");
    Keyring::new([Arc::new(SealingKey::new(key, None, Timestamp::UNIX_EPOCH))])
});

fuzz_target!(|data: &[u8]| {
    if let Ok(bytes) = base64::decode(data) {
        let canonical = base64::encode(&bytes);
        assert_eq!(base64::decode(canonical.as_bytes()).as_deref(), Ok(&*bytes));
        read(bytes);
    }
    read(data.to_vec());
});

fn read(bytes: Vec<u8>) {
    let Ok(value) = SealedValue::from_bytes(bytes.clone()) else {
        return;
    };
    assert_eq!(value.as_bytes(), bytes);
    assert_eq!(SealedValue::from_base64(&value.to_string()), Ok(value.clone()));

    // No seed is sealed for this place, and no input can be without the certificate.
    let label = Label::strict("fuzz", "fuzz").expect("a good name");
    let opened = KEYRING.unseal(&label, &value, &KeyOrder::default());
    assert!(opened.is_err(), "opened {value}");
}
