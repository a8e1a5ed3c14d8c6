//! The program, as its users see it: words and files in; streams, files and exit status out.
//!
//! On Unix, where one program can be started under two names.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "fixtures and recordings are ours, and a fault in one should stop the test"
)]

mod cached;
mod ciphertext;
mod cluster;
mod completion;
mod create;
mod custody;
mod doctor;
mod drill;
mod files;
mod history;
mod keys_online;
mod kubeseal;
mod leaks;
#[cfg(target_os = "linux")]
mod memory;
mod merge;
mod program;
mod recovery;
mod requirements;
mod restore;
mod retiring;
mod rules;
mod secrecy;
mod sources;
mod streams;
mod stub;
mod transcripts;
mod vectors;
