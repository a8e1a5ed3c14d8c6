//! Functions for certificates, keys, password hashes, AES.
//!
//! RSA, ECDSA, Ed25519, AES, HMAC and SHA run in aws-lc; bcrypt, scrypt and the generation of DSA keys, which
//! it does not offer, in crates of its kind in Rust.

mod aes;
mod bcrypt;
mod certificate;
mod cost;
mod der;
mod key;
mod master_password;
mod pem;

use sealed_template::{CallError, Functions};

pub(crate) fn register(functions: &mut Functions) {
    functions
        .add("bcrypt", bcrypt::bcrypt)
        .add("buildCustomCert", certificate::build_custom)
        .add("decryptAES", aes::decrypt)
        .add("derivePassword", master_password::derive)
        .add("encryptAES", aes::encrypt)
        .add("genCA", certificate::authority)
        .add("genCAWithKey", certificate::authority_with_key)
        .add("genPrivateKey", key::generate)
        .add("genSelfSignedCert", certificate::self_signed)
        .add(
            "genSelfSignedCertWithKey",
            certificate::self_signed_with_key,
        )
        .add("genSignedCert", certificate::signed)
        .add("genSignedCertWithKey", certificate::signed_with_key)
        .add("htpasswd", bcrypt::htpasswd);
}

/// The same error with `prefix` before its text; a limit that was passed stays what it is.
fn prefixed(prefix: &str, error: CallError) -> CallError {
    match error.passed_limit() {
        Some(_) => error,
        None => CallError::new([prefix.as_bytes(), error.text()].concat()),
    }
}
