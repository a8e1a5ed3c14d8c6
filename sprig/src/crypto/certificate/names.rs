//! Names in certificates: common names, hosts, addresses.

use std::net::IpAddr;

use sealed_template::{CallError, Context, Slice, Str, Value, fmt, strconv};
use x509_parser::oid_registry::OID_X509_COMMON_NAME;
use zeroize::Zeroizing;

use crate::crypto::der::{CONSTRUCTED, CONTEXT_SPECIFIC, element, oid, sequence, sequence_of, tag};

/// No attribute, or a single common name.
pub(super) fn subject(common_name: &[u8]) -> Result<Zeroizing<Vec<u8>>, CallError> {
    if common_name.is_empty() {
        return Ok(sequence(&[]));
    }
    let tag = if common_name.iter().copied().all(is_printable) {
        tag::PRINTABLE_STRING
    } else if std::str::from_utf8(common_name).is_ok() {
        tag::UTF8_STRING
    } else {
        return Err(CallError::new("asn1: string not valid UTF-8"));
    };
    let attribute = sequence(&[&oid(&OID_X509_COMMON_NAME), &element(tag, &[common_name])]);
    Ok(sequence(&[&element(tag::SET | CONSTRUCTED, &[&attribute])]))
}

/// The characters of X.680's `PrintableString`, for which Go prefers that type.
fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte)
}

/// Reads hosts.
pub(super) fn hosts(context: &mut Context<'_>, list: &Slice<Value>) -> Result<Vec<Str>, CallError> {
    let refusal = b"error processing alternate dns name: %v is not a string";
    texts(context, list, refusal)
}

/// Reads addresses. One of IPv4 in the form of IPv6 is one of IPv4.
pub(super) fn addresses(
    context: &mut Context<'_>,
    list: &Slice<Value>,
) -> Result<Vec<IpAddr>, CallError> {
    let texts = texts(context, list, b"error parsing ip: %v is not a string")?;
    texts.iter().map(address).collect()
}

/// What `subjectAltName` says: the hosts, then the addresses.
pub(super) fn alternative_names(
    hosts: &[Str],
    addresses: &[IpAddr],
) -> Result<Zeroizing<Vec<u8>>, CallError> {
    if let Some(host) = hosts.iter().find(|host| !host.is_ascii()) {
        return Err(CallError::new(
            [
                &b"x509: "[..],
                &strconv::quote(host),
                b" cannot be encoded as an IA5String",
            ]
            .concat(),
        ));
    }
    let hosts = hosts
        .iter()
        .map(|host| element(CONTEXT_SPECIFIC | 2, &[host]));
    let addresses = addresses.iter().map(|address| match address {
        IpAddr::V4(address) => element(CONTEXT_SPECIFIC | 7, &[&address.octets()]),
        IpAddr::V6(address) => element(CONTEXT_SPECIFIC | 7, &[&address.octets()]),
    });
    Ok(sequence_of(&hosts.chain(addresses).collect::<Vec<_>>()))
}
/// The strings of a list; an error in Go's words, `refusal` with the value, if one is something else.
fn texts(
    context: &mut Context<'_>,
    list: &Slice<Value>,
    refusal: &[u8],
) -> Result<Vec<Str>, CallError> {
    let mut texts = Vec::with_capacity(list.len());
    for value in list.to_vec() {
        match value {
            Value::String(text) => texts.push(text),
            other => return Err(CallError::new(fmt::printf(context, refusal, &[other])?)),
        }
    }
    Ok(texts)
}

fn address(text: &Str) -> Result<IpAddr, CallError> {
    let address = std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok())
        .map(|address: IpAddr| address.to_canonical());
    address.ok_or_else(|| CallError::new([b"error parsing ip: ", text.as_bytes()].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::with_context;

    #[test]
    fn only_texts_are_addresses_and_hosts() {
        let text = |error: CallError| error.to_text().into_owned();
        for (value, refusal) in [
            (Value::int(5), "5 is not a string"),
            (Value::Nil, "<nil> is not a string"),
            ("bad-ip".into(), "bad-ip"),
            ("010.0.0.1".into(), "010.0.0.1"),
            ("fe80::1%eth0".into(), "fe80::1%eth0"),
        ] {
            let list = Slice::new([value]);
            let error = with_context(|context| addresses(context, &list)).unwrap_err();
            assert_eq!(text(error), format!("error parsing ip: {refusal}"));
        }
        let list = Slice::new([Value::from(true)]);
        let error = with_context(|context| hosts(context, &list)).unwrap_err();
        assert_eq!(
            text(error),
            "error processing alternate dns name: true is not a string"
        );
    }

    #[test]
    fn go_uses_utf8_for_asterisk_and_ampersand() {
        for (text, printable) in [
            ("a b'()+,-./:=?Z9", true),
            ("*.example", false),
            ("a&b", false),
            ("a@b", false),
        ] {
            assert_eq!(text.bytes().all(is_printable), printable, "{text}");
        }
    }
}
