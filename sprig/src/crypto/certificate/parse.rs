//! Reading the certificate of an authority.

use sealed_template::CallError;
use x509_parser::error::X509Error;
use x509_parser::extensions::ParsedExtension;
use x509_parser::oid_registry::{
    OID_KEY_TYPE_DSA, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_PKCS1_RSAENCRYPTION, OID_SIG_ED25519,
};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::x509::SubjectPublicKeyInfo;

/// What of a certificate goes into those it vouches for.
pub(super) struct Parsed {
    /// The whole element.
    pub(super) subject: Vec<u8>,
    /// Empty if there is none.
    pub(super) key_id: Vec<u8>,
    /// The whole element; none if the key is of a kind that Go does not know.
    pub(super) public_key_info: Option<Vec<u8>>,
}

/// Reads a certificate. What Go refuses is refused, as far as the structure and the fields used here go; what
/// extensions say that have no part in this is not looked at.
pub(super) fn parse(der: &[u8]) -> Result<Parsed, CallError> {
    let (rest, certificate) = X509Certificate::from_der(der).map_err(|error| {
        CallError::new(match error {
            x509_parser::nom::Err::Error(error) | x509_parser::nom::Err::Failure(error) => {
                text(&error)
            }
            x509_parser::nom::Err::Incomplete(_) => "x509: malformed certificate",
        })
    })?;
    if certificate
        .tbs_certificate
        .raw_serial()
        .first()
        .is_some_and(|first| *first >= 0x80)
    {
        return Err(CallError::new("x509: negative serial number"));
    }
    if certificate.signature_algorithm != certificate.tbs_certificate.signature {
        return Err(CallError::new(
            "x509: inner and outer signature algorithm identifiers don't match",
        ));
    }
    let info = certificate.public_key();
    let is_known = is_known(info)?;
    let mut seen = Vec::new();
    let mut key_id = Vec::new();
    for extension in certificate.extensions() {
        if seen.contains(&&extension.oid) {
            return Err(CallError::new(format!(
                "x509: certificate contains duplicate extension with OID \"{}\"",
                extension.oid.to_id_string()
            )));
        }
        seen.push(&extension.oid);
        if let ParsedExtension::SubjectKeyIdentifier(id) = extension.parsed_extension() {
            if extension.critical {
                return Err(CallError::new(
                    "x509: subject key identifier incorrectly marked critical",
                ));
            }
            key_id = id.0.to_vec();
        }
    }
    if !rest.is_empty() {
        return Err(CallError::new("x509: trailing data"));
    }
    Ok(Parsed {
        subject: certificate.subject().as_raw().to_vec(),
        key_id,
        public_key_info: is_known.then(|| info.raw.to_vec()),
    })
}

/// Whether Go knows keys of this kind. An error if it does and the key is not well-formed.
fn is_known(info: &SubjectPublicKeyInfo<'_>) -> Result<bool, CallError> {
    let algorithm = &info.algorithm;
    let parameters = algorithm.parameters.as_ref();
    if algorithm.algorithm == OID_PKCS1_RSAENCRYPTION {
        let is_null = parameters.is_some_and(|parameters| {
            parameters.header.tag() == x509_parser::der_parser::asn1_rs::Tag::Null
        });
        if !is_null {
            return Err(CallError::new("x509: RSA key missing NULL parameters"));
        }
        return match info.parsed() {
            Ok(_) => Ok(true),
            Err(_) => Err(CallError::new("x509: invalid RSA public key")),
        };
    }
    let is_known = [
        OID_KEY_TYPE_DSA,
        OID_KEY_TYPE_EC_PUBLIC_KEY,
        OID_SIG_ED25519,
    ]
    .contains(&algorithm.algorithm);
    Ok(is_known)
}

/// Go's text for the part that is wrong.
fn text(error: &X509Error) -> &'static str {
    match error {
        X509Error::InvalidVersion => "x509: malformed version",
        X509Error::InvalidSerial => "x509: malformed serial number",
        X509Error::InvalidAlgorithmIdentifier => "x509: malformed algorithm identifier",
        X509Error::InvalidX509Name => "x509: invalid RDNSequence",
        X509Error::InvalidDate => "x509: malformed validity",
        X509Error::InvalidSPKI => "x509: malformed spki",
        X509Error::InvalidIssuerUID => "x509: malformed issuerUniqueID",
        X509Error::InvalidSubjectUID => "x509: malformed subjectUniqueID",
        X509Error::InvalidExtensions => "x509: malformed extensions",
        X509Error::InvalidSignatureValue => "x509: malformed signature",
        X509Error::InvalidTbsCertificate => "x509: malformed tbs certificate",
        _ => "x509: malformed certificate",
    }
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
        String::from_utf8_lossy(error.text()).into_owned()
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
        let mut der = vector("certificates/authority-rsa");
        der.push(0);
        assert_eq!(refusal(&der), "x509: trailing data");
    }
}
