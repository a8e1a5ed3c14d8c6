//! Writing certificates, byte for byte as Go does.

use std::net::{IpAddr, Ipv6Addr};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use jiff::tz::Offset;
use sealed_template::{CallError, Context, Slice, Str, Value, fmt, strconv};
use x509_parser::der_parser::{Oid, oid as oid_of};
use x509_parser::oid_registry::{
    OID_X509_COMMON_NAME, OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER, OID_X509_EXT_BASIC_CONSTRAINTS,
    OID_X509_EXT_EXTENDED_KEY_USAGE, OID_X509_EXT_KEY_USAGE, OID_X509_EXT_SUBJECT_ALT_NAME,
    OID_X509_EXT_SUBJECT_KEY_IDENTIFIER,
};
use zeroize::Zeroizing;

use super::{Certificate, Issuer};
use crate::crypto::der::{
    CONSTRUCTED, CONTEXT_SPECIFIC, bit_string, boolean, element, explicit, integer, octet_string,
    oid, sequence, tag,
};
use crate::crypto::key::PrivateKey;
use crate::crypto::{pem, prefixed};

const SERVER_AUTH: Oid<'static> = oid_of!(1.3.6.1.5.5.7.3.1);
const CLIENT_AUTH: Oid<'static> = oid_of!(1.3.6.1.5.5.7.3.2);

/// Bytes of a key identifier: SHA-256 cut as RFC 7093 §2 allows.
const KEY_ID_LEN: usize = 20;

const NANOSECONDS: i128 = 1_000_000_000;
const NANOSECONDS_PER_DAY: i64 = 86_400_000_000_000;

/// What to write into a certificate.
pub(super) struct Request {
    common_name: Str,
    addresses: Vec<IpAddr>,
    hosts: Vec<Str>,
    /// Uniform below 2^128.
    serial: [u8; 16],
    /// Seconds since 1970.
    not_before: i64,
    not_after: i64,
    is_authority: bool,
}

impl Request {
    pub(super) fn authority(context: &mut Context<'_>, common_name: Str, days: isize) -> Self {
        Self {
            is_authority: true,
            ..Self::plain(context, common_name, days)
        }
    }

    pub(super) fn new(
        context: &mut Context<'_>,
        common_name: Str,
        addresses: &Slice<Value>,
        hosts: &Slice<Value>,
        days: isize,
    ) -> Result<Self, CallError> {
        let addresses = texts(context, addresses, b"error parsing ip: %v is not a string")?;
        let addresses = addresses.iter().map(address).collect::<Result<_, _>>()?;
        let hosts = texts(
            context,
            hosts,
            b"error processing alternate dns name: %v is not a string",
        )?;
        Ok(Self {
            addresses,
            hosts,
            ..Self::plain(context, common_name, days)
        })
    }

    fn plain(context: &mut Context<'_>, common_name: Str, days: isize) -> Self {
        let mut serial = [0; 16];
        context.random(&mut serial);
        let (not_before, not_after) = validity(context.now(), days);
        Self {
            common_name,
            addresses: Vec::new(),
            hosts: Vec::new(),
            serial,
            not_before,
            not_after,
            is_authority: false,
        }
    }

    /// The certificate of `key`, signed by the issuer or, without one, by itself.
    pub(super) fn issue(
        &self,
        context: &mut Context<'_>,
        key: &PrivateKey,
        issuer: Option<&Issuer>,
    ) -> Result<Certificate, CallError> {
        let der = self
            .write(context, key, issuer)
            .map_err(|error| prefixed("error creating certificate: ", error))?;
        Ok(Certificate {
            cert: pem::encode("CERTIFICATE", &der),
            key: key.to_pem()?,
        })
    }

    fn write(
        &self,
        context: &mut Context<'_>,
        key: &PrivateKey,
        issuer: Option<&Issuer>,
    ) -> Result<Zeroizing<Vec<u8>>, CallError> {
        let signer = issuer.map_or(key, |issuer| &issuer.key);
        let algorithm = signer.signature_algorithm()?;
        let public = key.public_key()?;
        let subject = name(&self.common_name)?;
        let issuer = issuer.map(|issuer| &issuer.certificate);
        let issuer_name = issuer.map_or(subject.as_slice(), |issuer| &issuer.subject);
        let authority_key_id = issuer
            .filter(|issuer| issuer.subject != *subject)
            .map(|issuer| issuer.key_id.as_slice())
            .unwrap_or_default();
        if let Some(info) = issuer.and_then(|issuer| issuer.public_key_info.as_ref())
            && *info != *signer.public_key()?.info
        {
            return Err(CallError::new(
                "x509: provided PrivateKey doesn't match parent's PublicKey",
            ));
        }
        let extensions = self.extensions(&public.key, authority_key_id, &subject)?;
        let to_be_signed = sequence(&[
            &explicit(0, &integer(&[2])),
            &integer(&self.serial),
            &algorithm,
            issuer_name,
            &sequence(&[&time(self.not_before)?, &time(self.not_after)?]),
            &subject,
            &public.info,
            &explicit(3, &extensions),
        ]);
        let signature = signer.sign(context, &to_be_signed)?;
        Ok(sequence(&[
            &to_be_signed,
            &algorithm,
            &bit_string(&signature, 0),
        ]))
    }

    fn extensions(
        &self,
        public_key: &[u8],
        authority_key_id: &[u8],
        subject: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CallError> {
        // Digital signatures and encryption of keys; an authority also signs certificates.
        let (usage, constraints) = if self.is_authority {
            (bit_string(&[0b1010_0100], 2), sequence(&[&boolean(true)]))
        } else {
            (bit_string(&[0b1010_0000], 5), sequence(&[]))
        };
        let purposes = sequence(&[&oid(&SERVER_AUTH), &oid(&CLIENT_AUTH)]);
        let mut extensions = vec![
            extension(&OID_X509_EXT_KEY_USAGE, true, &usage),
            extension(&OID_X509_EXT_EXTENDED_KEY_USAGE, false, &purposes),
            extension(&OID_X509_EXT_BASIC_CONSTRAINTS, true, &constraints),
        ];
        if self.is_authority {
            let digest = digest(&SHA256, public_key);
            let id = digest.as_ref().get(..KEY_ID_LEN).unwrap_or_default();
            let id = octet_string(id);
            extensions.push(extension(&OID_X509_EXT_SUBJECT_KEY_IDENTIFIER, false, &id));
        }
        if !authority_key_id.is_empty() {
            let id = sequence(&[&element(CONTEXT_SPECIFIC, &[authority_key_id])]);
            extensions.push(extension(
                &OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER,
                false,
                &id,
            ));
        }
        if !self.hosts.is_empty() || !self.addresses.is_empty() {
            let names = self.alternative_names()?;
            let is_critical = *subject == **sequence(&[]);
            extensions.push(extension(
                &OID_X509_EXT_SUBJECT_ALT_NAME,
                is_critical,
                &names,
            ));
        }
        Ok(sequence_of(&extensions))
    }

    fn alternative_names(&self) -> Result<Zeroizing<Vec<u8>>, CallError> {
        if let Some(host) = self.hosts.iter().find(|host| !host.is_ascii()) {
            return Err(CallError::new(
                [
                    b"x509: ",
                    strconv::quote(host).as_slice(),
                    b" cannot be encoded as an IA5String",
                ]
                .concat(),
            ));
        }
        let hosts = self
            .hosts
            .iter()
            .map(|host| element(CONTEXT_SPECIFIC | 2, &[host]));
        let addresses = self.addresses.iter().map(|address| match address {
            IpAddr::V4(address) => element(CONTEXT_SPECIFIC | 7, &[&address.octets()]),
            IpAddr::V6(address) => element(CONTEXT_SPECIFIC | 7, &[&address.octets()]),
        });
        Ok(sequence_of(&hosts.chain(addresses).collect::<Vec<_>>()))
    }
}

fn sequence_of(elements: &[Zeroizing<Vec<u8>>]) -> Zeroizing<Vec<u8>> {
    let parts: Vec<&[u8]> = elements.iter().map(|element| element.as_slice()).collect();
    sequence(&parts)
}

fn extension(id: &Oid<'_>, is_critical: bool, value: &[u8]) -> Zeroizing<Vec<u8>> {
    let value = octet_string(value);
    if is_critical {
        sequence(&[&oid(id), &boolean(true), &value])
    } else {
        sequence(&[&oid(id), &value])
    }
}

/// No attribute, or a single common name.
fn name(common_name: &[u8]) -> Result<Zeroizing<Vec<u8>>, CallError> {
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

/// From now for so many days, in seconds since 1970. The nanoseconds of the days wrap as they do in Go.
fn validity(now: SystemTime, days: isize) -> (i64, i64) {
    let now = match now.duration_since(UNIX_EPOCH) {
        Ok(since) => i128::try_from(since.as_nanos()).unwrap_or(i128::MAX),
        Err(before) => {
            i128::try_from(before.duration().as_nanos()).map_or(i128::MIN, i128::saturating_neg)
        }
    };
    let days = i64::try_from(days).unwrap_or(i64::MAX);
    let span = NANOSECONDS_PER_DAY.wrapping_mul(days);
    let seconds = |time: i128| i64::try_from(time.div_euclid(NANOSECONDS)).unwrap_or(i64::MAX);
    (seconds(now), seconds(now.saturating_add(span.into())))
}

/// With two digits for the years 1950 to 2049, with four for all others.
fn time(seconds: i64) -> Result<Zeroizing<Vec<u8>>, CallError> {
    let error =
        || CallError::new("asn1: structure error: cannot represent time as GeneralizedTime");
    let timestamp = Timestamp::from_second(seconds).map_err(|_| error())?;
    let time = Offset::UTC.to_datetime(timestamp);
    let year = u16::try_from(time.year()).map_err(|_| error())?;
    let (tag, year) = if (1950..2050).contains(&year) {
        (tag::UTC_TIME, format!("{:02}", year % 100))
    } else {
        (tag::GENERALIZED_TIME, format!("{year:04}"))
    };
    let (month, day) = (time.month(), time.day());
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    let text = format!("{year}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    Ok(element(tag, &[text.as_bytes()]))
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

/// An address; one of IPv4 in the form of IPv6 is one of IPv4.
fn address(text: &Str) -> Result<IpAddr, CallError> {
    let address: Option<IpAddr> = std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok());
    match address {
        Some(IpAddr::V6(address)) => Ok(v4_or_v6(address)),
        Some(address) => Ok(address),
        None => Err(CallError::new(
            [b"error parsing ip: ", text.as_bytes()].concat(),
        )),
    }
}

fn v4_or_v6(address: Ipv6Addr) -> IpAddr {
    match address.to_ipv4_mapped() {
        Some(address) => IpAddr::V4(address),
        None => IpAddr::V6(address),
    }
}
