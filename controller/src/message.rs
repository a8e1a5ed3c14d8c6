//! Texts that leave the process: bounded, and without values.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::Secret;

/// The longest text published in a status or event, in bytes.
///
/// etcd stores the status, and every watcher receives it.
pub const LONGEST: usize = 1_024;

/// What is left free for the words about what is left out.
const SUFFIX: usize = 40;

/// Values shorter than this are not looked for: they occur in any text by chance.
const SHORTEST_VALUE: usize = 4;

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
