//! DSA keys: read, to find out that they are good for nothing here, and made.

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Limb, NonZero, Odd, Reciprocal, U256, U2048};
use crypto_primes::{Flavor, is_prime};
use sealed_template::{CallError, Context};
use zeroize::Zeroizing;

use crate::crypto::cost::{self, costly};
use crate::crypto::der::{self, Reader, integer, sequence};

/// Candidates with a factor below this are no primes at little cost: all but one in eight.
const SMALL: u32 = 1 << 12;

/// Whether this is a DSA key as OpenSSL writes it. Its numbers are not looked at.
pub(super) fn check(der: &[u8]) -> Result<(), der::Error> {
    let mut key = Reader::new(der).sequence("DSAKeyFormat")?;
    key.int()?;
    for _ in 0..5 {
        key.integer()?;
    }
    Ok(())
}

/// Makes a key of 2048 bits in a group of its own, of an order of 256 bits, and writes it as OpenSSL does.
///
/// The prime of such a group is one of about seven hundred candidates; each spends for itself, so that the
/// budget ends a search without luck.
pub(super) fn generate(context: &mut Context<'_>) -> Result<Zeroizing<Vec<u8>>, CallError> {
    let order = prime_order(context)?;
    let order = NonZero::new(order).into_option().ok_or_else(failed)?;
    let (modulus, cofactor) = modulus(context, &order)?;
    let field = FixedMontyParams::new_vartime(modulus);
    let generator = generator(context, &field, &cofactor)?;

    let private = loop {
        context.spend(cost::DSA_DRAW)?;
        let mut bytes = Zeroizing::new([0; 32]);
        context.random(&mut *bytes);
        let number = Zeroizing::new(U256::from_be_slice(&*bytes));
        if *number != U256::ZERO && *number < *order {
            break number;
        }
    };
    let public = costly(context, cost::DSA_CANDIDATE, || {
        FixedMontyForm::new(&generator, &field).pow(&*private)
    })?;

    Ok(sequence(&[
        &integer(&[]),
        &integer(modulus.to_be_bytes().as_ref()),
        &integer(order.to_be_bytes().as_ref()),
        &integer(generator.to_be_bytes().as_ref()),
        &integer(public.retrieve().to_be_bytes().as_ref()),
        &integer(Zeroizing::new(private.to_be_bytes()).as_ref()),
    ]))
}

fn prime_order(context: &mut Context<'_>) -> Result<U256, CallError> {
    loop {
        context.spend(cost::DSA_ORDER)?;
        let mut bytes = [0; 32];
        context.random(&mut bytes);
        let candidate = U256::from_be_slice(&bytes) | U256::ONE | U256::ONE.shl_vartime(255);
        if is_prime(Flavor::Any, &candidate) {
            return Ok(candidate);
        }
    }
}

/// A prime that leaves 1 when divided by `order`, and by how much it does.
fn modulus(
    context: &mut Context<'_>,
    order: &NonZero<U256>,
) -> Result<(Odd<U2048>, U2048), CallError> {
    let small: Vec<Reciprocal> = small_primes().collect();
    let order: U2048 = order.resize();
    let step = order.shl_vartime(1);
    let step = NonZero::new(step).into_option().ok_or_else(failed)?;
    let lowest = U2048::ONE.shl_vartime(2047);
    loop {
        context.spend(cost::DSA_DRAW)?;
        let mut bytes = [0; 256];
        context.random(&mut bytes);
        let random = U2048::from_be_slice(&bytes) | lowest;
        let multiple = random.wrapping_sub(&random.rem_vartime(&step));
        let candidate = multiple | U2048::ONE;
        let has_small_factor = || {
            small
                .iter()
                .any(|prime| candidate.rem_limb_with_reciprocal(prime) == Limb::ZERO)
        };
        if candidate < lowest || has_small_factor() {
            continue;
        }
        if costly(context, cost::DSA_CANDIDATE, || {
            is_prime(Flavor::Any, &candidate)
        })? {
            let order = NonZero::new(order).into_option().ok_or_else(failed)?;
            let cofactor = multiple.wrapping_div_vartime(&order);
            let modulus = Odd::new(candidate).into_option().ok_or_else(failed)?;
            return Ok((modulus, cofactor));
        }
    }
}

/// A number whose powers are as many as the order says.
fn generator(
    context: &mut Context<'_>,
    field: &FixedMontyParams<{ U2048::LIMBS }>,
    cofactor: &U2048,
) -> Result<U2048, CallError> {
    let mut base = U2048::ONE;
    loop {
        base = base.wrapping_add(&U2048::ONE);
        let power = costly(context, cost::DSA_CANDIDATE, || {
            FixedMontyForm::new(&base, field)
                .pow_vartime(cofactor)
                .retrieve()
        })?;
        if power != U2048::ONE {
            return Ok(power);
        }
    }
}

/// The odd primes below [`SMALL`], ready to divide by.
fn small_primes() -> impl Iterator<Item = Reciprocal> {
    (3..SMALL)
        .step_by(2)
        .filter(|number| {
            (3..*number)
                .take_while(|factor| factor.saturating_mul(*factor) <= *number)
                .all(|factor| number.checked_rem(factor) != Some(0))
        })
        .filter_map(|prime| NonZero::new(Limb::from(prime)).into_option())
        .map(Reciprocal::new)
}

fn failed() -> CallError {
    CallError::new("crypto/dsa: a number of the key is zero")
}
