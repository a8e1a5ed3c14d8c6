//! The Kubernetes shell: a cluster's SealedSecrets and keys.
//!
//! ```text
//! watch SealedSecrets ─┐                          ┌─ read Secret ─ open values (RSA threads)
//! watch Secrets' meta ─┼─ objects ─ queue ─ pass ─┤    plan ─ write Secret
//! watch key Secrets ── keys ─┘ (requeue)          └─ remember ─ event ─ status
//! ```
//!
//! Each watch is a task with a back-off of its own; what it says is folded into a few hundred bytes an object
//! ([`crate::memory`]). Every write is conditional on what was observed, so that neither a second controller nor an
//! answer that was lost can do harm. It needs no right that an installation of the existing controller does not grant,
//! and says once what it cannot do without.

mod apply;
mod client;
mod events;
mod keys;
mod namespaces;
mod objects;
mod reconcile;
mod run;
mod status;
mod waiting;
mod watch;

use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use zeroize::Zeroize;

pub use client::ConnectError;
pub use run::run;

/// An error with its causes, on one line.
fn error_text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// A pause within a quarter either way of the given one, so that many controllers do not act in step.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.75 + rand::random::<f64>() / 2.0)
}

/// Overwrites what a Secret holds: the parsed key wipes itself, its text would stay in freed memory.
fn wipe(secret: &mut Secret) {
    for value in secret.data.iter_mut().flatten() {
        value.1.0.zeroize();
    }
}
