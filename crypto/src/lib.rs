//! The SealedSecrets wire format, keyring and certificates.

#![cfg_attr(
    not(test),
    warn(
        clippy::arithmetic_side_effects,
        clippy::exhaustive_enums,
        clippy::exhaustive_structs,
        clippy::indexing_slicing,
        clippy::missing_errors_doc
    )
)]

pub mod base64;
mod certificate;
mod fingerprint;
mod format;
mod key;
mod keyring;
mod label;
mod pem;
mod primitives;
mod seal;
mod unseal;

pub use certificate::{Certificate, CertificateError, CertificateRequest, IssueError};
pub use fingerprint::{Fingerprint, FingerprintError};
pub use format::{FormatError, SealedValue, SealedValueError};
pub use key::{GenerateError, KeyEncodingError, PrivateKey, PrivateKeyError};
pub use keyring::{Keyring, SealingKey};
pub use label::{Label, LabelError, Scope, ScopeError};
pub use seal::{SealError, seal};
pub use unseal::{KeyOrder, Opened, Plaintext, Undecryptable};
