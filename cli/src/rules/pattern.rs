//! Patterns for paths: `*` and `?` within a name, `**` over directories.

use std::fmt;

use serde::Deserialize;

/// A pattern for paths with `/` between their parts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Pattern(String);

impl TryFrom<String> for Pattern {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let parts = text.split('/');
        if parts.clone().any(|part| matches!(part, "" | "." | "..")) {
            return Err("a pattern is a relative path, without `.` and `..`");
        }
        if parts
            .clone()
            .any(|part| part.contains("**") && part != "**")
        {
            return Err("in a pattern `**` stands between slashes");
        }
        Ok(Self(text))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Pattern {
    /// Whether a path is one of those that are meant.
    pub(super) fn fits(&self, path: &str) -> bool {
        let pattern: Vec<&str> = self.0.split('/').collect();
        let path: Vec<&str> = path.split('/').collect();
        parts_fit(&pattern, &path)
    }
}

fn parts_fit(pattern: &[&str], path: &[&str]) -> bool {
    // Which beginnings of the path the pattern so far fits: one row of a table, so that no pattern takes long.
    let mut fits = vec![false; path.len() + 1];
    fits[0] = true;
    for part in pattern {
        let mut next = vec![false; path.len() + 1];
        if *part == "**" {
            let mut any = false;
            for (next, before) in next.iter_mut().zip(&fits) {
                any |= before;
                *next = any;
            }
        } else {
            for ((next, before), name) in next.iter_mut().skip(1).zip(&fits).zip(path) {
                *next = *before && name_fits(part, name);
            }
        }
        fits = next;
    }
    fits.last().copied().unwrap_or_default()
}

fn name_fits(pattern: &str, name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let mut fits = vec![false; name.len() + 1];
    fits[0] = true;
    for mark in pattern.chars() {
        let mut next = vec![false; name.len() + 1];
        if mark == '*' {
            let mut any = false;
            for (next, before) in next.iter_mut().zip(&fits) {
                any |= before;
                *next = any;
            }
        } else {
            for ((next, before), c) in next.iter_mut().skip(1).zip(&fits).zip(&name) {
                *next = *before && (mark == '?' || mark == *c);
            }
        }
        fits = next;
    }
    fits.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stay_in_a_name_and_two_do_not() {
        for (pattern, path, fits) in [
            ("a/b.yaml", "a/b.yaml", true),
            ("a/*.yaml", "a/b.yaml", true),
            ("a/*.yaml", "a/b/c.yaml", false),
            ("*", "a/b", false),
            ("a/**", "a/b/c.yaml", true),
            ("a/**", "b/c.yaml", false),
            ("**/prod/*.yaml", "prod/x.yaml", true),
            ("**/prod/*.yaml", "a/b/prod/x.yaml", true),
            ("**/prod/*.yaml", "a/b/prod/c/x.yaml", false),
            ("**/*-sealed.yaml", "a/db-sealed.yaml", true),
            ("a/?.yaml", "a/b.yaml", true),
            ("a/?.yaml", "a/bb.yaml", false),
            ("a/*b*c", "a/xbyc", true),
        ] {
            let read = Pattern::try_from(pattern.to_owned()).unwrap();
            assert_eq!(read.fits(path), fits, "{pattern} {path}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_takes_no_time() {
        let pattern = Pattern::try_from("*a".repeat(200)).unwrap();
        assert!(!pattern.fits(&"a".repeat(199)));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "/a", "a//b", "../a", "./a", "a/", "a**", "a/**b"] {
            assert!(Pattern::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
