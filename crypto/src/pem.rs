//! PEM as Go's `encoding/pem` finds it: blocks anywhere between other text.
//!
//! The lines that open and close a block stand at the start of a line (no indentation, no byte
//! order mark before them) and name the same label. White space after them, CRLF, long lines and
//! spaces inside the base64 do not matter. A damaged block is passed over, and the search goes on
//! behind it. The verdicts in `tests/vectors/keys/index.json` hold this to the original; random
//! texts tell the two apart only where an END line holds a colon or another BEGIN.

use x509_cert::der::pem::{LineEnding, encode_string};
use zeroize::Zeroizing;

use crate::base64;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// One PEM block.
pub(crate) struct Block<'text> {
    /// What stands after BEGIN.
    pub(crate) label: &'text [u8],
    /// Whether `name: value` lines precede the base64.
    pub(crate) has_headers: bool,
    /// The bytes inside; wiped, because they may be a private key.
    pub(crate) contents: Zeroizing<Vec<u8>>,
}

/// The well-formed blocks of a text, in order.
pub(crate) fn blocks(text: &[u8]) -> impl Iterator<Item = Block<'_>> {
    let mut lines = text.split_inclusive(|byte| *byte == b'\n');
    std::iter::from_fn(move || {
        let mut open: Option<OpenBlock<'_>> = None;
        for line in lines.by_ref() {
            if line.starts_with(END) {
                if let Some(block) = open.take().and_then(|block| block.close(line)) {
                    return Some(block);
                }
            } else if line.windows(BEGIN.len()).any(|part| part == BEGIN) {
                // The last BEGIN before an END counts, which skips a block that never ends.
                open = OpenBlock::from_line(line);
            } else if let Some(block) = &mut open {
                block.read(line);
            }
        }
        None
    })
}

/// A block whose END has not been seen.
struct OpenBlock<'text> {
    label: &'text [u8],
    in_headers: bool,
    has_headers: bool,
    /// Base64 without spaces and tabs. Line ends stay: they are the decoder's to skip.
    base64: Zeroizing<Vec<u8>>,
}

impl<'text> OpenBlock<'text> {
    fn from_line(line: &'text [u8]) -> Option<Self> {
        let label = trim_end(line).strip_prefix(BEGIN)?.strip_suffix(DASHES)?;
        Some(Self {
            label,
            in_headers: true,
            has_headers: false,
            base64: Zeroizing::default(),
        })
    }

    fn read(&mut self, line: &[u8]) {
        if self.in_headers && line.contains(&b':') {
            self.has_headers = true;
            return;
        }
        self.in_headers = false;
        if self.base64.capacity().saturating_sub(self.base64.len()) < line.len() {
            // Growing in place could leave a piece of a private key in freed memory.
            let mut larger = Zeroizing::new(Vec::with_capacity(
                self.base64
                    .len()
                    .saturating_add(line.len())
                    .saturating_mul(2),
            ));
            larger.extend_from_slice(&self.base64);
            self.base64 = larger;
        }
        self.base64
            .extend(line.iter().filter(|byte| !matches!(byte, b' ' | b'\t')));
    }

    fn close(self, line: &[u8]) -> Option<Block<'text>> {
        let label = trim_end(line).strip_prefix(END)?.strip_suffix(DASHES)?;
        // Go wants a line between headers and END.
        let ends_in_headers = self.has_headers && self.in_headers;
        if label != self.label || ends_in_headers {
            return None;
        }
        Some(Block {
            label: self.label,
            has_headers: self.has_headers,
            contents: Zeroizing::new(base64::decode(&self.base64).ok()?),
        })
    }
}

/// A line without its end and the blanks before that.
fn trim_end(line: &[u8]) -> &[u8] {
    let content = match line.strip_suffix(b"\n") {
        Some(content) => content.strip_suffix(b"\r").unwrap_or(content),
        None => line,
    };
    let blanks = content
        .iter()
        .rev()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    content
        .get(..content.len().saturating_sub(blanks))
        .unwrap_or_default()
}

/// Writes one block with lines of 64 characters and LF.
pub(crate) fn write(label: &str, contents: &[u8]) -> Zeroizing<String> {
    let text = encode_string(label, LineEnding::LF, contents);
    Zeroizing::new(text.expect("a label of ours is valid and a String takes any length"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, bool, Vec<u8>)> {
        blocks(text.as_bytes())
            .map(|block| {
                (
                    String::from_utf8(block.label.to_vec()).unwrap(),
                    block.has_headers,
                    block.contents.to_vec(),
                )
            })
            .collect()
    }

    fn one(text: &str) -> Option<(String, bool, Vec<u8>)> {
        let mut found = found(text);
        assert!(found.len() <= 1, "{found:?}");
        found.pop()
    }

    #[test]
    fn white_space_and_text_around_a_block_do_not_matter() {
        let expected = Some(("X".to_owned(), false, vec![0, 0, 0, 0]));
        for text in [
            "-----BEGIN X-----\nAAAAAA==\n-----END X-----\n",
            "-----BEGIN X-----\nAAAAAA==\n-----END X-----",
            "-----BEGIN X-----\r\nAAAA\r\nAA==\r\n-----END X-----\r\n",
            "text: more\n-----BEGIN X-----  \n AA\tAA\nAA = =\n-----END X----- \nmore\n",
            "-----BEGIN Y-----\n-----BEGIN X-----\nAAAAAA==\n-----END X-----\n",
            "-----BEGIN Y-----\n!\n-----END Y-----\n-----BEGIN X-----\nAAAAAA==\n-----END X-----\n",
        ] {
            assert_eq!(one(text), expected, "{text:?}");
        }
    }

    #[test]
    fn damaged_blocks_are_passed_over() {
        for text in [
            "",
            "-----BEGIN X-----",
            " -----BEGIN X-----\nAAAA\n-----END X-----\n",
            "-----BEGIN X-----\nAAAA\n -----END X-----\n",
            "\u{feff}-----BEGIN X-----\nAAAA\n-----END X-----\n",
            "-----BEGIN X-----\nAAAA\n-----END Y-----\n",
            "-----BEGIN X-----\nAAAA\n-----END X----- more\n",
            "-----BEGIN X----\nAAAA\n-----END X-----\n",
            "-----BEGIN X-----\nAAA\n-----END X-----\n",
            "-----BEGIN X-----\nName: value\n-----END X-----\n",
            "-----BEGIN X-----\nAAAA-----END X-----\n",
        ] {
            assert_eq!(one(text), None, "{text:?}");
        }
    }

    #[test]
    fn headers_are_noticed() {
        let text = "-----BEGIN X-----\nName: value\nOther:\n\nAAAA\n-----END X-----\n";
        assert_eq!(one(text), Some(("X".to_owned(), true, vec![0, 0, 0])));
        let empty = "-----BEGIN X-----\n-----END X-----\n";
        assert_eq!(one(empty), Some(("X".to_owned(), false, vec![])));
    }

    #[test]
    fn a_written_block_is_found() {
        let bytes: Vec<u8> = (0..=255).collect();
        let text = write("X", &bytes);
        assert!(text.lines().all(|line| line.len() <= 64));
        assert_eq!(one(&text), Some(("X".to_owned(), false, bytes)));
    }
}
