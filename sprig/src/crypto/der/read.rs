//! Reading, as strict and as lenient as Go: elements that follow the known ones of a structure are passed over.

use std::fmt;

use x509_parser::der_parser::Oid;

use super::tag;

/// The elements inside of one, or one at the top.
#[derive(Clone, Copy)]
pub(in super::super) struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

/// An element.
pub(in super::super) struct Element<'a> {
    /// Class, form and tag.
    pub(in super::super) identifier: u8,
    pub(in super::super) contents: &'a [u8],
    /// With what stands before the contents.
    pub(in super::super) whole: &'a [u8],
}

impl<'a> Element<'a> {
    /// The elements inside.
    pub(in super::super) fn inside(&self) -> Reader<'a> {
        Reader::new(self.contents)
    }
}

/// Go's text for what cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Error {
    Structure(String),
    Syntax(&'static str),
}

type Result<T> = std::result::Result<T, Error>;

/// What stands before the contents of an element.
struct Header {
    class: u8,
    tag: u32,
    length: usize,
    is_constructed: bool,
}

impl<'a> Reader<'a> {
    pub(in super::super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// What has not been read.
    pub(in super::super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.offset..).unwrap_or_default()
    }

    /// The inside of a sequence; `name` is that of the Go type.
    pub(in super::super) fn sequence(&mut self, name: &str) -> Result<Self> {
        self.required(tag::SEQUENCE, name).map(Self::new)
    }

    /// A number that fits into 64 bits.
    pub(in super::super) fn int(&mut self) -> Result<i64> {
        let bytes = check_integer(self.required(tag::INTEGER, "int")?)?;
        if bytes.len() > 8 {
            return Err(structure("integer too large"));
        }
        let is_negative = bytes.first().is_some_and(|first| *first >= 0x80);
        let sign = if is_negative { -1 } else { 0 };
        Ok(bytes
            .iter()
            .fold(sign, |number, byte| number << 8 | i64::from(*byte)))
    }

    /// A number of any size, in two's complement, big-endian.
    pub(in super::super) fn integer(&mut self) -> Result<&'a [u8]> {
        self.required(tag::INTEGER, "").and_then(check_integer)
    }

    /// A number, if one follows.
    pub(in super::super) fn optional_integer(&mut self) -> Result<Option<&'a [u8]>> {
        let bytes = self.optional(tag::INTEGER)?;
        bytes.map(check_integer).transpose()
    }

    /// The inside of a sequence, if one follows.
    pub(in super::super) fn optional_sequence(&mut self) -> Result<Option<Self>> {
        Ok(self.optional(tag::SEQUENCE)?.map(Self::new))
    }

    pub(in super::super) fn octet_string(&mut self) -> Result<&'a [u8]> {
        self.required(tag::OCTET_STRING, "")
    }

    pub(in super::super) fn oid(&mut self) -> Result<Oid<'a>> {
        self.required(tag::OID, "ObjectIdentifier")
            .and_then(check_oid)
    }

    pub(in super::super) fn bit_string(&mut self) -> Result<&'a [u8]> {
        self.required(tag::BIT_STRING, "BitString")
            .and_then(check_bit_string)
    }

    /// Whether the next element begins with this byte.
    pub(in super::super) fn is_next(&self, identifier: u8) -> bool {
        self.rest().first() == Some(&identifier)
    }

    /// An element that begins with this byte.
    pub(in super::super) fn element(&mut self, identifier: u8) -> Result<Element<'a>> {
        if self.is_next(identifier) {
            self.any()
        } else {
            Err(structure("unexpected tag"))
        }
    }

    /// An element of any kind.
    pub(in super::super) fn any(&mut self) -> Result<Element<'a>> {
        let start = self.offset;
        let identifier = self.rest().first().copied();
        let header = self.header()?;
        let contents = self.contents(&header)?;
        Ok(Element {
            identifier: identifier.unwrap_or_default(),
            whole: self.bytes.get(start..self.offset).unwrap_or_default(),
            contents,
        })
    }

    /// A whole element of any kind, if one follows; empty if not.
    pub(in super::super) fn optional_any(&mut self) -> Result<&'a [u8]> {
        if self.rest().is_empty() {
            return Ok(&[]);
        }
        self.any().map(|element| element.whole)
    }

    /// An identifier inside of an element with the number `number`, if that follows.
    pub(in super::super) fn optional_oid(&mut self, number: u8) -> Result<Option<Oid<'a>>> {
        let bytes = self.optional_explicit(number, tag::OID)?;
        bytes.map(check_oid).transpose()
    }

    /// Bits inside of an element with the number `number`, if that follows.
    pub(in super::super) fn optional_bit_string(&mut self, number: u8) -> Result<Option<&'a [u8]>> {
        let bytes = self.optional_explicit(number, tag::BIT_STRING)?;
        bytes.map(check_bit_string).transpose()
    }

    fn optional_explicit(&mut self, number: u8, inside: u8) -> Result<Option<&'a [u8]>> {
        if self.rest().is_empty() {
            return Ok(None);
        }
        let start = self.offset;
        let outer = self.header()?;
        if self.rest().is_empty() {
            return Err(structure("explicit tag has no child"));
        }
        let is_it = outer.class == 2 && outer.tag == u32::from(number);
        if is_it && outer.length == 0 {
            return Err(structure("zero length explicit tag was not an asn1.Flag"));
        }
        if is_it && outer.is_constructed {
            let header = self.header()?;
            if header.is_universal(inside) {
                return self.contents(&header).map(Some);
            }
        }
        self.offset = start;
        Ok(None)
    }

    fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>> {
        if self.rest().is_empty() {
            return Ok(None);
        }
        let start = self.offset;
        let header = self.header()?;
        if header.is_universal(tag) {
            return self.contents(&header).map(Some);
        }
        self.offset = start;
        Ok(None)
    }

    fn required(&mut self, tag: u8, name: &str) -> Result<&'a [u8]> {
        if self.rest().is_empty() {
            return Err(Error::Syntax("sequence truncated"));
        }
        let header = self.header()?;
        if header.is_universal(tag) {
            return self.contents(&header);
        }
        Err(Error::Structure(format!(
            "tags don't match ({tag} vs {header}) {{optional:false explicit:false application:false private:false \
             defaultValue:<nil> tag:<nil> stringType:0 timeType:0 set:false omitEmpty:false}} {name} @{}",
            self.offset
        )))
    }

    fn contents(&mut self, header: &Header) -> Result<&'a [u8]> {
        let contents = self.rest().get(..header.length);
        self.offset = self.offset.saturating_add(header.length);
        contents.ok_or(Error::Syntax("data truncated"))
    }

    fn header(&mut self) -> Result<Header> {
        let truncated = Error::Syntax("truncated tag or length");
        let first = self.byte().ok_or_else(|| truncated.clone())?;
        let mut tag = u32::from(first & 0x1f);
        if tag == 0x1f {
            tag = self.base_128()?;
            if tag < 0x1f {
                return Err(Error::Syntax("non-minimal tag"));
            }
        }
        let mut length = usize::from(self.byte().ok_or_else(|| truncated.clone())?);
        if length == 0x80 {
            return Err(Error::Syntax("indefinite length found (not DER)"));
        }
        if length > 0x80 {
            let count = length & 0x7f;
            length = 0;
            for _ in 0..count {
                let digit = self.byte().ok_or_else(|| truncated.clone())?;
                if length >= 1 << 23 {
                    return Err(structure("length too large"));
                }
                length = length << 8 | usize::from(digit);
                if length == 0 {
                    return Err(structure("superfluous leading zeros in length"));
                }
            }
            if length < 0x80 {
                return Err(structure("non-minimal length"));
            }
        }
        Ok(Header {
            class: first >> 6,
            tag,
            length,
            is_constructed: first & super::CONSTRUCTED != 0,
        })
    }

    fn base_128(&mut self) -> Result<u32> {
        let rest = self.rest();
        let (number, len) = base_128(rest)?;
        self.offset = self.offset.saturating_add(len);
        Ok(number)
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = self.rest().first().copied()?;
        self.offset = self.offset.saturating_add(1);
        Some(byte)
    }
}

impl Header {
    fn is_universal(&self, tag: u8) -> bool {
        self.class == 0
            && self.tag == u32::from(tag)
            && self.is_constructed == matches!(tag, tag::SEQUENCE | tag::SET)
    }
}

/// As Go prints the structure.
impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            class,
            tag,
            length,
            is_constructed,
        } = self;
        write!(
            f,
            "{{class:{class} tag:{tag} length:{length} isCompound:{is_constructed}}}"
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Structure(text) => write!(f, "asn1: structure error: {text}"),
            Self::Syntax(text) => write!(f, "asn1: syntax error: {text}"),
        }
    }
}

fn structure(text: &str) -> Error {
    Error::Structure(text.to_owned())
}

fn check_integer(bytes: &[u8]) -> Result<&[u8]> {
    match bytes {
        [] => Err(structure("empty integer")),
        [0, second, ..] if *second < 0x80 => Err(structure("integer not minimally-encoded")),
        [0xff, second, ..] if *second >= 0x80 => Err(structure("integer not minimally-encoded")),
        _ => Ok(bytes),
    }
}

fn check_oid(bytes: &[u8]) -> Result<Oid<'_>> {
    if bytes.is_empty() {
        return Err(Error::Syntax("zero length OBJECT IDENTIFIER"));
    }
    let mut rest = bytes;
    while !rest.is_empty() {
        let (_, len) = base_128(rest)?;
        rest = rest.get(len..).unwrap_or_default();
    }
    Ok(Oid::new(bytes.into()))
}

/// An identifier in the usual notation. (That of its own type takes a first number past 2 for possible.)
pub(in super::super) fn dotted(oid: &Oid<'_>) -> String {
    let mut rest = oid.as_bytes();
    let mut numbers = Vec::new();
    while let Ok((number, len)) = base_128(rest) {
        rest = rest.get(len..).unwrap_or_default();
        if numbers.is_empty() {
            // The first two share one number.
            let first = (number / 40).min(2);
            let second = number.saturating_sub(first.saturating_mul(40));
            numbers.extend([first.to_string(), second.to_string()]);
        } else {
            numbers.push(number.to_string());
        }
    }
    numbers.join(".")
}

/// The bytes without the count of unused bits before them.
fn check_bit_string(bytes: &[u8]) -> Result<&[u8]> {
    let Some((unused, bits)) = bytes.split_first() else {
        return Err(Error::Syntax("zero length BIT STRING"));
    };
    let last = bits.last().copied().unwrap_or(0);
    let is_valid = *unused < 8
        && (*unused == 0 || !bits.is_empty())
        && u32::from(*unused) <= last.trailing_zeros();
    if is_valid {
        Ok(bits)
    } else {
        Err(Error::Syntax("invalid padding bits in BIT STRING"))
    }
}

/// A number at the start of `bytes` in groups of seven bits, and how many bytes it takes.
fn base_128(bytes: &[u8]) -> Result<(u32, usize)> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().enumerate() {
        if index == 5 {
            return Err(structure("base 128 integer too large"));
        }
        if index == 0 && *byte == 0x80 {
            return Err(Error::Syntax("integer is not minimally encoded"));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if *byte < 0x80 {
            return match u32::try_from(number) {
                Ok(number) if number <= i32::MAX.unsigned_abs() => {
                    Ok((number, index.saturating_add(1)))
                }
                _ => Err(structure("base 128 integer too large")),
            };
        }
    }
    Err(Error::Syntax("truncated base 128 integer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(der: &[u8]) -> std::result::Result<i64, String> {
        Reader::new(der).int().map_err(|error| error.to_string())
    }

    #[test]
    fn numbers_are_read_with_their_sign() {
        for (der, number) in [
            (&[2, 1, 0][..], 0),
            (&[2, 1, 0x7f], 127),
            (&[2, 2, 0, 0x80], 128),
            (&[2, 1, 0xff], -1),
            (&[2, 8, 0x80, 0, 0, 0, 0, 0, 0, 0], i64::MIN),
        ] {
            assert_eq!(int(der), Ok(number), "{der:?}");
        }
    }

    /// The texts are Go's.
    #[test]
    fn what_is_wrong_is_said_in_the_words_of_go() {
        for (der, text) in [
            (&[][..], "asn1: syntax error: sequence truncated"),
            (&[2], "asn1: syntax error: truncated tag or length"),
            (&[2, 2, 1], "asn1: syntax error: data truncated"),
            (
                &[2, 0x80, 1],
                "asn1: syntax error: indefinite length found (not DER)",
            ),
            (
                &[2, 0x81, 1, 1],
                "asn1: structure error: non-minimal length",
            ),
            (
                &[2, 0x82, 0, 1, 1],
                "asn1: structure error: superfluous leading zeros in length",
            ),
            (
                &[2, 0x84, 0x80, 0, 0, 0],
                "asn1: structure error: length too large",
            ),
            (&[0x1f, 0x1e, 0], "asn1: syntax error: non-minimal tag"),
            (&[2, 0], "asn1: structure error: empty integer"),
            (
                &[2, 2, 0, 1],
                "asn1: structure error: integer not minimally-encoded",
            ),
            (
                &[2, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0],
                "asn1: structure error: integer too large",
            ),
            (
                &[0xa2, 1, 0],
                "asn1: structure error: tags don't match (2 vs {class:2 tag:2 length:1 isCompound:true}) \
                 {optional:false explicit:false application:false private:false defaultValue:<nil> tag:<nil> \
                 stringType:0 timeType:0 set:false omitEmpty:false} int @2",
            ),
        ] {
            assert_eq!(int(der), Err(text.to_owned()), "{der:?}");
        }
    }

    #[test]
    fn identifiers_are_written_with_dots() {
        for (bytes, text) in [
            (&[0x2b, 0x65, 0x70][..], "1.3.101.112"),
            (&[0x27], "0.39"),
            (&[0xd2, 0x65, 0x70], "2.10517.112"),
            (&[0x55, 0x1d, 0x0f], "2.5.29.15"),
        ] {
            assert_eq!(dotted(&Oid::new(bytes.into())), text);
        }
    }

    #[test]
    fn what_is_optional_may_be_missing_or_another() {
        let der = [0x30, 8, 2, 1, 7, 0xa1, 3, 6, 1, 42];
        let mut inside = Reader::new(&der).sequence("x").unwrap();
        assert!(inside.optional_sequence().unwrap().is_none());
        assert_eq!(inside.optional_integer(), Ok(Some(&[7][..])));
        assert_eq!(inside.optional_integer(), Ok(None));
        assert_eq!(inside.optional_oid(0), Ok(None));
        assert_eq!(inside.optional_bit_string(1), Ok(None));
        assert_eq!(inside.optional_oid(1).unwrap().unwrap().as_bytes(), [42]);
        assert_eq!(inside.optional_oid(1), Ok(None));
        assert_eq!(inside.optional_any(), Ok(&[][..]));
    }
}
