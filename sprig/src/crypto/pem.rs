//! PEM as Go's `encoding/pem` reads and writes it.

use memchr::{memchr, memmem};
use sealed_template::Str;
use zeroize::Zeroizing;

use crate::base64;

const BEGIN: &[u8] = b"-----BEGIN ";
/// The line that ends a block must be one of its own.
const END: &[u8] = b"\n-----END ";
const DASHES: &[u8] = b"-----";
const LINE_LEN: usize = 64;

/// A block of PEM.
pub(super) struct Block<'a> {
    /// What stands after BEGIN.
    pub(super) label: &'a [u8],
    /// The bytes inside; wiped, because they may be a private key.
    pub(super) contents: Zeroizing<Vec<u8>>,
}

/// Why there is no block where one ends.
enum Miss {
    /// Another may follow.
    Passed,
    /// Go does not look any further.
    Last,
}

/// The first block of a text that is whole.
pub(super) fn decode(text: &[u8]) -> Option<Block<'_>> {
    let mut start = 0_usize;
    loop {
        let end = start.checked_add(memmem::find(text.get(start..)?, END)?)?;
        match block(text, start, end) {
            Ok(block) => return Some(block),
            Err(Miss::Passed) => start = end.checked_add(END.len())?,
            Err(Miss::Last) => return None,
        }
    }
}

/// The block between the last BEGIN in `text[start..end]` and the END that stands there.
fn block(text: &[u8], start: usize, end: usize) -> Result<Block<'_>, Miss> {
    let (before, trailer) = text.split_at_checked(end).ok_or(Miss::Last)?;
    let trailer = trailer.strip_prefix(END).ok_or(Miss::Last)?;
    let before = before.get(start..).ok_or(Miss::Last)?;
    let begin = memmem::rfind(before, BEGIN).ok_or(Miss::Passed)?;
    let (above, _) = before.split_at_checked(begin).ok_or(Miss::Last)?;
    if !(above.is_empty() || above.ends_with(b"\n")) {
        return Err(Miss::Passed);
    }
    let start = start.saturating_add(begin).saturating_add(BEGIN.len());
    let (line, mut rest) = split_line(text.get(start..).ok_or(Miss::Last)?);
    let label = line.strip_suffix(DASHES).ok_or(Miss::Passed)?;

    let mut has_headers = false;
    loop {
        if rest.is_empty() {
            return Err(Miss::Last);
        }
        let (line, next) = split_line(rest);
        if !line.contains(&b':') {
            break;
        }
        has_headers = true;
        rest = next;
    }
    // A colon in the line that ends the block makes that a header, too.
    if has_headers && rest.len() < trailer.len() {
        return Err(Miss::Last);
    }
    let inside = rest
        .len()
        .checked_sub(trailer.len().saturating_add(END.len()))
        .and_then(|len| rest.get(..len));
    if has_headers && inside.is_none() {
        return Err(Miss::Passed);
    }
    let inside = inside.unwrap_or_default();

    let rest_of_line = trailer
        .strip_prefix(label)
        .and_then(|trailer| trailer.strip_prefix(DASHES));
    if !rest_of_line.is_some_and(|rest| split_line(rest).0.is_empty()) {
        return Err(Miss::Passed);
    }
    let mut characters = Zeroizing::new(Vec::with_capacity(inside.len()));
    characters.extend(inside.iter().filter(|byte| !matches!(byte, b' ' | b'\t')));
    let contents = base64::decode(&characters).map_err(|_| Miss::Passed)?;
    Ok(Block { label, contents })
}

/// Writes a block.
pub(super) fn encode(label: &str, contents: &[u8]) -> Str {
    let encoded = Zeroizing::new(base64::encode(contents));
    let label = label.as_bytes();
    let capacity = encoded.len().saturating_mul(2).saturating_add(100);
    let mut text = Vec::with_capacity(capacity);
    for part in [BEGIN, label, DASHES, b"\n"] {
        text.extend_from_slice(part);
    }
    for line in encoded.as_bytes().chunks(LINE_LEN) {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    for part in [b"-----END ", label, DASHES, b"\n"] {
        text.extend_from_slice(part);
    }
    text.into()
}

/// The first line without its end and the blanks before that, and what follows it.
fn split_line(text: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match memchr(b'\n', text).and_then(|at| text.split_at_checked(at)) {
        Some((line, rest)) => (
            line.strip_suffix(b"\r").unwrap_or(line),
            rest.get(1..).unwrap_or_default(),
        ),
        None => (text, &[][..]),
    };
    let blanks = line
        .iter()
        .rev()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    let len = line.len().saturating_sub(blanks);
    (line.get(..len).unwrap_or_default(), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first block: its label and its contents.
    fn first(text: &str) -> Option<(String, Vec<u8>)> {
        let block = decode(text.as_bytes())?;
        let label = String::from_utf8_lossy(block.label).into_owned();
        Some((label, block.contents.to_vec()))
    }

    #[test]
    fn white_space_and_text_around_a_block_do_not_matter() {
        let expected = Some(("X".to_owned(), vec![0, 0, 0, 0]));
        for text in [
            "-----BEGIN X-----\nAAAAAA==\n-----END X-----\n",
            "-----BEGIN X-----\nAAAAAA==\n-----END X-----",
            "-----BEGIN X-----\r\nAAAA\r\nAA==\r\n-----END X-----\r\n",
            "text: more\n-----BEGIN X-----  \n AA\tAA\nAA = =\n-----END X----- \nmore\n",
            "-----BEGIN X-----\nName: value\nOther:\n\nAAAAAA==\n-----END X-----\n",
            "-----BEGIN Y-----\n-----BEGIN X-----\nAAAAAA==\n-----END X-----\n",
            "-----BEGIN Y-----\n!\n-----END Y-----\n-----BEGIN X-----\nAAAAAA==\n-----END X-----\n",
        ] {
            assert_eq!(first(text), expected, "{text:?}");
        }
        let empty = "-----BEGIN X-----\n-----END X-----\n";
        assert_eq!(first(empty), Some(("X".to_owned(), vec![])));
    }

    #[test]
    fn what_is_no_block_is_passed_over() {
        for text in [
            "",
            "-----BEGIN X-----",
            "-----BEGIN X-----\nAAAA\n",
            " -----BEGIN X-----\nAAAA\n-----END X-----\n",
            "-----BEGIN X-----\nAAAA\n -----END X-----\n",
            "-----BEGIN X-----\nAAAA\n-----END Y-----\n",
            "-----BEGIN X-----\nAAAA\n-----END X----- more\n",
            "-----BEGIN X----\nAAAA\n-----END X-----\n",
            "-----BEGIN X-----\nAAA\n-----END X-----\n",
            "-----BEGIN X-----\nName: value\n-----END X-----\n",
            "-----BEGIN X-----\nAAAA-----END X-----\n",
            "-----BEGIN a:b-----\n-----END a:b-----\n-----BEGIN X-----\nAAAA\n-----END X-----\n",
        ] {
            assert_eq!(first(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_written_block_is_found() {
        for len in [0, 1, 47, 48, 49, 1000] {
            let bytes = vec![0xfb; len];
            let text = encode("X", &bytes).to_text().into_owned();
            assert!(text.lines().all(|line| line.len() <= LINE_LEN), "{text}");
            assert_eq!(first(&text), Some(("X".to_owned(), bytes)));
        }
    }
}
