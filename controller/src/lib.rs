//! The SealedSecrets controller.
