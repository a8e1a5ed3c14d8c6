//! Reading the certificate of an authority, as strict and as lenient as Go.

mod name;
mod public_key;
mod time;

use std::collections::BTreeSet;

use sealed_template::CallError;
use x509_parser::der_parser::Oid;
use x509_parser::oid_registry::{
    OID_X509_EXT_BASIC_CONSTRAINTS, OID_X509_EXT_KEY_USAGE, OID_X509_EXT_SUBJECT_KEY_IDENTIFIER,
};

use crate::crypto::der::{CONSTRUCTED, CONTEXT_SPECIFIC, Element, Reader, dotted, tag};

const SEQUENCE: u8 = tag::SEQUENCE | CONSTRUCTED;
const VERSION: u8 = CONTEXT_SPECIFIC | CONSTRUCTED;
const ISSUER_ID: u8 = CONTEXT_SPECIFIC | 1;
const SUBJECT_ID: u8 = CONTEXT_SPECIFIC | 2;
const EXTENSIONS: u8 = CONTEXT_SPECIFIC | CONSTRUCTED | 3;

/// What of a certificate goes into those it vouches for.
pub(super) struct Parsed {
    /// The whole element.
    pub(super) subject: Vec<u8>,
    /// Empty if there is none.
    pub(super) key_id: Vec<u8>,
    /// The whole element; none if the key is of a kind that Go does not know.
    pub(super) public_key_info: Option<Vec<u8>>,
}

/// Reads a certificate. What Go refuses is refused, except for the contents of extensions that have no part in
/// this, which are not looked at.
pub(super) fn parse(der: &[u8]) -> Result<Parsed, CallError> {
    let mut top = Reader::new(der);
    let mut certificate = inside(&mut top, SEQUENCE, "malformed certificate")?;
    let mut fields = inside(&mut certificate, SEQUENCE, "malformed tbs certificate")?;

    let version = version(&mut fields)?;
    let serial = fields
        .integer()
        .map_err(|_| x509("malformed serial number"))?;
    if is_negative(serial) {
        return Err(x509("negative serial number"));
    }
    let algorithm = take(
        &mut fields,
        SEQUENCE,
        "malformed signature algorithm identifier",
    )?;
    let outer = take(&mut certificate, SEQUENCE, "malformed algorithm identifier")?;
    if algorithm.contents != outer.contents {
        return Err(x509(
            "inner and outer signature algorithm identifiers don't match",
        ));
    }
    algorithm_identifier(&algorithm)?;
    name::check(&take(&mut fields, SEQUENCE, "malformed issuer")?)?;
    time::check_validity(inside(&mut fields, SEQUENCE, "malformed validity")?)?;
    let subject = take(&mut fields, SEQUENCE, "malformed issuer")?;
    name::check(&subject)?;
    let info = take(&mut fields, SEQUENCE, "malformed spki")?;
    let is_known = public_key::is_known(&info)?;

    let mut key_id = Vec::new();
    if version > 1 {
        for (identifier, text) in [
            (ISSUER_ID, "malformed issuerUniqueID"),
            (SUBJECT_ID, "malformed subjectUniqueID"),
        ] {
            if fields.is_next(identifier) {
                take(&mut fields, identifier, text)?;
            }
        }
    }
    if version == 3 && fields.is_next(EXTENSIONS) {
        let mut outside = inside(&mut fields, EXTENSIONS, "malformed extensions")?;
        key_id = extensions(inside(&mut outside, SEQUENCE, "malformed extensions")?)?;
    }
    certificate
        .bit_string()
        .map_err(|_| x509("malformed signature"))?;
    if !top.rest().is_empty() {
        return Err(x509("trailing data"));
    }
    Ok(Parsed {
        subject: subject.whole.to_vec(),
        key_id,
        public_key_info: is_known.then(|| info.whole.to_vec()),
    })
}

/// Counted from one, as everywhere but in the encoding.
fn version(fields: &mut Reader<'_>) -> Result<i64, CallError> {
    if !fields.is_next(VERSION) {
        return Ok(1);
    }
    let malformed = "malformed version";
    let mut outside = inside(fields, VERSION, malformed)?;
    match outside.int() {
        Ok(version) if version >= 0 && outside.rest().is_empty() => match version {
            0..=2 => Ok(version.saturating_add(1)),
            _ => Err(x509("invalid version")),
        },
        _ => Err(x509(malformed)),
    }
}

/// The algorithm and the whole element of its parameters, which may be missing.
fn algorithm_identifier<'a>(element: &Element<'a>) -> Result<(Oid<'a>, &'a [u8]), CallError> {
    let mut fields = element.inside();
    let algorithm = fields.oid().map_err(|_| x509("malformed OID"))?;
    let parameters = fields
        .optional_any()
        .map_err(|_| x509("malformed parameters"))?;
    Ok((algorithm, parameters))
}

/// Reads all extensions, and returns the subject key identifier.
fn extensions(mut extensions: Reader<'_>) -> Result<Vec<u8>, CallError> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    while !extensions.rest().is_empty() {
        let mut fields = inside(&mut extensions, SEQUENCE, "malformed extension")?;
        let id = fields
            .oid()
            .map_err(|_| x509("malformed extension OID field"))?;
        let mut is_critical = false;
        if fields.is_next(tag::BOOLEAN) {
            let malformed = "malformed extension critical field";
            is_critical = boolean(&mut fields).ok_or_else(|| x509(malformed))?;
        }
        let value = fields
            .octet_string()
            .map_err(|_| x509("malformed extension value field"))?;
        if !seen.insert(id.as_bytes().to_vec()) {
            return Err(x509(&format!(
                "certificate contains duplicate extension with OID \"{}\"",
                dotted(&id)
            )));
        }
        all.push((id, is_critical, value));
    }
    // What is wrong inside of one is told after what is wrong with any.
    let mut key_id = Vec::new();
    for (id, is_critical, value) in all {
        let mut value = Reader::new(value);
        if id == OID_X509_EXT_KEY_USAGE {
            value.bit_string().map_err(|_| x509("invalid key usage"))?;
        } else if id == OID_X509_EXT_BASIC_CONSTRAINTS {
            basic_constraints(value).ok_or_else(|| x509("invalid basic constraints"))?;
        } else if id == OID_X509_EXT_SUBJECT_KEY_IDENTIFIER {
            if is_critical {
                return Err(x509("subject key identifier incorrectly marked critical"));
            }
            let id = value
                .octet_string()
                .map_err(|_| x509("invalid subject key identifier"))?;
            key_id = id.to_vec();
        }
    }
    Ok(key_id)
}

fn basic_constraints(mut value: Reader<'_>) -> Option<()> {
    let mut fields = value.element(SEQUENCE).ok()?.inside();
    if fields.is_next(tag::BOOLEAN) {
        boolean(&mut fields)?;
    }
    if fields.is_next(tag::INTEGER) {
        fields.int().ok().filter(|len| *len >= 0)?;
    }
    Some(())
}

fn boolean(fields: &mut Reader<'_>) -> Option<bool> {
    match fields.element(tag::BOOLEAN).ok()?.contents {
        [0] => Some(false),
        [0xff] => Some(true),
        _ => None,
    }
}

fn is_negative(number: &[u8]) -> bool {
    number.first().is_some_and(|first| *first >= 0x80)
}

fn take<'a>(
    reader: &mut Reader<'a>,
    identifier: u8,
    malformed: &str,
) -> Result<Element<'a>, CallError> {
    reader.element(identifier).map_err(|_| x509(malformed))
}

fn inside<'a>(
    reader: &mut Reader<'a>,
    identifier: u8,
    malformed: &str,
) -> Result<Reader<'a>, CallError> {
    take(reader, identifier, malformed).map(|element| element.inside())
}

fn x509(text: &str) -> CallError {
    CallError::new(format!("x509: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::pem;

    fn vector(name: &str) -> Vec<u8> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/");
        let text = std::fs::read(format!("{folder}{name}.crt.pem")).unwrap();
        pem::decode(&text).unwrap().contents.to_vec()
    }

    fn refusal(der: &[u8]) -> String {
        let error = parse(der).err().unwrap();
        error.to_text().into_owned()
    }

    #[test]
    fn what_goes_into_other_certificates_is_read() {
        let authority = parse(&vector("certificates/authority-rsa")).unwrap();
        assert!(authority.subject.ends_with("Prüf-CA".as_bytes()));
        assert_eq!(authority.key_id.len(), 20);
        assert!(authority.public_key_info.is_some());
        let other = parse(&vector("certificates/self-signed-ed25519")).unwrap();
        assert_eq!(
            (&other.subject[..], &other.key_id[..]),
            (&[0x30, 0][..], &[][..])
        );
    }

    /// The texts are Go's.
    #[test]
    fn what_is_no_certificate_is_refused_as_in_go() {
        assert_eq!(refusal(b""), "x509: malformed certificate");
        assert_eq!(refusal(&[0x30, 0]), "x509: malformed tbs certificate");
        let mut der = vector("certificates/authority-rsa");
        der.push(0);
        assert_eq!(refusal(&der), "x509: trailing data");
    }
}
