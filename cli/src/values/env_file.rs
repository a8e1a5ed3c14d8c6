//! Files of lines `KEY=VALUE`, read as kubectl reads them: nothing is quoted, expanded or continued.

use std::path::Path;

use sealed_api::Code;
use zeroize::Zeroizing;

use super::{Items, not_text};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::input::read_file;

/// Adds the values of a file. A line that is a name alone takes its value from the environment.
pub(super) fn add(
    path: &Path,
    environment: &Environment,
    items: &mut Items,
) -> Result<(), Failure> {
    let bytes = Zeroizing::new(read_file(path)?);
    let shown = path.display().to_string();
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let number = index + 1;
        let line = std::str::from_utf8(line).map_err(|_| not_text(&shown, number))?;
        let line = line.strip_suffix('\r').unwrap_or(line).trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = match line.split_once('=') {
            Some((key, value)) => (key, value),
            None => (line, environment.variable(line).unwrap_or_default()),
        };
        check(key).map_err(|failure| failure.at(format!("{shown}: line {number}")))?;
        items
            .add(key, Zeroizing::new(value.as_bytes().to_vec()))
            .map_err(|failure| failure.at(format!("{shown}: line {number}")))?;
    }
    Ok(())
}

/// A line without `=` may be a value that was meant for another line, so it is not shown.
fn check(name: &str) -> Result<(), Failure> {
    let fits = !name.starts_with(|c: char| c.is_ascii_digit())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if fits && !name.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        Code::BadName,
        "what stands before the first `=` is no name of a variable",
    )
    .hint("a name consists of letters, digits, `-`, `_` and `.`, and begins with no digit"))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::name::Name;

    fn read(text: &[u8]) -> Result<Vec<(String, String)>, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.env");
        std::fs::write(&path, text).unwrap();
        let environment = Environment {
            name: Name::Seal,
            program: "seal".to_owned(),
            variables: [("FROM_OUTSIDE".to_owned(), "here".to_owned())].into(),
            stdin_is_terminal: false,
            stderr_is_terminal: false,
            terminal: crate::prompt::Terminal::Absent,
            now: Timestamp::UNIX_EPOCH,
        };
        let mut items = Items::default();
        add(&path, &environment, &mut items).map_err(|failure| failure.text(Name::Seal))?;
        let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
        Ok(items
            .iter()
            .map(|(key, value)| (key.to_owned(), text(value)))
            .collect())
    }

    /// What `kubectl create secret generic --from-env-file` makes of the same lines.
    #[test]
    fn lines_mean_what_they_mean_to_kubectl() {
        let text =
            "\u{feff}A=1\r\n\n# comment\n  B= x=y \nC='quoted' # kept\nD=\nFROM_OUTSIDE\nNOWHERE\n";
        let read = read(text.as_bytes()).unwrap();
        let expected = [
            ("A", "1"),
            ("B", " x=y "),
            ("C", "'quoted' # kept"),
            ("D", ""),
            ("FROM_OUTSIDE", "here"),
            ("NOWHERE", ""),
        ];
        assert_eq!(
            read,
            expected.map(|(key, value)| (key.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn what_is_no_line_is_told_without_showing_it() {
        for text in [
            &b"export PASSWORD=hunter2\n"[..],
            b"PASSWORD = hunter2",
            b"1A=hunter2",
            b"hunter2 hunter2",
        ] {
            let told = read(text).unwrap_err();
            assert!(told.starts_with("error[bad-name]: "), "{told}");
            assert!(
                told.contains("app.env: line 1: ") && !told.contains("hunter2"),
                "{told}"
            );
        }
        assert!(read(b"A=\xff").unwrap_err().contains("line 1 is not UTF-8"));
        assert!(
            read(b"A=1\nA=2")
                .unwrap_err()
                .contains("two values for `A`")
        );
    }
}
