//! The SealedSecrets controller.

pub mod logging;
pub mod metrics;
pub mod object_key;
pub mod queue;
pub mod rsa_pool;
