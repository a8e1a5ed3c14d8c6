//! What a YAML scalar means: the YAML 1.1 rules of Go's `go.yaml.in/yaml/v2`, which kubectl and kubeseal use.
//!
//! Two differences from other YAML 1.1 readers are that library's own: base-60 numbers (`12:30:45`) and dates
//! stay text.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_saphyr::granit_parser::Tag as ParsedTag;

use crate::error::ReadErrorKind;

/// A scalar, understood.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar<'t> {
    Null,
    Bool(bool),
    Int(i64),
    /// A whole number above [`i64::MAX`].
    Uint(u64),
    Float(f64),
    Text(Cow<'t, str>),
}

/// The explicit tag of a node, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    None,
    Binary,
    Bool,
    Float,
    Int,
    Merge,
    Null,
    Str,
    Timestamp,
    /// `!`, `!custom`, `!!set`: the value stays text.
    Other,
}

impl Tag {
    pub(crate) fn of(tag: Option<&ParsedTag>) -> Self {
        let Some(tag) = tag else { return Self::None };
        match tag.suffix_in_namespace("tag:yaml.org,2002:").as_deref() {
            Some("binary") => Self::Binary,
            Some("bool") => Self::Bool,
            Some("float") => Self::Float,
            Some("int") => Self::Int,
            Some("merge") => Self::Merge,
            Some("null") => Self::Null,
            Some("str") => Self::Str,
            Some("timestamp") => Self::Timestamp,
            _ => Self::Other,
        }
    }

    fn misfit(self) -> ReadErrorKind {
        ReadErrorKind::Tag {
            tag: match self {
                Self::Bool => "!!bool",
                Self::Float => "!!float",
                Self::Int => "!!int",
                Self::Null => "!!null",
                Self::Timestamp => "!!timestamp",
                Self::Binary | Self::Merge | Self::None | Self::Other | Self::Str => "",
            },
        }
    }
}

/// Understands a scalar. `plain`: written without quotes and not as a block.
pub(crate) fn resolve(
    text: Cow<'_, str>,
    plain: bool,
    tag: Tag,
) -> Result<Scalar<'_>, ReadErrorKind> {
    if tag == Tag::None {
        return Ok(if plain {
            guess(text)
        } else {
            Scalar::Text(text)
        });
    }
    let value = match tag {
        Tag::None | Tag::Str | Tag::Other | Tag::Merge => return Ok(Scalar::Text(text)),
        Tag::Binary => return binary(&text).map(|text| Scalar::Text(Cow::Owned(text))),
        Tag::Timestamp if is_timestamp(&text) => return Ok(Scalar::Text(text)),
        Tag::Bool | Tag::Float | Tag::Int | Tag::Null | Tag::Timestamp => guess(text),
    };
    match (tag, value) {
        (Tag::Bool, value @ Scalar::Bool(_))
        | (Tag::Float, value @ Scalar::Float(_))
        | (Tag::Int, value @ (Scalar::Int(_) | Scalar::Uint(_)))
        | (Tag::Null, value @ Scalar::Null) => Ok(value),
        #[expect(clippy::cast_precision_loss, reason = "what `!!float 1` asks for")]
        (Tag::Float, Scalar::Int(number)) => Ok(Scalar::Float(number as f64)),
        _ => Err(tag.misfit()),
    }
}

/// What a plain scalar without a tag means.
pub(crate) fn guess(text: Cow<'_, str>) -> Scalar<'_> {
    let Some(&first) = text.as_bytes().first() else {
        return Scalar::Null;
    };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => {
            word(&text).unwrap_or(Scalar::Text(text))
        }
        b'.' => dotted(&text).map_or(Scalar::Text(text), Scalar::Float),
        b'0'..=b'9' | b'+' | b'-' => number(&text).unwrap_or(Scalar::Text(text)),
        _ => Scalar::Text(text),
    }
}

fn word(text: &str) -> Option<Scalar<'static>> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        _ => return None,
    })
}

fn dotted(text: &str) -> Option<f64> {
    match text {
        ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
        ".inf" | ".Inf" | ".INF" => Some(f64::INFINITY),
        _ => float(&without_underscores_between_digits(text)?),
    }
}

/// Go's `strconv.ParseFloat` takes an underscore only between two digits.
fn without_underscores_between_digits(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('_') {
        return Some(Cow::Borrowed(text));
    }
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at))
            .is_some_and(u8::is_ascii_digit)
    };
    let sound = (0..bytes.len())
        .filter(|&at| bytes[at] == b'_')
        .all(|at| digit(at.checked_sub(1)) && digit(Some(at + 1)));
    sound.then(|| Cow::Owned(text.replace('_', "")))
}

fn number(text: &str) -> Option<Scalar<'static>> {
    match text {
        "+.inf" | "+.Inf" | "+.INF" => return Some(Scalar::Float(f64::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => return Some(Scalar::Float(f64::NEG_INFINITY)),
        _ => {}
    }
    let plain: Cow<'_, str> = if text.contains('_') {
        Cow::Owned(text.replace('_', ""))
    } else {
        Cow::Borrowed(text)
    };
    integer(&plain)
        .or_else(|| float(&plain).map(Scalar::Float))
        .or_else(|| signed_binary(&plain))
}

/// `strconv.ParseInt(text, 0, 64)`, then `ParseUint`.
fn integer(text: &str) -> Option<Scalar<'static>> {
    let (sign, unsigned) = match text.as_bytes().first()? {
        sign @ (b'+' | b'-') => (Some(*sign), &text[1..]),
        _ => (None, text),
    };
    let (digits, radix) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&unsigned[2..], 16),
        [b'0', b'b' | b'B', ..] => (&unsigned[2..], 2),
        [b'0', b'o' | b'O', ..] => (&unsigned[2..], 8),
        [b'0', _, ..] => (&unsigned[1..], 8),
        _ => (unsigned, 10),
    };
    // `from_str_radix` would take a second sign.
    if !digits.starts_with(|first: char| first.is_digit(radix)) {
        return None;
    }
    let size = u64::from_str_radix(digits, radix).ok()?;
    match (sign, i64::try_from(size)) {
        (Some(b'-'), Ok(size)) => Some(Scalar::Int(-size)),
        (Some(b'-'), Err(_)) if size == i64::MIN.unsigned_abs() => Some(Scalar::Int(i64::MIN)),
        (Some(_), Err(_)) => None,
        (None, Err(_)) => Some(Scalar::Uint(size)),
        (_, Ok(size)) => Some(Scalar::Int(size)),
    }
}

/// `0b-11` is -3: an oddity of the library, kept because kubectl applies it so.
fn signed_binary(text: &str) -> Option<Scalar<'static>> {
    let digits = text.strip_prefix("0b")?;
    i64::from_str_radix(digits, 2).ok().map(Scalar::Int)
}

/// A decimal float: `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, and not too large for 64 bits.
fn float(text: &str) -> Option<f64> {
    if !is_decimal_float(text) {
        return None;
    }
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// Whether the text has the form of a decimal float, of whatever size.
pub(crate) fn is_decimal_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && digits(fraction),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    mantissa && exponent
}

/// Whether a reader of YAML 1.1 may take the text for a date or a time stamp.
pub(crate) fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    let year = bytes.len() > 5 && bytes[..4].iter().all(u8::is_ascii_digit) && bytes[4] == b'-';
    year && bytes[5].is_ascii_digit()
        && bytes[5..].iter().all(|byte| {
            byte.is_ascii_digit()
                || matches!(
                    byte,
                    b'-' | b':' | b'.' | b'T' | b't' | b' ' | b'\t' | b'Z' | b'+'
                )
        })
}

/// Go's `base64.StdEncoding`: line ends are skipped, loose trailing bits are accepted.
fn binary(text: &str) -> Result<String, ReadErrorKind> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
    );
    let joined: String = text
        .chars()
        .filter(|character| !matches!(character, '\r' | '\n'))
        .collect();
    let bytes = LENIENT.decode(joined).map_err(|_| ReadErrorKind::Binary)?;
    String::from_utf8(bytes).map_err(|_| ReadErrorKind::Binary)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Scalar<'_> {
        Scalar::Text(Cow::Borrowed(text))
    }

    #[test]
    fn words_of_yaml_1_1_are_booleans_and_nulls() {
        for word in [
            "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE",
        ] {
            assert_eq!(guess(word.into()), Scalar::Bool(true), "{word}");
        }
        for word in [
            "n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE",
        ] {
            assert_eq!(guess(word.into()), Scalar::Bool(false), "{word}");
        }
        for word in ["", "~", "null", "Null", "NULL"] {
            assert_eq!(guess(word.into()), Scalar::Null, "{word}");
        }
        for word in ["yEs", "nO", "oN", "tRUE", "nULL", "yes ", "none"] {
            assert_eq!(guess(word.into()), text(word), "{word}");
        }
    }

    #[test]
    fn integers_have_five_spellings() {
        for (written, number) in [
            ("0", 0),
            ("-0", 0),
            ("+5", 5),
            ("0755", 493),
            ("0o17", 15),
            ("0x1F", 31),
            ("-0x1f", -31),
            ("0b11", 3),
            ("0b-11", -3),
            ("1_000", 1000),
            ("0_7", 7),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(guess(written.into()), Scalar::Int(number), "{written}");
        }
        assert_eq!(guess("18446744073709551615".into()), Scalar::Uint(u64::MAX));
    }

    #[test]
    fn integers_too_large_are_floats() {
        assert_eq!(
            guess("18446744073709551616".into()),
            Scalar::Float(18_446_744_073_709_551_616.0)
        );
        assert_eq!(
            guess("-9223372036854775809".into()),
            Scalar::Float(-9_223_372_036_854_775_809.0)
        );
        assert_eq!(
            guess("+18446744073709551615".into()),
            Scalar::Float(18_446_744_073_709_551_615.0)
        );
    }

    #[test]
    fn floats_are_decimal() {
        for (written, number) in [
            ("1.50", 1.5),
            (".5", 0.5),
            ("-.5", -0.5),
            ("1.", 1.0),
            ("1e3", 1000.0),
            ("1_0.5", 10.5),
            (".5_0", 0.5),
            ("09", 9.0),
        ] {
            assert_eq!(guess(written.into()), Scalar::Float(number), "{written}");
        }
    }

    #[test]
    fn what_only_looks_like_a_number_stays_text() {
        for written in [
            "1e400",
            "0x",
            "0o8",
            "1,000",
            "--",
            "-",
            "+",
            ".",
            "1.2.3",
            "12:30:45",
            "2024-01-01",
            "0x-1",
            "--1",
            "1e",
            "._5",
            ".5_",
            "0b2",
            "=",
            "1_e_",
            "inf",
            "nan",
            "infinity",
            "0xg",
        ] {
            assert_eq!(guess(written.into()), text(written), "{written}");
        }
    }

    #[test]
    fn quotes_and_the_tag_str_keep_text() {
        assert_eq!(
            resolve("yes".into(), false, Tag::None).unwrap(),
            text("yes")
        );
        assert_eq!(resolve("8".into(), true, Tag::Str).unwrap(), text("8"));
        assert_eq!(resolve("8".into(), true, Tag::Other).unwrap(), text("8"));
    }

    #[test]
    fn tags_convert_or_fail() {
        assert_eq!(
            resolve("12".into(), false, Tag::Int).unwrap(),
            Scalar::Int(12)
        );
        assert_eq!(
            resolve("1".into(), true, Tag::Float).unwrap(),
            Scalar::Float(1.0)
        );
        assert_eq!(
            resolve("yes".into(), false, Tag::Bool).unwrap(),
            Scalar::Bool(true)
        );
        assert_eq!(
            resolve("2024-01-01".into(), true, Tag::Timestamp).unwrap(),
            text("2024-01-01")
        );
        for (written, tag) in [
            ("x", Tag::Int),
            ("1.5", Tag::Int),
            ("1", Tag::Bool),
            ("x", Tag::Timestamp),
        ] {
            assert!(
                matches!(
                    resolve(written.into(), true, tag),
                    Err(ReadErrorKind::Tag { .. })
                ),
                "{written}"
            );
        }
    }

    #[test]
    fn binary_is_decoded_once() {
        assert_eq!(
            resolve("aGVs\nbG8=\n".into(), false, Tag::Binary).unwrap(),
            text("hello")
        );
        for wrong in ["/w==", "YW Jj", "YWI", "*"] {
            assert!(
                matches!(
                    resolve(wrong.into(), true, Tag::Binary),
                    Err(ReadErrorKind::Binary)
                ),
                "{wrong}"
            );
        }
    }
}
