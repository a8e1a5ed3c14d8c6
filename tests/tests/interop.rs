//! Ours and the real upstream programs in each other's place, on a cluster with the types and exactly the rights that an
//! installed v0.40 leaves there.
//!
//! Controllers act on the whole cluster, so the tests take turns.

#[path = "interop/kit.rs"]
mod kit;

#[path = "interop/cached.rs"]
mod cached;
#[path = "interop/custody.rs"]
mod custody;
#[path = "interop/deployed.rs"]
mod deployed;
#[path = "interop/discovery.rs"]
mod discovery;
#[path = "interop/doctor.rs"]
mod doctor;
#[path = "interop/files.rs"]
mod files;
#[path = "interop/proxy.rs"]
mod proxy;
#[path = "interop/recovery.rs"]
mod recovery;
#[path = "interop/refusals.rs"]
mod refusals;
#[path = "interop/sealing.rs"]
mod sealing;
#[path = "interop/takeover.rs"]
mod takeover;
