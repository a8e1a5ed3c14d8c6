//! Functions for base64, base32, hashes.
//!
//! What cannot be decoded is no error: the text of Go's error is the result.

mod base32;

use std::mem;

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512, digest};
use sealed_template::{Functions, Str};
use zeroize::Zeroizing;

use crate::base64;

pub(crate) fn register(functions: &mut Functions) {
    functions
        .add("adler32sum", |text: Str| {
            Str::from(adler2::adler32_slice(&text).to_string())
        })
        .add("b32dec", |text: Str| {
            decoded(base32::decode(&text), "base32")
        })
        .add("b32enc", |text: Str| Str::from(base32::encode(&text)))
        .add("b64dec", |text: Str| {
            decoded(base64::decode(&text), "base64")
        })
        .add("b64enc", |text: Str| Str::from(base64::encode(&text)))
        .add("sha1sum", |text: Str| {
            hex_digest(&SHA1_FOR_LEGACY_USE_ONLY, &text)
        })
        .add("sha256sum", |text: Str| hex_digest(&SHA256, &text))
        .add("sha512sum", |text: Str| hex_digest(&SHA512, &text));
}

/// What was decoded, or Go's text for the position of a fault.
fn decoded(result: Result<Zeroizing<Vec<u8>>, usize>, encoding: &str) -> Str {
    match result {
        Ok(mut bytes) => mem::take(&mut *bytes).into(),
        Err(at) => format!("illegal {encoding} data at input byte {at}").into(),
    }
}

fn hex_digest(algorithm: &'static Algorithm, text: &[u8]) -> Str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let hash = digest(algorithm, text);
    let nibbles = hash
        .as_ref()
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0xF]);
    let digits = nibbles.filter_map(|nibble| DIGITS.get(usize::from(nibble)));
    digits.copied().collect::<Vec<u8>>().into()
}
