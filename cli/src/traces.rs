//! Whether a text may hold SealedSecrets, without reading it.

use std::borrow::Cow;

use sealed_api::names;

/// Words of which one is in every SealedSecret.
const WORDS: [&str; 2] = [names::KIND, names::ITEMS];
/// More than the longest of these takes in any encoding.
pub(crate) const LONGEST: usize = 64;
/// Fewer base64 characters than a value has that is sealed for the smallest key, one of 1024 bits.
const SHORTEST_VALUE: usize = 190;

/// Whether a text, or the beginning of one, speaks of SealedSecrets, or in an encoding in which that does not show at once.
pub(crate) fn of_sealed_secrets(text: &[u8]) -> bool {
    is_wide(text) || speaks(text)
}

/// Whether a text speaks of SealedSecrets and holds something as long as a sealed value, which may be folded over lines.
pub(crate) fn of_sealed_values(text: &[u8]) -> bool {
    let text = letters(text);
    let mut length = 0;
    let mut is_line_start = false;
    let has_value = text.iter().any(|byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => {
                length += 1;
                is_line_start = false;
            }
            b'\n' | b'\r' => is_line_start = true,
            b' ' | b'\t' if is_line_start => {}
            _ => {
                length = 0;
                is_line_start = false;
            }
        }
        length >= SHORTEST_VALUE
    });
    has_value && speaks(&text)
}

fn speaks(text: &[u8]) -> bool {
    WORDS
        .iter()
        .any(|word| text.windows(word.len()).any(|part| part == word.as_bytes()))
}

/// Whether a text stands in Git for a file that is kept elsewhere.
pub(crate) fn is_lfs_pointer(text: &[u8]) -> bool {
    text.starts_with(b"version https://git-lfs.github.com/spec/")
}

/// UTF-16, as some editors write it, holds the same letters with zeros between them.
fn letters(text: &[u8]) -> Cow<'_, [u8]> {
    if is_wide(text) {
        Cow::Owned(text.iter().copied().filter(|byte| *byte != 0).collect())
    } else {
        Cow::Borrowed(text)
    }
}

fn is_wide(text: &[u8]) -> bool {
    text.starts_with(&[0xff, 0xfe]) || text.starts_with(&[0xfe, 0xff])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str) -> Vec<u8> {
        let marked = format!("\u{feff}{text}");
        marked.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn sealed_secrets_are_noticed_in_any_encoding() {
        let text = "kind: SealedSecret\n";
        assert!(of_sealed_secrets(text.as_bytes()));
        assert!(of_sealed_secrets(&wide(text)));
        assert!(of_sealed_secrets(br#"{"spec":{"encryptedData":{}}}"#));
        assert!(!of_sealed_secrets(b"kind: Secret"));
    }

    #[test]
    fn a_value_may_be_folded_and_prose_is_none() {
        let value = "AgB7x/+".repeat(30);
        let speaks = |text: &str| format!("encryptedData:\n  a: |\n{text}\n");
        assert!(of_sealed_values(speaks(&value).as_bytes()));
        assert!(of_sealed_values(&wide(&speaks(&value))));
        let folded: Vec<String> = value
            .as_bytes()
            .chunks(64)
            .map(|line| format!("      {}", String::from_utf8_lossy(line)))
            .collect();
        assert!(of_sealed_values(speaks(&folded.join("\r\n")).as_bytes()));
        assert!(!of_sealed_values(value.as_bytes()));
        assert!(!of_sealed_values(&wide(&value)));
        let prose = "words and words ".repeat(100);
        assert!(!of_sealed_values(speaks(&prose).as_bytes()));
        let cut = "AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq.....";
        assert!(!of_sealed_values(speaks(cut).as_bytes()));
    }
}
