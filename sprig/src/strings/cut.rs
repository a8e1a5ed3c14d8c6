//! Parts of a string. All positions count bytes, so a cut can leave half a character.

use std::collections::BTreeSet;

use sealed_template::{CallError, Functions, Str, utf8};

pub(super) fn register(functions: &mut Functions) {
    functions
        .add("abbrev", abbrev)
        .add("abbrevboth", abbrevboth)
        .add("substr", substr)
        .add("trim", |text: Str| {
            Str::from(trim(&text, char::is_whitespace))
        })
        .add("trimAll", trim_all)
        .add("trimall", trim_all)
        .add("trimPrefix", |part: Str, text: Str| {
            text.strip_prefix(part.as_bytes())
                .map_or_else(|| text.clone(), Str::from)
        })
        .add("trimSuffix", |part: Str, text: Str| {
            text.strip_suffix(part.as_bytes())
                .map_or_else(|| text.clone(), Str::from)
        })
        .add("trunc", trunc);
}

/// The text without the characters at both ends that are to be trimmed.
fn trim(text: &[u8], is_trimmed: impl Fn(char) -> bool) -> &[u8] {
    let mut start = None;
    let mut end = 0;
    let mut offset: usize = 0;
    for (char, bytes) in utf8::runes(text) {
        let next = offset.saturating_add(bytes.len());
        if !is_trimmed(char) {
            start.get_or_insert(offset);
            end = next;
        }
        offset = next;
    }
    text.get(start.unwrap_or(0)..end).unwrap_or_default()
}

fn trim_all(set: Str, text: Str) -> Str {
    let set: BTreeSet<char> = utf8::runes(&set).map(|(char, _)| char).collect();
    trim(&text, |char| set.contains(&char)).into()
}

/// The first bytes, or the last ones if `count` is negative.
fn trunc(count: isize, text: Str) -> Str {
    let size = count.unsigned_abs();
    let kept = if count < 0 {
        text.len()
            .checked_sub(size)
            .and_then(|from| text.get(from..))
    } else {
        text.get(..size)
    };
    kept.map_or_else(|| text.clone(), Str::from)
}

/// The bytes from `start` up to `end`: from the beginning if `start` is negative, up to the end if `end` is
/// negative or beyond it.
fn substr(start: isize, end: isize, text: Str) -> Result<Str, CallError> {
    let len = text.len();
    let from = usize::try_from(start).ok();
    let to = usize::try_from(end).ok();
    let (part, range) = match (from, to) {
        (None, None) => (None, format!("[:{end}]")),
        (None, Some(to)) => (text.get(..to), format!("[:{end}] with length {len}")),
        (Some(from), Some(to)) if to <= len => (text.get(from..to), format!("[{start}:{end}]")),
        (Some(from), _) => (text.get(from..), format!("[{start}:{len}]")),
    };
    part.map(Str::from)
        .ok_or_else(|| CallError::new(format!("runtime error: slice bounds out of range {range}")))
}

fn abbrev(width: isize, text: Str) -> Str {
    if width < 4 {
        return text;
    }
    abbreviated(&text, 0, width).into()
}

fn abbrevboth(left: isize, right: isize, text: Str) -> Str {
    if right < 4 || left > 0 && right < 7 {
        return text;
    }
    abbreviated(&text, left, right).into()
}

/// The text cut to `width` bytes, dots included, so that what is at `offset` is still there: with dots in
/// front, too, if `offset` is more than 4.
fn abbreviated(text: &[u8], offset: isize, width: isize) -> Vec<u8> {
    const DOTS: &[u8] = b"...";
    let len = text.len().cast_signed();
    if len <= width {
        return text.to_vec();
    }
    let room = width.saturating_sub(3);
    let latest = len.saturating_sub(room);
    let mut offset = offset.min(len);
    // Wraps for an offset close to the smallest number, as Go's does.
    if len.wrapping_sub(offset) < room {
        offset = latest;
    }
    let from = |offset: isize| text.get(offset.unsigned_abs()..).unwrap_or_default();
    if offset <= 4 {
        let start = text.get(..room.unsigned_abs()).unwrap_or_default();
        [start, DOTS].concat()
    } else if width < 7 {
        Vec::new()
    } else if offset < latest {
        [DOTS, &abbreviated(from(offset), 0, room)].concat()
    } else {
        [DOTS, from(latest)].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(result: Str) -> String {
        result.to_text().into_owned()
    }

    #[test]
    fn trunc_counts_bytes_from_either_end() {
        for (count, expected) in [
            (0, ""),
            (2, "ab"),
            (3, "abc"),
            (9, "abc"),
            (-2, "bc"),
            (-3, "abc"),
            (isize::MIN, "abc"),
        ] {
            assert_eq!(text(trunc(count, "abc".into())), expected, "{count}");
        }
        assert_eq!(trunc(1, "é".into()).as_bytes(), b"\xC3");
    }

    #[test]
    fn substr_fails_where_a_slice_of_go_panics() {
        let part = |start, end| substr(start, end, "abc".into());
        for (start, end, expected) in [
            (0, 2, "ab"),
            (-5, 2, "ab"),
            (1, -1, "bc"),
            (1, 9, "bc"),
            (3, 3, ""),
        ] {
            assert_eq!(
                part(start, end).map(text),
                Ok(expected.to_owned()),
                "{start} {end}"
            );
        }
        for (start, end, range) in [
            (-1, -1, "[:-1]"),
            (-1, 5, "[:5] with length 3"),
            (2, 1, "[2:1]"),
            (5, 2, "[5:2]"),
            (5, 9, "[5:3]"),
        ] {
            let expected = format!("runtime error: slice bounds out of range {range}");
            assert_eq!(
                part(start, end),
                Err(CallError::new(expected)),
                "{start} {end}"
            );
        }
    }

    #[test]
    fn trimming_takes_characters_not_bytes() {
        assert_eq!(
            trim("\u{a0}\u{3000} a b\u{85}\n".as_bytes(), char::is_whitespace),
            b"a b"
        );
        assert_eq!(trim(b" \xA0 ", char::is_whitespace), b"\xA0");
        assert_eq!(text(trim_all("é-".into(), "é-éxé".into())), "x");
        // Invalid bytes are all the same character.
        assert_eq!(
            text(trim_all(b"\xFF"[..].into(), b"\xFEx\xC3"[..].into())),
            "x"
        );
    }

    #[test]
    fn abbreviations_keep_what_is_at_the_offset() {
        let long = "1234567890abcdefghij";
        for (left, right, expected) in [
            (0, 10, "1234567..."),
            (5, 10, "...6789..."),
            (15, 10, "...defghij"),
            (4, 10, "1234567..."),
            (99, 7, "...ghij"),
            (5, 6, long),
            (0, 4, "1..."),
            (0, 3, long),
            (isize::MIN, 5, ""),
        ] {
            assert_eq!(
                text(abbrevboth(left, right, long.into())),
                expected,
                "{left} {right}"
            );
        }
    }
}
