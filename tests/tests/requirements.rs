//! The tables of requirements in README.md name tests that exist.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use testkit::cluster::manifest;

#[test]
fn every_requirement_names_tests_that_exist() -> Result<()> {
    let mut sources = String::new();
    for room in ["tests/tests", "controller/tests", "cli/tests"] {
        read(&manifest(room), &mut sources)?;
    }
    let readme = fs::read_to_string(manifest("tests/README.md"))?;
    let section = readme
        .split("\n## ")
        .find(|section| section.starts_with("Which test"));
    let lines = section.context("the section was not found")?.lines();
    let rows = lines.filter(|row| row.starts_with("| ") && !row.ends_with("| tests |"));
    let mut requirements = 0;
    for row in rows {
        let names: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        ensure!(!names.is_empty(), "no test: {row}");
        for name in names {
            ensure!(
                sources.contains(&format!("fn {name}(")),
                "there is no {name}"
            );
        }
        requirements += 1;
    }
    ensure!(requirements > 10, "the table was not found");
    Ok(())
}

fn read(directory: &Path, into: &mut String) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            read(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push_str(&fs::read_to_string(&path)?);
        }
    }
    Ok(())
}
