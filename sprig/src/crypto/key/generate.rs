//! `genPrivateKey`

use sealed_template::{CallError, Context, Str};

use super::{PrivateKey, Size, dsa, ec, ed25519};
use crate::crypto::pem;

/// `genPrivateKey`: a new key as PEM. An unknown type is said in the result.
pub(in super::super) fn generate(context: &mut Context<'_>, kind: Str) -> Result<Str, CallError> {
    let key = match kind.as_bytes() {
        b"" | b"rsa" => PrivateKey::generate_rsa(context, Size::Bits4096),
        b"dsa" => return Ok(pem::encode("DSA PRIVATE KEY", &dsa::generate(context)?)),
        b"ecdsa" => ec::Key::generate(context).map(PrivateKey::Ec),
        b"ed25519" => ed25519::Key::generate(context).map(PrivateKey::Ed25519),
        _ => return Ok([b"Unknown type ", kind.as_bytes()].concat().into()),
    };
    key?.to_pem()
}
