//! The Kubernetes shell: a cluster's SealedSecrets and keys.
//!
//! ```text
//! watch SealedSecrets ─┐                          ┌─ read Secret ─ open values (RSA threads)
//! watch Secrets' meta ─┼─ objects ─ queue ─ pass ─┤    plan ─ write Secret
//! watch key Secrets ── keys ─┘ (requeue)          └─ remember ─ event ─ status
//! ```
//!
//! Of several replicas one leads (`lease.rs`): it alone has all of this (`leading.rs`) but the watch of the keys, which
//! every replica needs to answer the HTTP API (`run.rs`).
//!
//! Each watch is a task with a back-off of its own; what it says is folded into a few hundred bytes an object
//! ([`crate::memory`]). Every write is conditional on what was observed, so that neither a second controller nor an
//! answer that was lost can do harm. It needs no right that an installation of the existing controller does not grant,
//! and says once what it cannot do without.

mod apply;
mod client;
mod events;
mod graveyard;
mod keys;
mod leadership;
mod leading;
mod lease;
mod namespaces;
mod objects;
mod outage;
mod progress;
mod published;
mod reconcile;
mod rehearsal;
mod run;
mod secret_metadata;
mod server_certificate;
mod status;
mod waiting;
mod watch;

use std::time::Duration;

pub use run::run;

/// A pause within a quarter either way of the given one, so that many controllers do not act in step.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.75 + rand::random::<f64>() / 2.0)
}
