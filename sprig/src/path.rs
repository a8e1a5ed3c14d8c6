//! Functions for slash paths. Those for paths of the operating system are the same: upstream runs on Linux.

use sealed_template::{Functions, Str};

pub(crate) fn register(functions: &mut Functions) {
    for (name, function) in [
        ("base", base as fn(&[u8]) -> Str),
        ("osBase", base),
        ("clean", clean),
        ("osClean", clean),
        ("dir", dir),
        ("osDir", dir),
        ("ext", ext),
        ("osExt", ext),
    ] {
        functions.add(name, move |path: Str| function(&path));
    }
    for name in ["isAbs", "osIsAbs"] {
        functions.add(name, |path: Str| path.starts_with(b"/"));
    }
}

/// The last element: `/` of nothing but slashes, `.` of nothing.
fn base(path: &[u8]) -> Str {
    let Some(last) = path.iter().rposition(|byte| *byte != b'/') else {
        return if path.is_empty() { "." } else { "/" }.into();
    };
    let path = path.get(..=last).unwrap_or_default();
    path.rsplit(|byte| *byte == b'/')
        .next()
        .unwrap_or_default()
        .into()
}

/// Everything up to the last slash, cleaned.
fn dir(path: &[u8]) -> Str {
    let slash = path.iter().rposition(|byte| *byte == b'/');
    let dir = slash.and_then(|slash| path.get(..=slash));
    clean(dir.unwrap_or_default())
}

/// The end of the last element from its last dot on.
fn ext(path: &[u8]) -> Str {
    let mark = path.iter().rposition(|byte| matches!(byte, b'.' | b'/'));
    let ext = mark.and_then(|mark| path.get(mark..));
    ext.filter(|ext| ext.starts_with(b"."))
        .unwrap_or_default()
        .into()
}

/// The shortest path that means the same, as far as the text tells.
fn clean(path: &[u8]) -> Str {
    let is_rooted = path.starts_with(b"/");
    let mut clean = Vec::with_capacity(path.len());
    if is_rooted {
        clean.push(b'/');
    }
    // What stands before this is not taken back: the root, or the `..` that a path starts with.
    let mut fixed = clean.len();
    for element in path.split(|byte| *byte == b'/') {
        match element {
            b"" | b"." => {}
            b".." if clean.len() > fixed => {
                let last = clean.get(fixed..).unwrap_or_default();
                let slash = last.iter().rposition(|byte| *byte == b'/');
                clean.truncate(fixed.saturating_add(slash.unwrap_or(0)));
            }
            // The root is its own parent.
            b".." if is_rooted => {}
            element => {
                if clean.last().is_some_and(|last| *last != b'/') {
                    clean.push(b'/');
                }
                clean.extend_from_slice(element);
                if element == b".." {
                    fixed = clean.len();
                }
            }
        }
    }
    if clean.is_empty() {
        return ".".into();
    }
    clean.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(function: fn(&[u8]) -> Str, cases: &[(&str, &str)]) {
        for (path, expected) in cases {
            assert_eq!(function(path.as_bytes()).to_text(), *expected, "{path}");
        }
    }

    #[test]
    fn paths_are_cut_at_slashes() {
        check(
            base,
            &[
                ("", "."),
                ("//", "/"),
                ("a/b//", "b"),
                ("/a", "a"),
                ("a", "a"),
            ],
        );
        check(
            dir,
            &[
                ("", "."),
                ("a", "."),
                ("/a", "/"),
                ("a/b/", "a/b"),
                ("a//b", "a"),
            ],
        );
        check(
            ext,
            &[
                ("a.tar.gz", ".gz"),
                ("a.d/b", ""),
                (".x", ".x"),
                ("a.", "."),
                ("", ""),
            ],
        );
    }

    #[test]
    fn a_clean_path_is_the_shortest() {
        let cases = [
            ("", "."),
            ("a//b/./c/", "a/b/c"),
            ("a/../..", ".."),
            ("../../a", "../../a"),
            ("/../a", "/a"),
            ("/..", "/"),
            ("a/b/../../..", ".."),
            ("...", "..."),
            ("../../a/b/../c", "../../a/c"),
            ("../a/..", ".."),
            ("/a/../b", "/b"),
        ];
        check(clean, &cases);
    }
}
