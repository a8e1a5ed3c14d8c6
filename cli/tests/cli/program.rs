//! Running the program under either name, in a directory and an environment of its own.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sealed_manifest::Documents;
use serde_json::Value;

/// Where a key, a certificate or a backup is that the repository has for tests.
pub(crate) fn fixture_path(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys");
    Path::new(folder).join(name)
}

/// What is in it.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    fs::read(fixture_path(name)).expect("the repository has it")
}

/// The one object of an output.
pub(crate) fn only_object(output: impl AsRef<[u8]>) -> Value {
    let mut documents = Documents::new(output.as_ref(), "output");
    let object = documents.next().expect("there is a document");
    assert!(documents.next().is_none(), "there is only one");
    object.expect("it can be read").into_value()
}

/// A directory in which a program runs.
pub(crate) struct Sandbox {
    directory: tempfile::TempDir,
}

/// What a run left behind.
pub(crate) struct Outcome {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Sandbox {
    /// Empty, but for the directories that the recorded runs had.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("the system has room for a directory");
        for name in ["home", "tmp"] {
            fs::create_dir(directory.path().join(name)).expect("the directory is ours");
        }
        Self { directory }
    }

    /// With the certificate `c.crt`, whose key is `rsa2048-a`.
    pub(crate) fn with_certificate() -> Self {
        let sandbox = Self::new();
        sandbox.write("c.crt", fixture("rsa2048-a.crt.pem"));
        sandbox
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).expect("the directory is ours");
        }
        fs::write(path, content).expect("the directory is ours");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("the file is there")
    }

    /// Names of all files below, but for `home` and `tmp`, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        collect(self.directory.path(), self.directory.path(), &mut found);
        found.sort();
        found
    }

    /// Runs `seal` (or the same program under the name `kubeseal`) without any environment but the one given.
    pub(crate) fn run(
        &self,
        name: &str,
        words: &[&str],
        environment: &[(&str, &str)],
        stdin: &[u8],
    ) -> Outcome {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seal"));
        #[cfg(unix)]
        std::os::unix::process::CommandExt::arg0(&mut command, name);
        let mut child = command
            .args(words)
            .current_dir(self.directory.path())
            .env_clear()
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program was built and can be started");
        let mut pipe = child.stdin.take().expect("it is piped");
        let stdin = stdin.to_vec();
        let writer = std::thread::spawn(move || {
            // A program that fails early does not read all of it.
            drop(pipe.write_all(&stdin));
        });
        let output = child.wait_with_output().expect("the program ends");
        writer.join().expect("writing does not panic");
        Outcome {
            status: output.status.code(),
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).expect("the program prints UTF-8"),
        }
    }
}

fn collect(root: &Path, directory: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).expect("the directory is ours") {
        let path = entry.expect("the directory is ours").path();
        let name = path
            .strip_prefix(root)
            .expect("it is below")
            .display()
            .to_string();
        if path.is_dir() && !path.is_symlink() {
            if name != "home" && name != "tmp" {
                collect(root, &path, found);
            }
        } else {
            found.push(name);
        }
    }
}
