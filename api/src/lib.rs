//! The SealedSecret API: types, scope rules, Secret to SealedSecret and back.
//!
//! ```text
//! Secret       ── decode_secret ── seal_secret ──▶ SealedSecret
//! SealedSecret ── decode ── unseal (values, then templates) ──▶ Secret
//! ```
//!
//! Everything here is pure: no clock, no files, no network, and rendering of templates is an argument. The
//! wire format of one value is the crypto crate's; this crate knows what an object means.

pub mod codes;
#[cfg(feature = "schema")]
pub mod crd;
mod decode;
mod decoded;
pub mod dns1123;
pub mod names;
mod reencrypt;
mod render;
mod scope;
mod seal;
mod sealed_secret;
mod secret_input;
mod shallow;
#[cfg(feature = "templates")]
mod templates;
mod unseal;
mod wipe;
mod wire;

pub use codes::Code;
pub use decode::DecodeError;
pub use decoded::{Decoded, Malformed};
pub use reencrypt::{ReencryptError, reencrypt, reencrypt_opened};
pub use render::{Place, PrivateText, Render, RenderError, Rendered, Texts, Values};
pub use scope::{ScopeConflict, choose_scope, is_true, scope_of};
pub use seal::{Placement, SealSecretError, seal_secret};
pub use sealed_secret::{
    Condition, SealedSecret, SealedSecretSpec, SealedSecretStatus, SecretTemplate,
};
pub use secret_input::{Origin, decode_secret, expand_list};
pub use shallow::{deserialize_metadata, shallow_from_slice};
#[cfg(feature = "templates")]
pub use templates::{RENDER_TIME, Templates};
pub use unseal::{
    ItemFault, ItemReport, OpenedItem, SealedItem, SealedItems, UnsealFailure, Unsealed, assemble,
    owner_reference, preview, skips_owner, unseal, verify,
};
pub use wipe::{Wiping, wipe};
pub use wire::SecretView;
