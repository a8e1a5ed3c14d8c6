//! RSA keys. What is done with them is done by aws-lc, which also checks that their numbers fit each other.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use crypto_bigint::{BoxedUint, ConcatenatingMul as _};
use sealed_template::{CallError, Context};
use x509_parser::oid_registry::{OID_PKCS1_RSAENCRYPTION, OID_PKCS1_SHA256WITHRSA};
use zeroize::Zeroizing;

use super::{EC, PKCS8, PublicKey, malformed, misplaced, pkcs8};
use crate::crypto::cost::{self, costly};
use crate::crypto::der::{self, Reader, integer, null, oid, sequence};

/// Bits of the moduli that aws-lc works with. Go also takes shorter ones, from 1024 bits.
const USABLE_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The sizes of the keys that Sprig makes.
#[derive(Clone, Copy)]
pub(in super::super) enum Size {
    Bits2048,
    Bits4096,
}

pub(in super::super) struct Key {
    /// None for a key that has more than two primes, or lacks numbers that follow from the others. Go uses
    /// such keys; here they can only be read.
    pkcs1: Option<Zeroizing<Vec<u8>>>,
    /// The public half in the form of PKCS#1.
    public: Vec<u8>,
    bits: usize,
    /// None for a key that can be written and certified, but not used.
    pair: Option<KeyPair>,
}

/// The numbers of a key in the order of PKCS#1: modulus, exponents, primes, exponents of the primes,
/// coefficient.
pub(super) struct Numbers<'a> {
    version: i64,
    modulus: &'a [u8],
    public_exponent: i64,
    private: [&'a [u8]; 3],
    crt: [Option<&'a [u8]>; 3],
    has_more_primes: bool,
    has_trailing_data: bool,
}

pub(super) fn numbers(der: &[u8]) -> Result<Numbers<'_>, der::Error> {
    let mut top = Reader::new(der);
    let mut key = top.sequence("pkcs1PrivateKey")?;
    Ok(Numbers {
        version: key.int()?,
        modulus: key.integer()?,
        public_exponent: key.int()?,
        private: [key.integer()?, key.integer()?, key.integer()?],
        crt: [
            key.optional_integer()?,
            key.optional_integer()?,
            key.optional_integer()?,
        ],
        has_more_primes: match key.optional_sequence()? {
            Some(primes) => !primes.rest().is_empty(),
            None => false,
        },
        has_trailing_data: !top.rest().is_empty(),
    })
}

impl Key {
    pub(super) fn generate(context: &mut Context<'_>, size: Size) -> Result<Self, CallError> {
        let (steps, size) = match size {
            Size::Bits2048 => (cost::RSA_2048, KeySize::Rsa2048),
            Size::Bits4096 => (cost::RSA_4096, KeySize::Rsa4096),
        };
        context.mark_nondeterministic();
        let pair = costly(context, steps, || KeyPair::generate(size))?.map_err(|_| failed())?;
        let info = pair.as_der().map_err(|_| failed())?;
        let numbers = pkcs8(info.as_ref())
            .and_then(|info| numbers(info.key))
            .map_err(|error| malformed(&error))?;
        Ok(Self {
            pair: Some(pair),
            ..Self::from_numbers(&numbers)
        })
    }

    pub(super) fn from_pkcs1(context: &mut Context<'_>, der: &[u8]) -> Result<Self, CallError> {
        let numbers = numbers(der)
            .map_err(|error| misplaced(der, [EC, PKCS8]).unwrap_or_else(|| malformed(&error)))?;
        if numbers.has_trailing_data {
            return Err(malformed(&der::Error::Syntax("trailing data")));
        }
        if numbers.version > 1 {
            return Err(CallError::new("x509: unsupported private key version"));
        }
        let is_positive =
            |number: &[u8]| number.first().is_some_and(|first| *first < 0x80) && number != [0];
        let mut parts = [numbers.modulus]
            .into_iter()
            .chain(numbers.private)
            .chain(numbers.crt.into_iter().flatten());
        if !parts.all(is_positive) {
            return Err(CallError::new(
                "x509: private key contains zero or negative value",
            ));
        }
        let [_, p, q] = numbers.private;
        let key = Self::from_numbers(&numbers);
        // Sized by what is multiplied, which need not belong together.
        let bits = key.bits.max(bit_len(p).saturating_add(bit_len(q)));
        let pair = costly(context, cost::rsa_use(bits), || {
            if !numbers.has_more_primes && !is_product(numbers.modulus, p, q) {
                return Err("crypto/rsa: p * q != n");
            }
            match &key.pkcs1 {
                Some(pkcs1) if USABLE_BITS.contains(&key.bits) => KeyPair::from_der(pkcs1)
                    .map(Some)
                    .map_err(|_| "crypto/rsa: the numbers of the key contradict each other"),
                _ => Ok(None),
            }
        })?;
        let pair = pair.map_err(CallError::new)?;
        Ok(Self { pair, ..key })
    }

    /// Without a pair.
    fn from_numbers(numbers: &Numbers<'_>) -> Self {
        let modulus = integer(numbers.modulus);
        let public_exponent = integer(&numbers.public_exponent.to_be_bytes());
        let pkcs1 = match numbers.crt {
            [Some(dp), Some(dq), Some(coefficient)] if !numbers.has_more_primes => {
                let [d, p, q] = numbers.private.map(integer);
                Some(sequence(&[
                    &integer(&[]),
                    &modulus,
                    &public_exponent,
                    &d,
                    &p,
                    &q,
                    &integer(dp),
                    &integer(dq),
                    &integer(coefficient),
                ]))
            }
            _ => None,
        };
        Self {
            pkcs1,
            public: sequence(&[&modulus, &public_exponent]).to_vec(),
            bits: bit_len(numbers.modulus),
            pair: None,
        }
    }

    pub(super) fn as_pkcs1(&self) -> Result<&[u8], CallError> {
        match &self.pkcs1 {
            Some(pkcs1) => Ok(pkcs1),
            None => Err(self.unusable()),
        }
    }

    pub(super) fn public_key(&self) -> PublicKey {
        let algorithm = sequence(&[&oid(&OID_PKCS1_RSAENCRYPTION), &null()]);
        PublicKey::new(&algorithm, self.public.clone())
    }

    pub(super) fn sign(
        &self,
        context: &mut Context<'_>,
        message: &[u8],
    ) -> Result<Vec<u8>, CallError> {
        let Some(pair) = &self.pair else {
            return Err(self.unusable());
        };
        let mut signature = vec![0; pair.public_modulus_len()];
        costly(context, cost::rsa_use(self.bits), || {
            pair.sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message,
                &mut signature,
            )
        })?
        .map_err(|_| failed())?;
        Ok(signature)
    }

    /// Go's words for a key that it finds too short itself, others for what aws-lc does not work with.
    fn unusable(&self) -> CallError {
        let bits = self.bits;
        CallError::new(if self.pkcs1.is_none() {
            "crypto/rsa: keys of more than two primes or without CRT values are not supported"
                .into()
        } else if bits < 1024 {
            format!(
                "crypto/rsa: {bits}-bit keys are insecure (see https://go.dev/pkg/crypto/rsa#hdr-Minimum_key_size)"
            )
        } else {
            format!("crypto/rsa: {bits}-bit keys are not supported")
        })
    }
}

pub(super) fn signature_algorithm() -> Zeroizing<Vec<u8>> {
    sequence(&[&oid(&OID_PKCS1_SHA256WITHRSA), &null()])
}

fn failed() -> CallError {
    CallError::new("crypto/rsa: the cryptographic library failed")
}

/// Whether `p * q == n`, which also holds for the keys that aws-lc does not check.
fn is_product(n: &[u8], p: &[u8], q: &[u8]) -> bool {
    let [n, p, q] =
        [n, p, q].map(|digits| Zeroizing::new(BoxedUint::from_be_slice_vartime(digits)));
    *n == p.concatenating_mul(&*q)
}

/// Bits of a big-endian number.
fn bit_len(digits: &[u8]) -> usize {
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    let digits = digits.get(zeros..).unwrap_or_default();
    let unused = digits.first().map_or(0, |digit| digit.leading_zeros());
    let unused = usize::try_from(unused).unwrap_or_default();
    digits.len().saturating_mul(8).saturating_sub(unused)
}
