//! Functions for certificates, keys, password hashes, AES.
//!
//! RSA, ECDSA, Ed25519, AES, HMAC and SHA run in aws-lc. What it does not offer runs in `bcrypt`, `scrypt`,
//! `crypto-bigint` and `crypto-primes`, the last two of which only make DSA keys.
//!
//! What is refused here that Sprig takes stands in the README.

mod aes;
mod bcrypt;
mod certificate;
mod cost;
mod der;
mod key;
mod master_password;
mod pem;

use sealed_template::Functions;

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
