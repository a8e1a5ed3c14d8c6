//! The SealedSecrets controller: a program, and a library only so far as its binary calls it.

#![expect(
    unreachable_pub,
    reason = "in these modules `pub` marks what a module is for, as opposed to what its children share"
)]

mod args;
mod conditions;
mod config;
mod content;
mod drift;
mod election;
mod error_text;
mod escrow;
mod fair_pool;
mod forecast;
mod http;
mod key_marks;
mod key_notices;
mod key_secret;
mod kubernetes;
mod local;
mod logging;
mod memory;
mod message;
mod metrics;
mod new_key;
mod object_key;
mod opened_by;
mod outcome;
mod ownership;
mod plan;
pub mod program;
mod queue;
mod record;
mod render;
mod renewal;
mod retain;
mod secret_diff;
mod services;
mod triage;
mod unseal;

/// What a new key Secret would be called: for tests that take the name first.
#[doc(hidden)]
pub use key_secret::next_name as next_key_name;
