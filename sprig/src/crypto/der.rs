//! DER: read as Go's `encoding/asn1` reads it into its structures, and written.

mod read;
mod write;

pub(super) use read::{Element, Error, Reader, dotted};
pub(super) use write::{
    bit_string, boolean, element, explicit, integer, null, octet_string, oid, sequence, sequence_of,
};

/// Tags of the universal class.
pub(super) mod tag {
    pub(in super::super) const BOOLEAN: u8 = 1;
    pub(in super::super) const INTEGER: u8 = 2;
    pub(in super::super) const BIT_STRING: u8 = 3;
    pub(in super::super) const OCTET_STRING: u8 = 4;
    pub(in super::super) const NULL: u8 = 5;
    pub(in super::super) const OID: u8 = 6;
    pub(in super::super) const UTF8_STRING: u8 = 12;
    pub(in super::super) const SEQUENCE: u8 = 16;
    pub(in super::super) const SET: u8 = 17;
    pub(in super::super) const NUMERIC_STRING: u8 = 18;
    pub(in super::super) const PRINTABLE_STRING: u8 = 19;
    pub(in super::super) const T61_STRING: u8 = 20;
    pub(in super::super) const IA5_STRING: u8 = 22;
    pub(in super::super) const UTC_TIME: u8 = 23;
    pub(in super::super) const GENERALIZED_TIME: u8 = 24;
    pub(in super::super) const BMP_STRING: u8 = 30;
}

/// The bit of an identifier that says that elements are inside.
pub(super) const CONSTRUCTED: u8 = 0x20;
/// The bits of an identifier that say that the structure around it gives the tag its meaning.
pub(super) const CONTEXT_SPECIFIC: u8 = 0x80;
