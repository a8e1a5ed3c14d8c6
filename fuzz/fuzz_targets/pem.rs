//! Reading key and certificate files: no input panics, and what was read is written so that it
//! reads as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealed_crypto::{Certificate, PrivateKey};

fuzz_target!(|data: &[u8]| {
    if let Ok(certificate) = Certificate::from_pem(data) {
        assert!(Certificate::count_in_pem(data).is_ok_and(|count| count > 0));
        let again = Certificate::from_pem(certificate.to_pem().as_bytes());
        assert_eq!(again, Ok(certificate));
    }
    if let Ok(key) = PrivateKey::from_pem(data) {
        let all = PrivateKey::all_from_pem(data).expect("at least this one");
        assert!(all.iter().any(|other| other.fingerprint() == key.fingerprint()));
        let pem = key.to_pkcs1_pem().expect("a key that was read can be written");
        let again = PrivateKey::from_pem(pem.as_bytes()).expect("what we wrote");
        assert_eq!(again.fingerprint(), key.fingerprint());
    }
});
