//! A person who meets a code must find it in the documentation, with the words of the code itself.

use sealed_api::codes::Code;

const INDEX: &str = include_str!("../../docs/errors.md");

#[test]
fn every_code_has_its_row_and_every_row_its_code() {
    let rows: Vec<&str> = INDEX
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
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
