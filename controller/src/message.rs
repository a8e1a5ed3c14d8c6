//! Texts that leave the process: bounded.

/// The longest text published in a status or event, in bytes.
///
/// etcd stores the status, and every watcher receives it.
pub const LONGEST: usize = 1_024;

/// What is left free for the words about what is left out.
const SUFFIX: usize = 40;

/// Cuts a text to [`LONGEST`] bytes and says how much is left out.
pub fn bounded(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let end = (0..=LONGEST - SUFFIX)
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or_default();
    let (kept, rest) = text.split_at(end);
    format!("{kept}… and {} more bytes", rest.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_text_is_published_as_it_is() {
        let text = "Secret \"a\" is invalid: type: Invalid value: \"x\": field is immutable";
        assert_eq!(bounded(text), text);
        assert_eq!(bounded(&"x".repeat(LONGEST)), "x".repeat(LONGEST));
    }

    #[test]
    fn a_long_text_says_how_much_more_there_was() {
        let text = bounded(&"ü".repeat(5_000));
        let (kept, more) = text.split_once('…').expect("is cut");
        assert_eq!(more, format!(" and {} more bytes", 10_000 - kept.len()));
        assert!(text.len() <= LONGEST);
    }

    proptest! {
        #[test]
        fn no_text_is_published_longer_than_the_bound(text in "[a-zäß…\n]{0,3000}") {
            prop_assert!(bounded(&text).len() <= LONGEST);
        }
    }
}
