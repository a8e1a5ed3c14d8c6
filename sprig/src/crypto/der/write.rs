//! Writing. Everything is wiped when dropped, because private keys are among it.

use x509_parser::der_parser::Oid;
use zeroize::Zeroizing;

use super::{CONSTRUCTED, CONTEXT_SPECIFIC, tag};

type Der = Zeroizing<Vec<u8>>;

/// An element of `parts` one after another.
pub(in super::super) fn element(identifier: u8, parts: &[&[u8]]) -> Der {
    let len = parts
        .iter()
        .fold(0_usize, |len, part| len.saturating_add(part.len()));
    let digits = len.to_be_bytes();
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    let digits = digits.get(zeros..).unwrap_or_default();

    // Room for all of it from the start: growing would leave copies behind.
    let mut out = Zeroizing::new(Vec::with_capacity(len.saturating_add(10)));
    out.push(identifier);
    if len >= 0x80 {
        out.push(0x80 | digits.len().to_le_bytes()[0]);
        out.extend_from_slice(digits);
    } else {
        out.push(len.to_le_bytes()[0]);
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

pub(in super::super) fn sequence(parts: &[&[u8]]) -> Der {
    element(tag::SEQUENCE | CONSTRUCTED, parts)
}

pub(in super::super) fn sequence_of(elements: &[Der]) -> Der {
    let parts: Vec<&[u8]> = elements.iter().map(|element| element.as_slice()).collect();
    sequence(&parts)
}

/// An element inside one whose tag the structure around it gives a meaning.
pub(in super::super) fn explicit(number: u8, inside: &[u8]) -> Der {
    element(CONTEXT_SPECIFIC | CONSTRUCTED | number, &[inside])
}

/// A natural number, big-endian.
pub(in super::super) fn integer(digits: &[u8]) -> Der {
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    let digits = digits.get(zeros..).unwrap_or_default();
    // The first bit is the sign.
    let is_positive = digits.first().is_some_and(|digit| *digit < 0x80);
    let sign: &[u8] = if is_positive { &[] } else { &[0] };
    element(tag::INTEGER, &[sign, digits])
}

pub(in super::super) fn boolean(truth: bool) -> Der {
    element(tag::BOOLEAN, &[&[if truth { 0xff } else { 0 }]])
}

pub(in super::super) fn null() -> Der {
    element(tag::NULL, &[])
}

pub(in super::super) fn oid(oid: &Oid<'_>) -> Der {
    element(tag::OID, &[oid.as_bytes()])
}

pub(in super::super) fn octet_string(bytes: &[u8]) -> Der {
    element(tag::OCTET_STRING, &[bytes])
}

/// Whole bytes, the last `unused` bits of which do not count.
pub(in super::super) fn bit_string(bytes: &[u8], unused: u8) -> Der {
    element(tag::BIT_STRING, &[&[unused], bytes])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_as_short_as_possible() {
        for (len, head) in [
            (0, &[4, 0][..]),
            (127, &[4, 127]),
            (128, &[4, 0x81, 128]),
            (255, &[4, 0x81, 255]),
            (256, &[4, 0x82, 1, 0]),
            (65_536, &[4, 0x83, 1, 0, 0]),
        ] {
            let der = octet_string(&vec![7; len]);
            assert_eq!(&der[..head.len()], head);
            assert_eq!(der.len(), head.len() + len);
        }
    }

    #[test]
    fn numbers_are_positive_and_as_short_as_possible() {
        for (digits, der) in [
            (&[][..], &[2, 1, 0][..]),
            (&[0, 0], &[2, 1, 0]),
            (&[0x7f], &[2, 1, 0x7f]),
            (&[0x80], &[2, 2, 0, 0x80]),
            (&[0, 0, 1, 0], &[2, 2, 1, 0]),
        ] {
            assert_eq!(&integer(digits)[..], der);
        }
    }
}
