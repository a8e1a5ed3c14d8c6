//! What a cluster gives an object and a file does not have: uid and generation.
//!
//! Both follow from the content, so a restart finds everything as it was.

use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::object_key::ObjectKey;

/// The name space of this program's uids; any fixed value would do.
const SPACE: Uuid = Uuid::from_u128(0x6f0d_5b0e_8a53_4c1d_9d61_2f3a_7be4_90c2);

/// The uid of a SealedSecret.
pub(super) fn sealed_secret_uid(key: &ObjectKey) -> String {
    Uuid::new_v5(&SPACE, key.to_string().as_bytes()).to_string()
}

/// The uid of the Secret of that name.
pub(super) fn secret_uid(key: &ObjectKey) -> String {
    Uuid::new_v5(&SPACE, format!("secret {key}").as_bytes()).to_string()
}

/// A generation that changes with `content`. Not a count: there is nobody to count while nobody watches.
pub(super) fn generation(content: &impl Serialize) -> i64 {
    let text = serde_json::to_vec(content).unwrap_or_default();
    let digest = Sha256::digest(&text);
    let bytes = digest.first_chunk().copied().unwrap_or_default();
    // 53 bits: exact in every reader of JSON.
    i64::try_from(u64::from_be_bytes(bytes) >> 11).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use sealed_api::SealedSecretSpec;

    use super::*;

    #[test]
    fn uids_follow_from_names() {
        let key = ObjectKey::new("web", "db");
        assert_eq!(
            sealed_secret_uid(&key),
            "77b8309f-c91b-5bf7-8c93-14de4092b5b5"
        );
        assert_ne!(sealed_secret_uid(&key), secret_uid(&key));
        assert_ne!(
            sealed_secret_uid(&key),
            sealed_secret_uid(&ObjectKey::new("web", "db2"))
        );
    }

    #[test]
    fn a_generation_changes_with_the_spec_alone() {
        let mut spec = SealedSecretSpec::default();
        let first = generation(&spec);
        assert_eq!(generation(&spec.clone()), first);
        spec.encrypted_data
            .insert("a".to_owned(), "AgB=".to_owned());
        assert_ne!(generation(&spec), first);
        assert!((0..1_i64 << 53).contains(&generation(&spec)));
    }
}
