//! Sealing with a certificate and nothing else: one Secret, and streams of 1,000 and 10,000.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use testkit::components::{Own, Upstream};

use crate::measure::{Cost, cores, run};
use crate::sealing_keys::BenchKey;
use crate::table::{Row, duration, render};

/// Values in each Secret.
pub(crate) const VALUES: usize = 3;

/// Secrets of the longest stream.
const MANY: u32 = 10_000;

/// Measures both programs on the same input, turn by turn, so that a disturbance of the machine meets both.
pub(crate) fn measured(
    own: &Own,
    upstream: &Upstream,
    certificate: &Path,
    rounds: usize,
) -> Result<String> {
    let directory = tempfile::tempdir().context("cannot make a temporary directory")?;
    let input = |name: &str, count: u32| -> Result<PathBuf> {
        let path = directory.path().join(name);
        std::fs::write(&path, secrets(count))?;
        Ok(path)
    };
    let (one, thousand, many) = (
        input("one.yaml", 1)?,
        input("thousand.yaml", 1000)?,
        input("many.yaml", MANY)?,
    );
    let certificate = certificate
        .to_str()
        .context("the certificate's path is not UTF-8")?;

    let measure = |scenario: &str, input: &Path, rounds: usize| -> Result<Row> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            ours.push(run(
                &own.seal,
                &["--cert", certificate, "-o", "yaml"],
                input,
            )?);
            theirs.push(run(
                &upstream.kubeseal,
                &["--cert", certificate, "-o", "yaml"],
                input,
            )?);
        }
        Ok(Row {
            scenario: scenario.to_owned(),
            ours: Cost::median(&ours),
            upstream: Cost::median(&theirs),
        })
    };
    let rows = [
        // Milliseconds each: many rounds cost nothing and steady the median.
        measure("seal 1 Secret × 3 values", &one, rounds * 10)?,
        measure("seal 1,000 Secrets × 3 values", &thousand, rounds)?,
        measure("seal 10,000 Secrets × 3 values", &many, rounds)?,
    ];
    let (encrypt, cores) = (BenchKey::recorded()?.one_encrypt()?, cores()?);
    let values = MANY * u32::try_from(VALUES)?;
    let floor = encrypt * values / cores;
    let wall = rows.last().map_or(0.0, |row| row.ours.wall.as_secs_f64());
    Ok(format!(
        "{}\n{values} values × {} an encrypt / {cores} cores: {}; the wall time of 10,000 Secrets is {:.2} × that\n",
        render(&rows),
        duration(encrypt),
        duration(floor),
        wall / floor.as_secs_f64(),
    ))
}

/// A stream of Secrets as a person writes them.
fn secrets(count: u32) -> String {
    let mut text = String::new();
    for number in 0..count {
        write!(text, "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: app-{number}\n  namespace: team-{}\nstringData:\n", number % 10)
            .expect("writing to a String cannot fail");
        for value in 0..VALUES {
            writeln!(
                text,
                "  key-{value}: correct-horse-battery-staple-{number}-{value}"
            )
            .expect("writing to a String cannot fail");
        }
    }
    text
}
