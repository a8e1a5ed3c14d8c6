//! The SealedSecrets wire format, keyring and certificates.
