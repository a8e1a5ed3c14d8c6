//! Prints deploy/crd.yaml: `cargo run -p sealed-secrets-api --features schema --example crd > deploy/crd.yaml`.

use std::io::{self, Write as _};

fn main() -> io::Result<()> {
    let file = sealed_api::crd::file(sealed_manifest::to_yaml);
    io::stdout().write_all(file.as_bytes())
}
