//! Names of subjects and issuers.

use sealed_template::CallError;

use super::{SEQUENCE, x509};
use crate::crypto::der::{CONSTRUCTED, Element, tag};

/// Whether this is a name whose texts are what their tags say.
pub(super) fn check(name: &Element<'_>) -> Result<(), CallError> {
    let mut sets = name.inside();
    while !sets.rest().is_empty() {
        let set = sets.element(tag::SET | CONSTRUCTED);
        let mut attributes = set.map_err(|_| x509("invalid RDNSequence"))?.inside();
        while !attributes.rest().is_empty() {
            let attribute = attributes.element(SEQUENCE);
            let mut attribute = attribute
                .map_err(|_| x509("invalid RDNSequence: invalid attribute"))?
                .inside();
            attribute
                .oid()
                .map_err(|_| x509("invalid RDNSequence: invalid attribute type"))?;
            let value = attribute
                .any()
                .map_err(|_| x509("invalid RDNSequence: invalid attribute value"))?;
            check_text(&value).map_err(|text| {
                x509(&format!(
                    "invalid RDNSequence: invalid attribute value: {text}"
                ))
            })?;
        }
    }
    Ok(())
}

fn check_text(value: &Element<'_>) -> Result<(), String> {
    let bytes = value.contents;
    let (is_valid, kind) = match value.identifier {
        tag::T61_STRING => (true, ""),
        tag::PRINTABLE_STRING => (bytes.iter().copied().all(is_printable), "PrintableString"),
        tag::UTF8_STRING => (std::str::from_utf8(bytes).is_ok(), "UTF-8 string"),
        tag::BMP_STRING => (is_bmp(bytes), "BMPString"),
        tag::IA5_STRING => (bytes.is_ascii(), "IA5String"),
        tag::NUMERIC_STRING => {
            let is_numeric = |byte: &u8| byte.is_ascii_digit() || *byte == b' ';
            (bytes.iter().all(is_numeric), "NumericString")
        }
        other => return Err(format!("unsupported string type: {other}")),
    };
    if is_valid {
        Ok(())
    } else {
        Err(format!("invalid {kind}"))
    }
}

/// With `*` and `&`, which do not belong there, but are in use.
fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(&byte)
}

/// Characters of two bytes, none of which is reserved.
fn is_bmp(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_suffix(&[0, 0]).unwrap_or(bytes);
    let (characters, rest) = bytes.as_chunks();
    rest.is_empty()
        && characters.iter().all(|character| {
            !matches!(
                u16::from_be_bytes(*character),
                0xd800..=0xdfff | 0xfdd0..=0xfdef | 0xfffe..=0xffff
            )
        })
}
