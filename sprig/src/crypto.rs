//! Functions for certificates, keys, password hashes, AES.
//!
//! RSA, ECDSA, Ed25519, AES, HMAC and SHA run in aws-lc. What it does not offer runs in `bcrypt`, `scrypt`,
//! `crypto-bigint` and `crypto-primes`, the last two of which only make DSA keys.
//!
//! # Differences from Sprig
//!
//! All of these are errors here where Sprig goes on:
//!
//! * signing with an RSA key of less than 2048 or more than 8192 bits, and any use of one that has more than
//!   two primes or lacks its CRT values: aws-lc takes none of them. `buildCustomCert`, which only looks at
//!   keys, takes them, and does not find all contradictions in their numbers.
//! * certificates of and by keys on the curve P-224.
//! * work for which the budget has no steps left, see `cost`.
//!
//! The other way round, of the extensions of a given certificate only those are checked for what they say
//! that matter to the certificates it signs.

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
