//! How the two programs are linked.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = |name: &str| env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    // `seal` runs for two milliseconds in seven megabytes, and a fifth of the time and one of the megabytes would go into
    // moving itself to a random address. Go links the existing tool the same way.
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
