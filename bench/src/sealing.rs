//! Sealing with a certificate and nothing else: one Secret, and a stream of 1,000.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use testkit::components::{Own, Upstream};

use crate::measure::{Cost, run};
use crate::table::Row;

/// Values in each Secret.
pub(crate) const VALUES: usize = 3;

/// Measures both programs on the same input, turn by turn, so that a disturbance of the machine meets both.
pub(crate) fn scenarios(
    own: &Own,
    upstream: &Upstream,
    certificate: &Path,
    rounds: usize,
) -> Result<Vec<Row>> {
    let directory = tempfile::tempdir().context("cannot make a temporary directory")?;
    let one = directory.path().join("one.yaml");
    let thousand = directory.path().join("thousand.yaml");
    std::fs::write(&one, secrets(1))?;
    std::fs::write(&thousand, secrets(1000))?;
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
    Ok(vec![
        // Milliseconds each: many rounds cost nothing and steady the median.
        measure("seal 1 Secret × 3 values", &one, rounds * 10)?,
        measure("seal 1,000 Secrets × 3 values", &thousand, rounds)?,
    ])
}

/// A stream of Secrets as a person writes them.
fn secrets(count: usize) -> String {
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
