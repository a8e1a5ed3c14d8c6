//! The recorded objects and inputs of tests/vectors, every one of them.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failing helper of a test fails the test"
)]

mod directory;
mod manifests;
mod seal_cases;
