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

/// So often a quoted text is read as a quotation of another.
const QUOTED_IN_QUOTES: usize = 3;

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
    let readings = readings(text);
    let data = secret.data.iter().flatten();
    let quoted = data.map(|(_, value)| value.0.as_slice()).any(|value| {
        let plain = value.trim_ascii();
        plain.len() >= SHORTEST_VALUE
            && readings.iter().any(|reading| {
                holds(reading, plain) || holds(reading, STANDARD.encode(value).as_bytes())
            })
    });
    if quoted {
        "the API server refused the Secret; its message is withheld because it quotes a value"
            .to_owned()
    } else {
        text.to_owned()
    }
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// The text as it stands, as what a JSON or Go string means by it, and so once more: messages quote messages.
fn readings(text: &str) -> Vec<Vec<u8>> {
    let mut readings = vec![text.as_bytes().to_vec()];
    for _ in 0..QUOTED_IN_QUOTES {
        let next = readings.last().map(|text| unescaped(text));
        match next {
            Some(next) if readings.last() != Some(&next) => readings.push(next),
            _ => break,
        }
    }
    readings
}

/// Replaces the escapes of JSON and of Go's `%q`; whatever is none stays as it is.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let escape = (*first == b'\\').then(|| escape(after)).flatten();
        let (bytes, length) = escape.unwrap_or_else(|| (vec![*first], 0));
        plain.extend(bytes);
        rest = after.get(length..).unwrap_or_default();
    }
    plain
}

/// What an escape stands for, and its length after the backslash.
fn escape(after: &[u8]) -> Option<(Vec<u8>, usize)> {
    let one = |byte| Some((vec![byte], 1));
    match after.first()? {
        b'a' => one(0x07),
        b'b' => one(0x08),
        b'f' => one(0x0c),
        b'n' => one(b'\n'),
        b'r' => one(b'\r'),
        b't' => one(b'\t'),
        b'v' => one(0x0b),
        mark @ (b'\\' | b'"' | b'\'' | b'/') => one(*mark),
        b'x' => Some((vec![u8::try_from(digits(after, 1, 2)?).ok()?], 3)),
        b'U' => character(digits(after, 1, 8)?, 9),
        b'u' => match digits(after, 1, 4)? {
            // A character beyond the first plane, in two halves.
            high @ 0xd800..=0xdbff if after.get(5..7) == Some(b"\\u") => {
                let low = digits(after, 7, 4)?.checked_sub(0xdc00)?;
                character(0x1_0000 + ((high - 0xd800) << 10) + (low & 0x3ff), 11)
            }
            code => character(code, 5),
        },
        _ => None,
    }
}

fn character(code: u32, length: usize) -> Option<(Vec<u8>, usize)> {
    let character = char::from_u32(code)?;
    Some((character.to_string().into_bytes(), length))
}

fn digits(text: &[u8], from: usize, count: usize) -> Option<u32> {
    let digits = std::str::from_utf8(text.get(from..from + count)?).ok()?;
    let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| hexadecimal)
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
    fn a_value_is_recognised_in_a_quotation() {
        let secret = secret("pa\"ss<w>\nörd\u{1f512}\u{1}");
        for quoting in [
            r#"denied: {"password":"pa\"ss\u003cw\u003e\nörd🔒\u0001"}"#,
            r#"denied: {"password":"pa\"ss<w>\n\u00f6rd\ud83d\udd12\u0001"}"#,
            r#"denied: "pa\"ss<w>\nörd🔒\x01""#,
            r#"denied: "pa\"ss<w>\n\u00f6rd\U0001f512\x01""#,
            r#"denied: "{\"password\":\"pa\\\"ss<w>\\nörd🔒\\u0001\"}""#,
        ] {
            assert_ne!(without_values(quoting, &secret), quoting);
        }
        let binary = Secret {
            data: Some(BTreeMap::from([(
                "key".to_owned(),
                ByteString(vec![0xff, 0xfe, b'a', 0x00]),
            )])),
            ..Secret::default()
        };
        let quoting = r#"denied: "\xff\xfea\x00""#;
        assert_ne!(without_values(quoting, &binary), quoting);
        let broken = r#"denied: "\xf \u12 \ud83d\u0041 \U00110000 \q \"#;
        assert_eq!(without_values(broken, &secret), broken);
    }

    #[test]
    fn other_messages_are_passed_on() {
        let text = "Secret \"a\" is invalid: data[a b]: Invalid value";
        assert_eq!(without_values(text, &secret("s3cr3t")), text);
        assert_eq!(without_values(text, &secret("a")), text);
        assert_eq!(without_values(text, &secret("    ")), text);
    }
}
