//! Certificates that an object may be sealed for, and which of them it fits.

use std::io::Read;

use sealed_crypto::Certificate;
use serde::Serialize;

use crate::certificate;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::Talk;
use crate::request::CertificateSource;

/// How many zero bytes at the beginning of a wrapped key a writer may leave out.
const STRIPPED: usize = 16;

/// A certificate that was given.
pub(super) struct Known {
    /// As typed.
    pub(super) shown: String,
    /// What it holds.
    pub(super) certificate: Certificate,
}

/// Whether an object fits a certificate. Which key opens a value does not show in it, only its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Fit {
    /// Its annotation names the key, and the sizes agree.
    Named,
    /// The sizes agree, and there is no annotation.
    Size,
    /// A value is for a key of another size, or the annotation names other keys only.
    No,
}

/// Reads the certificates. An expired one is as good as any other here: values that were sealed with it stay.
pub(super) fn load(
    places: &[String],
    environment: &Environment,
    stdin: &mut dyn Read,
    talk: &mut Talk<'_>,
) -> Result<Vec<Known>, Failure> {
    let mut known = Vec::with_capacity(places.len());
    for place in places {
        let source = CertificateSource::typed(place);
        let bytes = certificate::fetch(&source, environment, stdin, talk)?;
        known.push(Known {
            certificate: certificate::read(&bytes, &certificate::shown(&source))?,
            shown: place.clone(),
        });
    }
    Ok(known)
}

impl Known {
    /// Whether values with wrapped keys of these lengths, of an object whose annotation names `keys`, can be for it.
    pub(super) fn fit(&self, wrapped_lens: &[usize], keys: &[String]) -> Fit {
        let modulus = modulus_len(self.certificate.bits());
        let fits = |len: &usize| *len <= modulus && len + STRIPPED >= modulus;
        let fingerprint = self.certificate.fingerprint().to_string();
        if !wrapped_lens.iter().all(fits) {
            Fit::No
        } else if keys.is_empty() {
            Fit::Size
        } else if keys.contains(&fingerprint) {
            Fit::Named
        } else {
            Fit::No
        }
    }
}

/// The size of the key that a wrapped key of `len` bytes is for, in bits. Of a key of an unusual size whose wrapped key begins
/// with zeros a little may be missing.
pub(super) fn key_bits(len: usize) -> usize {
    let usual = [1024, 2048, 3072, 4096, 8192];
    usual
        .into_iter()
        .find(|bits| len <= bits / 8 && len + STRIPPED >= bits / 8)
        .unwrap_or(len * 8)
}

fn modulus_len(bits: u32) -> usize {
    usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        let pem = std::fs::read(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../tests/vectors/keys/rsa2048-a.crt.pem"
        ));
        Known {
            shown: "a".to_owned(),
            certificate: Certificate::from_pem(&pem.expect("it is there")).expect("it is good"),
        }
    }

    #[test]
    fn sizes_and_the_annotation_must_agree_with_a_certificate() {
        let known = known();
        let own = known.certificate.fingerprint().to_string();
        let other = "SHA256:other".to_owned();
        for (lens, keys, fit) in [
            (&[256][..], vec![], Fit::Size),
            (&[256, 255], vec![own.clone()], Fit::Named),
            (&[256], vec![other.clone(), own.clone()], Fit::Named),
            (&[256], vec![other], Fit::No),
            (&[256, 512], vec![own], Fit::No),
            (&[239], vec![], Fit::No),
            (&[257], vec![], Fit::No),
        ] {
            assert_eq!(known.fit(lens, &keys), fit, "{lens:?} {keys:?}");
        }
    }

    #[test]
    fn a_wrapped_key_without_its_leading_zeros_is_for_the_usual_size() {
        for (len, bits) in [
            (256, 2048),
            (254, 2048),
            (512, 4096),
            (384, 3072),
            (320, 2560),
        ] {
            assert_eq!(key_bits(len), bits, "{len}");
        }
    }
}
