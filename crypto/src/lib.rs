//! The wire format of SealedSecrets: values, keys, certificates.
//!
//! A value is sealed for one place in a cluster by whoever holds the cluster's *certificate*, and
//! unsealed there by the *sealing key*, whose private half never leaves the cluster.
//!
//! ```
//! use std::sync::Arc;
//! use sealed_crypto::{CertificateRequest, KeyOrder, Keyring, Label, PrivateKey, SealingKey, seal};
//!
//! # let (not_before, not_after) = ("2026-01-01T00:00:00Z".parse()?, "2036-01-01T00:00:00Z".parse()?);
//! let private_key = PrivateKey::generate(2048)?;
//! let certificate = private_key.self_signed(&CertificateRequest {
//!     common_name: String::new(),
//!     not_before,
//!     not_after,
//! })?;
//!
//! let label = Label::strict("team-a", "db-credentials")?;
//! let value = seal(&certificate, &label, b"hunter2")?;
//!
//! let key = SealingKey::new(private_key, Some(certificate), not_before);
//! let keyring = Keyring::new([Arc::new(key)]);
//! let opened = keyring.unseal(&label, &value, &KeyOrder::default())?;
//! assert_eq!(opened.plaintext.expose(), b"hunter2");
//!
//! let elsewhere = Label::strict("team-b", "db-credentials")?;
//! assert!(keyring.unseal(&elsewhere, &value, &KeyOrder::default()).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The rest of this page is the specification. It describes what sealed-secrets v0.40 writes and
//! reads, in enough detail to write another implementation; `tests/vectors/` holds recorded answers
//! of that program to check one against. "Must", "should" and "may" are those of RFC 2119.
//!
//! # A sealed value
//!
//! ```text
//! K      = 32 random bytes, fresh for every value            the session key
//! W      = OAEP[label](K)                                    the wrapped key
//! C      = GCM[K, 0](m)                                      the ciphertext, tag last
//! value  = u16be(len W) ‖ W ‖ C
//! text   = base64(value)
//! ```
//!
//! | part | bytes | content |
//! |---|---|---|
//! | length | 2 | length of W, unsigned, big-endian |
//! | W | size of the modulus: 256 for 2048 bits, 512 for 4096 | RSAES-OAEP (RFC 8017 §7.1) of K under the certificate's key; hash SHA-256, mask generation MGF1 with SHA-256, *L* = the label |
//! | C | length of m + 16 | AES-256-GCM (NIST SP 800-38D) of the plaintext m under K; nonce of twelve zero bytes, no additional data, tag of 16 bytes |
//!
//! m is any string of bytes and may be empty. There is no version, no algorithm and no name of the
//! key inside. A value for a 4096-bit key begins with `Ag` in base64, one for a 2048-bit key with
//! `AQ`.
//!
//! # Labels
//!
//! | scope | label | the value opens |
//! |---|---|---|
//! | strict | `namespace/name` | under this name in this namespace |
//! | namespace-wide | `namespace` | under any name in this namespace |
//! | cluster-wide | (empty) | anywhere |
//!
//! Labels are UTF-8 and compared byte by byte: nothing is trimmed, folded or normalised. Writers
//! must refuse an empty namespace or name where the scope uses it. This crate refuses a slash in
//! either as well, so that no two places share a label; Kubernetes allows neither.
//!
//! # What readers accept beyond that
//!
//! Manifests in use depend on these, so readers should accept them. Writers must not produce them.
//!
//! * **Session keys of 16 or 24 bytes**: then C is under AES-128-GCM or AES-192-GCM. Every other
//!   length but 32 fails.
//! * **W without its leading zero bytes**, with the length to match. The reader pads it on the left
//!   to the size of the modulus. A W longer than the modulus fails, also with zero bytes in front. A
//!   reader may refuse a W that is more than 16 bytes short: no honest writer makes one.
//! * **Base64** (RFC 4648 §4, standard alphabet, padding required) with CR and LF anywhere, and with
//!   any value in the unused bits of the last character. Everything else outside the alphabet fails:
//!   space, tab, NUL, the URL-safe characters, missing or surplus padding, data after padding.
//!   Writers must write one line without line ends and with zero bits.
//!
//! # Keys and certificates
//!
//! A sealing key is an RSA key of 2048 to 8192 bits with two primes, stored as PEM `RSA PRIVATE KEY`
//! (PKCS#1) and read from that or from `PRIVATE KEY` (PKCS#8). The numbers of the key must fit each
//! other, the CRT numbers included; a reader must not repair them. In a PEM text the first usable
//! private key counts, and the first certificate, while every certificate must be well-formed.
//! [`PrivateKey`] and [`Certificate`] say the rest.
//!
//! Sealing uses only the public key of a certificate and the end of its validity. Signatures, key
//! usage and names are not checked.
//!
//! A key is named by its [`Fingerprint`]: SHA-256 over the public key in SSH wire form.
//!
//! # Opening with several keys
//!
//! Since a value does not name its key, a reader tries all of them until one opens it. A wrong key
//! costs as much as the right one, so the order matters; [`KeyOrder`] gives it. Keys whose modulus is
//! shorter than W are passed over without a trial.
//!
//! # Security considerations
//!
//! **The nonce is zero, and that is sound**: a GCM nonce must not repeat under one key, and no key
//! repeats. Each session key comes fresh from the operating system, encrypts once and is wiped. An
//! implementation that kept a session key for a second value would lose everything.
//!
//! **Trying every key is sound**: under a wrong key the OAEP padding fails (by chance it holds with
//! a probability below 2^-256), and a wrong session key does not fit the tag. Which key opened a
//! value, and how long it took, is no secret.
//!
//! **There is one failure.** A wrong key, a wrong label, bad padding, a session key of impossible
//! length and a wrong tag must look the same from outside, in words and, as far as possible, in
//! time: whoever could tell a padding failure from the others could open values with some thousand
//! questions (Manger 2001). [`Undecryptable`] has no reason to give away. Only what anybody can see
//! in the text itself has errors of its own: base64 and lengths ([`SealedValueError`]).
//!
//! **The label is not a signature.** Anybody who has the certificate can seal any plaintext for any
//! place. A sealed value proves nothing about who made it; item names inside an object are not bound
//! either, so values of one object can be exchanged by whoever may edit it.
//!
//! **The length of the plaintext shows.** C is 16 bytes longer than m.
//!
//! **RSA runs in aws-lc**: constant time, blinded, and CRT results checked against faults. The `rsa`
//! crate (RUSTSEC-2023-0071) only reads and writes key files here; no private-key operation runs in
//! it. Plaintext, session keys and private keys are wiped when dropped, have no `Clone`, and show
//! nothing in `Debug`.
//!
//! **It is not post-quantum.** Whoever keeps sealed values until large quantum computers exist can
//! open them. Rotate the secrets, not only the keys.

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
mod mac_key;
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
pub use mac_key::{MAC_LEN, Mac, MacKey};
pub use seal::{SealError, seal};
pub use unseal::{KeyOrder, Opened, Plaintext, Undecryptable};
