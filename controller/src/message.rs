//! Texts that leave the process: bounded, and without values.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::Secret;

/// The longest text published in a status or event, in bytes.
///
/// An object may have thousands of values, and each may fail; etcd stores the status, and every
/// watcher receives it.
pub const LONGEST: usize = 1_024;

/// What is left free for `, and N more)`.
const SUFFIX: usize = 40;

/// Values shorter than this are not looked for: they occur in any text by chance.
const SHORTEST_VALUE: usize = 4;

/// Shortens a text to [`LONGEST`] bytes and says how much is left out.
///
/// The texts of failed unsealing are lines of the form `reason (key, key, …)`: whole lines are
/// kept while they fit, then as many keys of the next line as fit.
pub fn bounded(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let mut kept = String::with_capacity(LONGEST);
    let mut lines = text.lines();
    for line in lines.by_ref() {
        let separator = if kept.is_empty() { "" } else { "\n" };
        if kept.len() + separator.len() + line.len() <= LONGEST - SUFFIX {
            let _ = write!(kept, "{separator}{line}");
        } else {
            let room =
                LONGEST - 2 * SUFFIX - (kept.len() + separator.len()).min(LONGEST - 2 * SUFFIX);
            let _ = write!(kept, "{separator}{}", bounded_line(line, room));
            break;
        }
    }
    let more = lines.count();
    if more > 0 {
        let _ = write!(kept, "\nand {more} more");
    }
    kept
}

/// One line cut to about `room` bytes, behind a key if it ends in a list of keys.
fn bounded_line(line: &str, room: usize) -> String {
    if let Some((reason, keys)) = line
        .strip_suffix(')')
        .and_then(|open| open.rsplit_once(" ("))
        && reason.len() < room
    {
        let mut kept = format!("{reason} (");
        let mut keys = keys.split(", ").peekable();
        while let Some(key) = keys.next_if(|key| kept.len() + key.len() + 2 <= room) {
            let _ = write!(kept, "{key}, ");
        }
        let _ = write!(kept, "and {} more)", keys.count());
        kept
    } else {
        let end = (0..=room)
            .rev()
            .find(|end| line.is_char_boundary(*end))
            .unwrap_or_default();
        format!("{}…", &line[..end])
    }
}

/// An answer of the API server about a Secret, without what the Secret holds.
///
/// The server itself redacts, but admission webhooks are known to quote what they refuse.
pub fn without_values(text: &str, secret: &Secret) -> String {
    let data = secret.data.iter().flatten();
    let quoted = data.map(|(_, value)| value.0.as_slice()).any(|value| {
        let encoded = STANDARD.encode(value);
        // What is no text is only looked for in its encoding.
        let plain = std::str::from_utf8(value).map_or(encoded.as_str(), str::trim);
        plain.len() >= SHORTEST_VALUE && (text.contains(plain) || text.contains(&encoded))
    });
    if quoted {
        "the API server refused the Secret; its message is withheld because it quotes a value"
            .to_owned()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use k8s_openapi::ByteString;
    use proptest::prelude::*;

    use super::*;

    fn keys(count: usize) -> String {
        let keys: Vec<_> = (0..count).map(|number| format!("key-{number}")).collect();
        format!("no key could decrypt secret ({})", keys.join(", "))
    }

    #[test]
    fn a_short_text_is_published_as_it_is() {
        let text = "no key could decrypt secret (a, d)\nillegal base64 data at input byte 0 (b)";
        assert_eq!(bounded(text), text);
    }

    #[test]
    fn a_long_list_of_keys_says_how_many_more() {
        let text = bounded(&keys(2_000));
        assert!(text.starts_with("no key could decrypt secret (key-0, key-1, "));
        let (_, more) = text.rsplit_once(", and ").expect("says so");
        let named = text.matches("key-").count();
        assert_eq!(more, format!("{} more)", 2_000 - named));
        assert!(text.len() > LONGEST * 3 / 4, "{}", text.len());
    }

    #[test]
    fn whole_lines_are_kept_while_they_fit() {
        let text = bounded(&format!("{}\n{}\nlast", keys(3), keys(2_000)));
        assert!(text.starts_with("no key could decrypt secret (key-0, key-1, key-2)\nno key"));
        assert!(text.ends_with(" more)\nand 1 more"), "{text}");
    }

    #[test]
    fn a_long_word_is_cut_between_characters() {
        let text = bounded(&"ü".repeat(5_000));
        assert!(text.ends_with("ü…"));
    }

    proptest! {
        #[test]
        fn no_text_is_published_longer_than_the_bound(
            text in "([a-zäß]{0,400}( \\([a-z]{0,9}(, [a-zä]{0,500}){0,9}\\))?\n){0,30}"
        ) {
            prop_assert!(bounded(&text).len() <= LONGEST);
        }
    }

    fn secret(value: &str) -> Secret {
        Secret {
            data: Some(BTreeMap::from([(
                "password".to_owned(),
                ByteString(value.into()),
            )])),
            ..Secret::default()
        }
    }

    #[test]
    fn a_message_that_quotes_a_value_is_withheld() {
        let secret = secret("s3cr3t!\n");
        for quoting in [
            "admission webhook \"w\" denied the request: weak password s3cr3t!",
            "denied: data.password=czNjcjN0IQo=",
        ] {
            assert_eq!(
                without_values(quoting, &secret),
                "the API server refused the Secret; its message is withheld because it quotes a value"
            );
        }
    }

    #[test]
    fn other_messages_are_passed_on() {
        let text = "Secret \"a\" is invalid: data[a b]: Invalid value";
        assert_eq!(without_values(text, &secret("s3cr3t")), text);
        assert_eq!(without_values(text, &secret("a")), text);
        assert_eq!(without_values(text, &secret("    ")), text);
    }
}
