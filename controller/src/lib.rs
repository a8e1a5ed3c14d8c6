//! The SealedSecrets controller.

pub mod args;
pub mod conditions;
pub mod config;
pub mod dns1123;
pub mod http;
pub mod key_secret;
pub mod logging;
pub mod message;
pub mod metrics;
pub mod object_key;
pub mod outcome;
pub mod queue;
pub mod renewal;
pub mod rsa_pool;
pub mod services;
