//! The programs tests run: a control plane and the real upstream tools, built with Go, and our own, built with Cargo.
//!
//! A Go build takes minutes, so its result is kept under `${SEALED_TESTS_CACHE:-target/testkit}`, in a directory named
//! after everything that decides it. Parallel test processes build once: the others wait for the lock.

mod go;
mod own;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use go::Module;

/// The version of Kubernetes that `tests/controlplane/go.mod` names. Clients parse what the server says about itself,
/// and a plain `go build` would leave it empty.
const KUBERNETES: &str = "v1.36.3";

/// The version of sealed-secrets that `tests/upstream/go.mod` names.
pub const SEALED_SECRETS: &str = "v0.40.0";

/// etcd, kube-apiserver, kube-controller-manager and kubectl in one program.
pub fn controlplane() -> Result<PathBuf> {
    let version = "k8s.io/component-base/version";
    let directory = Module {
        directory: "controlplane",
        packages: &["."],
        ldflags: &format!(
            "-s -w -X {version}.gitVersion={KUBERNETES} -X {version}.gitMajor=1 -X {version}.gitMinor=36 \
             -X {version}.gitCommit=0000000000000000000000000000000000000000"
        ),
        takes: "6 minutes on 2 cores, and 1.5 GB of sources",
    }
    .built()?;
    Ok(directory.join("controlplane"))
}

/// The real upstream programs.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// The command line.
    pub kubeseal: PathBuf,
    /// The controller.
    pub controller: PathBuf,
}

/// The real kubeseal and controller, [`SEALED_SECRETS`].
pub fn upstream() -> Result<Upstream> {
    let directory = Module {
        directory: "upstream",
        packages: &[
            "github.com/bitnami/sealed-secrets/cmd/controller",
            "github.com/bitnami/sealed-secrets/cmd/kubeseal",
        ],
        ldflags: &format!("-s -w -X main.VERSION={SEALED_SECRETS}"),
        takes: "3 minutes on 2 cores",
    }
    .built()?;
    Ok(Upstream {
        kubeseal: directory.join("kubeseal"),
        controller: directory.join("controller"),
    })
}

/// Go's text/template with Sprig, as a filter of JSON lines.
pub fn gotemplate() -> Result<PathBuf> {
    let directory = Module {
        directory: "gotemplate",
        packages: &["."],
        ldflags: "-s -w",
        takes: "20 seconds on 2 cores",
    }
    .built()?;
    Ok(directory.join("gotemplate"))
}

/// Our own programs.
#[derive(Debug, Clone)]
pub struct Own {
    /// `sealed-secrets-controller`, or what `SEALED_CONTROLLER_BIN` names.
    pub controller: PathBuf,
    /// `seal`, or what `SEALED_SEAL_BIN` names.
    pub seal: PathBuf,
    /// `kubeseal`, or what `SEALED_KUBESEAL_BIN` names.
    pub kubeseal: PathBuf,
}

/// Our own programs, in the profile this process is built in: brought up to date by Cargo first, once per process.
pub fn own() -> Result<Own> {
    Ok(Own {
        controller: own::program("SEALED_CONTROLLER_BIN", "sealed-secrets-controller")?,
        seal: own::program("SEALED_SEAL_BIN", "seal")?,
        kubeseal: own::program("SEALED_KUBESEAL_BIN", "kubeseal")?,
    })
}

/// Where built components and the directories of running clusters are.
pub(crate) fn cache() -> Result<PathBuf> {
    match std::env::var_os("SEALED_TESTS_CACHE") {
        Some(path) => std::path::absolute(path).context("SEALED_TESTS_CACHE is no usable path"),
        None => Ok(target()?.0.join("testkit")),
    }
}

/// Cargo's target directory and the profile's directory in it, found from where this very program is: that is right
/// whatever the environment, the configuration or a flag said when it was built.
fn target() -> Result<(PathBuf, PathBuf)> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    split_target(&program)
        .with_context(|| format!("{} is not in a Cargo target directory", program.display()))
}

fn split_target(program: &Path) -> Option<(PathBuf, PathBuf)> {
    let mut profile = program.parent()?;
    // Tests are in TARGET/PROFILE/deps, programs in TARGET/PROFILE.
    if profile.ends_with("deps") {
        profile = profile.parent()?;
    }
    Some((profile.parent()?.to_owned(), profile.to_owned()))
}

/// The root of the repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the manifest's directory is in the repository")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_directory_is_found_from_tests_and_from_programs() {
        let expected = Some((PathBuf::from("/t"), PathBuf::from("/t/debug")));
        assert_eq!(
            split_target(Path::new("/t/debug/deps/cluster-0f")),
            expected
        );
        assert_eq!(split_target(Path::new("/t/debug/testkit")), expected);
    }

    #[test]
    fn the_versions_are_those_of_the_go_modules() {
        let module = |name: &str| {
            std::fs::read_to_string(repository().join("tests").join(name).join("go.mod")).unwrap()
        };
        assert!(module("controlplane").contains(&format!("k8s.io/kubernetes {KUBERNETES}\n")));
        assert!(module("upstream").contains(&format!("sealed-secrets {SEALED_SECRETS}\n")));
    }
}
