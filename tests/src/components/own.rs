//! Our own programs, which tests run as processes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow, ensure};

/// The whole workspace, as in the Makefile: Cargo chooses the features of dependencies by what is built together, and
/// with another choice it would compile most of them again.
const BUILD: [&str; 5] = [
    "build",
    "--workspace",
    "--bins",
    "--features",
    "sealed-secrets-cli/kubeseal",
];

/// The program `name`, unless the environment `variable` names another.
pub(super) fn program(variable: &str, name: &str) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(variable) {
        let path = std::path::absolute(path)?;
        ensure!(
            path.is_file(),
            "{variable} names {}, which is no file",
            path.display()
        );
        return Ok(path);
    }
    let path = freshly_built()?.join(name);
    ensure!(
        path.is_file(),
        "cargo built no `{name}`: {} is not there",
        path.display()
    );
    Ok(path)
}

/// The directory of the profile, after Cargo has brought our programs in it up to date.
fn freshly_built() -> Result<&'static Path> {
    static BUILT: OnceLock<Result<PathBuf>> = OnceLock::new();
    match BUILT.get_or_init(build) {
        Ok(directory) => Ok(directory),
        // The first error is kept for all tests that need the programs.
        Err(error) => Err(anyhow!("{error:#}")),
    }
}

fn build() -> Result<PathBuf> {
    let (target, directory) = super::target()?;
    let mut cargo =
        Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    cargo
        .args(BUILD)
        .arg("--target-dir")
        .arg(&target)
        .current_dir(super::repository());
    if let Some(profile) = directory.file_name().filter(|name| *name != "debug") {
        cargo.arg("--profile").arg(profile);
    }
    // What the outer Cargo said about this package is not true of the others, and some build scripts watch it.
    for (name, _) in std::env::vars_os() {
        let about_us = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_",
        ];
        if name
            .to_str()
            .is_some_and(|name| about_us.iter().any(|prefix| name.starts_with(prefix)))
        {
            cargo.env_remove(name);
        }
    }
    let status = cargo.status().context("cannot run cargo")?;
    ensure!(
        status.success(),
        "cannot build our own programs: cargo ended with {status}, see its messages above"
    );
    Ok(directory)
}
