//! Sealing keys in safe keeping: key Secrets in [age](https://age-encryption.org/v1) files.
//!
//! The controller writes one for each new key, its *escrow*; the command line writes one for all keys, a *backup*. Both
//! have one form, which no program of ours is needed to read:
//!
//! ```text
//! age, in ASCII armor, of
//!
//! apiVersion: v1
//! kind: List
//! metadata:                        # of a backup
//!   annotations:
//!     seal-tool/backed-up: TIME
//!     seal-tool/keys: SHA256:…,SHA256:…
//! items: [key Secrets, as they are stored]
//! ```
//!
//! Decrypted, `kubectl apply` restores it and a recovery (`--recovery-private-key`) reads it. The annotations stand on the
//! list and not on the Secrets, so what is restored is what was saved.
//!
//! Everything here is in memory: no files, no terminal, no clock.

mod core_dumps;
mod identities;
mod key_list;
mod recipients;

pub use age::secrecy::SecretString;
pub use core_dumps::forbid_core_dumps;
pub use identities::{Identities, IdentityError, OpenError, Protection, protection};
pub use key_list::{Manifest, key_list};
pub use recipients::{EncryptError, Passphrase, RecipientError, RecipientFault, Recipients};
