//! What an outcome depends on, in few bytes. Nothing here is secret: the spec holds ciphertexts and templates.

use std::io;

use sealed_api::SealedSecret;
use sealed_api::names::annotations;
use sealed_crypto::Scope;
use sha2::{Digest as _, Sha256};

use crate::plan::Rules;

/// Moves when the same template may render otherwise than before, or an object may open otherwise: what was settled is
/// then looked at again.
const RENDERER: u8 = 1;

/// What a Secret is made of: uid, name, effective scope and the whole spec of its SealedSecret. The same inputs make
/// the same Secret, up to what templates make up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputDigest(pub(super) [u8; 32]);

impl InputDigest {
    /// Digests an object. A label or a status of it makes no difference, nor does its generation.
    pub fn of(object: &SealedSecret) -> Self {
        let mut hash = Hash::new(b"input");
        let uid = object.metadata.uid.as_deref().unwrap_or_default();
        let scope: Scope = object.scope();
        for field in [uid, object.namespace(), object.name(), scope.as_str()] {
            hash.field(field.as_bytes());
        }
        serde_json::to_writer(&mut hash, &object.spec)
            .expect("a spec is JSON, and a hash takes every byte");
        Self(hash.0.finalize().into())
    }
}

/// Bytes of [`Terms`]: enough to tell a few settings apart.
pub(super) const TERMS_LEN: usize = 6;

/// Under what circumstances an outcome holds, apart from its object: the flags that decide, this version of the
/// renderer, and the last request for one more pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms(pub(super) [u8; TERMS_LEN]);

impl Terms {
    /// Digests the circumstances. `resync` is the annotation [`annotations::RESYNC`] of the object.
    pub fn of(rules: &Rules, accept_v1_data: bool, resync: Option<&str>) -> Self {
        let Rules {
            key_namespace,
            key_prefix,
            allow_sealed_keys,
            update_status: _,
            own_statuses: _,
            retain,
            drift: _,
            content_key: _,
        } = rules;
        let mut hash = Hash::new(b"terms");
        hash.field(&[
            RENDERER,
            u8::from(accept_v1_data),
            u8::from(*allow_sealed_keys),
        ]);
        hash.field(key_namespace.as_bytes());
        hash.field(key_prefix.as_bytes());
        if *retain {
            hash.field(annotations::RETAINED.as_bytes());
        }
        if let Some(resync) = resync {
            hash.field(annotations::RESYNC.as_bytes());
            hash.field(resync.as_bytes());
        }
        let mut terms = [0; TERMS_LEN];
        for (to, from) in terms.iter_mut().zip(hash.0.finalize()) {
            *to = from;
        }
        Self(terms)
    }
}

/// SHA-256 over fields, each with its length.
struct Hash(Sha256);

impl Hash {
    fn new(purpose: &[u8]) -> Self {
        let mut hash = Self(Sha256::new());
        hash.field(purpose);
        hash
    }

    fn field(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }
}

/// The last field, without its length.
impl io::Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
