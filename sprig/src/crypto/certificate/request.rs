//! Writing certificates, byte for byte as Go does.

use std::net::IpAddr;

use aws_lc_rs::digest::{SHA256, digest};
use sealed_template::{CallError, Context, Slice, Str, Value};
use x509_parser::der_parser::{Oid, oid as oid_of};
use x509_parser::oid_registry::{
    OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER, OID_X509_EXT_BASIC_CONSTRAINTS,
    OID_X509_EXT_EXTENDED_KEY_USAGE, OID_X509_EXT_KEY_USAGE, OID_X509_EXT_SUBJECT_ALT_NAME,
    OID_X509_EXT_SUBJECT_KEY_IDENTIFIER,
};
use zeroize::Zeroizing;

use super::names::{self, alternative_names, subject};
use super::validity::Validity;
use super::{Certificate, Issuer};
use crate::crypto::der::{
    CONTEXT_SPECIFIC, bit_string, boolean, element, explicit, integer, octet_string, oid, sequence,
    sequence_of,
};
use crate::crypto::key::PrivateKey;
use crate::crypto::pem;

const SERVER_AUTH: Oid<'static> = oid_of!(1.3.6.1.5.5.7.3.1);
const CLIENT_AUTH: Oid<'static> = oid_of!(1.3.6.1.5.5.7.3.2);

/// Bytes of a key identifier: SHA-256 cut as RFC 7093 §2 allows.
const KEY_ID_LEN: usize = 20;

/// What to write into a certificate.
pub(super) struct Request {
    common_name: Str,
    addresses: Vec<IpAddr>,
    hosts: Vec<Str>,
    /// Uniform below 2^128.
    serial: [u8; 16],
    validity: Validity,
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
        let addresses = names::addresses(context, addresses)?;
        let hosts = names::hosts(context, hosts)?;
        Ok(Self {
            addresses,
            hosts,
            ..Self::plain(context, common_name, days)
        })
    }

    fn plain(context: &mut Context<'_>, common_name: Str, days: isize) -> Self {
        let mut serial = [0; 16];
        context.random(&mut serial);
        let validity = Validity::from_now(context.now(), days);
        Self {
            common_name,
            addresses: Vec::new(),
            hosts: Vec::new(),
            serial,
            validity,
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
        self.account(context, issuer)?;
        let der = self
            .write(context, key, issuer)
            .map_err(|error| error.prefixed("error creating certificate: "))?;
        Ok(Certificate {
            cert: pem::encode("CERTIFICATE", &der),
            key: key.to_pem()?,
        })
    }

    /// Accounts for the names: each is copied from element to element, may be written for the issuer too, and
    /// grows by two thirds on its way to PEM. Hosts may be many times the same text.
    fn account(&self, context: &mut Context<'_>, issuer: Option<&Issuer>) -> Result<(), CallError> {
        /// Bytes of memory for each byte of a name.
        const WORK_PER_BYTE: usize = 12;
        /// And for each name.
        const WORK_PER_NAME: usize = 256;
        let issuer = issuer.map_or(0, |issuer| issuer.certificate.subject.len());
        let own = self.common_name.len().saturating_add(issuer);
        let hosts = self.hosts.iter().map(|host| host.len());
        let bytes = hosts.fold(own, usize::saturating_add);
        let names = self.hosts.len().saturating_add(self.addresses.len());
        context.charge(bytes.saturating_mul(WORK_PER_BYTE))?;
        context.charge(names.saturating_mul(WORK_PER_NAME))?;
        context.pass_over(bytes)
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
        let subject = subject(&self.common_name)?;
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
            &self.validity.to_der()?,
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
            let names = alternative_names(&self.hosts, &self.addresses)?;
            let is_critical = *subject == **sequence(&[]);
            extensions.push(extension(
                &OID_X509_EXT_SUBJECT_ALT_NAME,
                is_critical,
                &names,
            ));
        }
        Ok(sequence_of(&extensions))
    }
}

fn extension(id: &Oid<'_>, is_critical: bool, value: &[u8]) -> Zeroizing<Vec<u8>> {
    let value = octet_string(value);
    if is_critical {
        sequence(&[&oid(id), &boolean(true), &value])
    } else {
        sequence(&[&oid(id), &value])
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use x509_parser::prelude::{FromDer as _, X509Certificate};

    use super::super::parse;
    use super::*;
    use crate::testing::with_context;

    fn vector(name: &str) -> Vec<u8> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/");
        std::fs::read(format!("{folder}{name}")).unwrap()
    }

    fn key(name: &str) -> PrivateKey {
        with_context(|context| PrivateKey::from_pem(context, &vector(&format!("keys/{name}"))))
            .unwrap()
    }

    fn certificate(name: &str) -> Vec<u8> {
        let text = vector(&format!("certificates/{name}.crt.pem"));
        pem::decode(&text).unwrap().contents.to_vec()
    }

    fn the_authority() -> Issuer {
        Issuer {
            certificate: parse::parse(&certificate("authority-rsa")).unwrap(),
            key: key("rsa2048-a.pkcs8.pem"),
        }
    }

    /// Writes a certificate again whose serial number and beginning are those of the original.
    fn rewritten(
        original: &[u8],
        request: Request,
        days: isize,
        key: &PrivateKey,
        issuer: Option<&Issuer>,
    ) -> Vec<u8> {
        let (_, parsed) = X509Certificate::from_der(original).unwrap();
        let serial = parsed.tbs_certificate.serial.to_bytes_be();
        let begin = parsed.validity().not_before.timestamp().unsigned_abs();
        let begin = UNIX_EPOCH + Duration::from_secs(begin);
        let mut request = Request {
            validity: Validity::from_now(begin, days),
            ..request
        };
        request.serial.fill(0);
        request.serial[16 - serial.len()..].copy_from_slice(&serial);
        with_context(|context| request.write(context, key, issuer))
            .unwrap()
            .to_vec()
    }

    fn request(name: &str, addresses: &[&str], hosts: &[&str]) -> Request {
        let list = |texts: &[&str]| Slice::new(texts.iter().map(|text| Value::from(*text)));
        with_context(|context| {
            Request::new(context, name.into(), &list(addresses), &list(hosts), 0)
        })
        .unwrap()
    }

    fn authority(name: &str) -> Request {
        with_context(|context| Request::authority(context, name.into(), 0))
    }

    /// RSA and Ed25519 sign the same each time, so the whole certificate is Go's.
    #[test]
    fn certificates_are_those_of_go_byte_for_byte() {
        let (rsa, ec) = (key("rsa2048-a.pkcs8.pem"), key("key-ec-sec1.pem"));
        let ed25519 = key("key-ed25519.pem");
        let issuer = the_authority();
        for (file, request, days, key, issuer) in [
            ("authority-rsa", authority("Prüf-CA"), 365, &rsa, None),
            (
                "self-signed-rsa",
                request("O'Neil (x)", &[], &[]),
                8000,
                &rsa,
                None,
            ),
            (
                "self-signed-ed25519",
                request("", &["127.0.0.1"], &["a.example", ""]),
                -30_000,
                &ed25519,
                None,
            ),
            (
                "signed-of-same-name",
                request("Prüf-CA", &[], &["a"]),
                1,
                &ed25519,
                Some(&issuer),
            ),
            (
                "signed-ec",
                request(
                    "*.example",
                    &["10.0.0.1", "::ffff:10.0.0.2", "fe80::1"],
                    &["*.example", "b"],
                ),
                36_500,
                &ec,
                Some(&issuer),
            ),
        ] {
            let original = certificate(file);
            let written = rewritten(&original, request, days, key, issuer);
            assert!(written == original, "{file}");
        }
    }

    /// ECDSA signs differently each time: what is signed is Go's, and the signature holds.
    #[test]
    fn a_certificate_signed_with_ecdsa_is_that_of_go_up_to_the_signature() {
        let original = certificate("authority-ec");
        let key = key("key-ec-sec1.pem");
        let written = rewritten(&original, authority("db"), 0, &key, None);
        let (_, original) = X509Certificate::from_der(&original).unwrap();
        let (_, written) = X509Certificate::from_der(&written).unwrap();
        assert_eq!(
            written.tbs_certificate.as_ref(),
            original.tbs_certificate.as_ref()
        );
        aws_lc_rs::signature::UnparsedPublicKey::new(
            &aws_lc_rs::signature::ECDSA_P256_SHA256_ASN1,
            &written.public_key().subject_public_key.data,
        )
        .verify(
            written.tbs_certificate.as_ref(),
            &written.signature_value.data,
        )
        .unwrap();
    }

    #[test]
    fn a_key_that_is_not_the_one_of_the_authority_is_refused() {
        let issuer = Issuer {
            key: key("key-ed25519.pem"),
            ..the_authority()
        };
        let error = with_context(|context| {
            request("x", &[], &[]).write(context, &key("key-ec-sec1.pem"), Some(&issuer))
        });
        assert_eq!(
            error.unwrap_err().text(),
            b"x509: provided PrivateKey doesn't match parent's PublicKey"
        );
    }

    #[test]
    fn names_that_cannot_be_written_are_refused() {
        let written = |request: Request| {
            let error =
                with_context(|context| request.issue(context, &key("key-ed25519.pem"), None));
            error.err().unwrap().to_text().into_owned()
        };
        assert_eq!(
            written(request("x", &[], &["a", "hä\n"])),
            r#"error creating certificate: x509: "hä\n" cannot be encoded as an IA5String"#
        );
        let not_utf8 = Request {
            common_name: vec![0xff].into(),
            ..request("", &[], &[])
        };
        assert_eq!(
            written(not_utf8),
            "error creating certificate: asn1: string not valid UTF-8"
        );
    }
}
