//! A person who meets a code must find it in the documentation, with the words of the code itself.

use sealed_api::codes::Code;
use sealed_template::Reason;

const INDEX: &str = include_str!("../../docs/errors.md");

/// The rows of the table that begins with this heading.
fn rows(heading: &str) -> Vec<&'static str> {
    let table = INDEX.lines().skip_while(|line| *line != heading).skip(2);
    table.take_while(|line| line.starts_with('|')).collect()
}

#[test]
fn every_code_has_its_row_and_every_row_its_code() {
    let rows = rows("| code | what it means | what to do |");
    let expected: Vec<String> = Code::ALL
        .iter()
        .map(|code| format!("| `{code}` | {} | ", code.meaning()))
        .collect();
    assert_eq!(rows.len(), expected.len(), "as many rows as codes");
    for (row, expected) in rows.iter().zip(&expected) {
        assert!(
            row.starts_with(expected),
            "expected {expected:?}, the page has {row:?}"
        );
    }
}

#[test]
fn every_reason_of_a_failed_template_has_its_row() {
    let rows = rows("| reason | what it means | what to do |");
    let named: Vec<_> = rows
        .iter()
        .filter_map(|row| row.split('`').nth(1))
        .collect();
    // Those of the engine, and two for templates that it was not given.
    let mut expected = Reason::ALL.map(Reason::code).to_vec();
    expected.extend(["busy", "limit-shared"]);
    expected.sort_unstable();
    assert_eq!(named, expected);
}
