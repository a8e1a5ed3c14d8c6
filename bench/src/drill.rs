//! `seal keys verify` over a repository: every value is opened once, so its floor is the decrypts.

use std::fs::{create_dir, write};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use testkit::components::Own;

use crate::filled::sealed;
use crate::measure::{Cost, cores, run};
use crate::sealing::VALUES;
use crate::sealing_keys::BenchKey;
use crate::table::{duration, memory};

/// Objects in one file: a repository has many small ones, a rendered one few long ones.
const IN_ONE_FILE: usize = 10;

/// Opens `objects` SealedSecrets of a directory, as often as `rounds` says.
pub(crate) fn measured(own: &Own, objects: usize, rounds: usize) -> Result<String> {
    let directory = tempfile::tempdir().context("cannot make a temporary directory")?;
    let (keys, repository) = (
        directory.path().join("key.json"),
        directory.path().join("repository"),
    );
    let key = BenchKey::recorded()?;
    write(&keys, serde_json::to_string(&key.secret("bench-key")?)?)?;
    create_dir(&repository)?;
    fill(&repository, objects, &key)?;
    let arguments = [
        "keys",
        "verify",
        text(&keys)?,
        "--dir",
        text(&repository)?,
        "--json",
    ];
    let trials = trials(&own.seal, &arguments, objects)?;
    let decrypt = key.one_decrypt()?;
    let runs: Vec<Cost> = (0..rounds)
        .map(|_| run(&own.seal, &arguments, &keys))
        .collect::<Result<_>>()?;
    let cost = Cost::median(&runs);
    let cores = cores()?;
    let floor = decrypt * trials / cores;
    Ok(format!(
        "{objects} SealedSecrets × {VALUES} values: {} wall, {} CPU, {} peak\n\
         {trials} trials × {} a decrypt / {cores} cores: {}; wall is {:.2} × that\n",
        duration(cost.wall),
        duration(cost.cpu),
        memory(cost.peak_kib),
        duration(decrypt),
        duration(floor),
        cost.wall.as_secs_f64() / floor.max(Duration::from_nanos(1)).as_secs_f64(),
    ))
}

fn fill(repository: &Path, objects: usize, key: &BenchKey) -> Result<()> {
    for first in (0..objects).step_by(IN_ONE_FILE) {
        let mut manifests = String::new();
        for number in first..objects.min(first + IN_ONE_FILE) {
            let object = sealed(number, VALUES, |_| &key.certificate)?;
            manifests.push_str("---\n");
            manifests.push_str(&sealed_manifest::to_yaml(&object));
        }
        write(repository.join(format!("{first}.yaml")), manifests)?;
    }
    Ok(())
}

/// How many private-key operations a run counts; every value has to open.
fn trials(seal: &Path, arguments: &[&str], objects: usize) -> Result<u32> {
    let output = Command::new(seal).args(arguments).output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let figure = |name: &str| report.get(name).and_then(Value::as_u64);
    ensure!(
        figure("opened") == Some((objects * VALUES) as u64),
        "not every value opened"
    );
    Ok(u32::try_from(figure("trials").context("no trials")?)?)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a temporary path is not UTF-8")
}
