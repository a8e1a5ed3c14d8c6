//! Functions for certificates, keys, password hashes, AES.
//!
//! RSA, ECDSA, Ed25519, AES, HMAC and SHA run in aws-lc; bcrypt, scrypt and the generation of DSA keys, which
//! it does not offer, in crates of its kind in Rust.

mod aes;
mod bcrypt;
mod cost;
mod master_password;

use sealed_template::Functions;

pub(crate) fn register(functions: &mut Functions) {
    functions
        .add("bcrypt", bcrypt::bcrypt)
        .add("decryptAES", aes::decrypt)
        .add("derivePassword", master_password::derive)
        .add("encryptAES", aes::encrypt)
        .add("htpasswd", bcrypt::htpasswd);
}
