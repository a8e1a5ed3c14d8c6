//! Testkit: a real Kubernetes control plane, the real kubeseal and controller, and ours, cheap to use in a test.
//!
//! Nothing here is simulated. [`Cluster`] is etcd, kube-apiserver and kube-controller-manager as three child processes on
//! free loopback ports; [`Controller`] is a controller process that runs as its `ServiceAccount` under the RBAC
//! rules that are shipped; [`Program`] runs a command line the way a person would.
//!
//! ```no_run
//! # async fn test() -> anyhow::Result<()> {
//! let Some(cluster) = testkit::cluster().await? else { return Ok(()) };
//! cluster.with_namespace(async |client, namespace| {
//!     // …
//!     Ok(())
//! }).await
//! # }
//! ```
//!
//! Whatever a test starts ends with it, also when it panics, is interrupted or is killed: see [`process`].

pub mod cluster;
pub mod components;
pub mod controller;
pub mod fixtures;
pub mod gotemplate;
pub mod http;
pub mod process;
pub mod program;
mod run_directory;
mod shared;
pub mod wait;

pub use cluster::Cluster;
pub use controller::Controller;
pub use process::Process;
pub use program::{Output, Program};
pub use shared::{Skip, cluster, installed_cluster, skipped};
pub use wait::{Fatal, eventually, throughout};

use std::fmt::Write as _;
use std::io::Write as _;

/// Says something to the person who waits, past the capturing of the test harness: what takes minutes, and what is
/// skipped, must be seen when all is well too.
pub fn announce(text: &str) {
    // Nobody to tell it to is no reason to fail.
    writeln!(std::io::stderr(), "testkit: {text}").ok();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}
