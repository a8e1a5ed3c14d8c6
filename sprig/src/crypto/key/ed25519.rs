//! Ed25519 keys.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use sealed_template::{CallError, Context};
use x509_parser::oid_registry::OID_SIG_ED25519;
use zeroize::Zeroizing;

use super::PublicKey;
use crate::crypto::cost::{self, costly};
use crate::crypto::der::{integer, octet_string, oid, sequence};

pub(super) const SEED_LEN: usize = 32;

pub(in super::super) struct Key {
    seed: Zeroizing<Vec<u8>>,
    pair: Ed25519KeyPair,
}

impl Key {
    pub(super) fn generate(context: &mut Context<'_>) -> Result<Self, CallError> {
        let mut seed = Zeroizing::new([0; SEED_LEN]);
        context.random(&mut *seed);
        costly(context, cost::ELLIPTIC, || Self::from_seed(&*seed))?
    }

    pub(super) fn from_seed(seed: &[u8]) -> Result<Self, CallError> {
        if seed.len() != SEED_LEN {
            return Err(CallError::new(format!(
                "x509: invalid Ed25519 private key length: {}",
                seed.len()
            )));
        }
        Ok(Self {
            seed: Zeroizing::new(seed.to_vec()),
            pair: Ed25519KeyPair::from_seed_unchecked(seed)
                .map_err(|_| CallError::new("ed25519: the cryptographic library failed"))?,
        })
    }

    pub(super) fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        let key = octet_string(&octet_string(&self.seed));
        sequence(&[&integer(&[]), &algorithm(), &key])
    }

    pub(super) fn public_key(&self) -> PublicKey {
        PublicKey::new(&algorithm(), self.pair.public_key().as_ref().to_vec())
    }

    pub(super) fn sign(
        &self,
        context: &mut Context<'_>,
        message: &[u8],
    ) -> Result<Vec<u8>, CallError> {
        let signature = costly(context, cost::ELLIPTIC, || self.pair.sign(message))?;
        Ok(signature.as_ref().to_vec())
    }
}

/// One name for keys and signatures.
pub(super) fn algorithm() -> Zeroizing<Vec<u8>> {
    sequence(&[&oid(&OID_SIG_ED25519)])
}
