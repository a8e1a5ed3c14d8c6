//! Command lines, run the way a person or a script runs them.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::components;

/// No command line that is tested here may take longer.
const PATIENCE: Duration = Duration::from_mins(1);

/// A program with arguments. It gets an environment of its own: `PATH` and nothing else, no `HOME`, no kubeconfig, so
/// that a test says all that matters and runs alike on every machine.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
    input: Vec<u8>,
}

/// What a program left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its exit status, none when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Program {
    /// The program at `path`.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: None,
            input: Vec::new(),
        }
    }

    /// The real kubeseal.
    pub fn upstream_kubeseal() -> Result<Self> {
        Ok(Self::at(components::upstream()?.kubeseal))
    }

    /// Our `seal`.
    pub fn seal() -> Result<Self> {
        Ok(Self::at(components::own()?.seal))
    }

    /// Our `kubeseal`, the drop-in.
    pub fn kubeseal() -> Result<Self> {
        Ok(Self::at(components::own()?.kubeseal))
    }

    /// kubectl, from the control plane's program: the machine need not have one.
    pub fn kubectl() -> Result<Self> {
        Ok(Self::at(components::controlplane()?).arg("kubectl"))
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.arguments.extend(
            arguments
                .into_iter()
                .map(|argument| argument.as_ref().to_owned()),
        );
        self
    }

    /// An environment variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// The cluster to talk to, by `KUBECONFIG`.
    #[must_use]
    pub fn kubeconfig(self, path: &Path) -> Self {
        self.env("KUBECONFIG", path)
    }

    /// The working directory.
    #[must_use]
    pub fn directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.directory = Some(path.into());
        self
    }

    /// Standard input; empty otherwise.
    #[must_use]
    pub fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Runs it to its end, whatever that is.
    pub async fn run(self) -> Result<Output> {
        let what = self.words();
        let mut command = Command::new(&self.path);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| (OsString::from("PATH"), path)))
            .envs(self.environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(directory) = self.directory {
            command.current_dir(directory);
        }
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot run {what}"))?;
        let mut pipe = child.stdin.take().context("standard input is a pipe")?;
        let input = self.input;
        let finished = async {
            let feed = async move {
                // A program that fails early does not read its input: its own message says why.
                pipe.write_all(&input).await.ok();
            };
            tokio::join!(feed, child.wait_with_output()).1
        };
        let output = tokio::time::timeout(PATIENCE, finished)
            .await
            .with_context(|| format!("still not done after {PATIENCE:?}: {what}"))?
            .with_context(|| format!("cannot wait for {what}"))?;
        Ok(Output {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs it and gives its standard output; any exit status but 0 is an error that shows both streams.
    pub async fn succeed(self) -> Result<String> {
        let what = self.words();
        let output = self.run().await?;
        ensure!(
            output.code == Some(0),
            "{what} ended with {:?}\n{}{}",
            output.code,
            output.stdout,
            output.stderr
        );
        Ok(output.stdout)
    }

    fn words(&self) -> String {
        let mut words = format!("`{}", self.path.file_name().unwrap_or_default().display());
        for argument in &self.arguments {
            words.push(' ');
            words.push_str(&argument.to_string_lossy());
        }
        words + "`"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_gets_its_input_and_an_environment_of_its_own() -> Result<()> {
        let output = Program::at("/bin/sh")
            .args(["-c", "cat; echo \"$WORD ${HOME-homeless}\" >&2; exit 3"])
            .env("WORD", "hello")
            .stdin("input")
            .run()
            .await?;
        assert_eq!(
            output,
            Output {
                code: Some(3),
                stdout: "input".to_owned(),
                stderr: "hello homeless\n".to_owned()
            }
        );
        Ok(())
    }

    #[tokio::test]
    async fn success_is_demanded_where_it_is_expected() {
        let error = Program::at("/bin/sh")
            .args(["-c", "echo no >&2; exit 1"])
            .succeed()
            .await;
        assert_eq!(
            error.unwrap_err().to_string(),
            "`sh -c echo no >&2; exit 1` ended with Some(1)\nno\n"
        );
    }
}
