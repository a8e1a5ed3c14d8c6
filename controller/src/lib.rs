//! The SealedSecrets controller.

pub mod args;
pub mod conditions;
pub mod config;
pub mod error_text;
pub mod http;
pub mod key_secret;
pub mod kubernetes;
pub mod local;
pub mod logging;
pub mod memory;
pub mod message;
pub mod metrics;
pub mod new_key;
pub mod object_key;
pub mod outcome;
pub mod ownership;
pub mod plan;
pub mod program;
pub mod queue;
pub mod renewal;
pub mod rsa_pool;
pub mod secret_diff;
pub mod services;
pub mod triage;
pub mod unseal;
pub mod wipe;
