//! `testkit build` makes the Go programs that tests need; `testkit cluster` runs a control plane to play with.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use testkit::{Cluster, components};

const USAGE: &str = "usage: testkit build|cluster

  build    build the control plane, the real upstream tools and the real template engine with Go, unless they are, and print where they are
  cluster  run a control plane with the SealedSecret type, print its kubeconfig, end with Ctrl-C
";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["build"] => build(),
        ["cluster"] => cluster().await,
        _ => {
            testkit::announce(USAGE);
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            testkit::announce(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{}", components::controlplane()?.display())?;
    let upstream = components::upstream()?;
    writeln!(
        out,
        "{}\n{}",
        upstream.kubeseal.display(),
        upstream.controller.display()
    )?;
    writeln!(out, "{}", components::gotemplate()?.display())?;
    Ok(())
}

async fn cluster() -> Result<()> {
    let cluster = Cluster::start().await?;
    writeln!(
        std::io::stdout(),
        "export KUBECONFIG={}",
        cluster.kubeconfig().display()
    )?;
    tokio::signal::ctrl_c()
        .await
        .context("cannot wait for Ctrl-C")
}
