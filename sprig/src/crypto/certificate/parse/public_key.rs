//! Public keys.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, ParsedPublicKey,
};
use sealed_template::CallError;
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_DSA, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_NIST_EC_P521,
    OID_PKCS1_RSAENCRYPTION, OID_SIG_ED25519,
};

use super::{SEQUENCE, algorithm_identifier, is_negative, take, x509};
use crate::crypto::der::{Element, Reader, null};
use crate::crypto::key::{P224, X25519};

/// Whether Go knows keys of this kind. An error if it does and the key is not well-formed.
pub(super) fn is_known(info: &Element<'_>) -> Result<bool, CallError> {
    let mut fields = info.inside();
    let algorithm = take(
        &mut fields,
        SEQUENCE,
        "malformed public key algorithm identifier",
    )?;
    let (algorithm, parameters) = algorithm_identifier(&algorithm)?;
    let key = fields
        .bit_string()
        .map_err(|_| x509("malformed subjectPublicKey"))?;

    if algorithm == OID_PKCS1_RSAENCRYPTION {
        if *parameters != **null() {
            return Err(x509("RSA key missing NULL parameters"));
        }
        check_rsa(key)?;
    } else if algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
        check_point(parameters, key)?;
    } else if algorithm == OID_SIG_ED25519 || algorithm == X25519 {
        let is_ed25519 = algorithm == OID_SIG_ED25519;
        if !parameters.is_empty() {
            let name = if is_ed25519 { "Ed25519" } else { "X25519" };
            return Err(x509(&format!("{name} key encoded with illegal parameters")));
        }
        match (key.len(), is_ed25519) {
            (32, _) => {}
            (_, true) => return Err(x509("wrong Ed25519 public key size")),
            (_, false) => return Err(CallError::new("crypto/ecdh: invalid public key")),
        }
    } else if algorithm == OID_KEY_TYPE_DSA {
        check_dsa(parameters, key)?;
    } else {
        return Ok(false);
    }
    Ok(true)
}

fn check_rsa(key: &[u8]) -> Result<(), CallError> {
    let mut top = Reader::new(key);
    let mut numbers = super::inside(&mut top, SEQUENCE, "invalid RSA public key")?;
    let modulus = numbers.integer().map_err(|_| x509("invalid RSA modulus"))?;
    let exponent = numbers
        .int()
        .map_err(|_| x509("invalid RSA public exponent"))?;
    if !is_positive(modulus) {
        return Err(x509("RSA modulus is not a positive number"));
    }
    if exponent <= 0 {
        return Err(x509("RSA public exponent is not a positive number"));
    }
    Ok(())
}

fn check_point(parameters: &[u8], point: &[u8]) -> Result<(), CallError> {
    let curve = Reader::new(parameters)
        .oid()
        .map_err(|_| x509("invalid ECDSA parameters"))?;
    let (name, algorithm, coordinate_len) = if curve == OID_EC_P256 {
        ("P256", Some(&ECDSA_P256_SHA256_ASN1), 32_usize)
    } else if curve == OID_NIST_EC_P384 {
        ("P384", Some(&ECDSA_P384_SHA384_ASN1), 48)
    } else if curve == OID_NIST_EC_P521 {
        ("P521", Some(&ECDSA_P521_SHA512_ASN1), 66)
    } else if curve == P224 {
        ("P224", None, 28)
    } else {
        return Err(x509("unsupported elliptic curve"));
    };
    let Some((4, coordinates)) = point.split_first() else {
        return Err(CallError::new("ecdsa: invalid uncompressed public key"));
    };
    if coordinates.len() != coordinate_len.saturating_mul(2) {
        return Err(CallError::new(format!("invalid {name} point encoding")));
    }
    match algorithm.map(|algorithm| ParsedPublicKey::new(algorithm, point)) {
        Some(Err(_)) => Err(CallError::new(format!("{name} point not on curve"))),
        // aws-lc-rs does not offer P-224.
        Some(Ok(_)) | None => Ok(()),
    }
}

fn check_dsa(parameters: &[u8], key: &[u8]) -> Result<(), CallError> {
    let public = Reader::new(key)
        .integer()
        .map_err(|_| x509("invalid DSA public key"))?;
    let invalid = |_| x509("invalid DSA parameters");
    let mut numbers = Reader::new(parameters)
        .element(SEQUENCE)
        .map_err(invalid)?
        .inside();
    let mut all_positive = is_positive(public);
    for _ in 0..3 {
        all_positive &= is_positive(numbers.integer().map_err(invalid)?);
    }
    if all_positive {
        Ok(())
    } else {
        Err(x509("zero or negative DSA parameter"))
    }
}

fn is_positive(number: &[u8]) -> bool {
    !is_negative(number) && number != [0]
}
